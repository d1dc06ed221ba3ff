"""What the emulated SCD30 and SCD4x share: 16-bit commands, checked arguments, words with CRCs,
and measurements of CO2 at an interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from emulator.board.i2c import Nack
from emulator.chips.options import Truth, truth
from emulator.chips.part import I2cPart, crc8

SEA_LEVEL_HPA = 1013.25
CRC_START = 0xFF

Handler = Callable[[int], None]


def with_checksums(*words: int) -> bytes:
    """The words as they go over the bus: two bytes and their checksum each."""
    pairs = [word.to_bytes(2, "big") for word in words]
    return b"".join(pair + bytes((crc8(pair, CRC_START),)) for pair in pairs)


def signal(value: float, least: float, most: float) -> int:
    """The 16-bit word whose value is nearest, when 0 is `least` and 65535 is `most`."""
    share = (value - least) / (most - least)
    return min(max(round(share * 65535), 0), 65535)


def pressure_at_hpa(altitude_m: float) -> float:
    """The standard atmosphere, which is what a stored altitude stands for."""
    return float(SEA_LEVEL_HPA * (1 - 2.25577e-5 * altitude_m) ** 5.25588)


@dataclass(eq=False)
class Co2Part(I2cPart):
    """A chip with the commands of `plain` and, followed by a word and its CRC, of `settings`.

    A command that is not known or not allowed now is not acknowledged. Nor is an argument with a
    wrong checksum, and it is not carried out.

    It measures CO2, temperature and humidity, with a burst of current at the end of each interval.
    pressure_hpa: of the air.
    """

    answer_after_ms = 1.0
    burst_ma = 0.0
    burst_ms = 0.0

    co2_ppm: Truth = truth(640.0, swing=150.0)
    temperature_c: Truth = truth(21.4, swing=2.0)
    humidity_rh: Truth = truth(54.8, swing=-4.0)
    _: KW_ONLY
    pressure_hpa: Truth = truth(SEA_LEVEL_HPA)
    interval_s: int = 0
    correction_ppm: float = 0.0  # by recalibration; kept without supply

    def __post_init__(self) -> None:
        self.plain: dict[int, Callable[[], None]] = {}
        self.settings: dict[int, Handler] = {}
        super().__post_init__()

    def allowed(self, code: int) -> bool:
        return True

    def command(self, data: bytes) -> None:
        self.forget_answer()
        code, argument = int.from_bytes(data[:2], "big"), data[2:]
        if len(data) < 2 or not self.allowed(code):
            raise Nack(f"{self.name} takes no {data.hex()} now")
        if not argument and code in self.plain:
            self.plain[code]()
        elif len(argument) == 3 and code in self.settings:
            if crc8(argument[:2], CRC_START) != argument[2]:
                raise Nack(f"{self.name}: wrong checksum in {data.hex()}")
            self.settings[code](int.from_bytes(argument[:2], "big"))
        else:
            raise Nack(f"{self.name} knows no command {data.hex()}")

    def forget(self) -> None:
        self.forget_answer()
        self.compensated_hpa = 0  # 0: by the altitude

    def forget_answer(self) -> None:
        self._reply: Callable[[], tuple[int, ...] | None] | None = None
        self._reply_us = 0

    def reply(self, make: Callable[[], tuple[int, ...] | None]) -> None:
        """The next read gets these words, made when it comes; None: it is not acknowledged."""
        self._reply = make
        self._reply_us = self.board.clock.now_us + round(self.answer_after_ms * 1000)

    def say(self, *words: int) -> None:
        self.reply(lambda: words)

    def answer(self, count: int) -> bytes:
        if self._reply is None or self.board.clock.now_us < self._reply_us:
            raise Nack(f"{self.name} has nothing to say yet")
        make, self._reply = self._reply, None
        words = make()
        if words is None:
            raise Nack(f"{self.name} has no data")
        return with_checksums(*words)

    # Measurements

    def measured(self) -> None:
        """An interval is over: take the values."""

    def schedule_measurement(self) -> None:
        """Measure at the end of this interval and of those that follow, until another task."""

        def end() -> None:
            self.measured()
            self.schedule_measurement()

        span = self.burst_ms, self.burst_ms
        over = self.of_task(end)
        burst = self.of_task(
            lambda: self.convert("burst", self.burst_ma, span, over, blocks=False)
        )
        self.later_us(round((1000 * self.interval_s - self.burst_ms) * 1000), burst)

    def seen_ppm(self, altitude_m: int) -> float:
        """It counts molecules, so it errs with the pressure by as much as it takes it wrongly."""
        now = self.seconds()
        taken_hpa = self.compensated_hpa or pressure_at_hpa(altitude_m)
        return self.co2_ppm(now) * self.pressure_hpa(now) / taken_hpa + self.correction_ppm
