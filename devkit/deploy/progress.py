"""What is shown of a deployment: harmless text, and a bar on stderr if that is a terminal."""

from __future__ import annotations

import sys
from typing import TextIO

_WIDTH = 30
_NAME = 36


def harmless(text: str) -> str:
    """Text with what a board may have put in it: control characters, and what no terminal shows as
    a character, are written as escapes."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


class Progress:
    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.shown = self.stream.isatty()
        self._drawn = ""

    def show(self, done: int, total: int, what: str) -> None:
        share = done / total if total else 1.0
        bar = "#" * int(share * _WIDTH)
        line = f"[{bar:<{_WIDTH}}] {share:4.0%}  {harmless(what)[-_NAME:]:<{_NAME}}"
        if self.shown and line != self._drawn:
            self.stream.write(f"\r{line}")
            self.stream.flush()
            self._drawn = line

    def clear(self) -> None:
        """Make room for a line of text."""
        if self._drawn:
            self.stream.write("\r" + " " * len(self._drawn) + "\r")
            self.stream.flush()
            self._drawn = ""
