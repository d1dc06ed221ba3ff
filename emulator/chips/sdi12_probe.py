"""One emulated SDI-12 probe: what it hears on the wire, what it does then, and what it says.

It sleeps until a break of 12 ms and again after 100 ms without a character. It listens after 8.33
ms of marking, drops what comes with wrong parity, at another speed or with gaps, and answers after
8.33 to 15 ms. M is given up when anything is heard before the service request, C when the probe
itself is addressed; D then has no values.

Written against the SDI-12 specification 1.4. Not settled by it and chosen here: a command is
forgotten at a gap of more than 1.66 ms; D before the end of C gives it up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

from emulator.board.framing import Symbol
from emulator.chips.options import Truth, option
from emulator.chips.part import Part, crc, mirrored
from emulator.chips.sdi12_models import Model
from emulator.chips.sdi12_wire import CHAR_US, FRAMING, Wire

_MARK_US = 8_330 - 400  # with the tolerance of the specification
_GAP_US = 1_660
_AWAKE_US = 100_400
_ANSWER_US = (8_330, 14_900)
_COMMAND_MOST = 8
_ENDLESS = 400  # characters of an answer that does not end

_COMMAND = re.compile(
    r"(?P<bare>)!|(?P<identify>I)!|A(?P<new>[0-9a-zA-Z])!"
    r"|(?P<job>[MC])(?P<crc>C?)(?P<digit>[1-9]?)!|D(?P<reply>[0-9])!"
    r"|R(?P<now_crc>C?)(?P<now>[0-9])!|(?P<verify>V)!"
)


@dataclass(eq=False)
class Probe(Part):
    """One probe. Of the faults of Part, `stuck` holds the wire at 5 V, and `corrupt` turns a bit
    of the last character over, which its parity shows."""

    wire: Wire
    model: Model
    truths: list[Truth]
    address: str = "0"  # non-volatile
    wake_ms: float = option(0.0, most=100)  # from the break until it listens
    gap_us: int = option(0, most=1_000_000)  # behind each of its characters
    # so many of the next answers have two wrong bits in a character: parity does not show it
    unseen: int = option(0)
    unseen_rate: float = option(0.0, most=1)  # the share of answers to which that happens
    silent: int = option(0)  # so many of the next commands are not answered
    garbage: str | None = option(None, kind=str)  # a text that it says instead of every answer
    endless: bool = option(False)  # its answers do not end
    # answers end after so many characters, without line end; None: they do not
    cut: int | None = option(None, kind=int)
    no_request: bool = option(False)  # it never says that it is ready
    # what users have seen, against the standard
    break_ms: float = option(12.0, most=30)  # of the shortest break that wakes it
    gives_up_c: bool = option(False)  # also when another probe is spoken to

    def __post_init__(self) -> None:
        self.commands: list[str] = []  # all that it has understood
        self.power_up_ms = self.model.power_up_ms
        self.standby_ma = self.model.standby_ma
        self.start_ma = self.model.awake_ma
        super().__post_init__()
        self.wire.probes.append(self)

    def forget(self) -> None:
        self._hears_from_us: int | None = None  # asleep: None
        self._last_us = 0  # end of the break or of the last character
        self._fresh = False  # no character since the break
        self._text = ""
        self._results: list[str] = []  # texts of the values, for D
        self._with_crc = False
        self._longest = 35
        self._measuring = ""  # "M" or "C" meanwhile

    # what it hears

    @property
    def holds_down(self) -> bool:
        return self.stuck and self.here()

    def space(self, duration_us: int) -> None:
        if not self.here() or self.busy or duration_us < 1000 * self.break_ms:
            return
        if self._measuring == "M" or (self._measuring and self.gives_up_c):
            self._give_up()
        now_us = self.board.clock.now_us
        self._hears_from_us = now_us + round(self.wake_ms * 1000)
        self._last_us = now_us
        self._fresh = True
        self._text = ""
        self._awake()

    def character(self, value: int | None, start_us: int) -> None:
        if not self.here() or self.busy:
            return
        if self._measuring == "M":
            self._give_up()
        hears_us = self._hears_from_us
        if hears_us is None or start_us < hears_us:
            return
        gap_us = start_us - self._last_us
        too_early = self._fresh and gap_us < _MARK_US
        too_late = start_us - max(self._last_us, hears_us) > _AWAKE_US
        torn = bool(self._text) and gap_us > _GAP_US
        if value is None or too_early or too_late or torn:
            self._sleep()
            return
        self._fresh = False
        self._last_us = self.board.clock.now_us
        self._text += chr(value)
        self._awake()
        if self._text[0] not in (self.address, "?") or len(self._text) > _COMMAND_MOST:
            self._sleep()
        elif self._text[-1] == "!":
            text, self._text = self._text, ""
            self._obey(text)

    def _awake(self) -> None:
        if not self._measuring:
            self.draw("awake", self.model.awake_ma)
        mark = self._last_us
        self.later_us(_AWAKE_US, lambda: self._doze(mark))

    def _doze(self, mark: int) -> None:
        if mark == self._last_us and not self._measuring:
            self.rest()

    def _sleep(self) -> None:
        self._hears_from_us = None
        self._text = ""
        if not self._measuring:
            self.rest()

    # what it does

    def _obey(self, text: str) -> None:
        match = _COMMAND.fullmatch(text[1:])
        if match is None or (text[0] == "?" and text != "?!"):
            return
        self.commands.append(text)
        if self.silent > 0:
            self.silent -= 1
            return
        found = match.groupdict()
        if self._measuring and text != "?!":
            self._give_up()
        if found["bare"] is not None:
            self._answer(self.address)
        elif found["identify"]:
            self._answer(self.address + self._identification())
        elif found["new"]:
            self.address = found["new"]
            self._answer(self.address)
        elif found["job"]:
            self._start(found["job"], found["digit"], bool(found["crc"]))
        elif found["reply"]:
            self._answer(self._reply(int(found["reply"])))
        elif found["now"]:
            self._measure_now(found["now"], bool(found["now_crc"]))
        elif found["verify"]:
            self._results, self._with_crc = ["+0"], False
            self._answer(self.address + "0001")

    def _identification(self) -> str:
        model = self.model
        who = f"{model.vendor:8.8}{model.model:6.6}{model.firmware:3.3}{model.optional:.13}"
        return model.version + who

    def _start(self, letter: str, digit: str, with_crc: bool) -> None:
        job = self.model.jobs.get(letter + digit)
        if job is None or (with_crc and not self.model.checksums):
            return
        self._results, self._with_crc = [], with_crc
        self._longest = 35 if letter == "M" else 75
        number = len(job.values)
        announced = (
            f"{job.seconds:03}{number}" if letter == "M" else f"{job.seconds:03}{number:02}"
        )
        said_us = self._answer(self.address + announced)
        self._measuring = letter
        self.new_task()
        ready = self.of_task(lambda: self._ready(job.values, letter, job.seconds))
        begin = self.of_task(
            lambda: self.convert("measure", self.model.measuring_ma, job.span, ready, blocks=False)
        )
        self.later_us(said_us, begin)

    def _ready(self, values: tuple[int, ...], letter: str, seconds: int) -> None:
        self._measuring = ""
        self._results = self._measured(values)
        if letter == "M" and seconds and not self.no_request:
            self._say(self.address, 0)

    def _give_up(self) -> None:
        self._measuring = ""
        self.new_task()
        self._results = []
        self.rest()

    def _measured(self, values: tuple[int, ...]) -> list[str]:
        texts = []
        for place in values:
            value = self.model.values[place]
            number = value.sent(self.truths[place](self.seconds()))
            text = f"{number:+.{value.decimals}f}"
            texts.append(text[:9] if "." in text[:8] else text[:8])  # seven digits at most
        return texts

    def _reply(self, number: int) -> str:
        """As many values as fit into each reply, in their order."""
        replies = [""]
        for text in self._results:
            if len(replies[-1]) + len(text) > self._longest:
                replies.append("")
            replies[-1] += text
        body = self.address + (replies[number] if number < len(replies) else "")
        return body + (checksum(body) if self._with_crc else "")

    def _measure_now(self, digit: str, with_crc: bool) -> None:
        job = self.model.jobs.get("R" + digit)
        if job is None or (with_crc and not self.model.checksums):
            return
        self._results, self._with_crc, self._longest = self._measured(job.values), with_crc, 75
        self._answer(self._reply(0))

    # what it says

    def _answer(self, text: str) -> int:
        """Say it after the pause that this probe makes; when that will be over, in us."""
        pause_us = _ANSWER_US[0] + (_ANSWER_US[1] - _ANSWER_US[0]) * self.lateness
        return self._say(text if self.garbage is None else self.garbage, round(pause_us))

    def _say(self, text: str, delay_us: int) -> int:
        if self.endless:
            text = (text + "+1.23") * (_ENDLESS // (len(text) + 5))
        if self.unseen > 0 or self.rng.random() < self.unseen_rate:
            self.unseen -= 1 if self.unseen > 0 else 0
            text = text[:-1] + chr(ord(text[-1]) ^ 0x03)
        line = text + "\r\n" if self.cut is None and not self.endless else text[: self.cut]
        symbols = [FRAMING.symbol(ord(character)) for character in line]
        if symbols and self.hit():
            place = max(0, len(symbols) - 3)  # the last one before the line end
            first, *others = symbols[place].levels
            symbols[place] = Symbol(FRAMING.baud, (1 - first, *others))
        self._last_us = self.board.clock.now_us + delay_us + len(symbols) * CHAR_US
        self._awake()
        pace_us = CHAR_US + self.gap_us
        for number, symbol in enumerate(symbols):
            self.later_us(delay_us + number * pace_us, partial(self._put, symbol))
        return delay_us + len(symbols) * pace_us

    def _put(self, symbol: Symbol) -> None:
        if self.here():
            self.wire.say(symbol)


def checksum(text: str) -> str:
    """The three characters of the specification: a CRC-16 (x^16 + x^15 + x^2 + 1) with the lowest
    bit of each character first."""
    message = bytes(mirrored(ord(character)) for character in text)
    found = mirrored(crc(int.from_bytes(message, "big"), 0x18005), 16)
    return "".join(chr(0x40 | found >> shift & 0x3F) for shift in (12, 6, 0))
