"""`./dev demo`: the template application on an emulated GPy, with a real UDP collector.

The device files run as they stand, with a copy of this project's /flash; only the route from the
documentation address in config.py to the collector's port on loopback is ours.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from devkit.collector import Collector
from devkit.cycle import Cycle
from devkit.emulator import Emulator
from devkit.run import runtime, summary
from devkit.tables import table

HOST, PORT = "192.0.2.1", 5683  # _HOST and _PORT of config.py


def main(options: argparse.Namespace) -> int:
    out = sys.stderr if options.json else sys.stdout

    def say(text: str = "") -> None:
        print(text, file=out, flush=True)

    say(f"Emulated GPy, firmware {options.firmware}, network {options.scenario!r},"
        f" seed {options.seed}: boot.py, main.py, config.py")  # fmt: skip
    with Collector() as collector:
        say(f"UDP collector on {collector.host} port {collector.port},"
            f" reached by the board as {HOST}:{PORT}\n")  # fmt: skip
        with Emulator(
            scenario=options.scenario,
            seed=options.seed,
            firmware=options.firmware,
            routes=[f"{HOST}:{PORT}={collector.host}:{collector.port}"],
            console=lambda text: print(text, end="", file=out, flush=True),
            realtime=options.realtime,
            **runtime(options),
        ) as emulator:
            cycles = emulator.run(cycles=options.cycles)
            left = len([cycle for cycle in cycles for sent in cycle.sent if sent.delivered])
            collector.wait_for(left, timeout_s=5)
            _write_files(options, emulator, cycles)
        arrived = collector.table()
    say(f"\nWhat the collector received and decoded ({len(collector.received)} datagrams)\n")
    say(arrived)
    say("\nPhases of each cycle, ms\n")
    say(phase_table(cycles))
    say("\nEach cycle\n")
    say(cycle_table(cycles))
    if options.plot:
        say(f"\nCurrent over time: {options.plot}")
    ok = all(cycle.ok for cycle in cycles) and len(cycles) == options.cycles
    ok = ok and len(collector.received) == left
    if options.json:
        print(json.dumps(summary(ok, options.seed, cycles)))
    return 0 if ok else 1


def _write_files(options: argparse.Namespace, emulator: Emulator, cycles: Sequence[Cycle]) -> None:
    if options.trace:
        emulator.board.trace.write(Path(options.trace))
    if options.plot:
        from devkit.plot import draw

        title = f"NB-IoT report, {options.scenario} coverage, firmware {options.firmware}"
        draw(emulator.board.meter.timeline, cycles, Path(options.plot), title)


def phase_table(cycles: Sequence[Cycle]) -> str:
    """One line per phase, one column per cycle, in the order in which phases first occur."""
    names: list[str] = []
    for cycle in cycles:
        names += [phase.name for phase in cycle.phases if phase.name not in names]
    rows: list[list[object]] = []
    for name in names:
        durations = []
        for cycle in cycles:
            found = [phase.duration_ms for phase in cycle.phases if phase.name == name]
            durations.append(sum(found) if found else None)
        rows.append([name, *durations])
    rows.append(["awake", *[cycle.awake_ms for cycle in cycles]])
    return table(rows, ["phase", *[f"cycle {number}" for number in range(1, len(cycles) + 1)]])


def cycle_table(cycles: Sequence[Cycle]) -> str:
    """What each cycle was started by, how it went and what it cost."""
    rows = [
        [
            number, cycle.reset_cause, cycle.cause or cycle.ended, cycle.awake_ms,
            cycle.radio_on_ms, cycle.at_exchanges, cycle.uart_bytes, cycle.air_bytes,
            round(cycle.energy_mj), len(cycle.sent), cycle.delivered,
        ]
        for number, cycle in enumerate(cycles, 1)
    ]  # fmt: skip
    headings = [
        "cycle", "started by", "outcome", "awake ms", "radio on ms", "AT exchanges",
        "UART bytes", "air bytes", "energy mJ", "datagrams sent", "delivered",
    ]  # fmt: skip
    return table(rows, headings)
