"""A BH1750FVI at command level: light at I2C address 0x23.

One opcode per transfer. A conversion takes 120 ms, at most 180, in the high resolutions and 16 to
24 ms in the low one, in proportion to the measurement time register (69 after power-on, 31 to
254). Until its end the previous value is read; after power-on that is 0. Conversions once switch
the chip off at their end, continuous ones follow each other. The value stays while it is off.
Source: ROHM BH1750FVI technical note 2009.04 rev. B.

The truth: `light_lx(t)`, averaged over a conversion. `counts_per_lux` is 1.2, in single parts 0.96
to 1.44; `dark_counts`, 0 to 3, are added.

From memory or not documented: it is ready 1 to 3 ms after power-on; opcodes that are not in the
instruction set and bytes behind the first are acknowledged and ignored; the low resolution counts
in steps of 4; the register limits what is written to it to 31 to 254.
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.chips import plugging
from emulator.chips.light import mean_light
from emulator.chips.options import Truth, truth
from emulator.chips.part import I2cPart, Span

ADDRESS = 0x23
LINE = ("bh1750", {"sda_pin": "P9", "scl_pin": "P10"})

_HIGH_MS: Span = (120.0, 180.0)
_LOW_MS: Span = (16.0, 24.0)
_OFF, _ON, _RESET = 0x00, 0x01, 0x07
_CONTINUOUS, _ONCE = 0x10, 0x20  # the lower bits are the resolution
_HIGH, _HIGH2, _LOW = 0, 1, 3


@dataclass(eq=False)
class Bh1750(I2cPart):
    """One chip; truth and faults may be changed at any time."""

    power_up_ms = (1.0, 3.0)
    start_ma = 0.12
    standby_ma = 0.00001
    active_ma = 0.12

    light_lx: Truth = truth(320.0, swing=80.0)
    counts_per_lux: float = 1.2
    dark_counts: int = 0

    def forget(self) -> None:
        self.register = 69
        self.value = 0
        self._on = False

    # Transfers

    def command(self, data: bytes) -> None:
        opcode = data[0]
        if opcode in (_OFF, _ON):
            self._idle(on=opcode == _ON)
        elif opcode == _RESET:
            if self._on:
                self.value = 0
        elif opcode & 0xF0 in (_CONTINUOUS, _ONCE) and opcode & 0x0F in (_HIGH, _HIGH2, _LOW):
            self._begin(opcode)
        elif opcode & 0xF8 == 0x40:
            # not limited while only one half has been written: it may pass through any value
            self.register = (opcode & 0x07) << 5 | self.register & 0x1F
        elif opcode & 0xE0 == 0x60:
            self.register = self.register & 0xE0 | opcode & 0x1F

    def answer(self, count: int) -> bytes:
        return self.value.to_bytes(2, "big")

    # Conversions

    def _idle(self, on: bool) -> None:
        self.new_task()
        self._on = on
        if on:
            self.draw("on", self.active_ma)
        else:
            self.rest()

    def _begin(self, opcode: int) -> None:
        self._idle(on=True)
        resolution = opcode & 0x0F
        register = min(max(self.register, 31), 254)
        typ, most = _LOW_MS if resolution == _LOW else _HIGH_MS
        begin_us = self.board.clock.now_us

        def done() -> None:
            span_us = self.board.clock.now_us - begin_us
            self.value = self._count(begin_us, span_us, resolution, register)
            if opcode & 0xF0 == _CONTINUOUS:
                self._begin(opcode)
            else:
                self._idle(on=False)

        span = typ * register / 69, most * register / 69
        self.convert("convert", self.active_ma, span, self.of_task(done), blocks=False)

    def _count(self, begin_us: int, span_us: int, resolution: int, register: int) -> int:
        light = mean_light(self.light_lx, begin_us, span_us)
        seen = light * self.counts_per_lux * register / 69 + self.dark_counts
        if resolution == _HIGH2:
            seen *= 2
        counts = int(seen) // 4 * 4 if resolution == _LOW else int(seen)
        return min(counts, 0xFFFF)


plug = plugging.on_i2c(Bh1750, ADDRESS)
