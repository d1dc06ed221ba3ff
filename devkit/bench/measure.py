"""Averages the runs of a case beside its references: one row of the tables.

Figures are means over the seeds, so that a single lucky attach does not flatter a ratio; AT
exchanges are those of the worst seed, since there is a limit. `beaten_seeds` counts the seeds in
which ours took less time or energy than a reference: a reference that can be beaten is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from devkit.bench import battery, workers
from devkit.bench.cases import Case
from devkit.bench.floor import LIMIT, floor
from devkit.bench.runs import Conditions, Counted, Run, measured
from emulator.cycle import Cycle


def rows(cases: Iterable[Case], conditions: Conditions) -> list[dict[str, Any]]:
    """One row for each, all of them begun at once."""
    begun = [begin(case, conditions) for case in cases]
    return [finish() for finish in begun]


def row(case: Case, conditions: Conditions) -> dict[str, Any]:
    """One row of the table, with the names of the JSON shape."""
    return begin(case, conditions)()


def begin(case: Case, conditions: Conditions) -> Callable[[], dict[str, Any]]:
    """Begin to measure a case. Returns what waits for its row."""
    runs = workers.spread(measured, case, conditions, seeds=conditions.all_seeds)
    return lambda: _row(case, conditions, runs())


def _row(case: Case, conditions: Conditions, runs: Sequence[Run]) -> dict[str, Any]:
    """Everything for one measurement, where several cycles count."""
    reference = next(iter(runs[0].references))
    ours = [run.ours for run in runs]
    floors = [run.references[reference] for run in runs]
    limits = [run.references[LIMIT] for run in runs]
    cycles = [cycle for each in ours for cycle in each.cycles]
    floor_cycles = [cycle for each in floors for cycle in each.cycles]
    awake, floor_awake = _mean(cycles, "awake_ms"), _mean(floor_cycles, "awake_ms")
    energy, floor_energy = _energy_mj(case, ours), _energy_mj(case, floors)
    sent = [datagram for cycle in cycles for datagram in cycle.sent]
    payload_bytes = round(sum(each.payload_bytes for each in ours) / len(cycles))
    return {
        "scenario": case.name,
        "bearer": case.bearer,
        "protocol": case.shown_protocol,
        "firmware": conditions.firmware,
        "link": case.link,
        "start": case.start,
        "coverage": case.coverage,
        "send_every": case.send_every,
        "awake_ms": round(awake),
        "floor_awake_ms": round(floor_awake),
        "awake_ratio": round(awake / floor_awake, 3),
        "radio_on_ms": round(_mean(cycles, "radio_on_ms")),
        "at_exchanges": max(cycle.at_exchanges for cycle in cycles),
        "uart_bytes": round(_mean(cycles, "uart_bytes")),
        "air_bytes": round(_mean(cycles, "air_bytes")),
        "payload_bytes": payload_bytes,
        "overhead_bytes": round(_mean(cycles, "air_bytes")) - payload_bytes,
        "energy_mj": round(energy),
        "floor_energy_mj": round(floor_energy),
        "energy_ratio": round(energy / floor_energy, 3),
        "floor_radio_on_ms": round(_mean(floor_cycles, "radio_on_ms")),
        "floor_at_exchanges": max(cycle.at_exchanges for cycle in floor_cycles),
        "radio_on_worst_ms": max(cycle.radio_on_ms for cycle in cycles),
        "time_on_air_ms": _time_on_air_ms(case, cycles),
        "delivered": sum(cycle.delivered for cycle in cycles),
        "confirmed": sum(cycle.confirmed or 0 for cycle in cycles),
        "seeds": len(runs),
        "sent": sum(cycle.on_air for cycle in cycles),
        "lost_on_air": sum(datagram.what == "lost" for datagram in sent),
        "lost_in_modem": sum(cycle.lost_in_modem for cycle in cycles),
        "attaches": sum(each.attaches for each in ours),
        "reference": reference,
        "beaten_seeds": sum(run.beaten() for run in runs),
        "limit_awake_ms": round(sum(each.awake_ms for each in limits) / len(cycles)),
        "limit_energy_mj": round(_energy_mj(case, limits)),
        "report_mj": round(_report_mj(case, ours), 1),
    }


def _mean(cycles: Sequence[Cycle], name: str) -> float:
    return float(sum(getattr(cycle, name) for cycle in cycles) / len(cycles))


def _energy_mj(case: Case, runs: Sequence[Counted]) -> float:
    """For one measurement; of a batch with what the board draws asleep."""
    total = sum(each.whole_mj if case.sleeps else each.energy_mj for each in runs)
    return total / (len(runs) * case.count)


def _report_mj(case: Case, runs: Sequence[Counted]) -> float:
    """What a cycle takes beyond what board and modem take asleep. Of those that resume, if any do,
    without those that attach for the time."""
    as_named = [run for run in runs if not (case.begins.resumes and run.attaches)] or runs
    beyond = [
        run.whole_mj - battery.SLEEP_MW * (run.end_us - run.start_us) / 1e6 for run in as_named
    ]
    return sum(beyond) / (len(beyond) * case.count)


def _time_on_air_ms(case: Case, cycles: Sequence[Cycle]) -> int | None:
    """Of the messages of a cycle, if the bearer has a duty cycle that counts it."""
    of_one = getattr(floor(case.bearer), "time_on_air_us", None)
    if of_one is None:
        return None
    sent = [len(datagram.data) for cycle in cycles for datagram in cycle.sent]
    return round(sum(map(of_one, sent)) / len(cycles) / 1000)
