"""Both links to the modem, in each scenario of NB-IoT and each hard switch, at each coverage.

A run is one row of cases(): a bundled scenario, or a good one with one switch at a hard value
(of hard.toml, hard_psm.toml and OTHERS), a link, a coverage. The template sends by CoAP to the
real collector for several cycles, each of which tries: a back-off is forgotten. Board and firmware
are drawn. Rules:

    exception   nothing escapes: no program ends by an exception, and no step does
    awake       from a start to its sleep at most AWAKE_MS
    sleeps      each start ends in deep sleep
    cause       a cycle after which the server lacks a measurement names a cause of ALLOWED
    untrue      what it names has happened: see _Truth
    claims      what the node took out of its journal has arrived
    radio       in sleep the radio is off, but for a modem that hears nothing. With _PSM the modem
                is registered, if the network grants power saving mode or extended DRX, and the
                cycle went well
    rests       and it is at its lowest current, unless a floating RTS keeps it awake
    resumes     the next cycle begins with a registration that was left
"""

from __future__ import annotations

import functools
import random
import tempfile
from bisect import bisect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from devkit.soak.rig import Rig, radio_off, run_to_sleep
from devkit.soak.server import Server
from emulator import scenario as scenarios
from emulator.board.board import PWRON_RESET
from emulator.cycle import Cycle
from emulator.emulator import Emulator

ON_VM = True  # --vm is possible
CYCLES = 4
AWAKE_MS = 300_000  # as in devkit/soak/faults.py
# Fields of config.py by name
LINKS: dict[str, dict[str, object]] = {
    "lte": {"_MODEM_LINK": "lte"},
    "uart": {"_MODEM_LINK": "uart"},
    "auto": {"_MODEM_LINK": "auto"},
    "psm": {"_MODEM_LINK": "uart", "_PSM": "auto"},
    "update": {
        "_MODEM_LINK": "uart",
        "_PSM": (600, 2),
    },  # the modem tells where it is in each sleep
}
LEVELS = ("good", "fair", "edge")
BOARDS = ("GPy", "FiPy")
HOLDS = "FiPy"  # RTS over deep sleep
FIRMWARES = ("1.20.2.r4", "1.20.2.r7")
# "reference" is "good"; the others are a coverage, which each case has
LEFT_OUT = ("reference", "fair", "edge")

# Further hard values than those of the two files, by section
OTHERS: dict[str, dict[str, tuple[Any, ...]]] = {
    "modem": {
        "wake_garbage": ("00",),
        "urc_on_wake": (-1,),
        "psm_wake_ms": (2500,),
        "psm_sysstart": (True,),
        "psm_sockets": ("closed",),
        "psm_registration": ("4", "0"),
        "rai": ("accepted",),
        "cscon": (True,),
        "recovery_115200": (True,),
        "nitz_form": ("zone",),
        "cgatt_stays_0": (True,),
        "uart1": (False,),
    },
    "network": {
        "psm": ("denied_111", "tau_missing", "tau_24h", "active_16s"),
        "nitz": (False,),
    },
}

# and a network without any power saving
DENIES_ALL = {"network": {"psm": "denied_absent", "edrx": False}}

# Words for the end of a cycle: those of networking/_nbiot_causes.py, and of a link that is up
UNANSWERED = "unanswered"  # the modem took a report, and no answer came
REFUSED = "refused"  # the modem took none
NOTHING = "nothing"  # boot.py put the board to sleep, after resets
_LINKED = ("attached", "connected")

