"""What the emulated sensors of the template really returned, and when: the truth of a soak.

    truth = Truth(emulator)
    ...
    truth.taken           # [Measurement(cycle, at_us, t, h), ...], in order
    truth.of(t, h)        # the one that returned these values; None if none did

Temperature and humidity of the place are made from the time, so that the two values of a report
say when they were measured, to 2 s, whatever the report says of its time.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from emulator.chips.si7021 import Si7021
from emulator.emulator import Emulator

_SLOT_S = 1200  # with one temperature; the humidity says where in it
_COLDEST, _STEP = -39.0, 0.03  # Cel; the part tells 0.0107 apart, and reports have 0.01
_DRIEST, _SPAN = 5.0, 90.0  # %RH; 0.1 of it are 1.3 s
_NEAR_S = 3.0
_SAME_US = 2_000_000  # the conversions of one measurement lie within it


@dataclass
class Measurement:
    cycle: int
    at_us: int
    t: float = 0.0
    h: float = 0.0


class Truth:
    def __init__(self, emulator: Emulator) -> None:
        self.taken: list[Measurement] = []
        self._board = emulator.board
        i2c: Any = emulator.board.services["i2c"]
        [chip] = [each for each in i2c._chips.values() if isinstance(each, Si7021)]
        chip.noise = (0.0, 0.0)
        chip.temperature_c = lambda seconds: self._note("t", *_climate(seconds))
        chip.humidity_rh = lambda seconds: self._note("h", *_climate(seconds))

    def _note(self, name: str, celsius: float, percent: float) -> float:
        now_us = self._board.clock.now_us
        last = self.taken[-1] if self.taken else None
        if last is None or last.cycle != self._board.cycle or now_us > last.at_us + _SAME_US:
            self.taken.append(Measurement(self._board.cycle, now_us, celsius, percent))
        value = celsius if name == "t" else percent
        setattr(self.taken[-1], name, value)
        return value

    def of(self, t: float, h: float) -> Measurement | None:
        slot = round((t - _COLDEST) / _STEP)
        at_us = 1e6 * (slot * _SLOT_S + (h - _DRIEST) / _SPAN * _SLOT_S)
        place = bisect_left(self.taken, at_us, key=lambda each: each.at_us)
        near = self.taken[max(0, place - 1) : place + 1]
        found = min(near, key=lambda each: abs(each.at_us - at_us), default=None)
        if found is None or abs(found.at_us - at_us) > 1e6 * _NEAR_S:
            return None
        return found if abs(found.t - t) < 0.016 and abs(found.h - h) < 0.12 else None


def _climate(seconds: float) -> tuple[float, float]:
    slot, rest = divmod(seconds, _SLOT_S)
    return _COLDEST + _STEP * slot, _DRIEST + _SPAN * rest / _SLOT_S
