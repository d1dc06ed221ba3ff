"""Faults that strike the modem as a whole: mute, crash, stray URCs, coverage, the network.

Faults of one command line are in emulator/modem/command_faults; those two of them that are left to
the modem, mute and crash, come here as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.board.faults import Fault
from emulator.modem.command_faults import CRASH_FILE

if TYPE_CHECKING:
    from emulator.modem.modem import Modem


class ModemFaults:
    def __init__(self, modem: Modem) -> None:
        self._modem = modem
        self._urcs_sent = 0
        faults = modem.board.faults
        faults.on_time("mute", self._mute)
        faults.on_time("crash", self._crash)
        faults.on_time("urc", lambda fault: modem.urc(str(fault.options["text"])))
        faults.on_time("lose_coverage", lambda fault: modem.emm.lose_coverage())
        faults.on_time("regain_coverage", lambda fault: modem.emm.regain_coverage())
        faults.on_time("detach_by_network", self._detach)
        modem.session.on_fault = self._at_command
        if modem.scenario.modem.urc_every_ms and modem.scenario.modem.urc_texts:
            self._next_urc()

    def _mute(self, fault: Fault) -> None:
        self._modem.mute(None if fault.options.get("forever") else fault.options.get("for_ms"))

    def _crash(self, fault: Fault) -> None:
        self._modem.crash(str(fault.options.get("file", CRASH_FILE)))

    def _detach(self, fault: Fault) -> None:
        self._modem.emm.detached_by_network(fault.options.get("cause"))

    def _at_command(self, fault: Fault) -> None:
        if fault.do == "mute" and not fault.options:
            return  # swallowing this line was all
        strike = self._mute if fault.do == "mute" else self._crash
        delay_ms = fault.options.get("delay_ms", 0)
        if delay_ms:
            self._modem.after_ms(delay_ms, lambda: strike(fault))
        else:
            strike(fault)

    def _next_urc(self) -> None:
        self._modem.board.clock.schedule_ms(self._modem.scenario.modem.urc_every_ms, self._say)

    def _say(self) -> None:
        texts = self._modem.scenario.modem.urc_texts
        self._modem.urc(texts[self._urcs_sent % len(texts)])
        self._urcs_sent += 1
        self._next_urc()
