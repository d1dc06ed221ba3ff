"""Runs one case and its floor on the same seeds, and averages.

The second cycle after power-on is the one that counts: the first start of modem and board does a
few things that no later one repeats. Figures are means over the seeds, so that a single lucky
attach does not flatter a ratio; AT exchanges are those of the worst seed, since there is a limit.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit import application
from devkit.application import REFERENCE
from devkit.bench.cases import ONE_REPORT, Case
from devkit.bench.floor import FloorVm, Task, floor
from devkit.servers.receiver import PATIENCE_S, Receiver, answers
from emulator.cycle import Cycle
from emulator.device_files import configured, copy_device_files
from emulator.emulator import Emulator

SEEDS = 5
COUNTED_CYCLE = 2
ARRIVAL_S = 30.0  # of real time, for what has been delivered to be seen; ends when it is


@dataclass(frozen=True)
class Conditions:
    seed: int
    firmware: str
    install: str


def row(case: Case, conditions: Conditions) -> dict[str, Any]:
    """One row of the table, with the names of the JSON shape."""
    ours, floors, payloads = [], [], []
    host, port = application.endpoint(case.bearer, case.protocol)
    with Receiver(case.protocol) as receiver:
        routes = [receiver.route(host, port)]
        for seed in range(conditions.seed, conditions.seed + SEEDS):
            before = len(receiver.received)
            cycles = run_ours(case, conditions, seed, routes)
            cycle = cycles[-1]
            receiver.wait_for(before + sum(map(_reached, cycles)), ARRIVAL_S)
            arrived = receiver.received[before:][-(cycle.accepted or 0) :]
            payloads.append(sum(len(each.data) for each in arrived) if cycle.accepted else 0)
            ours.append(cycle)
        # afterwards: none of these may come in while the reports of a seed are counted
        for seed, cycle in enumerate(ours, conditions.seed):
            floors.append(run_floor(case, conditions, seed, cycle, routes))
    awake, floor_awake = _mean(ours, "awake_ms"), _mean(floors, "awake_ms")
    energy, floor_energy = _mean(ours, "energy_mj"), _mean(floors, "energy_mj")
    payload_bytes = round(sum(payloads) / len(payloads))
    return {
        "scenario": case.name,
        "bearer": case.bearer,
        "protocol": case.shown_protocol,
        "awake_ms": round(awake),
        "floor_awake_ms": round(floor_awake),
        "awake_ratio": round(awake / floor_awake, 3),
        "radio_on_ms": round(_mean(ours, "radio_on_ms")),
        "at_exchanges": max(cycle.at_exchanges for cycle in ours),
        "uart_bytes": round(_mean(ours, "uart_bytes")),
        "air_bytes": round(_mean(ours, "air_bytes")),
        "payload_bytes": payload_bytes,
        "overhead_bytes": round(_mean(ours, "air_bytes")) - payload_bytes,
        "energy_mj": round(energy),
        "floor_energy_mj": round(floor_energy),
        "energy_ratio": round(energy / floor_energy, 3),
        "floor_radio_on_ms": round(_mean(floors, "radio_on_ms")),
        "floor_at_exchanges": max(cycle.at_exchanges for cycle in floors),
        "radio_on_worst_ms": max(cycle.radio_on_ms for cycle in ours),
        "time_on_air_ms": _time_on_air_ms(case, ours),
        "delivered": sum(cycle.delivered for cycle in ours),
        "confirmed": sum(cycle.confirmed or 0 for cycle in ours),
    }


def _reached(cycle: Cycle) -> int:
    """How many reports have come to the server, though its thread may not have taken them yet."""
    return cycle.confirmed or cycle.delivered


def _mean(cycles: Sequence[Cycle], name: str) -> float:
    return float(sum(getattr(cycle, name) for cycle in cycles) / len(cycles))


def _time_on_air_ms(case: Case, cycles: Sequence[Cycle]) -> int | None:
    """Of the messages of a cycle, if the bearer has a duty cycle that counts it."""
    of_one = getattr(floor(case.bearer), "time_on_air_us", None)
    if of_one is None:
        return None
    sent = [len(datagram.data) for cycle in cycles for datagram in cycle.sent]
    return round(sum(map(of_one, sent)) / len(cycles) / 1000)


def run_ours(
    case: Case, conditions: Conditions, seed: int, routes: Sequence[str] = ()
) -> list[Cycle]:
    """The cycles from power-on to the one that counts."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        flash = Path(folder)
        prepare(flash, case)
        with emulated(case, conditions, seed, flash, routes) as emulator:
            return emulator.run(cycles=COUNTED_CYCLE)


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


def run_floor(
    case: Case, conditions: Conditions, seed: int, ours: Cycle, routes: Sequence[str] = ()
) -> Cycle:
    """The floor for what ours sent, or for one report if ours could not send."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        with emulated(case, conditions, seed, Path(folder), routes) as emulator:
            host, port = application.endpoint(case.bearer, case.protocol)
            payloads = [datagram.data for datagram in ours.sent] or [bytes(100)]
            task = Task(
                payloads, host, port, case.bearer, case.protocol, case.data_state, case.settings
            )
            emulator.vm = FloorVm(emulator, task)
            return emulator.run(cycles=COUNTED_CYCLE)[-1]


def emulated(
    case: Case, conditions: Conditions, seed: int, flash: Path, routes: Sequence[str]
) -> Emulator:
    """The board of a case."""
    emulator = Emulator(
        scenario=case.scenario,
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
