"""An ADS1115 or ADS1015 at register level: four inputs, one converter of 16 or 12 bits.

Registers: conversion, configuration, two thresholds of a comparator, which are kept and do nothing
else here. Written by Texas Instruments data sheet SBAS444: registers, ranges, rates with 10 %
tolerance, single shot and continuous mode, the reset by general call. Not checked against a data
sheet, but as far as known: the rates of the ADS1015 and the currents. Taken for granted: in
continuous mode the OS bit reads 0; a configuration that is written while a conversion goes on
counts for the next one.

The truth is given as four functions of virtual time in seconds, in mV. The diodes of an input keep
it from leaving ground and supply by more than 0.3 V. `offset_uv` is added to all.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from emulator.board.i2c import Nack
from emulator.chips import plugging
from emulator.chips.options import Truth, option, truth
from emulator.chips.part import Span, looks
from emulator.chips.registers16 import RegisterChip

ADDRESS = 0x48
LINE = ("ads1115", {"sda_pin": "P9", "scl_pin": "P10"})
KEYS = {"model": "model"}

CONVERSION, CONFIGURATION, LOW, HIGH = range(4)
GENERAL_CALL_RESET = b"\x06"

_OS, _SINGLE = 0x8000, 0x0100
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
_DIODE_MV = 300
_LOOKS = 8  # at the inputs during one conversion, which is their mean


@dataclass(eq=False)
class Ads1115(RegisterChip):
    """One chip. vdd_mv: its supply, above which no input can go."""

    power_up_ms = (0.05, 0.05)
    start_ma = active_ma = 0.150
    standby_ma = 0.0005
    power_on = (0, 0x0583, 0x8000, 0x7FFF)
    writable = frozenset((CONFIGURATION, LOW, HIGH))

    ain0_mv: Truth = truth(1250.0, swing=62.5, noise=0.01)
    ain1_mv: Truth = truth(512.0, swing=25.6, noise=0.01)
    ain2_mv: Truth = truth(100.0, swing=5.0, noise=0.01)
    ain3_mv: Truth = truth(99.0, swing=4.95, noise=0.01)
    model: str = option("ads1115", allowed=_RATES)
    vdd_mv: float = option(3300.0, positive=True)
    offset_uv: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.inputs = (self.ain0_mv, self.ain1_mv, self.ain2_mv, self.ain3_mv)

    def forget(self) -> None:
        super().forget()
        self._settings = 0  # of the conversion that goes on

    def general_call(self, data: bytes) -> None:
        """What was written to address 0."""
        if not self.here():
            raise Nack(f"{self.name} is not there")
        if data == GENERAL_CALL_RESET:
            self.forget()
            self.rest()

    def rest(self) -> None:
        if self.converts:
            self.draw("measure", self.active_ma)
        else:
            super().rest()

    # Registers

    def command(self, data: bytes) -> None:
        super().command(bytes((data[0] & 3,)) + data[1:])  # two bits of the pointer count

    def answer(self, count: int) -> bytes:
        kept = self.registers[CONFIGURATION] & ~_OS
        self.registers[CONFIGURATION] = kept | (0 if self.converts else _OS)
        return super().answer(count)

    def written(self, register: int, word: int) -> None:
        self.registers[register] = word & ~_OS if register == CONFIGURATION else word
        if register != CONFIGURATION:
            return
        if not word & _SINGLE:
            self._settings = word
            self.convert_continuously(self._span())
        else:
            self.cycles = None
            if word & _OS and not self.converts:
                self._settings = self.registers[CONFIGURATION]
                typical, greatest = self._span()
                self.convert_once((typical + _WAKE_MS, greatest + _WAKE_MS))
        self.rest()

    # Conversions

    def _span(self) -> Span:
        period_ms = 1000 / _RATES[self.model][self._settings >> 5 & 7]
        return period_ms, period_ms * 1.1

    def finish(self, begin_us: int, end_us: int) -> None:
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


plug = plugging.on_i2c(Ads1115, ADDRESS)
