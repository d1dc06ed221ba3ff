"""What a measurement costs if it is sent at once, and if several are sent together (_SEND_EVERY).

A batch is n cycles, the last of which sends what all of them have measured. Counted is the batch
behind the first report after power-on: all the energy from its first reset to the end of its last
deep sleep, that of the sleeping board too, divided by its n measurements. The floor sends the same
payloads, and does nothing but boot and sleep in the other cycles.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit import application
from devkit.bench.cases import Case
from devkit.bench.floor import FloorVm, Task
from devkit.bench.measure import ARRIVAL_S, SEEDS, Conditions, emulated, prepare
from devkit.servers.receiver import Receiver
from emulator.cycle import Cycle
from emulator.emulator import Emulator

EVERY = (1, 4, 24)
MEASURING_SEEDS = 15  # cycles that only measure are short: their boot is most of them
_MOST = EVERY[-1]
_AT_LINE = 124  # bytes of a payload that goes by AT commands; longer ones go in data state


@dataclass(frozen=True)
class Batch:
    cycles: Sequence[Cycle]
    energy_mj: float  # with that of the sleeping board

    def total(self, name: str) -> float:
        return float(sum(getattr(cycle, name) for cycle in self.cycles))


def rows(conditions: Conditions) -> list[dict[str, Any]]:
    """One row for each of EVERY, and one for a cycle that only measures."""
    return [*(row(every, conditions) for every in EVERY), measuring_row(conditions)]


def of(every: int) -> Case:
    name = "each sent at once" if every == 1 else f"{every} sent together"
    return Case(name, protocol="coap", settings={"_SEND_EVERY": every})


def row(every: int, conditions: Conditions, seeds: int = SEEDS) -> dict[str, Any]:
    """One row of the table, with the names of the JSON shape; everything for one measurement."""
    ours, floors = _run(every, every, conditions, seeds)
    return _row(of(every), conditions.firmware, every, every * seeds, ours, floors)


def measuring_row(conditions: Conditions, seeds: int = MEASURING_SEEDS) -> dict[str, Any]:
    """The row of a cycle with the radio off: the first behind the report after power-on."""
    ours, floors = _run(_MOST, 1, conditions, seeds)
    only = Case("only measured", settings={"_SEND_EVERY": _MOST})
    return _row(only, conditions.firmware, _MOST, seeds, ours, floors)


def _row(
    case: Case,
    firmware: str,
    every: int,
    count: int,
    ours: Sequence[Batch],
    floors: Sequence[Batch],
) -> dict[str, Any]:
    def each(batches: Sequence[Batch], name: str) -> int:
        return round(sum(batch.total(name) for batch in batches) / count)

    energy = sum(batch.energy_mj for batch in ours) / count
    floor_energy = sum(batch.energy_mj for batch in floors) / count
    awake, floor_awake = each(ours, "awake_ms"), each(floors, "awake_ms")
    cycles = [cycle for batch in ours for cycle in batch.cycles]
    return {
        "scenario": case.name,
        "bearer": case.bearer,
        "protocol": case.shown_protocol,
        "firmware": firmware,
        "awake_ms": awake,
        "floor_awake_ms": floor_awake,
        "awake_ratio": round(awake / floor_awake, 3),
        "radio_on_ms": each(ours, "radio_on_ms"),
        "at_exchanges": max(cycle.at_exchanges for cycle in cycles),
        "uart_bytes": each(ours, "uart_bytes"),
        "air_bytes": each(ours, "air_bytes"),
        "energy_mj": round(energy),
        "floor_energy_mj": round(floor_energy),
        "energy_ratio": round(energy / floor_energy, 3),
        "send_every": every,
        "seeds": len(ours),
        "sent": sum(len(cycle.sent) for cycle in cycles),
        "delivered": sum(cycle.delivered for cycle in cycles),
    }


def _run(
    every: int, count: int, conditions: Conditions, seeds: int
) -> tuple[list[Batch], list[Batch]]:
    """`count` cycles behind the first one, ours and the floor's, with each seed."""
    ours, floors = [], []
    case = of(every)
    host, port = application.endpoint(case.bearer, case.protocol)
    with Receiver(case.protocol) as receiver:
        routes = [receiver.route(host, port)]
        for seed in range(conditions.seed, conditions.seed + seeds):
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                prepare(Path(folder), case)
                with emulated(case, conditions, seed, Path(folder), routes) as emulator:
                    ours.append(_batch(emulator, count))
            receiver.wait_for(sum(int(batch.total("delivered")) for batch in ours), ARRIVAL_S)
        for seed, batch in enumerate(ours, conditions.seed):
            payloads = [sent.data for cycle in batch.cycles for sent in cycle.sent] or [bytes(100)]
            much = max(map(len, payloads)) > _AT_LINE
            task = Task(payloads, host, port, case.bearer, case.protocol, data_state=much)
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                with emulated(case, conditions, seed, Path(folder), routes) as emulator:
                    emulator.vm = _FloorVm(emulator, task, every)
                    floors.append(_batch(emulator, count))
    return ours, floors


def _batch(emulator: Emulator, count: int) -> Batch:
    emulator.run(cycles=1)
    before_mj = emulator.board.meter.energy_mj()
    assert emulator.next_cause is not None
    cycles = emulator.run(cycles=count, cause=emulator.next_cause)
    return Batch(cycles, emulator.board.meter.energy_mj() - before_mj)


class _FloorVm(FloorVm):
    """Sends in the first cycle and in the last one of the batch."""

    def __init__(self, emulator: Emulator, task: Task, every: int) -> None:
        super().__init__(emulator, task)
        self._cycle = 0
        self._every = every
        settings: Any = emulator.board.services["config"]
        settings.flags["lte_modem_en_on_boot"] = every == 1

    def act(self) -> None:
        if self._cycle % self._every == 0:
            super().act()
        self._cycle += 1
