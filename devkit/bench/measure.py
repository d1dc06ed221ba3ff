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

from devkit.bench.cases import Case
from devkit.bench.floor import FloorVm, Task
from devkit.collector import Collector
from devkit.cycle import Cycle
from devkit.device_files import copy_device_files
from devkit.emulator import Emulator

SEEDS = 5
COUNTED_CYCLE = 2


@dataclass(frozen=True)
class Conditions:
    seed: int
    firmware: str
    install: str


def row(case: Case, conditions: Conditions) -> dict[str, Any]:
    """One row of the table, with the names of the JSON shape."""
    ours, floors = [], []
    with Collector() as collector:
        route = f"{_endpoint(*case.server)}={_endpoint(collector.host, collector.port)}"
        for seed in range(conditions.seed, conditions.seed + SEEDS):
            cycle = run_ours(case, conditions, seed, [route])
            ours.append(cycle)
            floors.append(run_floor(case, conditions, seed, cycle, [route]))
    awake, floor_awake = _mean(ours, "awake_ms"), _mean(floors, "awake_ms")
    energy, floor_energy = _mean(ours, "energy_mj"), _mean(floors, "energy_mj")
    return {
        "scenario": case.name,
        "bearer": "nbiot",
        "protocol": case.protocol,
        "awake_ms": round(awake),
        "floor_awake_ms": round(floor_awake),
        "awake_ratio": round(awake / floor_awake, 3),
        "radio_on_ms": round(_mean(ours, "radio_on_ms")),
        "at_exchanges": max(cycle.at_exchanges for cycle in ours),
        "uart_bytes": round(_mean(ours, "uart_bytes")),
        "air_bytes": round(_mean(ours, "air_bytes")),
        "energy_mj": round(energy),
        "floor_energy_mj": round(floor_energy),
        "energy_ratio": round(energy / floor_energy, 3),
        "floor_radio_on_ms": round(_mean(floors, "radio_on_ms")),
        "floor_at_exchanges": max(cycle.at_exchanges for cycle in floors),
        "radio_on_worst_ms": max(cycle.radio_on_ms for cycle in ours),
        "delivered": sum(cycle.delivered for cycle in ours),
    }


def _mean(cycles: Sequence[Cycle], name: str) -> float:
    return float(sum(getattr(cycle, name) for cycle in cycles) / len(cycles))


def run_ours(case: Case, conditions: Conditions, seed: int, routes: Sequence[str] = ()) -> Cycle:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        flash = Path(folder)
        copy_device_files(flash)
        settings = "".join(f"{name} = {value!r}\n" for name, value in case.settings.items())
        with (flash / "config.py").open("a", encoding="utf-8") as config:
            config.write("\n" + settings)
        if case.script is not None:
            shutil.copyfile(case.script, flash / "main.py")
        with _emulator(case, conditions, seed, flash, routes) as emulator:
            return emulator.run(cycles=COUNTED_CYCLE)[-1]


def run_floor(
    case: Case, conditions: Conditions, seed: int, ours: Cycle, routes: Sequence[str] = ()
) -> Cycle:
    """The floor for what ours sent, or for one report if ours could not send."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        with _emulator(case, conditions, seed, Path(folder), routes) as emulator:
            host, port = case.server
            payloads = [datagram.data for datagram in ours.sent] or [bytes(100)]
            task = Task(payloads, host, port, case.data_state)
            emulator.vm = FloorVm(emulator, task)
            # the modem keeps the context that an earlier cycle defined
            emulator.modem.pdn.define(
                1, str(case.settings.get("_IP_VERSION", "IP")), "iot.example"
            )
            return emulator.run(cycles=COUNTED_CYCLE)[-1]


def _endpoint(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _emulator(
    case: Case, conditions: Conditions, seed: int, flash: Path, routes: Sequence[str]
) -> Emulator:
    return Emulator(
        scenario=case.scenario,
        seed=seed,
        firmware=conditions.firmware,
        flash=flash,
        routes=routes,
        install=conditions.install,
        max_hours=24,
    )
