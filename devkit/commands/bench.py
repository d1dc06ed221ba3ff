"""Measure performance: ours beside what modem and network need with an ideal host."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from devkit.bench import (
    backlog,
    batches,
    battery,
    measure,
    measuring,
    modules,
    product,
    workers,
)
from devkit.bench.cases import CASES, COUNTED_CYCLE, CYCLES, LINKS
from devkit.bench.runs import SEEDS, Conditions
from devkit.commands import UsageError
from devkit.commands.options import add_firmware, add_install, add_json
from devkit.commands.values import folder, whole
from devkit.tables import table
from emulator.board import constants

_EXPLAINED = (
    "floor: the same modem and network with a host that costs nothing, by the firmware's driver,"
    "\nlimit: by the modem's own UART; beaten: seeds in which ours took less (docs/bench.md)"
)
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
        "--seeds",
        type=whole(1),
        default=SEEDS,
        metavar="N",
        help=f"how many, from that one on (default: {SEEDS})",
    )
    parser.add_argument(
        "--model",
        action="store_true",
        help="list the constants of the time and energy model with their sources, measure nothing",
    )
    parser.add_argument(
        "--product",
        type=folder,
        metavar="DIR",
        help="measure the product of 2021 instead: a checkout of insighio/insighioNode at"
        f" {product.COMMIT} with its submodules, whose src/ is the flash, as .py (docs/bench.md)",
    )
    add_firmware(parser)
    add_install(parser, "mpy")  # as it is deployed
    add_json(parser)


def main(options: argparse.Namespace) -> int:
    if options.model:
        return _list_model(options.json)
    out = sys.stderr if options.json else sys.stdout
    conditions = Conditions(options.seed, options.firmware, options.install, options.seeds)
    if options.product:
        return _product(options, replace(conditions, install="py"), out)
    try:
        sizes = modules.rows()
    except ValueError as problem:  # a file that does not compile would spoil every row
        print(f"./dev bench: {problem}", file=sys.stderr)
        return 1
    seeds = conditions.all_seeds
    print(
        f"firmware {options.firmware}, modules as .{options.install}, cycle {COUNTED_CYCLE} after"
        f" power-on or later, means over seeds {seeds[0]} to {seeds[-1]}\n",
        file=out,
    )
    with workers.all_cores():
        rows, lasting = _measured(conditions, out)
    print("", file=out)
    print(_table(sizes, MODULE_COLUMNS), file=out)
    if options.json:
        print(json.dumps({"rows": rows, "battery": lasting, "modules": sizes}))
    return 0


def _measured(
    conditions: Conditions, out: TextIO
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Measure and show everything. Returns the rows, and those of the battery."""

    def show(about: str, found: Iterable[dict[str, Any]], columns: dict[str, str]) -> None:
        print(about + _table(found, columns), file=out)

    begun = [measure.begin(case, conditions) for case in (*CASES, *LINKS)]
    together, by_link = batches.begin(conditions), batches.begin_by_link(conditions)
    cases = [finish() for finish in begun[: len(CASES)]]
    show("", cases[: len(CYCLES)], CYCLE_COLUMNS)
    show(f"\n{_EXPLAINED}\n\nOne report of six measurements\n\n", cases[len(CYCLES) :],
         REPORT_COLUMNS)  # fmt: skip
    rows = [finish() for finish in together]
    show("\nOne measurement, sent at once or with others (_SEND_EVERY), its sleep included\n\n",
         rows, BATCH_COLUMNS)  # fmt: skip
    alone = measuring.row(conditions.seed, conditions.seeds)
    show("\nMeasuring alone, the modules being loaded\n\n", [alone], MEASURING_COLUMNS)
    waited = [backlog.row(protocol, conditions) for protocol in backlog.PROTOCOLS]
    show("\nForty measurements of six values that waited, in one cycle\n\n", waited,
         BACKLOG_COLUMNS)  # fmt: skip
    links = [finish() for finish in begun[len(CASES) :]]
    show("\nOne report over NB-IoT, by link and start\n\n", links, LINK_COLUMNS)
    more = [finish() for finish in by_link]
    show("\nOne measurement by the modem's UART, its sleep included\n\n", more,
         LINK_BATCH_COLUMNS)  # fmt: skip
    lasting = battery.rows(links)
    print("\nDays on a battery of 12.8 kJ, with one report each\n", file=out)
    print(table(*reversed(battery_cells(lasting))), file=out)
    return [*cases, alone, *rows, *waited, *links, *more], lasting


