"""A Si7021, HTU21D or SHT20 at register level: temperature and humidity at I2C address 0x40.

What they share: commands to measure, with and without holding the bus; no acknowledgement while
they convert, reset or start; a user register with the resolution; checksums. Where they differ
stands in devkit/chips/si7021_models.py, with the sources. A chip told to hold the bus stretches
the clock for longer than the ESP32 waits: to a program that is a bus error too, and here the same.

The truth is given as functions of virtual time in seconds: `temperature_c(t)`, `humidity_rh(t)`.
"""

from __future__ import annotations

from collections.abc import Callable

from devkit.board.board import Board
from devkit.chips.si7021_models import HUMIDITY_BITS, MODELS, TEMPERATURE_BITS, Span

ADDRESS = 0x40

Truth = Callable[[float], float]

_VDD_LOW, _HEATER = 0x40, 0x04  # bits of the user register
_START_PEAK_US = 5_000
_START_PEAK_MA = 3.5
_HEATER_MA = 1.7  # of the kinds without levels: 5.5 mW


class Si7021:
    """One chip. `power` it, attach it to a bus at ADDRESS; `write` and `read` are its transfers.

    lateness  0 to 1: where between typical and greatest every conversion, reset and start ends
    noise     standard deviations (Cel, %RH) of single conversions
    absent    True: acknowledges nothing, as if it were not there
    stuck     True: holds the data line low, so that all reads are zeros
    corrupt   so many of the next answers arrive with one bit turned over
    extra_ms  added to each conversion
    start_ms  from supply on to ready, if not by the model: up to 80 in the cold
    """

    def __init__(
        self,
        board: Board,
        temperature_c: Truth,
        humidity_rh: Truth,
        model: str = "si7021",
        name: str = "si7021",
        noise: Span = (0.01, 0.05),
    ) -> None:
        if model not in MODELS:
            raise ValueError(f"chip model {model!r}; allowed: {', '.join(MODELS)}")
        self.model = MODELS[model]
        self.name = name
        self.temperature_c = temperature_c
        self.humidity_rh = humidity_rh
        self.noise = noise
        self.lateness = 0.0
        self.absent = False
        self.stuck = False
        self.corrupt = 0
        self.extra_ms = 0.0
        self.start_ms: float | None = None
        self.vdd_mv = 3300
        self._board = board
        self._rng = board.rng("chip " + name)
        self._powered = False
        self._forget()
        board.meter.set(name, "off", 0.0)

    # Supply

    def power(self, on: bool) -> None:
        """Switch the supply. Off, the chip forgets everything; on, it starts."""
        if on == self._powered:
            return
        self._powered = on
        self._forget()
        if on:
            start_ms = self.start_ms
            span = self.model.power_up_ms if start_ms is None else (start_ms, start_ms)
            self._ready_us = self._after(span)
            self._board.meter.set(self.name, "start", _START_PEAK_MA)
            self._later(_START_PEAK_US, self._rest)
        else:
            self._board.meter.set(self.name, "off", 0.0)

    def _forget(self) -> None:
        self._user_register = self.model.user_register
        self._heater_level = 0
        self._ready_us = 0  # busy until then
        self._answer = b""  # what the next read gets
        self._previous_temperature = b"\x00\x00"
        self._period = getattr(self, "_period", 0) + 1  # makes events of the time before void

    # Transfers

    def write(self, data: bytes) -> None:
        """One write transfer: the bytes after the address. Raises Nack if they are not taken."""
        self._need_awake()
        if not data:
            return  # a scan: the address alone
        self._answer = b""
        command, argument = data[0], data[1:]
        if data in self._long_answers:
            self._answer = self._long_answers[data]()
        elif command in self._commands and len(argument) == self._arguments.get(command, 0):
            self._commands[command](argument)
        elif not (command in self._arguments and not argument):
            raise _nack(f"{self.name} knows no command {data.hex()}")

    def read(self, count: int) -> bytes:
        """One read transfer. Raises Nack while converting; 0xFF stands behind the last byte."""
        self._need_awake()
        if self.stuck:
            return bytes(count)
        answer = self._answer[:count]
        self._answer = b""
        if answer and self.corrupt > 0:
            self.corrupt -= 1
            answer = answer[:-1] + bytes((answer[-1] ^ 0x01,))
        return answer.ljust(count, b"\xff")

    def _need_awake(self) -> None:
        if self.absent or not self._powered:
            raise _nack(f"{self.name} is not there")
        if self._board.clock.now_us < self._ready_us and not self.stuck:
            raise _nack(f"{self.name} is busy")

    # Commands

    @property
    def _arguments(self) -> dict[int, int]:
        return {0xE6: 1, 0x51: 1} if self.model.heater_levels else {0xE6: 1}

    @property
    def _commands(self) -> dict[int, Callable[[bytes], None]]:
        known: dict[int, Callable[[bytes], None]] = {
            0xF3: lambda _: self._convert_temperature(),
            0xE3: lambda _: self._convert_temperature(),
            0xF5: lambda _: self._convert_humidity(),
            0xE5: lambda _: self._convert_humidity(),
            0xE7: lambda _: self._reply(bytes((self._register(),))),
            0xE6: self._write_register,
            0xFE: lambda _: self._reset(),
        }
        if self.model.temperature_with_humidity:
            known[0xE0] = lambda _: self._reply(self._previous_temperature)
        if self.model.heater_levels:
            known[0x11] = lambda _: self._reply(bytes((self._heater_level,)))
            known[0x51] = self._write_heater
        return known

    @property
    def _long_answers(self) -> dict[bytes, Callable[[], bytes]]:
        known = {b"\xfa\x0f": self._identity_a, b"\xfc\xc9": self._identity_b}
        if self.model.firmware_revision is not None:
            known[b"\x84\xb8"] = lambda: bytes((self.model.firmware_revision or 0,))
        return known

    def _reply(self, answer: bytes) -> None:
        self._answer = answer

    def _register(self) -> int:
        low = self.vdd_mv < self.model.supply_low_mv
        return self._user_register | (_VDD_LOW if low else 0)

    def _write_register(self, argument: bytes) -> None:
        kept = self._user_register & ~self.model.writable
        self._user_register = kept | argument[0] & self.model.writable
        self._rest()  # the heater may have been switched

    def _write_heater(self, argument: bytes) -> None:
        self._heater_level = argument[0] & 0x0F
        self._rest()

    def _reset(self) -> None:
        kept = self._user_register & _HEATER if self.model.heater_survives_reset else 0
        self._forget()
        self._user_register |= kept
        self._ready_us = self._after(self.model.reset_ms)
        self._rest()

    def _identity_a(self) -> bytes:
        """SNA3 to SNA0, each followed by the checksum of all so far (coverage not documented)."""
        serial = self._board.rng("serial " + self.name).randbytes(4)
        return b"".join(serial[n : n + 1] + bytes((checksum(serial[: n + 1]),)) for n in range(4))

    def _identity_b(self) -> bytes:
        serial = self.model.identity
        return (
            serial[:2] + bytes((checksum(serial[:2]),)) + serial[2:] + bytes((checksum(serial),))
        )

    # Conversions

    def _convert_temperature(self) -> None:
        code = self._resolution_code()
        word = self._temperature_word(code)
        duration = self._span(self.model.temperature_ms[code])
        self._start_conversion("t", self.model.temperature_ma, duration, word)

    def _convert_humidity(self) -> None:
        code = self._resolution_code()
        duration = self._span(self.model.humidity_ms[code])
        word = self._humidity_word(code)
        if self.model.temperature_with_humidity:
            duration += self._span(self.model.temperature_ms[code])
            self._previous_temperature = self._temperature_word(code).to_bytes(2, "big")
        self._start_conversion("rh", self.model.humidity_ma, duration, word)

    def _start_conversion(
        self, state: str, milliamps: float, duration_ms: float, word: int
    ) -> None:
        value = word.to_bytes(2, "big")
        self._answer = value + bytes((checksum(value),))
        duration_us = round((duration_ms + self.extra_ms) * 1000)
        self._ready_us = self._board.clock.now_us + duration_us
        self._board.meter.set(self.name, state, milliamps + self._heater_ma())
        self._later(duration_us, self._rest)

    def _temperature_word(self, code: int) -> int:
        celsius = self.temperature_c(self._seconds()) + self._rng.gauss(0, self.noise[0])
        return quantised((celsius + 46.85) / 175.72, TEMPERATURE_BITS[code], 0b00)

    def _humidity_word(self, code: int) -> int:
        percent = self.humidity_rh(self._seconds()) + self._rng.gauss(0, self.noise[1])
        return quantised((percent + 6) / 125, HUMIDITY_BITS[code], 0b10)

    def _resolution_code(self) -> int:
        return self._user_register >> 6 & 2 | self._user_register & 1

    # Time and current

    def _span(self, span: Span) -> float:
        return span[0] + (span[1] - span[0]) * self.lateness

    def _after(self, span: Span) -> int:
        return self._board.clock.now_us + round(self._span(span) * 1000)

    def _seconds(self) -> float:
        return self._board.clock.now_us / 1e6

    def _later(self, delay_us: int, call: Callable[[], None]) -> None:
        period = self._period
        self._board.clock.schedule(delay_us, lambda: call() if period == self._period else None)

    def _rest(self) -> None:
        heater = self._heater_ma()
        state = "heater" if heater else "standby"
        self._board.meter.set(self.name, state, self.model.standby_ma + heater)

    def _heater_ma(self) -> float:
        if not self._user_register & _HEATER:
            return 0.0
        return 3.1 + 6.1 * self._heater_level if self.model.heater_levels else _HEATER_MA


def quantised(share: float, bits: int, status: int) -> int:
    """A 16-bit word for a share of full scale: `bits` of value, the status in the lowest two."""
    step = 1 << 16 - bits
    steps = round(share * 65536 / step)
    return min(max(steps, 0), (1 << bits) - 1) * step | status


def checksum(data: bytes) -> int:
    """CRC-8 of the data sheets (x^8 + x^5 + x^4 + 1 from 0), as one long division."""
    remainder = int.from_bytes(data, "big") << 8
    for bit in range(len(data) * 8 + 7, 7, -1):
        if remainder >> bit & 1:
            remainder ^= 0x131 << bit - 8
    return remainder


def _nack(text: str) -> Exception:
    from devkit.board.i2c import Nack

    return Nack(text)
