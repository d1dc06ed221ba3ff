"""An INA219 at register level: the voltage of a supply and, over a shunt, the current from it.

Six registers: configuration, shunt voltage, bus voltage with two flags, power, current, and the
calibration that the last two need: they stay 0 while it is 0, and its lowest bit is always 0.
Written by Texas Instruments data sheet SBOS448: registers, ranges, flags, typical conversion times
(532 us for 12 bits, 586 at most). Not checked against it, but as far as known: the times with
averaging, that the steps grow with fewer bits, and the currents. Taken for granted, as the data
sheet says nothing: 0.1 ms from supply to ready; the full current as long as it is not powered
down, also after a triggered conversion; a shunt voltage that was cut off sets no overflow flag
unless `flags_clipping` (published drivers rely on it, the data sheet speaks of the arithmetic).

The truth, of virtual time in seconds: `bus_mv(t)` and `current_ma(t)` through the shunt.
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.chips import plugging
from emulator.chips.options import Truth, option, truth
from emulator.chips.part import Span, looks
from emulator.chips.registers16 import RegisterChip

ADDRESS = 0x40
# Not at its first address, which it would have to share with a Si7021.
LINE = ("ina219", {"sda_pin": "P9", "scl_pin": "P10", "address": 0x41})
WIRING = {"address": 0x41}

CONFIGURATION, SHUNT, BUS, POWER, CURRENT, CALIBRATION = range(6)

_RESET, _WIDE = 0x8000, 0x2000
_READY, _OVERFLOW = 0x02, 0x01
_SHUNT_UV, _BUS_MV = 10, 4
_TYPICAL_MS = (0.084, 0.148, 0.276, 0.532)  # 9 to 12 bits
_GREATEST_MS = (0.093, 0.163, 0.304, 0.586)


@dataclass(eq=False)
class Ina219(RegisterChip):
    """One chip with its shunt of `shunt_mohm`."""

    power_up_ms = (0.1, 1.0)
    start_ma = active_ma = 0.7
    standby_ma = 0.006
    power_on = (0x399F, 0, 0, 0, 0, 0)
    writable = frozenset((CONFIGURATION, CALIBRATION))

    bus_mv: Truth = truth(3700, swing=150.0, noise=2.0)
    current_ma: Truth = truth(120, swing=80.0, noise=0.2)
    shunt_mohm: float = option(100.0, positive=True)
    flags_clipping: bool = False

    def started(self) -> None:
        self._begin()

    def rest(self) -> None:
        if not self._mode:
            self.draw("power_down", self.standby_ma)
        elif self.converts:
            self.draw("measure", self.active_ma)
        else:
            self.draw("idle", self.active_ma)

    # Registers

    @property
    def _mode(self) -> int:
        return self.registers[CONFIGURATION] & 7

    def written(self, register: int, word: int) -> None:
        if register == CALIBRATION:
            self.registers[CALIBRATION] = word & 0xFFFE
        elif word & _RESET:
            self.forget()
            self._begin()
        else:
            self.registers[CONFIGURATION] = word & ~0x4000
            if word & 3:  # neither powered down nor switched off
                self.registers[BUS] &= ~_READY
            self._begin()

    def was_read(self, register: int) -> None:
        if register == POWER:
            self.registers[BUS] &= ~_READY

    # Conversions

    def _begin(self) -> None:
        """As the mode says: nothing, one conversion, or one after the other."""
        if not self._mode & 3:
            self.stop_converting()
        elif self._mode & 4:
            self.convert_continuously(self._span())
        else:
            self.convert_once(self._span())
        self.rest()

    def _span(self) -> Span:
        """How long shunt and bus take, as far as the mode has them."""
        codes = [self._code(3)] if self._mode & 1 else []
        codes += [self._code(7)] if self._mode & 2 else []
        typical = sum(_TYPICAL_MS[code & 3 | (code >> 3) * 3] * samples(code) for code in codes)
        greatest = sum(_GREATEST_MS[code & 3 | (code >> 3) * 3] * samples(code) for code in codes)
        return typical, greatest

    def _code(self, shift: int) -> int:
        return self.registers[CONFIGURATION] >> shift & 15

    def finish(self, begin_us: int, end_us: int) -> None:
        flags = _READY
        if self._mode & 1:
            word, clipped = self._shunt_word(begin_us, end_us)
            self.registers[SHUNT] = word & 0xFFFF
            flags |= _OVERFLOW if clipped and self.flags_clipping else 0
        if self._mode & 2:
            self.registers[BUS] = self._bus_steps(begin_us, end_us) << 3
        flags |= self._calculate()
        self.registers[BUS] = self.registers[BUS] & ~7 | flags

    def _shunt_word(self, begin_us: int, end_us: int) -> tuple[int, bool]:
        """Steps of 10 uV, and whether one of the samples was cut off at the end of the range."""
        code = self._code(3)
        most_uv = 40_000 << (self.registers[CONFIGURATION] >> 11 & 3)
        seen = [
            milliamps * self.shunt_mohm
            for milliamps in looks(self.current_ma, begin_us, end_us, samples(code))
        ]
        kept = [min(max(microvolts, -most_uv), most_uv) for microvolts in seen]
        step_uv = _SHUNT_UV * step(code)
        word = round(sum(kept) / len(kept) / step_uv) * step(code)
        return word, any(abs(microvolts) >= most_uv for microvolts in seen)

    def _bus_steps(self, begin_us: int, end_us: int) -> int:
        code = self._code(7)
        most_mv = 32_000 if self.registers[CONFIGURATION] & _WIDE else 16_000
        seen = looks(self.bus_mv, begin_us, end_us, samples(code))
        kept = [min(max(millivolts, 0.0), most_mv) for millivolts in seen]
        return round(sum(kept) / len(kept) / (_BUS_MV * step(code))) * step(code)

    def _calculate(self) -> int:
        """Fill in current and power; the overflow flag if one of them does not fit."""
        shunt = self.registers[SHUNT]
        shunt -= (shunt & 0x8000) << 1
        current = int(shunt * self.registers[CALIBRATION] / 4096)
        power = abs(current) * (self.registers[BUS] >> 3) // 5000
        self.registers[CURRENT] = current & 0xFFFF
        self.registers[POWER] = power & 0xFFFF
        return 0 if -32768 <= current <= 32767 and power <= 0xFFFF else _OVERFLOW


def samples(code: int) -> int:
    """How many samples of a converter setting are averaged."""
    return 1 << (code & 7) if code & 8 else 1


def step(code: int) -> int:
    """By how much a step of fewer bits than 12 is larger."""
    return 1 if code & 8 else 8 >> (code & 3)


plug = plugging.on_i2c(Ina219, ADDRESS)
