"""A BME280 or BMP280 at register level: pressure, temperature, humidity at 0x76 or 0x77.

Forced and normal mode, oversampling with the resolution and the time it has, the low-pass,
coefficients in non-volatile memory, status bits, reset. Data stay as they are until a measurement
ends. ctrl_hum counts from the next write to ctrl_meas on; in normal mode config is not taken.

Sources: Bosch data sheets BST-BME280-DS002 (3.3, 3.4, 4.2, 5, 9.1), BST-BMP280-DS001 (3.8, 4.3).
From memory, not looked up again: currents, typical start, that what is written to ctrl_meas during
a measurement counts from its end on, how long the coefficients take to be copied (about 1 ms).
That they read as 0 meanwhile, and that a BMP280 has 0 where a BME280 has humidity, is assumed.

The coefficients: "a" are those of a part published with periph/devices, "b" with
pimoroni/bme280-python; "c" are the BMP280 data sheet's example with a humidity part of our own.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass

from emulator.chips import plugging
from emulator.chips.bosch import AirFormulas, AirPart, fine_of, image, register_file
from emulator.chips.options import Truth, option, truth
from emulator.chips.part import Span

ADDRESS = 0x76
LINE = ("bme280", {"sda_pin": "P9", "scl_pin": "P10"})

# "bmp280_as_bme280": with the id of the other (finitespace/BME280#125)
MODELS = {"bme280": 0x60, "bmp280": 0x58, "bmp280_sample": 0x56, "bmp280_as_bme280": 0x60}

IMAGES = {
    "a": image(
        (0x88, "106e6c66 3200 5d95 b8d5 d00b 771e 9dff f9ff ac26 0ad8 bd10 00 4b"),
        (0xE1, "6e0100 13 05 00 1e"),
    ),
    "b": image(
        (0x88, "696d3664 3200 e998 02d6 d00b 2316 88ff f9ff 8c3c f8c6 7017 00 4b"),
        (0xE1, "780100 11 2e 03 1e"),
    ),
    "c": image(
        (0x88, "706b4367 18fc 7d8e 43d6 d00b 270b 8c00 f9ff 8c3c f8c6 7017 00 4b"),
        (0xE1, "720100 13 29 03 1e"),
    ),
}

CTRL_HUM, STATUS, CTRL_MEAS, CONFIG, DATA = 0xF2, 0xF3, 0xF4, 0xF5, 0xF7
MEASURING, COPYING = 0x08, 0x01
_MODE, _NORMAL = 0x03, 0x03
_STANDBY_MS = (0.5, 62.5, 125, 250, 500, 1000, 10, 20)  # between measurements in normal mode
_FILTER = (1, 2, 4, 8, 16, 16, 16, 16)
_COPY_MS = (0.5, 1.0)
_WAKE_MS = (1.0, 1.25)
_SAMPLE_MS = (2.0, 2.3)
_EXTRA_MS = (0.5, 0.575)  # of pressure and of humidity
_FIRST_OF_HUMIDITY = (0xA1, 0xE1)


@dataclass(eq=False)
class Bme280(AirPart):
    """The chip. Truths are functions of virtual seconds: hPa, Cel, %RH."""

    standby_ma = 0.0001
    data_register = DATA
    filter_register = CONFIG
    filters = _FILTER
    images = IMAGES

    pressure_hpa: Truth = truth(1013.2, swing=3.0, noise=0.03)
    temperature_c: Truth = truth(21.4, swing=2.0, noise=0.005)
    humidity_rh: Truth = truth(54.8, swing=-4.0, noise=0.07)
    model: str = option("bme280", allowed=MODELS)
    _: KW_ONLY
    calibration: str = option("a", allowed=IMAGES)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.formulas = Formulas(self.fused)

    @property
    def chip_id(self) -> int:
        return MODELS[self.model]

    @property
    def has_humidity(self) -> bool:
        return self.model == "bme280"

    # Supply and reset

    def forget(self) -> None:
        super().forget()
        if not self.has_humidity:
            self.put(0xFD, 0, 2)
        self._humidity_code = 0  # the one that counts
        self._awaited: int | None = None  # ctrl_meas, from the end of the measurement on

    def started(self) -> None:
        self.memory[STATUS] |= COPYING
        self.later_us(round(self.span_ms(_COPY_MS) * 1000), self._copied)

    def _copied(self) -> None:
        for register, value in self.fused.items():
            if self.has_humidity or not (
                register == _FIRST_OF_HUMIDITY[0] or register >= _FIRST_OF_HUMIDITY[1]
            ):
                self.memory[register] = value
        self.memory[STATUS] &= ~COPYING

    # Registers

    def store(self, register: int, value: int) -> None:
        measuring = self.memory[STATUS] & MEASURING
        if register == CTRL_HUM and self.has_humidity:
            self.memory[CTRL_HUM] = value & 0x07
        elif register == CONFIG and self.memory[CTRL_MEAS] & _MODE != _NORMAL:
            self.memory[CONFIG] = value & 0xFD
            self.low_pass.clear()
        elif register == CTRL_MEAS and measuring:
            if self._awaited is None:
                self._awaited = value
        elif register == CTRL_MEAS:
            self._control(value)

    def _control(self, value: int) -> None:
        self.memory[CTRL_MEAS] = value
        self._humidity_code = self.memory[CTRL_HUM] & 0x07
        self.new_task()  # an earlier start in normal mode is void
        if value & _MODE:
            self._measure()

    # Measurements

    def _samples(self) -> dict[str, int]:
        return self.samples(self.memory[CTRL_MEAS], self._humidity_code)

    def _measure(self) -> None:
        samples = self._samples()
        span = duration_ms(samples)
        charge = self.charge(samples, _SAMPLE_MS[0])
        self.memory[STATUS] |= MEASURING
        self.convert("measure", charge / span[0], span, self._measured, blocks=False)

    def _measured(self) -> None:
        self._give(self._samples())
        self.memory[STATUS] &= ~MEASURING
        normal = self.memory[CTRL_MEAS] & _MODE == _NORMAL
        if not normal:
            self.memory[CTRL_MEAS] &= ~_MODE
        if self._awaited is not None:
            value, self._awaited = self._awaited, None
            self._control(value)
        elif normal:
            pause_ms = _STANDBY_MS[self.memory[CONFIG] >> 5]
            self.later_us(round(pause_ms * 1000), self.of_task(self._measure))


class Formulas(AirFormulas):
    """Those of the BME280, 4.2.3."""

    def __init__(self, nvm: Mapping[int, int]) -> None:
        registers = register_file(nvm)
        t1, t2, t3, *self._p, h1 = struct.unpack_from("<HhhH8hxB", registers, 0x88)
        h2, h3, high4, low, high5, h6 = struct.unpack_from("<hBbBbb", registers, 0xE1)
        self.temperature_coefficients = (t1, t2, t3)
        self._h = (h1, h2, h3, high4 * 16 + low % 16, high5 * 16 + low // 16, h6)

    def pascal(self, word: float, celsius: float) -> float:
        p1, p2, p3, p4, p5, p6, p7, p8, p9 = self._p
        half = fine_of(celsius) / 2 - 64000
        offset = (half * half * p6 / 32768 + half * p5 * 2) / 4 + p4 * 65536
        slope = (1 + (p3 * half * half / 524288 + p2 * half) / 524288 / 32768) * p1
        pascal = (1048576 - word - offset / 4096) * 6250 / slope
        return pascal + (p9 * pascal**2 / 2147483648 + pascal * p8 / 32768 + p7) / 16

    def percent(self, word: float, celsius: float) -> float:
        h1, h2, h3, h4, h5, h6 = self._h
        off = fine_of(celsius) - 76800
        gain = h2 / 65536 * (1 + h6 / 67108864 * off * (1 + h3 / 67108864 * off))
        percent = (word - (h4 * 64 + h5 / 16384 * off)) * gain
        return percent * (1 - h1 * percent / 524288)


def duration_ms(samples: dict[str, int]) -> Span:
    """Typical and greatest time of one measurement (9.1), by samples of each item."""
    typical, most = (
        _WAKE_MS[limit]
        + sum(
            _SAMPLE_MS[limit] * count + (_EXTRA_MS[limit] if item != "t" else 0)
            for item, count in samples.items()
            if count
        )
        for limit in (0, 1)
    )
    return typical, most


plug = plugging.on_i2c(Bme280, ADDRESS)
