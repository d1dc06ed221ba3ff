"""Chips of 16-bit registers behind a pointer, without checksums.

The first byte written is the pointer, and stays until the next one; two more are the word for that
register. A read gives the register at the pointer, and ones behind its two bytes. Where there is
no register, `blank` is read, and what is written is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from emulator.chips.part import I2cPart, Span


class Cycles:
    """Conversions one after the other, without an event for each: they are counted when asked."""

    def __init__(self, begin_us: int, period_us: int) -> None:
        self.begin_us = begin_us
        self.period_us = max(1, period_us)
        self._seen = 0

    def latest(self, now_us: int) -> tuple[int, int] | None:
        """Begin and end of the last one that is over, None if it was told before."""
        over = (now_us - self.begin_us) // self.period_us
        if over <= self._seen:
            return None
        self._seen = over
        end_us = self.begin_us + over * self.period_us
        return end_us - self.period_us, end_us


@dataclass(eq=False)
class RegisterChip(I2cPart):
    """Base of chips with a converter that works once or again and again.

    `registers` holds what is to be read, by number; those of `writable` may be written.
    """

    power_on: ClassVar[tuple[int, ...]] = ()  # the registers then
    writable: ClassVar[frozenset[int]] = frozenset()
    byte_order: ClassVar[Literal["big", "little"]] = "big"
    blank: ClassVar[int] = 0xFFFF
    active_ma = 0.0  # of the converter

    def forget(self) -> None:
        self.registers = dict(enumerate(self.power_on))
        self.pointer = 0
        self.stop_converting()

    # For the chip to override

    def written(self, register: int, word: int) -> None:
        """A register that can be written was."""

    def was_read(self, register: int) -> None:
        """For what reading changes."""

    def finish(self, begin_us: int, end_us: int) -> None:
        """A conversion between these instants is over: put its value into the registers."""

    # Transfers

    def command(self, data: bytes) -> None:
        self._catch_up()
        self.pointer = data[0]
        if len(data) >= 3 and self.pointer in self.writable:
            self.written(self.pointer, int.from_bytes(data[1:3], self.byte_order))

    def answer(self, count: int) -> bytes:
        self._catch_up()
        word = self.registers.get(self.pointer, self.blank)
        self.was_read(self.pointer)
        return word.to_bytes(2, self.byte_order)

    def _catch_up(self) -> None:
        span_us = self.cycles.latest(self.board.clock.now_us) if self.cycles else None
        if span_us is not None:
            self.finish(*span_us)

    # Conversions

    @property
    def converts(self) -> bool:
        return self.cycles is not None or self.board.clock.now_us < self._until_us

    def stop_converting(self) -> None:
        self.new_task()
        self.cycles: Cycles | None = None
        self._until_us = 0  # of a single conversion

    def convert_once(self, span: Span) -> None:
        self.stop_converting()
        begin_us = self.board.clock.now_us
        end = self.of_task(lambda: self.finish(begin_us, self.board.clock.now_us))
        self._until_us = begin_us + self.convert(
            "measure", self.active_ma, span, end, blocks=False
        )

    def convert_continuously(self, span: Span) -> None:
        self.stop_converting()
        period_us = round((self.span_ms(span) + self.extra_ms) * 1000)
        self.cycles = Cycles(self.board.clock.now_us, period_us)
