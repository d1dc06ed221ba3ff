"""Faults that strike the modem as a whole: mute, crash, stray URCs, coverage, the network.

Faults of one command line are in emulator/modem/command_faults; those two of them that are left to
the modem, mute and crash, come here as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulator.board import options
from emulator.board.faults import Fault, NoKeys
from emulator.modem.command_faults import Crash, Mute

if TYPE_CHECKING:
    from emulator.modem.modem import Modem


@dataclass
class Urc:
    text: str


@dataclass
class Detach:
    cause: int | None = None


@dataclass
class WrongTime:
    off_s: int = 0  # what the network tells from now on is off by so much; 0: right again


WORDS: dict[str, type] = {
    "mute": Mute,
    "crash": Crash,
    "urc": Urc,
    "lose_coverage": NoKeys,
    "regain_coverage": NoKeys,
    "detach_by_network": Detach,
    "wrong_time": WrongTime,
}


class ModemFaults:
    def __init__(self, modem: Modem) -> None:
        self._modem = modem
        self._urcs_sent = 0
        for word in WORDS:
            modem.board.faults.on_time(word, self._at_time)
        modem.session.on_fault = self._later
        if modem.options.urc_every_ms and modem.options.urc_texts:
            self._next_urc()

    def _at_time(self, fault: Fault) -> None:
        keys: Any = options.from_table(WORDS[fault.do], fault.options, f"fault {fault.do}:")
        if isinstance(keys, Mute | Crash):
            self._later(keys)
        elif isinstance(keys, Urc):
            self._modem.urc(keys.text)
        elif isinstance(keys, Detach):
            self._modem.emm.detached_by_network(keys.cause)
        elif isinstance(keys, WrongTime):
            self._modem.cell.time_off_s = keys.off_s
        elif fault.do == "lose_coverage":
            self._modem.emm.lose_coverage()
        else:
            self._modem.emm.regain_coverage()

    def _later(self, keys: Mute | Crash) -> None:
        if keys.delay_ms:
            self._modem.after_ms(keys.delay_ms, lambda: self._strike(keys))
        else:
            self._strike(keys)

    def _strike(self, keys: Mute | Crash) -> None:
        if isinstance(keys, Crash):
            self._modem.crash(keys.file)
        else:
            self._modem.mute(None if keys.forever else keys.for_ms)

    def _next_urc(self) -> None:
        self._modem.board.clock.schedule_ms(self._modem.options.urc_every_ms, self._say)

    def _say(self) -> None:
        texts = self._modem.options.urc_texts
        self._modem.urc(texts[self._urcs_sent % len(texts)])
        self._urcs_sent += 1
        self._next_urc()
