"""The constants of the time and energy model: each is declared where the model reads it.

    BOOT_S = constant((2.3, 3.5, 6.0), "s", ESTIMATE, "drivers wait 2 to 5 s")
    TX_MA = table({"good": 110.0, "edge": 250.0}, "mA", COMPARABLE, "Robinson 2019")

Both return the value as it is. `declared()` lists them (`./dev bench --model`), named after module
and variable, and those of the chips, which stand in their files by name and unit. A value of three
is a distribution by its 10th, 50th and 90th percentile, one of two a range. What a scenario can
set has its default there (docs/scenarios.md).
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

# How good a source is (docs/emulation.md)
MEASURED = "measured"  # on the part itself
COMPARABLE = "comparable"  # measured on a comparable part
DATA_SHEET = "data sheet"  # or the vendor's guide
CODE = "code"  # read from the firmware's or a driver's source
STANDARD = "standard"  # prescribed by one
ESTIMATE = "estimate"  # no source found
GRADES = (MEASURED, COMPARABLE, DATA_SHEET, CODE, STANDARD, ESTIMATE)
UNITS = tuple("us ms s ds us/KB us/byte ms/byte mA V baud bit share turn poll".split())

_UNIT = re.compile(r"_(us|ms|s|ma)$", re.IGNORECASE)  # of a chip's constant
_RECALLED = re.compile(r"from memory[^.]*\bcurrent", re.IGNORECASE)
ROOT = Path(__file__).resolve().parents[1]

Value = TypeVar("Value")
Key = TypeVar("Key")


@dataclass(frozen=True)
class _Declaration:
    values: dict[str, Any]  # by suffix of the name
    unit: str
    grade: str
    source: str


_declarations: dict[tuple[str, int], _Declaration] = {}  # by module and line


def constant(value: Value, unit: str, grade: str, source: str) -> Value:
    """Declare a constant of this module; its value."""
    _declare({"": value}, unit, grade, source)
    return value


def table(values: Mapping[Key, Value], unit: str, grade: str, source: str) -> dict[Key, Value]:
    """Declare a constant for each entry, named after its key; all of them as a dict."""
    _declare({f".{key}": value for key, value in values.items()}, unit, grade, source)
    return dict(values)


def _declare(values: dict[str, Any], unit: str, grade: str, source: str) -> None:
    if unit not in UNITS or grade not in GRADES or not source:
        raise ValueError(f"unit {unit!r}, grade {grade!r}, source {source!r} of {values}")
    frame = sys._getframe(2)
    place = (frame.f_globals["__name__"], frame.f_lineno)
    _declarations[place] = _Declaration(values, unit, grade, source)


def declared() -> list[dict[str, Any]]:
    """All constants of the emulator by name, in values that JSON has."""
    found = []
    for file in sorted(ROOT.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        short = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        if "from emulator.board.constants import" in text:
            importlib.import_module(f"emulator.{short}")
            found += [*_of_module(short, ast.parse(text))]
        elif short.startswith("chips."):
            found += [*_of_chip(short, importlib.import_module(f"emulator.{short}"))]
    listed: list[dict[str, Any]] = json.loads(json.dumps(found))
    return listed


def _of_module(short: str, tree: ast.Module) -> Iterator[dict[str, Any]]:
    for node in tree.body:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
            continue
        declaration = _declarations.get((f"emulator.{short}", node.value.lineno))
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        if declaration is not None and isinstance(target, ast.Name):
            name = f"{short}.{target.id.strip('_').lower()}"
            for suffix, value in declaration.values.items():
                yield _row(
                    name + suffix, value, declaration.unit, declaration.grade, declaration.source
                )


def _of_chip(short: str, module: ModuleType) -> Iterator[dict[str, Any]]:
    """Times and currents of one kind of chip, by the unit that ends their names. Its data sheet,
    and what of it is from memory, stands at the top of its file."""
    source = (module.__doc__ or "").partition("Source")[2].partition(": ")[2]
    source = " ".join(source.split()) or "docs/emulation.md, chips"
    classes = [each for each in vars(module).values() if _is_of(each, module)]
    for owner in (module, *classes):
        prefix = short if owner is module else f"{short}.{owner.__name__.lower()}"
        for name, value in vars(owner).items():
            unit = _UNIT.search(name)
            if unit and isinstance(value, (int, float, tuple, dict)):
                name = f"{prefix}.{name.strip('_').lower()}"
                current = unit[1].lower() == "ma"
                recalled = current and _RECALLED.search(source) is not None
                grade = ESTIMATE if recalled else DATA_SHEET
                yield _row(name, value, "mA" if current else unit[1].lower(), grade, source)


def _is_of(value: Any, module: ModuleType) -> bool:
    return isinstance(value, type) and value.__module__ == module.__name__


def _row(name: str, value: Any, unit: str, grade: str, source: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "grade": grade, "source": source}
