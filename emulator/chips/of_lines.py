"""The chips that the lines of a configuration read, as tables of a scenario.

    tables(fields, scenario.chips)     # {"sht4x": {"sda_pin": "P9", "scl_pin": "P10"}, ...}

fields: those of config.py. A chip of the scenario takes precedence: a line whose kind of chip the
scenario names, `kind = "none"` included, adds none. A file of this folder with the constant
`LINE = (driver, arguments)` is the chip of that driver. Arguments that name pins, and `address`,
are keys of its table. Its `KEYS` (argument -> key) lists other arguments and other names:

    KEYS = {"data_pin": "pin", "dht_model": "model"}
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from emulator.chips.wiring import DEFAULT, WiringError, check, kinds, text_of

BATTERY = "battery"
_LINE = re.compile(r"^LINE = \(\s*[\"'](\w+)", re.MULTILINE)
_SUPPLY = {"vcc_pin": "supply_pin"}
_UNIT_OHM = 100_000  # of the lower resistor of a divider


def tables(fields: Mapping[str, Any], scenario: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The tables to wire beneath those of the scenario, in place of the default ones."""
    found: dict[str, dict[str, Any]] = {}
    if fields.get("_BATTERY_PIN") and _can_be(_battery(fields)):
        found[BATTERY] = _battery(fields)
    elsewhere = {
        table.get("kind", name)
        for name, table in scenario.items()
        if isinstance(table, dict) and table.get("kind", name) != name
    }
    for kind, table in _of_lines(fields.get("_SENSORS")):
        named = {**table, "kind": kind}
        same = any(each == named or _measures(named, each) for each in found.values())
        if kind not in elsewhere and not same and _can_be(named):
            number = sum(each.get("kind") == kind for each in found.values())
            found[f"{kind}{number + 1}" if number else kind] = named
    for name in DEFAULT:
        if name not in found and name not in scenario:
            found[name] = {"kind": "none"}
    return found


def _battery(fields: Mapping[str, Any]) -> dict[str, Any]:
    divider = fields.get("_BATTERY_DIVIDER", 2)
    is_right = type(divider) in (int, float) and divider >= 1
    return {
        "kind": BATTERY,
        "pin": fields["_BATTERY_PIN"],
        "top_ohm": _UNIT_OHM * ((divider if is_right else 2) - 1),
        "bottom_ohm": _UNIT_OHM,
    }


def _of_lines(lines: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """(kind of chip, its table) of each line that is one."""
    for line in lines if isinstance(lines, (tuple, list)) else ():
        is_line = isinstance(line, (tuple, list)) and len(line) == 2 and isinstance(line[1], dict)
        if is_line and isinstance(line[0], str) and line[0] in of_drivers():
            kind = of_drivers()[line[0]]
            yield kind, _table(kind, line[1])


def _table(kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    chip = importlib.import_module(f"emulator.chips.{kind}")
    keys = {**_SUPPLY, **getattr(chip, "KEYS", {})}
    table = dict(getattr(chip, "UNSAID", {}))
    for name, value in arguments.items():
        key = keys.get(name, name if name.endswith("_pin") or name == "address" else None)
        if key is not None and value is not None:
            table[key] = value
    return table


def _measures(other: Mapping[str, Any], battery: Mapping[str, Any]) -> bool:
    """Whether a line measures the voltage of the battery that boot.py guards."""
    return battery["kind"] == BATTERY and battery["pin"] == other.get("pin")


def _can_be(table: dict[str, Any]) -> bool:
    """False for a line with mistakes: the board itself names them."""
    try:
        check({"chip": dict(table)})
    except WiringError:
        return False
    return True


@functools.cache
def of_drivers() -> dict[str, str]:
    """Name of each driver -> the kind of its chip."""
    found = {}
    for kind in kinds():
        line = _LINE.search(text_of(kind))
        if line is not None:
            found[line[1]] = kind
    return found
