"""A loop that only sleeps, looks at the clock or idles."""

from __future__ import annotations

from typing import Any

from emulator.board.board import Board

CALLS = (
    "rtc.sleep_us",
    "rtc.sleep_until",
    "rtc.ticks_ms",
    "rtc.ticks_us",
    "rtc.time",
    "irq.masked",
)
ALONE = True


def hint(board: Board, name: str, args: tuple[Any, ...]) -> str | None:
    if name.startswith("rtc.sleep"):
        return "goes on for ever, and sleeps (utime) in between"
    if name == "irq.masked":
        return "goes on for ever, and calls machine.idle() in between"
    return "goes on for ever, and looks at the clock (utime) in between"
