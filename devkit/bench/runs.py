"""Runs a case and its references on one seed after the other.

Ours runs from power-on; the last cycles are counted. A reference gets a board of the same seed on
which ours has run up to there, and takes its place: modem, network and every random source are in
the same state. So it has the same attach, the same losses and the same delays.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from devkit import application
from devkit.application import REFERENCE
from devkit.bench.cases import LINKED, ONE_REPORT, Case
from devkit.bench.floor import Procedure, ReferenceVm, Task, references
from devkit.servers.receiver import PATIENCE_S, Receiver, answers
from emulator import scenario
from emulator.board.trace import Entry
from emulator.cycle import Cycle
from emulator.device_files import configured, copy_device_files
from emulator.emulator import Emulator

SEEDS = 5
ARRIVAL_S = 30.0  # of real time, for what has been delivered to be seen; ends when it is
SEARCH_US = 90_000_000  # of a cycle in which ours has not given up


class OtherWorld(RuntimeError):
    """A reference would not begin where ours did."""


@dataclass(frozen=True)
class Conditions:
    seed: int
    firmware: str
    install: str
    seeds: int = SEEDS

    @property
    def all_seeds(self) -> range:
        return range(self.seed, self.seed + self.seeds)


@dataclass
class Counted:
    """The cycles of one seed that count, of ours or of a reference."""

    cycles: list[Cycle]
    whole_mj: float  # of the board and the modem, the sleep of the board included
    attaches: int
    start_us: int
    end_us: int
    tasks: list[Task] = field(default_factory=list)  # what they have achieved
    payload_bytes: int = 0  # that the server has got

    @property
    def awake_ms(self) -> int:
        return sum(cycle.awake_ms for cycle in self.cycles)

    @property
    def energy_mj(self) -> float:
        return sum(cycle.energy_mj for cycle in self.cycles)


@dataclass
class Run:
    """One seed."""

    ours: Counted
    references: dict[str, Counted]

    def beaten(self) -> bool:
        """Ours takes less than a reference, in time or energy: in all, or in one of its cycles,
        which the others would hide."""
        ours = self.ours
        return any(
            _less(ours, each)
            or ours.whole_mj < each.whole_mj
            or any(map(_less, ours.cycles, each.cycles))
            for each in self.references.values()
        )


def _less(ours: Counted | Cycle, other: Counted | Cycle) -> bool:
    return ours.awake_ms < other.awake_ms or ours.energy_mj < other.energy_mj


def measured(case: Case, conditions: Conditions, seeds: Sequence[int]) -> list[Run]:
    """These seeds of a case, with one server."""
    host, port = application.endpoint(case.bearer, case.protocol)
    with Receiver(case.protocol) as receiver:
        routes = [receiver.route(host, port)]
        ours = [_ours(case, conditions, seed, routes, receiver) for seed in seeds]
        # afterwards: none of these may come in while the reports of a seed are counted
        done = []
        for seed, each in zip(seeds, ours, strict=True):
            try:
                found = _references(case, conditions, seed, routes, each)
            except OtherWorld:  # a busy computer has kept an answer of the server: once more
                each = _ours(case, conditions, seed, routes, receiver)
                found = _references(case, conditions, seed, routes, each)
            done.append(Run(each, found))
        return done


def _ours(
    case: Case, conditions: Conditions, seed: int, routes: Sequence[str], receiver: Receiver
) -> Counted:
    before = len(receiver.received)
    with _begun(case, conditions, seed, routes) as (emulator, first):
        counted = _count(emulator, case.count)
        kept = emulator.modem.cfun == 1
        said = emulator.board.trace.of("at>")
    ends_us = [cycle.started_us for cycle in counted.cycles[1:]] + [counted.end_us]
    for cycle, end_us in zip(counted.cycles, ends_us, strict=True):
        own = [entry for entry in said if cycle.started_us <= entry.at_us < end_us]
        counted.tasks.append(_task(case, cycle, _search_us(own), end_us, kept))
    receiver.wait_for(before + sum(map(_reached, first + counted.cycles)), ARRIVAL_S)
    accepted = counted.cycles[-1].accepted
    arrived = receiver.received[before:][-(accepted or 0) :] if accepted else []
    counted.payload_bytes = sum(len(each.data) for each in arrived)
    return counted


def _reached(cycle: Cycle) -> int:
    """How many reports have come to the server, though its thread may not have taken them yet."""
    return cycle.confirmed or cycle.delivered


def _references(
    case: Case, conditions: Conditions, seed: int, routes: Sequence[str], ours: Counted
) -> dict[str, Counted]:
    found = {}
    for name, kind in references(case.bearer, case.link).items():
        ways = [
            _reference(case, conditions, seed, routes, kind, tasks, ours.start_us)
            for tasks in _ways(ours.tasks)
        ]
        found[name] = ways[0] if len(ways) == 1 else _best(ways)
    return found


def _ways(tasks: list[Task]) -> list[list[Task]]:
    """Ideal hosts: one sends each payload once, and again if it is lost on air; where ours has
    sent one twice, the other does so, too, since what follows is drawn by its number. A third
    sends all of them before it awaits their answers, as ours does by some links. A stream may be
    closed, or left to its peer."""
    once = [replace(task, payloads=list(dict.fromkeys(task.payloads))) for task in tasks]
    twice = [replace(task, repeats=False) for task in tasks]
    if any(task.stream for task in tasks):
        return [once, [replace(task, closes=True) for task in once]]
    ways = [once]
    if any(len(set(task.payloads)) < len(task.payloads) for task in tasks):
        if any(task.confirms and task.answered < len(task.payloads) for task in once):
            return [twice]
        ways.append(twice)
    if any(_may_go_together(task) for task in once):
        ways.append([replace(task, together=_may_go_together(task)) for task in once])
    return ways


def _may_go_together(task: Task) -> bool:
    return task.bearer == LINKED and task.confirms and 1 < len(task.payloads) <= task.answered


def _best(ways: list[Counted]) -> Counted:
    """The figures of the host that needs least of each."""
    awake = min(ways, key=lambda way: way.awake_ms)
    energy = min(ways, key=lambda way: way.energy_mj)
    if awake is energy:
        return awake
    cycles = [
        replace(one, energy_mj=other.energy_mj)
        for one, other in zip(awake.cycles, energy.cycles, strict=True)
    ]
    return replace(awake, cycles=cycles, whole_mj=energy.whole_mj)


def _reference(
    case: Case, conditions: Conditions, seed: int, routes: Sequence[str],
    kind: type[Procedure], tasks: list[Task], start_us: int,
) -> Counted:  # fmt: skip
    with _begun(case, conditions, seed, routes) as (emulator, _):
        if emulator.board.clock.now_us != start_us:
            raise OtherWorld(f"{case.name}: seed {seed} has led to two different worlds")
        settings: Any = emulator.board.services["config"]
        settings.flags.update(kind.boot_flags)
        emulator.vm.shutdown()
        emulator.vm = ReferenceVm(emulator, kind, tasks)
        return _count(emulator, case.count)


@contextmanager
def _begun(
    case: Case, conditions: Conditions, seed: int, routes: Sequence[str]
) -> Iterator[tuple[Emulator, list[Cycle]]]:
    """A board on which ours has run up to the cycles that count."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        prepare(Path(folder), case)
        with emulated(case, conditions, seed, Path(folder), routes) as emulator:
            yield emulator, emulator.run(cycles=case.lead)


