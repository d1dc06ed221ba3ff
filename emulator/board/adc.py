"""The ADC of the ESP32: a raw count with its error, and the vendor's way back to millivolts.

`sources["P16"]` is a callable that gives the voltage at the pin in mV. The raw count is drawn
through the real characteristic of this chip (`chip_vref_mv`) with noise; what the firmware makes
of it depends on the reference voltage it was told (`vref`), as on boards without fuses for that.
`carry` is the share of the voltage of the pin before that the first sample of another pin keeps,
as behind a high impedance (espressif/arduino-esp32#7820).
Source: Pycom firmware 1.20.2.r4 (pybadc.c; ESP-IDF esp_adc_cal, default-Vref path).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from functools import cache
from typing import Any

from emulator.board.board import Board, Service
from emulator.board.constants import ESTIMATE, constant

PINS = ("P13", "P14", "P15", "P16", "P19", "P20", "P18", "P17")  # channels 0 to 7
FULL = 4095
DEFAULT_VREF_MV = 1100
CONVERSION_US = constant(
    40, "us", ESTIMATE, "one SAR conversion and the call of the driver; no source found"
)
NOISE_COUNTS = 3.0

_SCALE = (57431, 76236, 105481, 196602)
_OFFSET_MV = (75, 78, 107, 142)
# At 11 dB the upper end is bent: points every 64 counts from 2880 for the two extremes of Vref.
_BENT_FROM, _BENT_STEP, _BENT_POINTS = 2880, 64, 20
_BENT_1000 = (2240, 2297, 2352, 2405, 2457, 2512, 2564, 2616, 2664, 2709,
              2754, 2795, 2832, 2868, 2903, 2937, 2969, 3000, 3030, 3060)  # fmt: skip
_BENT_1200 = (2667, 2706, 2745, 2780, 2813, 2844, 2873, 2901, 2928, 2956,
              2982, 3006, 3032, 3059, 3084, 3110, 3135, 3160, 3184, 3209)  # fmt: skip
_11DB = 3


def raw_to_mv(raw: int, attn: int, vref_mv: int = DEFAULT_VREF_MV) -> int:
    """Millivolts that the vendor's characteristic gives for a 12-bit count."""
    slope = vref_mv * _SCALE[attn] // 4096
    straight = (slope * raw + 32768) // 65536 + _OFFSET_MV[attn]
    if attn != _11DB or raw < _BENT_FROM:
        return straight
    bent = _bent(raw, vref_mv)
    if raw > _BENT_FROM + _BENT_STEP:
        return bent
    share = raw - _BENT_FROM  # blended over the first step
    return (bent * share + straight * (_BENT_STEP - share) + _BENT_STEP // 2) // _BENT_STEP


def _bent(raw: int, vref_mv: int) -> int:
    """Bilinear between neighbouring points and between the curves for 1000 and 1200 mV."""
    index = (raw - _BENT_FROM) // _BENT_STEP
    past = raw - _BENT_FROM - index * _BENT_STEP
    last = min(index + 1, _BENT_POINTS - 1)
    up, down = vref_mv - 1000, 1200 - vref_mv
    low = _BENT_1000[index] * down + _BENT_1200[index] * up
    high = _BENT_1000[last] * down + _BENT_1200[last] * up
    weight = 200 * _BENT_STEP
    return (low * (_BENT_STEP - past) + high * past + weight // 2) // weight


@cache
def _curve(attn: int, vref_mv: int) -> list[int]:
    return [raw_to_mv(raw, attn, vref_mv) for raw in range(FULL + 1)]


class Adc(Service):
    looks = frozenset({"read", "to_mv"})

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.sources: dict[str, Callable[[], float]] = {}
        self.chip_vref_mv = DEFAULT_VREF_MV  # of this very chip: 1000 to 1200
        self.noise_counts = NOISE_COUNTS
        self.carry = 0.0
        self._before = "", 0.0  # the pin that was sampled last, and its voltage
        self._vref_mv = DEFAULT_VREF_MV  # what the firmware believes
        self._random = board.rng("adc.noise")

    def on_reset(self, cause: int) -> None:
        self._vref_mv = DEFAULT_VREF_MV

    def do_vref(self, vref_mv: int | None) -> int:
        if vref_mv is not None:
            self._vref_mv = vref_mv
        return self._vref_mv

    def do_read(self, pin: str, attn: int, bits: int) -> int:
        """Convert; a count of `bits` bits."""
        self.board.spend_us(CONVERSION_US)
        pins: Any = self.board.services.get("pins")
        if pins is not None:
            pins.use(pin, "adc")
        source = self.sources.get(pin)
        millivolts = source() if source else 0.0
        before, before_mv = self._before
        self._before = pin, millivolts
        if pin != before:
            millivolts += (before_mv - millivolts) * self.carry
        ideal = self._ideal(millivolts, attn)
        noisy = ideal
        if 0 < ideal < FULL and self.noise_counts:
            noisy = round(ideal + self._random.gauss(0, self.noise_counts))
        return min(FULL, max(0, noisy)) >> (12 - bits)

    def do_to_mv(self, raw: int, attn: int, bits: int) -> int:
        return raw_to_mv((raw << (12 - bits)) & FULL, attn, self._vref_mv)

    def _ideal(self, millivolts: float, attn: int) -> int:
        """The count of this chip for a voltage: the inverse of its characteristic."""
        curve = _curve(attn, self.chip_vref_mv)
        left = bisect_left(curve, millivolts)
        if left > FULL:
            return FULL
        right = bisect_left(curve, millivolts + 1)  # several counts share one millivolt
        return min(FULL, (left + max(left, right - 1)) // 2)
