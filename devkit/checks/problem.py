"""What every check reports, and `./dev lint` prints."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    file: str  # relative to the root
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}: {self.text}"
