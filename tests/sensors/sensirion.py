"""What the tests of the Sensirion sensors share: a scripted chip, and a look at the supply."""

from __future__ import annotations

from typing import Any

from emulator.board.i2c import Nack

Answer = str | None | list[Any]


class Script:
    """A chip that answers each command with given bytes; None is no acknowledgement.

    Keyword arguments are commands in hex with a letter in front. A list is used up from the
    front, its last item stays. A command that is not listed is acknowledged, without an answer.
    """

    def __init__(self, **answers: Answer) -> None:
        self.answers = {bytes.fromhex(name[1:]): answer for name, answer in answers.items()}
        self.written: list[str] = []
        self.pending = b""

    def power(self, on: bool) -> None:
        pass

    def write(self, data: bytes) -> None:
        self.written.append(data.hex())
        answer = self.answers.get(bytes(data), "")
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if answer is None:
            raise Nack
        self.pending = bytes.fromhex(answer)

    def read(self, n: int) -> bytes:
        if not self.pending:
            raise Nack
        answer, self.pending = self.pending, b""
        return answer[:n].ljust(n, b"\xff")


class Supply:
    """For how long a pin was on, in ms; `spans` has one number per time."""

    def __init__(self, node: Any, pin: str = "P11") -> None:
        self.spans: list[float] = []
        self.on = False
        self._clock = node.board.clock
        self._since_us = 0
        node.pins.on_change(pin, self._changed)

    def _changed(self, level: int) -> None:
        if level and not self.on:
            self._since_us = self._clock.now_us
        elif self.on and not level:
            self.spans.append((self._clock.now_us - self._since_us) / 1000)
        self.on = bool(level)
