"""An ADS1115 or ADS1015 at register level: four inputs, one converter of 16 or 12 bits.

Registers: conversion, configuration, two thresholds of a comparator, which are kept and do nothing
else here. Written by Texas Instruments data sheet SBAS444: registers, ranges, rates with 10 %
tolerance, single shot and continuous mode, the reset by general call. Not checked against a data
sheet, but as far as known: the rates of the ADS1015 and the currents. Taken for granted: in
continuous mode the OS bit reads 0; a configuration that is written while a conversion goes on
counts for the next one.

The truth is given as `inputs`: four functions of virtual time in seconds, in mV. The diodes of an
input keep it from leaving ground and supply by more than 0.3 V. `offset_uv` is added to all.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from emulator.board.board import Board
from emulator.chips import plugging
from emulator.chips.part import Span, Truth, nack
from emulator.chips.registers16 import Cycles, RegisterChip, looks

ADDRESS = 0x48
LINE = ("ads1115", {"sda_pin": "P9", "scl_pin": "P10"})

CONVERSION, CONFIGURATION, LOW, HIGH = range(4)
GENERAL_CALL_RESET = b"\x06"

_OS, _SINGLE = 0x8000, 0x0100
_POWER_ON = {CONVERSION: 0, CONFIGURATION: 0x0583, LOW: 0x8000, HIGH: 0x7FFF}
_RATES = {
    "ads1115": (8, 16, 32, 64, 128, 250, 475, 860),
    "ads1015": (128, 250, 490, 920, 1600, 2400, 3300, 3300),
}
_BITS = {"ads1115": 16, "ads1015": 12}
# The step of 16 bits in each range, uV
_STEPS_UV = tuple(Fraction(text) for text in ("187.5", "125", "62.5", "31.25", "15.625", "7.8125"))
_PAIRS: tuple[tuple[int, int | None], ...] = (
    (0, 1), (0, 3), (1, 3), (2, 3), (0, None), (1, None), (2, None), (3, None),
)  # fmt: skip
_WAKE_MS = 0.025
_ACTIVE_MA, _DOWN_MA = 0.150, 0.0005
_DIODE_MV = 300
_LOOKS = 8  # at the inputs during one conversion, which is their mean


class Ads1115(RegisterChip):
    """One chip. vdd_mv: its supply, above which no input can go."""

    power_up_ms = (0.05, 0.05)
    start_ma = _ACTIVE_MA
    writable = frozenset((CONFIGURATION, LOW, HIGH))

    def __init__(
        self,
        board: Board,
        inputs: Sequence[Truth],
        model: str = "ads1115",
        name: str = "ads1115",
        vdd_mv: float = 3300.0,
    ) -> None:
        if model not in _RATES:
            raise ValueError(f"chip model {model!r}; allowed: {', '.join(_RATES)}")
        super().__init__(board, name)
        self.inputs = tuple(inputs)
        self.model = model
        self.vdd_mv = vdd_mv
        self.offset_uv = 0.0
        self._number = 0  # of the conversion that was started last
        self.forget()

    def forget(self) -> None:
        self.registers = dict(_POWER_ON)
        self.pointer = 0
        self._number += 1
        self._until_us = 0  # of a single conversion
        self._cycles: Cycles | None = None
        self._settings = 0  # of the conversion that goes on

    def general_call(self, data: bytes) -> None:
        """What was written to address 0."""
        if not self.here():
            raise nack(f"{self.name} is not there")
        if data == GENERAL_CALL_RESET:
            self.forget()
            self.rest()

    def rest(self) -> None:
        if self._cycles or self._converts():
            self.draw("measure", _ACTIVE_MA)
        else:
            self.draw("standby", _DOWN_MA)

    # Registers

    def before_access(self) -> None:
        span_us = self._cycles.latest(self.board.clock.now_us) if self._cycles else None
        if span_us is not None:
            self._finish(*span_us)

    def command(self, data: bytes) -> None:
        super().command(bytes((data[0] & 3,)) + data[1:])  # two bits of the pointer count

    def answer(self, count: int) -> bytes:
        idle = not self._cycles and not self._converts()
        kept = self.registers[CONFIGURATION] & ~_OS
        self.registers[CONFIGURATION] = kept | (_OS if idle else 0)
        return super().answer(count)

    def written(self, register: int, word: int) -> None:
        self.registers[register] = word & ~_OS if register == CONFIGURATION else word
        if register != CONFIGURATION:
            return
        if not word & _SINGLE:
            self._number += 1
            self._until_us = 0
            self._settings = word
            period_us = round((self.span_ms(self._span()) + self.extra_ms) * 1000)
            self._cycles = Cycles(self.board.clock.now_us, period_us)
        else:
            self._cycles = None
            if word & _OS and not self._converts():
                self._start()
        self.rest()

    # Conversions

    def _converts(self) -> bool:
        return self.board.clock.now_us < self._until_us

    def _start(self) -> None:
        self._number += 1
        number = self._number
        begin_us = self.board.clock.now_us
        self._settings = self.registers[CONFIGURATION]

        def end() -> None:
            if number == self._number:
                self._finish(begin_us, self.board.clock.now_us)

        typical, greatest = self._span()
        span = typical + _WAKE_MS, greatest + _WAKE_MS
        self._until_us = begin_us + self.convert("measure", _ACTIVE_MA, span, end, blocks=False)

    def _span(self) -> Span:
        period_ms = 1000 / _RATES[self.model][self._settings >> 5 & 7]
        return period_ms, period_ms * 1.1

    def _finish(self, begin_us: int, end_us: int) -> None:
        plus, minus = _PAIRS[self._settings >> 12 & 7]
        level_mv = self._input(plus, begin_us, end_us)
        if minus is not None:
            level_mv -= self._input(minus, begin_us, end_us)
        spare = 16 - _BITS[self.model]
        step_uv = _STEPS_UV[min(self._settings >> 9 & 7, 5)] * 2**spare
        steps = round((level_mv * 1000 + self.offset_uv) / float(step_uv))
        most = 2 ** (_BITS[self.model] - 1)
        self.registers[CONVERSION] = (min(max(steps, -most), most - 1) << spare) & 0xFFFF

    def _input(self, number: int, begin_us: int, end_us: int) -> float:
        """The mean voltage at an input during a conversion, mV."""
        seen = looks(self.inputs[number], begin_us, end_us, _LOOKS)
        least, most = -_DIODE_MV, self.vdd_mv + _DIODE_MV
        return sum(min(max(level, least), most) for level in seen) / len(seen)


def plug(board: Board, name: str, table: dict[str, Any]) -> None:
    """ain0_mv to ain3_mv: the truth; model = "ads1015"; vdd_mv."""
    default = (1250.0, 512.0, 100.0, 99.0)
    inputs = [
        plugging.truth(board, name, table, f"ain{n}_mv", default[n], default[n] / 20, noise=0.01)
        for n in range(4)
    ]
    model = plugging.choice(name, table, "model", "ads1115", _RATES)
    vdd_mv = plugging.positive(name, table, "vdd_mv", 3300)
    chip = Ads1115(board, inputs, model, name, vdd_mv)
    plugging.i2c(board, name, table, chip, ADDRESS)
