"""A BME680 or BME688 at register level: pressure, temperature, humidity, gas at 0x76 or 0x77.

Forced mode: temperature, pressure, humidity, then the heater for its time, then the gas. Control
registers are not taken while it measures; new_data falls when a measurement starts and rises with
all data together at its end, when the mode is sleep again. The parallel mode of a BME688 is not
there.

The heater warms its plate to what the register res_heat stands for at the true temperature around
it. How long that takes decides heat_stab: with the model here about 20 ms. A plate that is not
stable has a higher resistance. `plate_c` is the temperature at which the gas was last measured.

Sources: Bosch data sheets BST-BME680-DS001 (3.1 to 3.4, 5.3) and BST-BME688-DS000, vendor's driver
(times, which here are the typical ones, and the gas formula of the BME688). From memory, not
looked up again: currents, greatest times (a tenth more), the heater's inertia and greatest
temperature, typical start.

The coefficients "a" are those of a part published with pimoroni/bme680-python; "b" are the same
with a range error of -1.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field

from emulator.chips import plugging
from emulator.chips.bosch import AirFormulas, AirPart, fine_of, image, register_file
from emulator.chips.options import Truth, option, truth
from emulator.chips.part import inverse

ADDRESS = 0x77
LINE = ("bme680", {"sda_pin": "P9", "scl_pin": "P10"})

MODELS = {"bme680": 0, "bme688": 1}  # the variant
_CHIP_ID = 0x61

_FUSED_A = image(
    (0x89, "0065670300418fedd658008e1c7fff2e1e000097f3b5f61e00"),
    (0xE1, "40542a002d14789cb9654e9fe2120000"),
    (0x00, "30"),
    (0x02, "10"),
    (0x04, "00"),
)
IMAGES = {"a": _FUSED_A, "b": {**_FUSED_A, 0x04: 0xF0}}

STATUS, PRESSURE, TEMPERATURE, HUMIDITY, GAS, GAS_688 = 0x1D, 0x1F, 0x22, 0x25, 0x2A, 0x2C
RES_HEAT, GAS_WAIT = 0x5A, 0x64
CTRL_GAS_0, CTRL_GAS_1, CTRL_HUM, CTRL_MEAS, CONFIG = 0x70, 0x71, 0x72, 0x74, 0x75
VARIANT = 0xF0
NEW, GAS_MEASURING, MEASURING = 0x80, 0x40, 0x20
GAS_VALID, HEAT_STABLE = 0x20, 0x10
_WRITABLE = {
    **dict.fromkeys(range(0x50, 0x6E), 0xFF),
    CTRL_GAS_0: 0x08,
    CTRL_GAS_1: 0x3F,
    CTRL_HUM: 0x47,
    CTRL_MEAS: 0xFF,
    CONFIG: 0x1D,
}
_FILTER = (1, 2, 4, 8, 16, 32, 64, 128)

_WAKE_MS = 1.0
_SAMPLE_MS = 1.963
_SWITCH_MS = 0.477
_LATE = 1.1  # greatest to typical
_HEATER_MA_PER_C = 0.04  # 12 mA at 320 Cel
_PLATE_MS = 5.4  # time constant of the plate
_STABLE_SHARE = 0.025  # of the way left at which it counts as stable
_PLATE_MAX_C = 450
_RANGES = 16
# Percent, by range (3.4.1)
_K1 = {5: -1.0, 7: -0.8, 10: -0.2, 11: -0.5, 13: -1.0}
_K2 = {4: 0.1, 5: 0.7, 7: -0.8, 8: -0.1}


@dataclass(eq=False)
class Bme680(AirPart):
    """The chip. Truths are functions of virtual seconds: hPa, Cel, %RH, Ohm."""

    standby_ma = 0.00015
    chip_id = _CHIP_ID
    data_register = PRESSURE
    filter_register = CONFIG
    filters = _FILTER
    images = IMAGES
    formulas: Formulas = field(init=False)

    pressure_hpa: Truth = truth(1013.2, swing=3.0, noise=0.01)
    temperature_c: Truth = truth(21.4, swing=2.0, noise=0.002)
    humidity_rh: Truth = truth(54.8, swing=-4.0, noise=0.03)
    gas_ohm: Truth = truth(82_000, swing=20_000, noise=200)
    model: str = option("bme680", allowed=MODELS)
    _: KW_ONLY
    calibration: str = option("a", allowed=IMAGES)

    def __post_init__(self) -> None:
        self.plate_c: float | None = None
        super().__post_init__()
        self.formulas = Formulas(self.fused, self.variant)

    @property
    def variant(self) -> int:
        return MODELS[self.model]

    # Supply, reset, registers

    def forget(self) -> None:
        super().forget()
        for register, value in self.fused.items():
            self.memory[register] = value
        self.memory[VARIANT] = self.variant

    def store(self, register: int, value: int) -> None:
        if register in _WRITABLE and not self.memory[STATUS] & MEASURING:
            self.memory[register] = value & _WRITABLE[register]
            if register == CONFIG:
                self.low_pass.clear()
            if register == CTRL_MEAS and value & 0x03 == 0x01:
                self._measure()

    # A measurement

    def _samples(self) -> dict[str, int]:
        return self.samples(self.memory[CTRL_MEAS], self.memory[CTRL_HUM] & 7)

    def _with_gas(self) -> bool:
        return bool(self.memory[CTRL_GAS_1] & (0x20 if self.variant else 0x10))

    def _profile(self) -> int:
        return min(self.memory[CTRL_GAS_1] & 0x0F, 9)

    def _measure(self) -> None:
        samples = self._samples()
        self.memory[STATUS] = MEASURING | self._profile()
        typical = _WAKE_MS + _SAMPLE_MS * sum(samples.values()) + 4 * _SWITCH_MS
        charge = self.charge(samples, _SAMPLE_MS)
        after = self._heat if self._with_gas() else self._end
        self.convert("measure", charge / typical, (typical, typical * _LATE), after, blocks=False)

    def _heat(self) -> None:
        self.memory[STATUS] |= GAS_MEASURING
        around_c = self.temperature_c(self.seconds())
        target_c = around_c
        if not self.memory[CTRL_GAS_0] & 0x08:
            setting = self.memory[RES_HEAT + self._profile()]
            target_c = max(self.formulas.plate_c(setting, around_c), around_c)
        wait_ms = duration_of(self.memory[GAS_WAIT + self._profile()])
        left = math.exp(-wait_ms / _PLATE_MS)
        self.plate_c = target_c + (around_c - target_c) * left
        stable = around_c < target_c <= _PLATE_MAX_C and left <= _STABLE_SHARE
        span = (wait_ms + 5 * _SWITCH_MS, wait_ms + 5 * _SWITCH_MS * _LATE)
        self.convert(
            "heater",
            _HEATER_MA_PER_C * (target_c - around_c),
            span,
            lambda: self._end(stable, target_c),
            blocks=False,
        )

    def _end(self, stable: bool = False, target_c: float = 0.0) -> None:
        self._give(self._samples())
        register = GAS_688 if self.variant else GAS
        self.put(GAS, 0, 4)
        if self._with_gas():
            ohm = self.gas_ohm(self.seconds())
            if not stable:
                ohm *= 2 ** ((target_c - (self.plate_c or 0)) / 60)
            adc, gas_range = self.formulas.gas_words(ohm)
            flags = GAS_VALID | (HEAT_STABLE if stable else 0)
            self.put(register, adc << 6 | flags | gas_range, 2)
        self.memory[STATUS] = NEW | self.memory[STATUS] & 0x0F
        self.memory[CTRL_MEAS] &= ~0x03


class Formulas(AirFormulas):
    """Those of the BME680, 3.3 and 3.4."""

    def __init__(self, nvm: Mapping[int, int], variant: int = 0) -> None:
        self._variant = variant
        registers = register_file(nvm)
        value, resistance_range, range_error = struct.unpack_from("<bxBxb", registers, 0x00)
        t2, t3, p1, p2, p3, p4, p5, p7, p6, p8, p9, p10 = struct.unpack_from(
            "<hbxHhbxhhbbxxhhB", registers, 0x8A
        )
        high2, low, high1, h3, h4, h5, h6, h7, t1, g2, g1, g3 = struct.unpack_from(
            "<BBBbbbBbHhbb", registers, 0xE1
        )
        self.temperature_coefficients = (t1, t2, t3 * 16)
        self._p = (p1, p2, p3, p4, p5, p6, p7, p8, p9, p10)
        self._h = (high1 * 16 + low % 16, high2 * 16 + low // 16, h3, h4, h5, h6, h7)
        self._g = (g1, g2, g3)
        self._heater = (value, resistance_range // 16 % 4)
        self._range_error = range_error >> 4

    def pascal(self, word: float, celsius: float) -> float:
        p1, p2, p3, p4, p5, p6, p7, p8, p9, p10 = self._p
        half = fine_of(celsius) / 2 - 64000
        offset = (half * half * p6 / 131072 + half * p5 * 2) / 4 + p4 * 65536
        slope = (1 + (p3 * half * half / 16384 + p2 * half) / 524288 / 32768) * p1
        pascal = (1048576 - word - offset / 4096) * 6250 / slope
        bent = p9 * pascal**2 / 2147483648 + pascal * p8 / 32768
        return pascal + (bent + (pascal / 256) ** 3 * p10 / 131072 + p7 * 128) / 16

    def percent(self, word: float, celsius: float) -> float:
        h1, h2, h3, h4, h5, h6, h7 = self._h
        percent = word - (h1 * 16 + h3 / 2 * celsius)
        percent *= h2 / 262144 * (1 + h4 / 16384 * celsius + h5 / 1048576 * celsius**2)
        return percent + (h6 / 16384 + h7 / 2097152 * celsius) * percent**2

    def ohm(self, adc: float, gas_range: int) -> float:
        if self._variant:
            return 1_000_000 * 2.0 ** (18 - gas_range) / (4096 + 3 * (adc - 512))
        first = (1340 + 5 * self._range_error) * (1 + _K1.get(gas_range, 0.0) / 100)
        second = (1 + _K2.get(gas_range, 0.0) / 100) * 0.000000125 * 2**gas_range
        return 1 / (second * ((adc - 512) / first + 1))

    def gas_words(self, ohm: float) -> tuple[int, int]:
        """(adc, range): the range in which the converter is nearest to its middle."""
        if ohm >= self.ohm(0, 0):
            return 0, 0
        found = [(1.0, 1023, _RANGES - 1)]  # what is below all ranges
        for gas_range in range(_RANGES):
            if self.ohm(1023, gas_range) <= ohm <= self.ohm(0, gas_range):
                adc = inverse(lambda word, r=gas_range: self.ohm(word, r), ohm, 1023)  # type: ignore[misc]
                found.append((abs(adc - 512) / 1024, round(adc), gas_range))
        return min(found)[1:]

    def plate_c(self, setting: int, around_c: float) -> float:
        """The temperature for which a value of res_heat stands (3.3.5, solved for it)."""
        g1, g2, g3 = self._g
        value, resistance_range = self._heater
        ohm = (setting / 3.4 + 25) * (1 + 0.002 * value) * (4 + resistance_range) / 4
        return ((ohm - g3 / 1024 * around_c) / (g1 / 16 + 49) - 1) / (
            g2 / 32768 * 0.0005 + 0.00235
        )


def duration_of(register: int) -> float:
    """ms of a gas_wait register."""
    return float((register & 0x3F) * 4 ** (register >> 6))


plug = plugging.on_i2c(Bme680, ADDRESS)
