"""Measure performance: ours against the floor that modem and network set."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterable
from typing import Any

from devkit.bench import backlog, batches, measuring, modules
from devkit.bench.cases import CASES, CYCLES
from devkit.bench.measure import COUNTED_CYCLE, SEEDS, Conditions, row
from devkit.commands.options import add_firmware, add_install, add_json
from devkit.commands.values import whole
from devkit.tables import table
from emulator.board import constants

_VALUE_WIDTH, _SOURCE_WIDTH = 30, 80  # what --model shows without --json


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed",
        type=whole(0),
        default=1,
        metavar="N",
        help="the same seed gives the same numbers (default: 1)",
    )
    parser.add_argument(
        "--model",
        action="store_true",
        help="list the constants of the time and energy model with their sources, measure nothing",
    )
    add_firmware(parser)
    add_install(parser, "mpy")  # as it is deployed
    add_json(parser)


def main(options: argparse.Namespace) -> int:
    if options.model:
        return _list_model(options.json)
    out = sys.stderr if options.json else sys.stdout
    conditions = Conditions(options.seed, options.firmware, options.install)
    try:
        sizes = modules.rows()
    except ValueError as problem:  # a file that does not compile would spoil every row
        print(f"./dev: bench: {problem}", file=sys.stderr)
        return 1
    print(
        f"firmware {options.firmware}, modules as .{options.install}, cycle {COUNTED_CYCLE} after"
        f" power-on, means over seeds {options.seed} to {options.seed + SEEDS - 1}\n",
        file=out,
    )
    rows = [row(case, conditions) for case in CASES]
    print(_table(rows[: len(CYCLES)], CYCLE_COLUMNS), file=out)
    print("\nfloor: the same modem, network and firmware with a driver that costs nothing"
          " (docs/bench.md)\n\nOne report of six measurements\n", file=out)  # fmt: skip
    print(_table(rows[len(CYCLES) :], REPORT_COLUMNS), file=out)
    together = batches.rows(conditions)
    print(
        "\nOne measurement, sent at once or with others (_SEND_EVERY), its sleep included\n",
        file=out,
    )
    print(_table(together, BATCH_COLUMNS), file=out)
    measured = measuring.row(options.seed)
    print("\nMeasuring alone, the modules being loaded\n", file=out)
    print(_table([measured], MEASURING_COLUMNS), file=out)
    waited = [backlog.row(protocol, conditions) for protocol in backlog.PROTOCOLS]
    print("\nForty measurements of six values that waited, in one cycle\n", file=out)
    print(_table(waited, BACKLOG_COLUMNS), file=out)
    print("", file=out)
    print(_table(sizes, MODULE_COLUMNS), file=out)
    if options.json:
        rows += [measured, *together, *waited]
        print(json.dumps({"rows": rows, "modules": sizes}))
    return 0


def _list_model(as_json: bool) -> int:
    listed = constants.declared()
    if as_json:
        print(json.dumps({"constants": listed}))
    else:
        print(_table([{**each, **_short(each)} for each in listed], MODEL_COLUMNS))
    return 0


def _short(entry: dict[str, Any]) -> dict[str, str]:
    value = json.dumps(entry["value"])
    return {
        "value": value if len(value) <= _VALUE_WIDTH else value[: _VALUE_WIDTH - 3] + "...",
        "source": textwrap.shorten(entry["source"], _SOURCE_WIDTH, placeholder=" ..."),
    }


def cells(
    rows: Iterable[dict[str, Any]], columns: dict[str, str]
) -> tuple[list[str], list[list[Any]]]:
    """(headings, lines) of a table."""
    return list(columns.values()), [[row[key] for key in columns] for row in rows]


def _table(rows: Iterable[dict[str, Any]], columns: dict[str, str]) -> str:
    headings, lines = cells(rows, columns)
    return table(lines, headings)


# Of each table: key in the rows -> heading
CYCLE_COLUMNS = {
    "scenario": "scenario", "protocol": "protocol", "awake_ms": "awake ms",
    "floor_awake_ms": "floor", "awake_ratio": "ratio", "radio_on_ms": "radio on ms",
    "at_exchanges": "AT", "floor_at_exchanges": "floor", "uart_bytes": "UART bytes",
    "air_bytes": "air bytes", "energy_mj": "energy mJ", "floor_energy_mj": "floor",
    "energy_ratio": "ratio",
}  # fmt: skip
REPORT_COLUMNS = {
    "bearer": "bearer", "protocol": "protocol", "scenario": "what", "awake_ms": "awake ms",
    "floor_awake_ms": "floor", "awake_ratio": "ratio", "air_bytes": "air bytes",
    "payload_bytes": "payload", "overhead_bytes": "overhead", "energy_mj": "energy mJ",
    "floor_energy_mj": "floor", "energy_ratio": "ratio", "time_on_air_ms": "time on air ms",
    "confirmed": "confirmed of 5",
}  # fmt: skip
BATCH_COLUMNS = {
    "scenario": "what", "firmware": "firmware", "energy_mj": "energy mJ", "awake_ms": "awake ms",
    "radio_on_ms": "radio on ms", "air_bytes": "air bytes", "seeds": "seeds",
}  # fmt: skip
MEASURING_COLUMNS = {
    "scenario": "what", "awake_ms": "together ms", "slowest": "slowest",
    "floor_awake_ms": "alone ms", "awake_ratio": "ratio",
    "one_after_the_other_ms": "one after the other ms", "energy_mj": "energy mJ",
    "floor_energy_mj": "floor",
}  # fmt: skip
BACKLOG_COLUMNS = {
    "protocol": "protocol", "awake_ms": "awake ms", "radio_on_ms": "radio on ms",
    "at_exchanges": "AT", "datagrams": "datagrams", "payload_bytes": "payload",
    "air_bytes": "air bytes", "energy_mj": "energy mJ", "values": "values of 240",
}  # fmt: skip
MODEL_COLUMNS = {name: name for name in ("name", "value", "unit", "grade", "source")}
MODULE_COLUMNS = {
    "name": "module", "mpy_bytes": ".mpy bytes", "import_mpy_ms": "import ms as .mpy",
    "import_py_ms": "import ms as .py",
}  # fmt: skip
