"""What the emulated SCD30 and SCD4x share: 16-bit commands, checked arguments, words with CRCs."""

from __future__ import annotations

from collections.abc import Callable

from emulator.chips.part import I2cPart, crc8, nack

SEA_LEVEL_HPA = 1013.25
CRC_START = 0xFF

Handler = Callable[[int], None]


def with_checksums(*words: int) -> bytes:
    """The words as they go over the bus: two bytes and their checksum each."""
    pairs = [word.to_bytes(2, "big") for word in words]
    return b"".join(pair + bytes((crc8(pair, CRC_START),)) for pair in pairs)


def pressure_at_hpa(altitude_m: float) -> float:
    """The standard atmosphere, which is what a stored altitude stands for."""
    return float(SEA_LEVEL_HPA * (1 - 2.25577e-5 * altitude_m) ** 5.25588)


class CommandPart(I2cPart):
    """A chip with the commands of `plain` and, followed by a word and its CRC, of `settings`.

    A command that is not known or not allowed now is not acknowledged. Nor is an argument with a
    wrong checksum, and it is not carried out.
    """

    answer_after_ms = 1.0
    plain: dict[int, Callable[[], None]]
    settings: dict[int, Handler]

    def allowed(self, code: int) -> bool:
        return True

    def command(self, data: bytes) -> None:
        self.forget_answer()
        code, argument = int.from_bytes(data[:2], "big"), data[2:]
        if len(data) < 2 or not self.allowed(code):
            raise nack(f"{self.name} takes no {data.hex()} now")
        if not argument and code in self.plain:
            self.plain[code]()
        elif len(argument) == 3 and code in self.settings:
            if crc8(argument[:2], CRC_START) != argument[2]:
                raise nack(f"{self.name}: wrong checksum in {data.hex()}")
            self.settings[code](int.from_bytes(argument[:2], "big"))
        else:
            raise nack(f"{self.name} knows no command {data.hex()}")

    def forget_answer(self) -> None:
        self._reply: Callable[[], bytes] | None = None
        self._reply_us = 0

    def reply(self, make: Callable[[], tuple[int, ...] | None]) -> None:
        """The next read gets these words, made when it comes; None: it is not acknowledged."""

        def answer() -> bytes:
            words = make()
            if words is None:
                raise nack(f"{self.name} has no data")
            return with_checksums(*words)

        self._reply = answer
        self._reply_us = self.board.clock.now_us + round(self.answer_after_ms * 1000)

    def say(self, *words: int) -> None:
        self.reply(lambda: words)

    def answer(self, count: int) -> bytes:
        if self._reply is None or self.board.clock.now_us < self._reply_us:
            raise nack(f"{self.name} has nothing to say yet")
        answer, self._reply = self._reply, None
        return answer()
