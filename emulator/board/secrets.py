"""Values that nobody may read in a trace, a log or JSON: passwords, keys and tokens.

secrets = Secrets(["swordfish"])
secrets.hide("PASS swordfish")         # "PASS ***"
secrets.hide(b"swordfish".hex())       # the same in hexadecimal digits
secrets.hide_bytes(b"k=swordfish")     # b"k=*********": the length stays
"""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "***"
LEAST = 4  # characters; a shorter value stands in too many other words


class Secrets:
    def __init__(self, texts: Iterable[str] = ()) -> None:
        # the longest first: one may be a part of another
        wanted = sorted({text for text in texts if len(text) >= LEAST}, key=len, reverse=True)
        coded = [text.encode("utf-8", "replace") for text in wanted]
        forms = [re.escape(text) for text in wanted]
        forms += [f"(?i:{data.hex()})" for data in coded]
        forms += [f"(?i:{text})" for text in wanted if re.fullmatch("[0-9A-Fa-f]+", text)]
        self._text = re.compile("|".join(forms)) if forms else None
        self._bytes = re.compile(b"|".join(map(re.escape, coded))) if coded else None

    def hide(self, text: str) -> str:
        return text if self._text is None else self._text.sub(HIDDEN, text)

    def hide_bytes(self, data: bytes) -> bytes:
        if self._bytes is None:
            return data
        return self._bytes.sub(lambda found: b"*" * len(found[0]), data)