# What a cycle may end with instead of a delivery; what is not here has to deliver in each cycle.
# By name of the case, some by link: in the first cycle, and later
Words = tuple[str, ...]
ALLOWED: dict[str, tuple[Words, Words]] = {
    # its uplinks take up to 100 s: one in a hundred ten times as long as the others
    "bad_operator": ((UNANSWERED,), (UNANSWERED,)),
    "denied": (("registration_denied",), ("registration_denied",)),
    # median 45 s at good coverage, and the time limit is 90 s
    "first_attach": (("attach_timeout",), ("attach_timeout",)),
    # it has service for 7 s in 30
    "flapping": ((UNANSWERED, REFUSED, "attach_timeout"), (UNANSWERED, REFUSED, "attach_timeout")),
    # five refusals 10 s apart, then a denial that has to last for 20 s
    "ipv6_only": (
        ("attach_timeout", "registration_denied"),
        ("attach_timeout", "registration_denied"),
    ),
    "lost_datagrams": ((UNANSWERED,), (UNANSWERED,)),
    # LTE drops what the modem says of its restart, which takes up to 10 s
    "modem_crash lte": (("modem_rebooted", "modem_mute"), ()),
    "modem_crash uart": (("modem_rebooted",), ()),
    "modem_mute": (("modem_mute",), ("modem_mute",)),
    "modem_mute_in_attach": (("modem_mute",), ("modem_mute",)),
    "no_cell": (("attach_timeout",), ("attach_timeout",)),
    "no_sim": (("sim_missing",), ("sim_missing",)),
    "sim_pin": (("sim_locked",), ("sim_locked",)),
    "sim_puk": (("sim_locked",), ("sim_locked",)),
    "modem.recovery_115200 = True lte": (
        (NOTHING, "reset", "modem_mute"),
        ("reset", "modem_mute"),
    ),
    "modem.recovery_115200 = True auto": (
        (NOTHING, "reset", "modem_mute"),
        ("reset", "modem_mute"),
    ),
    "modem.recovery_115200 = True uart": (("modem_recovery",), ("modem_recovery",)),
    "modem.uart1 = False uart": (("modem_mute",), ("modem_mute",)),
}
# One attach in fifty finds nothing for minutes, a quarter takes more than 90 s with an outlier;
# repetitions of CoAP end after 75 s. Packet service comes up to 3 s after a registration, maybe
# too late
ANYWHERE: dict[str, Words] = {"edge": ("attach_timeout", "no_packet_service", UNANSWERED)}
# Some have a few cases only: "auto" those in which it changes from one link to the other
FEW = {
    "auto": (
        "good",
        "hard",
        "modem_mute",
        "modem.recovery_115200 = True",
        "modem.uart1 = False",
    ),
    "update": ("good", "hard_psm", "network.psm_denied_later = 3"),
}
# LTE() never returns where the firmware has started the modem: the watchdog bites, three times in
# a row at most (docs/reliability.md)
HANGS = ("modem.recovery_115200 = True",)
MOST_RESETS = 3
# A modem that was left registered loses its cell and finds it, in the sleep as well
MOVES = ("flapping",)
# Nothing switches the radio off: it is as the modem was when it fell mute
RADIO_STAYS = ("modem_mute_in_attach",)

# phases of nbiot
_ATTEMPT = ("init", "resume", "prepare", "activation", "attachment", "connection")

_NOTICED_US = 5_000_000  # a node may overlook service that is younger than this
_HEARD_US = 3_000_000  # or an answer
_SILENT_US = 900_000


class Case(NamedTuple):
    name: str  # of a scenario, or "section.key = value"
    table: dict[str, Any]
    link: str
    level: str

    @property
    def about(self) -> str:
        return f"{self.name}, {self.link}, {self.level}"

    def allowed(self, first: bool) -> Words:
        link = str(LINKS[self.link]["_MODEM_LINK"])
        words = ALLOWED.get(self.name) or ALLOWED.get(f"{self.name} {link}") or ((), ())
        return words[0 if first else 1] + ANYWHERE.get(self.level, ())


@functools.cache
def cases() -> tuple[Case, ...]:
    """All of them, mixed, so that a few meet all kinds."""
    found = [
        Case(name, {**table, "radio": {"level": level}}, link, level)
        for name, table in _conditions()
        for link in LINKS
        for level in LEVELS
        if name in FEW.get(link, (name,)) and ("_PSM" in LINKS[link] or ".psm" not in name)
    ]
    random.Random(0).shuffle(found)
    return tuple(found)


def _conditions() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in scenarios.names():
        if name not in LEFT_OUT and not name.startswith(("wifi", "lora")):
            yield name, {"like": name}
    seen = set()
    for section, key, value in _switches():
        name = f"{section}.{key} = {value}"
        if name not in seen:
            seen.add(name)
            yield name, {section: {key: value}}
    yield "network.psm = denied_absent, edrx = False", DENIES_ALL


def _switches() -> Iterator[tuple[str, str, Any]]:
    for file in ("hard", "hard_psm"):
        for section, table in scenarios.table(file).items():
            if isinstance(table, dict):
                for key, value in table.items():
                    yield section, key, value
    for section, others in OTHERS.items():
        for key, values in others.items():
            for value in values:
                yield section, key, value


RUNS = len(cases())