def _product(options: argparse.Namespace, conditions: Conditions, out: TextIO) -> int:
    try:
        rows = [product.row(case, Path(options.product), conditions) for case in product.CASES]
    except product.NoProduct as problem:
        raise UsageError(f"--product {problem}") from None
    print(_table(rows, product.COLUMNS), file=out)
    if options.json:
        print(json.dumps({"product": rows}))
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


def battery_cells(rows: Iterable[dict[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """(headings, lines) of the table of the battery."""
    headings = ["report", "mJ", *battery.PERIODS_S.values(), "source"]
    return headings, [
        [row["scenario"], row["report_mj"], *row["days"].values(), row["source"]] for row in rows
    ]


def _table(rows: Iterable[dict[str, Any]], columns: dict[str, str]) -> str:
    headings, lines = cells(rows, columns)
    return table(lines, headings)


# Of each table: key in the rows -> heading
CYCLE_COLUMNS = {
    "scenario": "scenario", "protocol": "protocol", "awake_ms": "awake ms",
    "floor_awake_ms": "floor", "awake_ratio": "ratio", "limit_awake_ms": "limit",
    "radio_on_ms": "radio on ms", "at_exchanges": "AT", "floor_at_exchanges": "floor",
    "uart_bytes": "UART bytes", "air_bytes": "air bytes", "energy_mj": "energy mJ",
    "floor_energy_mj": "floor", "energy_ratio": "ratio", "limit_energy_mj": "limit",
    "beaten_seeds": "beaten",
}  # fmt: skip
REPORT_COLUMNS = {
    "bearer": "bearer", "protocol": "protocol", "scenario": "what", "awake_ms": "awake ms",
    "floor_awake_ms": "floor", "awake_ratio": "ratio", "air_bytes": "air bytes",
    "payload_bytes": "payload", "overhead_bytes": "overhead", "energy_mj": "energy mJ",
    "floor_energy_mj": "floor", "energy_ratio": "ratio", "time_on_air_ms": "time on air ms",
    "confirmed": "confirmed of 5", "reference": "floor is", "beaten_seeds": "beaten",
}  # fmt: skip
LINK_COLUMNS = {
    "link": "link", "start": "start", "coverage": "coverage", "protocol": "protocol",
    "awake_ms": "awake ms", "floor_awake_ms": "floor", "awake_ratio": "ratio",
    "attaches": "attaches", "at_exchanges": "AT",
    "air_bytes": "air bytes", "energy_mj": "energy mJ", "floor_energy_mj": "floor",
    "energy_ratio": "ratio", "reference": "floor is", "beaten_seeds": "beaten", "sent": "sent",
    "lost_on_air": "lost on air", "lost_in_modem": "in the modem", "delivered": "delivered",
}  # fmt: skip
BATCH_COLUMNS = {
    "scenario": "what", "firmware": "firmware", "energy_mj": "energy mJ",
    "floor_energy_mj": "floor", "energy_ratio": "ratio", "awake_ms": "awake ms",
    "radio_on_ms": "radio on ms", "air_bytes": "air bytes", "seeds": "seeds",
    "beaten_seeds": "beaten",
}  # fmt: skip
LINK_BATCH_COLUMNS = {
    "start": "start",
    **{key: BATCH_COLUMNS[key] for key in BATCH_COLUMNS if key not in ("firmware", "radio_on_ms")},
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
