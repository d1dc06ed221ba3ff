"""A Si7021, HTU21D, SHT20 or SHT21 at register level: temperature and humidity at address 0x40.

What they share: commands to measure, with and without holding the bus; no acknowledgement while
they convert, reset or start; a user register with the resolution; checksums. Where they differ
stands in emulator/chips/si7021_models.py, with the sources. A chip told to hold the bus stretches
the clock for longer than the ESP32 waits: to a program that is a bus error too, and here the same.

The truth is given as functions of virtual time in seconds: `temperature_c(t)`, `humidity_rh(t)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from emulator.board.i2c import Nack
from emulator.chips import plugging
from emulator.chips.options import Truth, option, truth
from emulator.chips.part import I2cPart, Span, crc8
from emulator.chips.si7021_models import HUMIDITY_BITS, MODELS, TEMPERATURE_BITS, Model

ADDRESS = 0x40
LINE = ("si7021", {"sda_pin": "P9", "scl_pin": "P10", "vcc_pin": "P11"})

_VDD_LOW, _HEATER = 0x40, 0x04  # bits of the user register
_START_PEAK_US = 5_000
_START_PEAK_MA = 3.5
_HEATER_MA = 1.7  # of the kinds without levels: 5.5 mW
_HEATER_CEL_PER_MA = 0.6  # of these 0.5 to 1.5 Cel (SHT20 data sheet); of the others assumed


@dataclass(eq=False)
class Si7021(I2cPart):
    """One chip. `power` it, attach it to a bus at ADDRESS; `write` and `read` are its transfers.

    noise     standard deviations (Cel, %RH) of single conversions
    """

    temperature_c: Truth = truth(21.4, swing=2.0)
    humidity_rh: Truth = truth(54.8, swing=-4.0)
    model: str = option("si7021", allowed=MODELS)
    noise: tuple[float, float] = (0.01, 0.05)
    vdd_mv: int = 3300

    @cached_property
    def traits(self) -> Model:
        return MODELS[self.model]

    def __post_init__(self) -> None:
        super().__post_init__()
        self.power_up_ms = self.traits.power_up_ms

    # Supply

    def power(self, on: bool) -> None:
        starts = on and not self.powered
        super().power(on)
        if starts:  # the current peaks for a shorter time than the start takes
            self.draw("start", _START_PEAK_MA)
            self.later_us(_START_PEAK_US, self.rest)

    def forget(self) -> None:
        self._user_register = self.traits.user_register
        self._heater_level = 0
        self._answer = b""  # what the next read gets
        self._previous_temperature = b"\x00\x00"

    # Transfers

    def command(self, data: bytes) -> None:
        self._answer = b""
        if data in self._plain:
            self._plain[data]()
        elif data[0] not in self._settings or len(data) > 2:
            raise Nack(f"{self.name} knows no command {data.hex()}")
        elif len(data) == 2:
            self._settings[data[0]](data[1])

    def answer(self, count: int) -> bytes:
        """0xFF stands behind the last byte."""
        answer, self._answer = self._answer, b""
        return answer

    # Commands

    @cached_property
    def _plain(self) -> dict[bytes, Callable[[], None]]:
        """The commands without an argument."""
        known: dict[bytes, Callable[[], None]] = {
            b"\xf3": self._convert_temperature,
            b"\xe3": self._convert_temperature,
            b"\xf5": self._convert_humidity,
            b"\xe5": self._convert_humidity,
            b"\xe7": lambda: self._reply(self._register()),
            b"\xfe": self._reset,
        }
        if self.traits.identity:
            known[b"\xfa\x0f"] = lambda: self._reply(*self._identity_a())
            known[b"\xfc\xc9"] = lambda: self._reply(*self._identity_b())
        if self.traits.temperature_with_humidity:
            known[b"\xe0"] = lambda: self._reply(*self._previous_temperature)
        if self.traits.heater_levels:
            known[b"\x11"] = lambda: self._reply(self._heater_level)
        if self.traits.firmware_revision is not None:
            known[b"\x84\xb8"] = lambda: self._reply(self.traits.firmware_revision or 0)
        return known

    @cached_property
    def _settings(self) -> dict[int, Callable[[int], None]]:
        """Those with an argument, which may come without and then do nothing."""
        known: dict[int, Callable[[int], None]] = {0xE6: self._write_register}
        if self.traits.heater_levels:
            known[0x51] = self._write_heater
        return known

    def _reply(self, *answer: int) -> None:
        self._answer = bytes(answer)

    def _register(self) -> int:
        low = self.vdd_mv < self.traits.supply_low_mv
        return self._user_register | (_VDD_LOW if low else 0)

    def _write_register(self, value: int) -> None:
        kept = self._user_register & ~self.traits.writable
        self._user_register = kept | value & self.traits.writable
        self.rest()  # the heater may have been switched

    def _write_heater(self, value: int) -> None:
        self._heater_level = value & 0x0F
        self.rest()

    def _reset(self) -> None:
        kept = self._user_register & _HEATER if self.traits.heater_survives_reset else 0
        self.forget()
        self._user_register |= kept
        self.busy_for(self.traits.reset_ms)
        self.rest()

    def _identity_a(self) -> bytes:
        """SNA3 to SNA0, each followed by the checksum of all so far (coverage not documented)."""
        serial = self.board.rng("serial " + self.name).randbytes(4)
        return b"".join(serial[n : n + 1] + bytes((crc8(serial[: n + 1]),)) for n in range(4))

    def _identity_b(self) -> bytes:
        serial = self.traits.identity
        return serial[:2] + bytes((crc8(serial[:2]),)) + serial[2:] + bytes((crc8(serial),))

    # Conversions

    def _convert_temperature(self) -> None:
        code = self._resolution_code()
        word = self._temperature_word(code)
        span = self.traits.temperature_ms[code]
        self._start_conversion("t", self.traits.temperature_ma, span, word)

    def _convert_humidity(self) -> None:
        code = self._resolution_code()
        span = self.traits.humidity_ms[code]
        word = self._humidity_word(code)
        if self.traits.temperature_with_humidity:
            also = self.traits.temperature_ms[code]
            span = span[0] + also[0], span[1] + also[1]
            self._previous_temperature = self._temperature_word(code).to_bytes(2, "big")
        self._start_conversion("rh", self.traits.humidity_ma, span, word)

    def _start_conversion(self, state: str, milliamps: float, span: Span, word: int) -> None:
        value = word.to_bytes(2, "big")
        self._answer = value + bytes((crc8(value),))
        self.convert(state, milliamps + self._heater_ma(), span)

    def _temperature_word(self, code: int) -> int:
        celsius = self.temperature_c(self.seconds()) + self.rng.gauss(0, self.noise[0])
        celsius += _HEATER_CEL_PER_MA * self._heater_ma()
        return quantised((celsius + 46.85) / 175.72, TEMPERATURE_BITS[code], 0b00)

    def _humidity_word(self, code: int) -> int:
        percent = self.humidity_rh(self.seconds()) + self.rng.gauss(0, self.noise[1])
        return quantised((percent + 6) / 125, HUMIDITY_BITS[code], 0b10)

    def _resolution_code(self) -> int:
        return self._user_register >> 6 & 2 | self._user_register & 1

    # Current

    def rest(self) -> None:
        heater = self._heater_ma()
        state = "heater" if heater else "standby"
        self.draw(state, self.traits.standby_ma + heater)

    def _heater_ma(self) -> float:
        if not self._user_register & _HEATER:
            return 0.0
        return 3.1 + 6.1 * self._heater_level if self.traits.heater_levels else _HEATER_MA


def quantised(share: float, bits: int, status: int) -> int:
    """A 16-bit word for a share of full scale: `bits` of value, the status in the lowest two."""
    step = 1 << 16 - bits
    steps = round(share * 65536 / step)
    return min(max(steps, 0), (1 << bits) - 1) * step | status


plug = plugging.on_i2c(Si7021, ADDRESS)
