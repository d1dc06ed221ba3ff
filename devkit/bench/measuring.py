"""Six sensors measured in one run, beside the slowest of them alone and all one after the other.

What a cycle spends on measuring is the time of its slowest sensor, if the others wait meanwhile.
The floor is that sensor alone: its start, its conversion, and the calls to read it.
"""

from __future__ import annotations

from typing import Any

from devkit.bench.runs import SEEDS
from devkit.sensors.catalogue import entries
from devkit.sensors.trial import Run, run
from emulator.board.meter import RAIL_VOLT
from emulator.emulator import RUN_MA

# Pressure, humidity, light, a voltage, the soil, the battery: I2C at four addresses, 1-Wire, ADC
SIX = ("bme280", "sht4x", "tsl2561", "ads1115", "ds18x20", "battery")
NAME = "six sensors"


def row(seed: int = 1, count: int = SEEDS) -> dict[str, Any]:
    """One row, with the names of the JSON shape and two of its own."""
    chosen = [entries()[name] for name in SIX]
    seeds = range(seed, seed + count)
    together = [run(chosen, each) for each in seeds]
    alone = {entry.name: [run([entry], each) for each in seeds] for entry in chosen}
    slowest = max(alone, key=lambda name: _mean_ms(alone[name]))
    awake, floor = _mean_ms(together), _mean_ms(alone[slowest])
    energy, floor_energy = _mean_mj(together), _mean_mj(alone[slowest])
    return {
        "scenario": NAME,
        **dict.fromkeys(("bearer", "protocol", "link", "start", "coverage", "reference")),
        "send_every": 1,
        "awake_ms": round(awake),
        "floor_awake_ms": round(floor),
        "awake_ratio": round(awake / floor, 3),
        "radio_on_ms": 0,
        "at_exchanges": 0,
        "uart_bytes": 0,
        "air_bytes": 0,
        "sent": 0,
        "delivered": 0,
        "energy_mj": round(energy, 1),
        "floor_energy_mj": round(floor_energy, 1),
        "energy_ratio": round(energy / floor_energy, 3),
        "seeds": count,
        "beaten_seeds": sum(
            one.time_ms < other.time_ms
            for one, other in zip(together, alone[slowest], strict=True)
        ),
        "slowest": slowest,
        "one_after_the_other_ms": round(sum(map(_mean_ms, alone.values()))),
    }


def _mean_ms(runs: list[Run]) -> float:
    return sum(each.time_ms for each in runs) / len(runs)


def _mean_mj(runs: list[Run]) -> float:
    """The board awake, and the chips."""
    board_mj = _mean_ms(runs) / 1000 * RUN_MA * RAIL_VOLT
    return board_mj + sum(each.chips_mj for each in runs) / len(runs)
