"""What people read while something is being installed: one line on stderr, filled as it goes."""

from __future__ import annotations

import sys

_STEP = 25  # per cent


class NotInstalled(Exception):
    """Something that is needed could not be installed. Its Progress has said so already."""


class Progress:
    """`dev: installing WHAT: 25% 50% 75% 100%`; a terminal shows the same as a file.

    When something fails: `raise progress.failure("why")`.
    """

    def __init__(self, what: str, total: int = 0) -> None:
        """total: number of steps; without it the line shows no percentages."""
        self._what = what
        self._total = total
        self._done = 0
        self._shown = 0

    def __enter__(self) -> Progress:
        self._write(f"dev: installing {self._what}" + (":" if self._total else ""))
        return self

    def __exit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        if kind is None and self._total:
            self._show(100)
        self._write("\n")

    def step(self) -> None:
        """One of `total` is done. 100% is shown at the end of the block only."""
        self._done += 1
        self._show(min(self._done * 100 // self._total, 99))

    def failure(self, why: str) -> NotInstalled:
        self._write(f" failed: {why}")
        return NotInstalled(f"installing {self._what} failed: {why}")

    def _show(self, percentage: int) -> None:
        while self._shown + _STEP <= percentage:
            self._shown += _STEP
            self._write(f" {self._shown}%")

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
