"""List the sensor drivers: interface, address, what they measure, how long, what it draws.

Each driver is run once on its emulated chip. With a name: its arguments and an example line for
config.py.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from decimal import Decimal
from types import ModuleType
from typing import Any

from devkit.commands import UsageError
from devkit.commands.options import add_json
from devkit.sensors.catalogue import Entry, drivers, entries
from devkit.sensors.trial import Bench, trial
from devkit.tables import table

_UNTRIED = "no chip in emulator/chips has a LINE for it"


HEADS = ["sensor", "interface", "address", "measures", "ms", "mA"]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="a driver: more about this one")
    add_json(parser)


def main(options: argparse.Namespace) -> int:
    names = drivers()
    if options.name:
        if options.name not in names:
            raise UsageError(f"no sensor {options.name!r}; allowed: {', '.join(names)}")
        names = [options.name]
    rows, modules = _rows(names)
    if options.json:
        print(json.dumps({"sensors": rows}))
    elif options.name:
        print(_details(rows[0], modules[options.name]))
    else:
        print(table(_cells(rows), HEADS))
        print(
            "\nms, mA: one reading on the emulated chip and its mean current meanwhile, with the"
            " supply switched\nwhere the example line says so. ./dev sensors NAME: arguments,"
            " example"
        )
    return 0


def listed() -> tuple[list[str], list[list[str]]]:
    """(headings, rows) of all drivers, as text."""
    return HEADS, _cells(_rows(drivers())[0])


def _rows(names: list[str]) -> tuple[list[dict[str, Any]], dict[str, ModuleType]]:
    known = entries()
    with Bench([]) as bench:
        modules = {name: bench.module(name) for name in names}
    return [_row(name, modules[name], known.get(name)) for name in names], modules


def _row(name: str, module: ModuleType, entry: Entry | None) -> dict[str, Any]:
    result = trial(entry) if entry is not None else None
    arguments = entry.arguments if entry is not None else {}
    fields = module.fields(arguments) if hasattr(module, "fields") else module.FIELDS
    reported = _reported(result.values, fields) if result else [None] * len(fields)
    return {
        "name": name,
        "interface": entry.interface if entry else None,
        "addresses": _addresses(module) if entry and entry.interface == "I2C" else [],
        "fields": [
            {"label": label, "name": what, "unit": unit, "value": value}
            for (label, what, unit, *_), value in zip(fields, reported, strict=True)
        ],
        "time_ms": round(result.time_ms, 1) if result else None,
        "mean_ma": round(result.mean_ma, 4) if result else None,
        "line": entry.line if entry else None,
        "reading": _rounded(result.values, fields) if result else None,
        "cause": result.cause if result else _UNTRIED,
    }


def _rounded(values: list[Any], fields: Sequence[Any]) -> list[Any]:
    """As a report has them, in the units of get_reading."""
    return [
        value if value is None else round(value * factor) / factor if factor != 1 else round(value)
        for value, (*_, factor) in zip(values, fields, strict=True)
    ]


def _reported(values: list[Any], fields: Sequence[Any]) -> list[float | None]:
    """The same as a report has it, in the unit of the field."""
    return [
        None if value is None else float(Decimal(round(value * factor)).scaleb(exponent))
        for value, (*_, exponent, factor) in zip(values, fields, strict=True)
    ]


def _addresses(module: ModuleType) -> list[int]:
    for name, _, limits, *_ in module.ARGUMENTS:
        if name == "address":
            return list(limits)
    return [module.ADDRESS] if hasattr(module, "ADDRESS") else []


def _cells(rows: list[dict[str, Any]]) -> list[list[str]]:
    lines = []
    for row in rows:
        fields = ", ".join(f"{field['label']} {field['unit']}" for field in row["fields"])
        time_ms, milliamps = row["time_ms"], row["mean_ma"]
        lines.append(
            [
                row["name"],
                row["interface"] or "?",
                _range(row["addresses"]),
                fields,
                "?" if time_ms is None else f"{time_ms:.0f}",
                "?" if milliamps is None else f"{milliamps:.3g}",
            ]
        )
    return lines


def _among(values: Sequence[Any]) -> str:
    """What may be chosen; pins that follow one another as "P0 to P12"."""
    if len(values) < 7 or not all(re.fullmatch(r"P\d+", str(value)) for value in values):
        return ", ".join(map(str, values))
    runs: list[list[int]] = []
    for number in sorted(int(value[1:]) for value in values):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"P{run[0]} to P{run[-1]}" if len(run) > 1 else f"P{run[0]}" for run in runs)


def _range(addresses: list[int]) -> str:
    texts = [f"0x{address:02x}" for address in addresses]
    return f"{texts[0]} to {texts[-1]}" if len(texts) > 3 else ", ".join(texts)


def _details(row: dict[str, Any], module: ModuleType) -> str:
    lines = [f"{row['name']}: {(module.__doc__ or '').splitlines()[0]}", "", "arguments:"]
    for name, kind, limits, *default in module.ARGUMENTS:
        if name == "address" and isinstance(limits[0], int):
            limits = [f"0x{each:02x}" for each in limits]
            given = f", default 0x{default[0]:02x}" if default else ""
        else:
            given = f", default {default[0]!r}" if default else ""
        allowed = _among(limits) if kind == "choice" else f"{limits[0]} to {limits[1]}"
        lines.append(f"  {name}: {kind}, {allowed}{given}")
    lines += ["", "measures:"]
    for field in row["fields"]:
        lines.append(f"  {field['label']}: {field['name']}, {field['unit']}")
    if row["line"] is not None:
        lines += ["", "in config.py:", f"  {row['line']},", ""]
        values = ", ".join(
            f"{field['label']} = {field['value']} {field['unit']}" for field in row["fields"]
        )
        cause = f" ({row['cause']})" if row["cause"] else ""
        lines.append(f"on the emulated chip: {values}{cause}, {row['time_ms']:.0f} ms")
    else:
        lines += ["", _UNTRIED]
    return "\n".join(lines)
