"""Marked parts of documents: what stands between `<!-- name -->` and `<!-- end -->`, each on a
line of its own, is made by a program."""

from __future__ import annotations

import re
from collections.abc import Callable

_PART = re.compile(
    r"(?<=^<!-- )(?!end )([a-z-]+)( -->\n)(.*?)(?=^<!-- end -->$)", re.DOTALL | re.MULTILINE
)


def parts(text: str) -> dict[str, str]:
    """Name of each marked part -> what stands in it."""
    return {found[1]: found[3] for found in _PART.finditer(text)}


def renewed(text: str, make: Callable[[str], str]) -> str:
    """The text with every marked part made anew: `make` gets its name."""
    return _PART.sub(lambda found: found[1] + found[2] + make(found[1]), text)
