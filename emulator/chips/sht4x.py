"""An SHT40, SHT41 or SHT45 at register level: temperature and humidity at 0x44, 0x45 or 0x46.

One byte is a command, a read gets its answer once. While it measures, heats or resets nothing is
acknowledged, nor is a read for which there is nothing.

Source: Sensirion SHT4x data sheet (commands, times, signal conversion, section 4.9 on the heater).
From memory, not looked up again: all currents but that of the idle chip, and that a write is
refused while it is busy. How warm it gets is fitted to what a user saw (Sensirion/arduino-sht
issue 27: 7.7 Cel more right after 110 mW for 0.1 s, 0.7 Cel more a second later): 0.3 Cel for each
mW in the end, with a time constant of 0.4 s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from emulator.board.i2c import Nack
from emulator.chips import plugging
from emulator.chips.options import Truth, option, truth
from emulator.chips.part import I2cPart, Span
from emulator.chips.sensirion import signal, with_checksums

ADDRESS = 0x44
LINE = ("sht4x", {"sda_pin": "P9", "scl_pin": "P10"})

# command: (ms typical and greatest, standard deviation of one value in Cel and %RH)
_MEASURE: dict[int, tuple[Span, float, float]] = {
    0xFD: ((6.9, 8.3), 0.04, 0.08),
    0xF6: ((3.7, 4.5), 0.07, 0.15),
    0xE0: ((1.3, 1.6), 0.1, 0.25),
}
# command: (mA at 3.3 V, mW, ms typical and greatest with the measurement at its end)
_LONG, _SHORT = (1000, 1100), (100, 110)
_HEAT: dict[int, tuple[float, float, Span]] = {
    0x39: (60.0, 200.0, _LONG),
    0x32: (60.0, 200.0, _SHORT),
    0x2F: (33.0, 110.0, _LONG),
    0x24: (33.0, 110.0, _SHORT),
    0x1E: (6.0, 20.0, _LONG),
    0x15: (6.0, 20.0, _SHORT),
}
_CEL_PER_MW, _WARMING_S = 0.3, 0.4
_MEASURING_MA = 0.32
_RESET_MS: Span = (0.5, 1.0)


@dataclass(eq=False)
class Sht4x(I2cPart):
    """One chip. `repeatability`: 1 for the noise of the data sheet, 0 for none.

    water_mj   what it takes to evaporate the water on it; until then it reads 100 %RH
    """

    power_up_ms = (0.3, 1.0)
    start_ma = 0.05
    standby_ma = 0.00008

    temperature_c: Truth = truth(21.4, swing=2.0)
    humidity_rh: Truth = truth(54.8, swing=-4.0)
    water_mj: float = option(0.0)
    repeatability: float = 1.0

    _warmth_c = 0.0  # by the heater, at
    _warmth_s = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        serial = self.board.rng("serial " + self.name).randbytes(4)
        self.serial = int.from_bytes(serial, "big")

    def forget(self) -> None:
        self._answer = b""

    def command(self, data: bytes) -> None:
        code = data[0]
        self._answer = b""
        if len(data) > 1:
            raise Nack(f"{self.name} takes one byte, not {data.hex()}")
        if code in _MEASURE:
            span, *noise = _MEASURE[code]
            self.convert("measuring", _MEASURING_MA, span, lambda: self._measure(*noise))
        elif code in _HEAT:
            milliamps, milliwatts, span = _HEAT[code]
            begin_s = self.seconds()
            self.convert("heater", milliamps, span, lambda: self._heated(milliwatts, begin_s))
        elif code == 0x89:
            self._answer = with_checksums(self.serial >> 16, self.serial & 0xFFFF)
        elif code == 0x94:
            self.busy_for(_RESET_MS)
        else:
            raise Nack(f"{self.name} knows no command {data.hex()}")

    def general_call(self, data: bytes) -> None:
        """To all chips of the bus; 06 resets, also while it measures."""
        if self.here() and data == b"\x06":
            self.interrupt_supply()

    def answer(self, count: int) -> bytes:
        if not self._answer:
            raise Nack(f"{self.name} has nothing to say")
        answer, self._answer = self._answer, b""
        return answer

    def _heated(self, milliwatts: float, begin_s: float) -> None:
        now = self.seconds()
        rise = _CEL_PER_MW * milliwatts * (1 - math.exp((begin_s - now) / _WARMING_S))
        self._warmth_c, self._warmth_s = self._warmth(now) + rise, now
        self.water_mj = max(0.0, self.water_mj - milliwatts * (now - begin_s))
        self._measure(0.04, 0.08)

    def _warmth(self, now: float) -> float:
        return self._warmth_c * math.exp((self._warmth_s - now) / _WARMING_S)

    def _measure(self, celsius_noise: float, percent_noise: float) -> None:
        now = self.seconds()
        air, warmth = self.temperature_c(now), self._warmth(now)
        celsius = air + warmth + self._noise(celsius_noise)
        percent = self.humidity_rh(now) + self._noise(percent_noise)
        if self.water_mj:
            percent = 100.0
        elif warmth:  # as much vapour in warmer air
            percent *= vapour_hpa(air) / vapour_hpa(air + warmth)
        self._answer = with_checksums(signal(celsius, -45.0, 130.0), signal(percent, -6.0, 119.0))

    def _noise(self, deviation: float) -> float:
        return self.rng.gauss(0, deviation * self.repeatability)


def vapour_hpa(celsius: float) -> float:
    """The pressure of saturated vapour, by Magnus."""
    return 6.112 * math.exp(17.62 * celsius / (243.12 + celsius))


plug = plugging.on_i2c(Sht4x, ADDRESS)
