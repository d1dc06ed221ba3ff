"""What the emulated chips of Bosch have in common: a register file, and truths turned into words.

The data sheets say how a word becomes a value, in double precision. A chip here has to do the
opposite: it looks for the word at which that formula gives the truth, by halving the interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar

from emulator.chips.options import Truth
from emulator.chips.part import I2cPart, inverse

ID, RESET = 0xD0, 0xE0
RESET_WORD = 0xB6
MILLIAMPS = {"t": 0.350, "p": 0.714, "h": 0.340}  # while an item is measured
OVERSAMPLING = (0, 1, 2, 4, 8, 16, 16, 16)  # by code
_TOP = 1 << 20  # words have 20 bits


class AirFormulas:
    """Words for truths, by the data sheets' formulas in double precision."""

    temperature_coefficients: tuple[int, int, float]

    def pascal(self, word: float, celsius: float) -> float:
        raise NotImplementedError

    def percent(self, word: float, celsius: float) -> float:
        raise NotImplementedError

    def temperature_word(self, celsius: float) -> float:
        coefficients = self.temperature_coefficients
        return inverse(lambda word: celsius_of(word, *coefficients), celsius, _TOP - 1)

    def pressure_word(self, pascal: float, celsius: float) -> float:
        return inverse(lambda word: self.pascal(word, celsius), pascal, _TOP - 1)

    def humidity_word(self, percent: float, celsius: float) -> float:
        return inverse(lambda word: self.percent(word, celsius), percent, 0xFFFF)


@dataclass(eq=False)
class AirPart(I2cPart):
    """256 registers. A read goes on to the next one, a write takes pairs (register, value).

    Pressure, temperature and humidity are three words one behind the other from `data_register`
    on; for the first two there is a low-pass that `filter_register` sets.

    `images` are what is fused into real parts, by calibration; `nvm` takes the place of one.
    """

    power_up_ms = (1.0, 2.0)
    start_ma = 0.3
    data_register: ClassVar[int]
    filter_register: ClassVar[int]
    filters: ClassVar[tuple[int, ...]]  # by code
    images: ClassVar[Mapping[str, Mapping[int, int]]]
    formulas: AirFormulas = field(init=False)
    _pointer = 0

    pressure_hpa: Truth
    temperature_c: Truth
    humidity_rh: Truth
    _: KW_ONLY
    calibration: str = "a"
    nvm: Mapping[int, int] = field(default_factory=dict)

    @property
    def fused(self) -> Mapping[int, int]:
        return self.nvm or self.images[self.calibration]

    @property
    def chip_id(self) -> int:
        raise NotImplementedError

    @property
    def has_humidity(self) -> bool:
        return True

    def forget(self) -> None:
        self.memory = bytearray(256)
        self.memory[ID] = self.chip_id
        start = self.data_register
        self.memory[start : start + 8] = bytes.fromhex("8000008000008000")
        self.low_pass: dict[str, float] = {}

    # Registers

    def store(self, register: int, value: int) -> None:
        """A register is written; those that are read-only ignore it."""

    def _restart(self) -> None:
        """All as after power-on; what was going on is broken off."""
        self._period += 1  # its events are void, as after a loss of supply
        self.forget()
        self.rest()
        self.started()

    def command(self, data: bytes) -> None:
        self._pointer = data[0]
        for place in range(0, len(data) - 1, 2):
            if data[place : place + 2] == bytes((RESET, RESET_WORD)):
                self._restart()
            else:
                self.store(data[place], data[place + 1])
        if len(data) % 2:
            self._pointer = data[-1]

    def answer(self, count: int) -> bytes:
        start = self._pointer
        self._pointer = (start + count) % 256
        return bytes(self.memory[(start + place) % 256] for place in range(count))

    def put(self, register: int, value: int, count: int) -> None:
        self.memory[register : register + count] = value.to_bytes(count, "big")

    def put20(self, register: int, word: int) -> None:
        self.put(register, word << 4, 3)

    # Measurements

    def samples(self, control: int, humidity_code: int) -> dict[str, int]:
        """How often each item is measured, by the codes of the control registers."""
        codes = {"t": control >> 5, "p": control >> 2 & 7, "h": humidity_code}
        return {item: OVERSAMPLING[code] for item, code in codes.items()}

    def charge(self, samples: Mapping[str, int], sample_ms: float) -> float:
        """What measuring them takes, in mA ms."""
        return sum(MILLIAMPS[item] * sample_ms * count for item, count in samples.items())

    def _give(self, samples: Mapping[str, int]) -> None:
        """Put the words of the truth into the data registers; items left out have their reset."""
        start, seconds = self.data_register, self.seconds()
        coefficient = self.filters[self.memory[self.filter_register] >> 2 & 7]
        celsius = self.temperature_c(seconds)
        words = {
            "p": self.formulas.pressure_word(self.pressure_hpa(seconds) * 100, celsius),
            "t": self.formulas.temperature_word(celsius),
        }
        for register, item in ((start, "p"), (start + 3, "t")):
            if not samples[item]:
                self.put20(register, 0x80000)
                continue
            word = filtered(self.low_pass.get(item), words[item], coefficient)
            self.low_pass[item] = word
            bits = 20 if coefficient > 1 else 15 + samples[item].bit_length()
            self.put20(register, cut(word, bits))
        if self.has_humidity:
            word = self.formulas.humidity_word(self.humidity_rh(seconds), celsius)
            self.put(start + 6, round(word) if samples["h"] else 0x8000, 2)


def image(*rows: tuple[int, str]) -> dict[int, int]:
    """{register: value} of rows (first register, bytes in hexadecimal)."""
    return {
        first + place: value
        for first, text in rows
        for place, value in enumerate(bytes.fromhex(text))
    }


def register_file(nvm: Mapping[int, int]) -> bytes:
    """All 256 registers of an image, for `struct`."""
    return bytes(nvm.get(register, 0) for register in range(256))


def cut(word: float, bits: int) -> int:
    """A word of 20 bits of which a converter gives so many; the others are 0."""
    step = 1 << 20 - bits
    return min(max(round(word / step), 0), (_TOP >> 20 - bits) - 1) * step


def fine_of(celsius: float) -> float:
    """The data sheets' t_fine, with which the other values are corrected."""
    return celsius * 5120


def celsius_of(word: float, t1: int, t2: int, t3: float) -> float:
    first = (word / 16384 - t1 / 1024) * t2
    return (first + (word / 131072 - t1 / 8192) ** 2 * t3) / 5120


def filtered(before: float | None, word: float, coefficient: int) -> float:
    """One step of the low-pass in the chips; it starts at the first word."""
    if before is None or coefficient <= 1:
        return word
    return (before * (coefficient - 1) + word) / coefficient
