"""A loop that only sleeps or looks at the clock."""

from __future__ import annotations

from typing import Any

from emulator.board.board import Board

CALLS = ("rtc.sleep_us", "rtc.sleep_until", "rtc.ticks_ms", "rtc.ticks_us", "rtc.time")
ALONE = True


def hint(board: Board, name: str, args: tuple[Any, ...]) -> str | None:
    if name.startswith("rtc.sleep"):
        return "goes on for ever, and sleeps (utime) in between"
    return "goes on for ever, and looks at the clock (utime) in between"
