"""Chips of 16-bit registers behind a pointer, high byte first, without checksums.

The first byte written is the pointer, and stays until the next one; two more are the word for that
register. A read gives the register at the pointer, and ones behind its two bytes. What no register
is behind reads as ones, and what is written there is lost.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.board.board import Board
from emulator.chips.part import I2cPart


class RegisterChip(I2cPart):
    """Base class; `registers` holds what is to be read by number, and `written` what a chip makes
    of a word: it keeps those of `writable`."""

    writable: frozenset[int] = frozenset()

    def __init__(self, board: Board, name: str) -> None:
        super().__init__(board, name)
        self.registers: dict[int, int] = {}
        self.pointer = 0

    # For the chip to override

    def before_access(self) -> None:
        """Brings the registers up to date."""

    def written(self, register: int, word: int) -> None:
        """A register that can be written was."""
        self.registers[register] = word

    def was_read(self, register: int) -> None:
        """For what reading changes."""

    # Transfers

    def command(self, data: bytes) -> None:
        self.before_access()
        self.pointer = data[0]
        if len(data) >= 3 and self.pointer in self.writable:
            self.written(self.pointer, int.from_bytes(data[1:3], "big"))

    def answer(self, count: int) -> bytes:
        self.before_access()
        word = self.registers.get(self.pointer)
        if word is None:
            return b""
        self.was_read(self.pointer)
        return word.to_bytes(2, "big")


class Cycles:
    """Conversions one after the other, without an event for each: they are counted when asked."""

    def __init__(self, begin_us: int, period_us: int) -> None:
        self.begin_us = begin_us
        self.period_us = max(1, period_us)
        self._seen = 0

    def latest(self, now_us: int) -> tuple[int, int] | None:
        """Begin and end of the last one that is over, None if it was told before."""
        over = (now_us - self.begin_us) // self.period_us
        if over == self._seen:
            return None
        self._seen = over
        end_us = self.begin_us + over * self.period_us
        return end_us - self.period_us, end_us


def looks(truth: Callable[[float], float], begin_us: int, end_us: int, count: int) -> list[float]:
    """What a truth was at so many instants, evenly over a conversion."""
    step_us = (end_us - begin_us) / count
    return [truth((begin_us + (number + 0.5) * step_us) / 1e6) for number in range(count)]