def violations(rig: Rig, seed: int) -> list[tuple[str, str]]:
    case, kind = cases()[(seed - 1) % RUNS], board(seed)
    with (
        tempfile.TemporaryDirectory(prefix="links-") as folder,
        rig.board(case.table, seed, "nbiot", LINKS[case.link], grown=False, **kind) as emulator,
        Server(emulator, Path(folder), seed) as server,
    ):
        run = _Run(rig, case, emulator, server)
        found = run.violations()
    about = f"{case.about}, {kind['name']}, {kind['firmware']}"
    return [(rule, f"{about}, {seen}") for rule, seen in found]


def board(seed: int) -> dict[str, str]:
    """What is drawn for this run."""
    rng = random.Random(seed)
    return {"name": rng.choice(BOARDS), "firmware": rng.choice(FIRMWARES)}


class _Run:
    def __init__(self, rig: Rig, case: Case, emulator: Emulator, server: Server) -> None:
        self._rig = rig
        self._case = case
        self._emulator = emulator
        self._server = server
        self._truth = _Truth(emulator)
        self._measured = 0  # as often as the board started
        # at the end of the cycle before
        self._granted = ""  # as _keeps() has it
        self._kept: str | None = ""

    def violations(self) -> list[tuple[str, str]]:
        cause: int | None = PWRON_RESET
        nvs: Any = self._emulator.board.services["nvs"]
        for number in range(1, CYCLES + 1):
            assert cause is not None
            self._truth.begin()
            cycles, cause = run_to_sleep(self._emulator, cause, AWAKE_MS)
            found = [*self._broken(cycles, number)]
            if found or cause is None:
                return [(rule, f"cycle {number}: {seen}") for rule, seen in found]
            nvs.records.pop(("back_off", "text"), None)
        return []

    def _broken(self, cycles: list[Cycle], number: int) -> Iterator[tuple[str, str]]:
        cycle = cycles[-1]
        if "exception" in (cycle.ended, cycle.cause):
            yield "exception", (cycle.error or cycle.cause).strip().splitlines()[-1]
        if cycle.awake_ms > AWAKE_MS:
            yield "awake", f"{cycle.awake_ms} ms"
        most = 1 + MOST_RESETS * (self._case.name in HANGS)
        if len(cycles) > most or cycle.ended != "deepsleep":
            yield "sleeps", ", ".join(f"{each.ended} {each.error or ''}" for each in cycles)
            return
        self._measured += len(cycles)
        yield from self._told(cycle, number)
        if self._kept and not _went_through("resume", cycle):
            yield "resumes", ", ".join(phase.name for phase in cycle.phases)
        keeps = self._kept = self._keeps(cycle)
        if keeps is not None and self._case.name not in RADIO_STAYS:
            yield from self._rests(keeps)

    def _keeps(self, cycle: Cycle) -> str | None:
        """The state of a modem that has to be registered in the sleep: "psm", or "idle", in
        extended DRX; "" if it has to be off. None: it was left registered, and the network has
        changed since."""
        modem = self._emulator.modem
        granted = "psm" if modem.granted_timers else "idle" if modem.power.edrx else ""
        before, self._granted = self._granted, granted
        if self._case.link == "update" and before > granted:
            return None
        went_well = cycle.confirmed == cycle.accepted != 0
        keeps = granted if went_well and "_PSM" in LINKS[self._case.link] else ""
        return None if keeps and self._case.name in MOVES else keeps

    def _told(self, cycle: Cycle, number: int) -> Iterator[tuple[str, str]]:
        query = "SELECT count(*) FROM (SELECT DISTINCT boot, seq FROM readings)"
        missing = self._measured - self._server.rows(query)[0][0]
        if missing > (cycle.waiting or 0) and self._case.name not in HANGS:
            yield "claims", f"{missing} are missing, {cycle.waiting} wait"
        word = "delivered" if not missing else _word(cycle)
        attached = _went_through("attachment", cycle)
        resumed = not missing and not attached and _went_through("resume", cycle)
        self._rig.counts[word + ", resumed" * resumed] += 1
        if not missing:
            return
        allowed = self._case.allowed(number == 1)
        if word not in allowed:
            yield "cause", f"{word}; allowed: {', '.join(allowed) or 'none'}"
        contrary = self._truth.contrary(word, cycle)
        if contrary:
            yield "untrue", f"{word}, but {contrary}"

    def _rests(self, keeps: str) -> Iterator[tuple[str, str]]:
        modem, meter = self._emulator.modem, self._emulator.board.meter
        state = meter.state("modem")
        about = f"modem {state}, radio {meter.state('radio')}, CFUN {modem.cfun}"
        if keeps and not modem.emm.registered:
            yield "radio", f"{about}, not registered"
        if not keeps and not radio_off(self._emulator):
            yield "radio", about
        floats = self._emulator.scenario.modem.rts_in_deepsleep == "asserted"
        is_held = keeps and self._emulator.board.name == HOLDS
        resting: tuple[str, ...] = (keeps,) if keeps else ("off", "lpm")
        if keeps and self._case.link == "update":
            resting += ("idle",)  # it has just told where it is
        if state not in resting and (is_held or not floats):
            yield "rests", about


