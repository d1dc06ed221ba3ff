"""What a measurement costs if it is sent at once, and if several are sent together (_SEND_EVERY).

A batch is n cycles, the last of which sends what all of them have measured. Counted is the batch
behind the first report after power-on: all the energy from its first reset to the end of its last
deep sleep, that of the sleeping board too, divided by its n measurements.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit import application
from devkit.bench.cases import Case
from devkit.bench.measure import ARRIVAL_S, SEEDS, Conditions, emulated, prepare
from devkit.servers.receiver import Receiver
from emulator.cycle import Cycle
from emulator.emulator import Emulator

EVERY = (1, 4, 24)
MEASURING_SEEDS = 15  # most of a cycle that only measures is the start of the board, which varies
_NO_FLOOR = ("floor_awake_ms", "awake_ratio", "floor_energy_mj", "energy_ratio")


@dataclass(frozen=True)
class Batch:
    cycles: Sequence[Cycle]
    energy_mj: float  # with that of the sleeping board

    def total(self, name: str) -> int:
        return int(sum(getattr(cycle, name) for cycle in self.cycles))


def rows(conditions: Conditions) -> list[dict[str, Any]]:
    """One row for each of EVERY, and one for a cycle that only measures."""
    return [*(row(every, conditions) for every in EVERY), measuring_row(conditions)]


def row(every: int, conditions: Conditions, seeds: int = SEEDS) -> dict[str, Any]:
    """One row of the table, with the names of the JSON shape; everything for one measurement."""
    name = "each sent at once" if every == 1 else f"{every} sent together"
    return _row(name, every, every, conditions, seeds)


def measuring_row(conditions: Conditions, seeds: int = MEASURING_SEEDS) -> dict[str, Any]:
    """The row of a cycle with the radio off: the first behind the report after power-on."""
    return _row("only measured", EVERY[-1], 1, conditions, seeds)


def _row(name: str, every: int, count: int, conditions: Conditions, seeds: int) -> dict[str, Any]:
    """The row of `count` cycles behind the first one."""
    case = Case(name, protocol="coap", settings={"_SEND_EVERY": every})
    batches = _run(case, count, conditions, seeds)
    cycles = [cycle for batch in batches for cycle in batch.cycles]

    def each(field: str) -> int:
        return round(sum(batch.total(field) for batch in batches) / len(cycles))

    return {
        "scenario": name,
        "bearer": case.bearer,
        "protocol": case.protocol,
        "firmware": conditions.firmware,
        "awake_ms": each("awake_ms"),
        "radio_on_ms": each("radio_on_ms"),
        "at_exchanges": max(cycle.at_exchanges for cycle in cycles),
        "uart_bytes": each("uart_bytes"),
        "air_bytes": each("air_bytes"),
        "energy_mj": round(sum(batch.energy_mj for batch in batches) / len(cycles)),
        "send_every": every,
        "seeds": seeds,
        "sent": sum(batch.total("on_air") for batch in batches),
        "delivered": sum(batch.total("delivered") for batch in batches),
        **dict.fromkeys(_NO_FLOOR),
    }


def _run(case: Case, count: int, conditions: Conditions, seeds: int) -> list[Batch]:
    batches = []
    host, port = application.endpoint(case.bearer, case.protocol)
    with Receiver(case.protocol) as receiver:
        routes = [receiver.route(host, port)]
        for seed in range(conditions.seed, conditions.seed + seeds):
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                prepare(Path(folder), case)
                with emulated(case, conditions, seed, Path(folder), routes) as emulator:
                    batches.append(_batch(emulator, count))
        receiver.wait_for(sum(batch.total("delivered") for batch in batches), ARRIVAL_S)
    return batches


def _batch(emulator: Emulator, count: int) -> Batch:
    emulator.run(cycles=1)
    before_mj = emulator.board.meter.energy_mj()
    assert emulator.next_cause is not None
    cycles = emulator.run(cycles=count, cause=emulator.next_cause)
    return Batch(cycles, emulator.board.meter.energy_mj() - before_mj)