def _count(emulator: Emulator, cycles: int) -> Counted:
    meter, cell, clock = emulator.board.meter, emulator.cell, emulator.board.clock
    before_mj, attaches, start_us = meter.energy_mj(), cell.attaches, clock.now_us
    assert emulator.next_cause is not None
    done = emulator.run(cycles=cycles, cause=emulator.next_cause)
    whole_mj, end_us = meter.energy_mj() - before_mj, clock.now_us
    return Counted(done, whole_mj, cell.attaches - attaches, start_us, end_us)


def _task(case: Case, cycle: Cycle, search_us: int, end_us: int, kept: bool) -> Task:
    host, port = application.endpoint(case.bearer, case.protocol)
    return Task(
        [datagram.data for datagram in cycle.sent if datagram.on_air],
        host,
        port,
        case.bearer,
        case.protocol,
        case.data_state,
        case.settings,
        # by commands: of a registration that is kept the radio counts as on without any
        touched=cycle.at_exchanges > 0 if case.link else cycle.radio_on_ms > 0,
        kept=kept,
        answered=_answered(case, cycle),
        search_us=search_us,
        end_us=end_us,
    )


def _answered(case: Case, cycle: Cycle) -> int:
    """Of the different payloads, and pieces of a stream, from the first one on."""
    confirmed = cycle.confirmed or 0
    if not answers(case.protocol) or not confirmed:
        return 0
    if confirmed == cycle.accepted:
        return len(cycle.sent)
    return confirmed + (application.transport(case.protocol) == "stream")  # its CONNECT


def _search_us(said: Sequence[Entry]) -> int:
    """For how long the modem was to look for service in a cycle, until it was switched off."""
    on = [entry.at_us for entry in said if "+CFUN=1" in entry.text]
    off = [entry.at_us for entry in said if "+CFUN=4" in entry.text]
    return off[-1] - on[0] if on and off and off[-1] > on[0] else SEARCH_US


def prepare(flash: Path, case: Case) -> None:
    """Put the template on a flash, with the settings of a case."""
    with configured(REFERENCE):
        copy_device_files(flash)
    application.configure(
        flash,
        {**application.settings(case.bearer, case.protocol), **ONE_REPORT, **case.settings},
    )
    if case.script is not None:
        shutil.copyfile(case.script, flash / "main.py")


def emulated(
    case: Case, conditions: Conditions, seed: int, flash: Path, routes: Sequence[str]
) -> Emulator:
    """The board of a case."""
    emulator = Emulator(
        scenario=scenario.from_table({"like": case.scenario, **case.world}, case.scenario),
        seed=seed,
        firmware=conditions.firmware,
        name=application.board(case.bearer),
        chips=application.chips(case.bearer),
        flash=flash,
        routes=routes,
        install=conditions.install,
        max_hours=24,
    )
    if answers(case.protocol):
        emulator.routes.patience.rely(PATIENCE_S)
    return emulator