def _went_through(phase: str, cycle: Cycle) -> bool:
    return any(each.name == phase for each in cycle.phases)


def _word(cycle: Cycle) -> str:
    if cycle.cause not in _LINKED:
        return cycle.cause or NOTHING
    return UNANSWERED if cycle.accepted else REFUSED


class _Truth:
    """What modem and network went through, to hold the causes that a node names against it."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._served: list[tuple[int, bool]] = [(0, False)]  # from when on, whether data passes
        self._first = 0  # entry of the trace
        emulator.modem.emm.listeners.append(self._note)
        activate = emulator.modem.pdn.activate

        def activated(cid: int) -> None:
            activate(cid)
            self._note()

        emulator.modem.pdn.activate = activated  # type: ignore[method-assign]

    def begin(self) -> None:
        """A cycle begins."""
        self._first = len(self._emulator.board.trace.entries)

    def contrary(self, word: str, cycle: Cycle) -> str:
        """What did happen in place of what this word says; "" if it is true."""
        sim = self._emulator.scenario.sim.state
        if word in ("attach_timeout", "no_packet_service", "registration_denied"):
            end_us = self._end_us(cycle)
            return "" if not self._had_service(end_us - _NOTICED_US, end_us) else "it had service"
        if word == UNANSWERED:
            heard = self._heard(cycle)
            return f"{heard} answers came" if heard > (cycle.confirmed or 0) else ""
        if word == REFUSED:
            phase = self._end_us(cycle, ("send",))
            return "it had service" if self._had_service(phase - _NOTICED_US, phase) else ""
        if word == "modem_mute":
            end_us = self._end_us(cycle)
            lines = self._between(end_us - _SILENT_US, end_us, "at<")
            return f"it said {lines[-1]!r}" if lines else ""
        if word == "modem_rebooted":
            began = self._between(cycle.started_us, self._end_us(cycle), "fault")
            return "" if any(text.startswith("crash") for text in began) else "no restart"
        truths = {"sim_missing": ("absent",), "sim_locked": ("pin", "puk")}
        return "" if sim in truths.get(word, (sim,)) else f"the card is {sim}"

    def _note(self) -> None:
        modem = self._emulator.modem
        serves = modem.emm.registered and bool(modem.pdn.active)
        self._served.append((self._emulator.board.clock.now_us, serves))

    def _had_service(self, from_us: int, to_us: int) -> bool:
        """Whether data passed from one instant to the other."""
        place = max(0, bisect(self._served, (from_us, True)) - 1)
        return all(serves for at_us, serves in self._served[place:] if at_us <= to_us)

    def _heard(self, cycle: Cycle) -> int:
        """How many requests of CoAP had an answer while the node still waited for it."""
        end_us = self._end_us(cycle, ("send",)) - _HEARD_US
        arrived = [
            bytes.fromhex(text.split()[-1])
            for text in self._between(0, end_us, "net")
            if text.startswith("arrived ")
        ]
        return len({answer[2:4] for answer in arrived})

    def _end_us(self, cycle: Cycle, names: tuple[str, ...] = _ATTEMPT) -> int:
        """When the last of these phases was over."""
        ends = [each.start_ms + each.duration_ms for each in cycle.phases if each.name in names]
        return cycle.started_us + 1000 * max(ends)

    def _between(self, from_us: int, to_us: int, kind: str) -> list[str]:
        """Entries of this kind in this cycle."""
        entries = self._emulator.board.trace.entries[self._first :]
        return [one.text for one in entries if one.kind == kind and from_us <= one.at_us <= to_us]
