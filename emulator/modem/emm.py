"""Mobility management: the registration state, and everybody who moves it.

A script (emulator/modem/script) leads from CFUN=1 to being registered; CFUN=0/4, +CGATT, +COPS,
the SIM card, the network and the scenario's faults interfere. Listeners hear of each change of
<stat>. Source: 3GPP TS 24.301 5.5; the course of <stat> as seen on Monarch modems.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.board.constants import ESTIMATE, STANDARD, constant
from emulator.modem.engine import Pending
from emulator.modem.errors import EMM_CME, PERMANENT_EMM
from emulator.modem.script import (
    COVERAGE_LOST,
    DENIED,
    HOME,
    IDLE,
    NO_CELL,
    ROAMING,
    SEARCHING,
    UNKNOWN,
    Script,
    attaching,
    retrying,
    updating,
)
from emulator.network.options import Step

if TYPE_CHECKING:
    from emulator.modem.modem import Modem

# how long +CGATT=1 waits for service
SERVICE_WAIT_MS = constant(60_000, "ms", ESTIMATE, "how long +CGATT=1 waits for service")
# T3411 between attempts that the network refused
RETRY_MS = constant(10_000, "ms", STANDARD, "3GPP TS 24.301, T3411")
# how long it reselects after power saving mode, if it does
BACK_MS = constant(5_000, "ms", ESTIMATE, "how long hosts wait for +CEREG to leave 2")
ATTEMPTS = 5  # then the modem rests (T3402, 12 minutes: longer than anybody waits here)
ESM_FAILURE = 19
NB_S1 = 9


@dataclass
class Location:
    tac: str
    ci: str
    act: int


class Emm:
    def __init__(self, modem: Modem) -> None:
        self._modem = modem
        self._network = modem.cell.network
        self._script = Script(modem, self._enter)
        self.stat = IDLE
        self.cause_type: int | None = None
        self.cause: int | None = None
        self.attached = False
        self.denied_for_good = False
        self.location: Location | None = None
        self.last_reject: int | None = None
        self.listeners: list[Callable[[], None]] = []
        self._attempts = 0
        self._waiters: list[Pending] = []

    @property
    def registered(self) -> bool:
        return self.stat in (HOME, ROAMING)

    @property
    def searching(self) -> bool:
        """Something is still going to happen by itself."""
        return self._script.running

    # starting and ending

    def start(self) -> None:
        """Look for service; without a usable card the modem camps on any cell and stays 0."""
        if self._modem.cfun != 1 or self.registered or self.searching:
            return
        if not self._modem.sim.ready:
            return  # comes back when the card is ready
        self._attempts = 0
        if not self._modem.cell_reachable:
            self._script.play(NO_CELL, repeat=True)
        elif self._network.steps:
            self._script.play(self._network.steps, self._network.repeat)
        else:
            self._script.play(attaching(self._home))

    def search_anew(self) -> None:
        """Another operator may be used now."""
        if not self.registered:
            self._script.halt()
            self.start()

    def stop(self, stat: int = IDLE) -> None:
        """No service any more; told to the host as `stat`."""
        self._script.halt()
        self._modem.radio.stop()
        self.denied_for_good = False
        self.cause = self.cause_type = None
        self._leave(stat)
        self._fail_waiters(3)

    def restarted(self) -> None:
        """The modem reboots: nothing is told to anybody."""
        self._script.halt()
        self._waiters.clear()
        self.stat, self.attached, self.location = IDLE, False, None
        self.cause = self.cause_type = None
        self.denied_for_good = False

    def resume(self) -> None:
        """The modem was registered all along, before the board came to life."""
        self._try(Step(self._home))

    def detach(self, done: Callable[[], None]) -> None:
        """Finish what is queued, tell the network, be deregistered; then `done`."""
        self._script.halt()

        def gone(ok: bool | None) -> None:
            self.stop()
            done()

        if self.registered and self._modem.radio.usable:
            self._modem.radio.detach(gone)
        else:
            gone(True)

    # +CGATT=1 and +COPS=0

    def wait_attached(self) -> Pending:
        """OK at the moment of being attached, an error when that will not come."""
        pending = Pending()
        if self.attached:
            pending.finish()
            return pending
        if self.denied_for_good:
            pending.fail(EMM_CME.get(self.last_reject or 0, 107))
            return pending
        self._waiters.append(pending)
        self._modem.after_ms(SERVICE_WAIT_MS, lambda: self._give_up(pending))
        self.start()
        if not self.searching and not self.registered:
            self._fail_waiters(3)
        return pending

    def _give_up(self, pending: Pending) -> None:
        if pending in self._waiters:
            self._waiters.remove(pending)
            pending.fail(30)

    def _fail_waiters(self, code: int) -> None:
        waiters, self._waiters = self._waiters, []
        for pending in waiters:
            pending.fail(code)

    # faults and the network

    def lose_coverage(self) -> None:
        self._modem.cell.in_coverage = False
        if self._modem.cfun != 1 or not (self.searching or self.registered):
            return
        steps = COVERAGE_LOST if self.registered else NO_CELL
        self._modem.radio.stop()
        self._script.play(steps, repeat=True)

    def regain_coverage(self) -> None:
        self._modem.cell.in_coverage = True
        if self._modem.cfun != 1 or self.registered or self.denied_for_good:
            return
        self._script.halt()
        if self._modem.pdn.active:
            self._script.play(updating(self._home))
        else:
            self.start()

    def detached_by_network(self, cause: int | None) -> None:
        """The network sends the modem away: for good with a cause that says so, else to retry."""
        if not self.registered:
            return
        self._script.halt()
        if cause in PERMANENT_EMM:
            self._refused(Step(DENIED, cause=cause), final=True)
        else:
            self._leave(IDLE)
            self.start()

    def come_back_as(self, stat: int) -> None:
        """The registration as it is found after power saving mode: lost, or for a moment."""
        steps = [Step(stat, after_ms=0)]
        if stat == SEARCHING:
            steps.append(Step(self._home, after_ms=BACK_MS))
        self._script.play(steps)

    # what the script reaches

    @property
    def _home(self) -> int:
        return ROAMING if self._network.roaming else HOME

    def _enter(self, step: Step, last: bool) -> None:
        stat = step.stat
        if stat in (HOME, ROAMING):
            self._try(step)
        elif stat == DENIED:
            self._refused(step, final=last)
        else:
            self.cause = self.cause_type = None
            self._leave(stat)
        if self.stat not in (SEARCHING, HOME, ROAMING):
            self._modem.radio.rest()

    def _try(self, step: Step) -> None:
        """The attach is over: accepted, unless the network has no such PDN connection."""
        if self._modem.pdn.refusal(self._modem.pdn.attach_cid) is None:
            self._register(step)
            return
        self._attempts += 1
        again = self._attempts < ATTEMPTS
        self._refused(Step(DENIED, cause=ESM_FAILURE), final=not again)
        if again:
            self._script.play(retrying(step.stat, RETRY_MS))

    def _register(self, step: Step) -> None:
        modem, network = self._modem, self._network
        tac, ci = step.tac or network.tac, step.ci or network.ci
        self.location = Location(tac.upper(), ci.upper(), NB_S1)
        self.cause = self.cause_type = None
        self.denied_for_good = False
        modem.nv.known_cell = True
        modem.radio.usable = True
        modem.radio.rest()
        self._set(step.stat)
        lag_ms = 0.0 if self.attached else modem.cell.cgatt_lag_ms()
        if lag_ms:
            modem.after_ms(lag_ms, self._attach)
        else:
            self._attach()

    def _attach(self) -> None:
        if not self.registered:
            return
        if self._modem.pdn.refusal(self._modem.pdn.attach_cid) is not None:  # defined anew since
            self._refused(Step(DENIED, cause=ESM_FAILURE), final=True)
            return
        self.attached = True
        self._modem.pdn.activate(self._modem.pdn.attach_cid)
        waiters, self._waiters = self._waiters, []
        for pending in waiters:
            pending.finish()

    def _refused(self, step: Step, final: bool) -> None:
        self.cause = step.cause
        self.cause_type = None if self.cause is None else step.cause_type
        self.last_reject = self.cause if self.cause is not None else self.last_reject
        permanent = self.cause in PERMANENT_EMM
        ends = final or permanent
        self._modem.radio.stop()
        if ends:
            self._script.halt()
            self.denied_for_good = permanent or self.cause is None
        self._leave(DENIED)
        if ends:
            self._fail_waiters(EMM_CME.get(self.cause or 0, 30))

    def _leave(self, stat: int) -> None:
        """Not registered (any more). Out of coverage the PDN connections are kept."""
        keeps = stat in (UNKNOWN, SEARCHING)
        if self._modem.radio.usable:
            self._modem.radio.stop()
        self.attached = self.attached and keeps
        self.location = None
        self._set(stat)
        if not keeps:
            self._modem.pdn_all_down()

    def _set(self, stat: int) -> None:
        if stat == self.stat:
            return
        was_registered = self.registered
        self.stat = stat
        for listener in self.listeners:
            listener()
        if self.registered and not was_registered:
            self._modem.tell("on_registered")
        elif was_registered and not self.registered:
            self._modem.tell("on_deregistered")
