"""The fields of config.py as the components declare them: docs/configuration.md is made of this.

declared()        {"networking.nbiot": [("_APN", "text", (0, 99)), ...], ...}
undeclared()      {"boot": ["_BATTERY_PIN", ...], ...}: fields that are read and not declared
names()           all declared fields, sorted
names_file()      what utils/fields.py is to hold
in_template()     {"_APN": Setting("'iot.example'", "access point name, ...")}
table()           all of them, as the marked part
"""

from __future__ import annotations

import ast
import functools
import re
import tempfile
import textwrap
import tokenize
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from devkit.tables import markdown
from emulator.board.board import Board
from emulator.device_files import EXAMPLE, ROOT, config_file, copy_device_files, device_files
from emulator.vm.cpython import CpythonVm

_TABLE = re.compile(r"^_?FIELDS = \(", re.MULTILINE)
_FIELD = re.compile(r"_[A-Z]{2,}[A-Z_]*s?")
# that read config.py, or say for others what they read
_COMPONENTS = (
    "boot",
    "node",
    "networking.",
    "protocols.",
    "utils.boot_fields",
    "utils.node_fields",
)
# Declared apart from the file that reads them
_READER = {
    "utils.boot_fields": "node_start",
    "utils.node_fields": "node",
    "node_check": "node",
    "node_send": "node",
    "networking._nbiot_config": "networking.nbiot",
}
FIELDS_FILE = ROOT / "utils" / "fields.py"
_NAMES = re.compile(r"(?<=^# fields\n).*?(?=^# end$)", re.DOTALL | re.MULTILINE)
_PAGES = {"node": "reliability"}  # of fields that have no component's page
_UNITS = {"_SEC": "s", "_S": "s", "_TIMEOUT": "s", "_BYTES": "bytes", "_MV": "mV"}


@functools.cache
def declared() -> dict[str, list[tuple[Any, ...]]]:
    """Component -> the rows of its table of fields."""
    modules = [name for name, text in _sources() if _TABLE.search(text)]
    program = "import sys\n" + "".join(f"import {name}\n" for name in modules)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        copy_device_files(Path(folder))
        (Path(folder) / "program.py").write_text(program, encoding="utf-8")
        vm = CpythonVm(Board(seed=1), Path(folder), lambda text: None, install="frozen")
        outcome = vm.run_script("program.py")
        if outcome.error is not None:
            raise RuntimeError(outcome.error)
        for name in modules:
            module = _member(vm.main, name)
            rows = getattr(module, "_FIELDS", None) or module.FIELDS
            if all(_FIELD.fullmatch(row[0]) for row in rows):  # not those of a client's own object
                found[_READER.get(name, name)] = list(rows)
        vm.shutdown()
    return found


@functools.cache
def undeclared() -> dict[str, list[str]]:
    """Component -> the fields that it reads and no table has, in the order of the text."""
    known = {row[0] for rows in declared().values() for row in rows}
    found: dict[str, list[str]] = {}
    for name, text in _sources():
        fields = [each for each in _reads(ast.parse(text)) if each not in known]
        if fields:
            name = _READER.get(name, name)
            owner = re.sub(r"\._([a-z]+)_\w+$", r".\1", name)  # a part's are its component's
            found[owner] = list(dict.fromkeys([*found.get(owner, []), *fields]))
    return found


def names() -> list[str]:
    """All declared fields, sorted."""
    return sorted({row[0] for rows in declared().values() for row in rows})


def names_file() -> str:
    """utils/fields.py with the names of today."""
    text = textwrap.fill(" ".join(names()), 92, break_on_hyphens=False)
    lines = "".join(f'    "{line} "\n' for line in text.splitlines())
    return _NAMES.sub(f"NAMES = (\n{lines})\n", FIELDS_FILE.read_text(encoding="utf-8"))


def comments() -> dict[str, str]:
    """The fields that config.py and credentials.py set as published, each with its comment."""
    return commented(config_file()) | commented(ROOT / EXAMPLE)


@functools.cache
def commented(path: Path) -> dict[str, str]:
    """The fields that a file sets, each with its comment."""
    text = path.read_text(encoding="utf-8")
    with path.open("rb") as file:
        tokens = list(tokenize.tokenize(file.readline))
    lines = {token.start[0]: token for token in tokens if token.type == tokenize.COMMENT}
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            comment = _comment(node.lineno, node.end_lineno or node.lineno, lines)
            found[node.targets[0].id] = comment
    return found


def table() -> str:
    """One row per field and component, in the order of the components."""
    rows = []
    for name in sorted({*declared(), *undeclared()}, key=_rank):
        fields: list[tuple[Any, ...]] = [(each,) for each in undeclared().get(name, [])]
        fields += declared().get(name, [])
        rows += [_row(name, field) for field in fields]
    heads = ["field", "values", "default", "meaning", "read by"]
    return markdown(heads, rows)


def _row(component: str, field: tuple[Any, ...]) -> list[str]:
    name = field[0]
    return [
        f"`{name}`",
        _values(field) if len(field) > 1 else "",
        "" if len(field) < 2 else _code(field[3]) if len(field) > 3 else "required",
        comments().get(name) or _of_page(component, name),
        _page(component),
    ]


def _values(field: tuple[Any, ...]) -> str:
    name, kind, limits = field[:3]
    if kind.startswith("special"):
        return str(limits)
    if kind == "choice":
        words = ", ".join(map(_code, limits))
    elif kind == "digits":
        words = f"{limits[0]} to {limits[1]} digits as text"
    elif kind in ("text", "name", "host", "secret"):
        words = f"{kind}, {limits[0]} to {limits[1]} characters"
    else:
        unit = next((f" {unit}" for end, unit in _UNITS.items() if name.endswith(end)), "")
        words = f"{limits[0]} to {limits[1]}{unit}" + (", or a list" if kind == "integers" else "")
    return words + (" or `None`" if field[3:] == (None,) else "")


def _code(value: object) -> str:
    """As config.py writes it."""
    return re.sub(r"^'(.*)'$", r'"\1"', repr(value)).join("``")


def _page(component: str) -> str:
    name = component.rpartition(".")[2]
    exists = (ROOT / "docs" / f"{name}.md").exists()
    return f"[{name}]({name}.md)" if exists else f"`{component.replace('.', '/')}.py`"


def _of_page(component: str, field: str) -> str:
    """What the component's own page, or else another one, says of a field: the last cell of its
    row."""
    name = component.rpartition(".")[2]
    own = _PAGES.get(name, name)
    for page in sorted((ROOT / "docs").glob("*.md"), key=lambda page: page.stem != own):
        if page.stem == "configuration":
            continue
        for line in page.read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
            if line.startswith("|") and f"`{field}`" in cells[0]:
                return cells[-1]
    return ""


def _sources() -> Iterator[tuple[str, str]]:
    """(dotted name, text) of the device files that may read config.py."""
    for path in device_files():
        name = ".".join(path.with_suffix("").parts)
        if name.startswith(_COMPONENTS) and path.stem != "__init__":
            yield name, (ROOT / path).read_text(encoding="utf-8")


def _reads(tree: ast.Module) -> Iterator[str]:
    """Names of fields: `config._X`, `cfg._X`, and as texts on their own."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.Attribute, ast.Constant))]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            name = node.attr if owner in ("cfg", "config") else ""
        else:
            name = node.value if isinstance(node.value, str) else ""
        if _FIELD.fullmatch(name) and name != "_FIELDS":  # the table itself
            yield name


def _comment(first: int, last: int, lines: dict[int, tokenize.TokenInfo]) -> str:
    """On the line itself, else the lines above, else within the value; rules are left out."""
    above: list[str] = []
    line = first - 1
    while line in lines and lines[line].start[1] == 0 and "---" not in lines[line].string:
        above.insert(0, lines[line].string)
        line -= 1
    within = [lines[line].string for line in range(first, last + 1) if line in lines]
    chosen = [lines[first].string] if first in lines else above or within[:1]
    return " ".join(text.lstrip("# ") for text in chosen)


def _rank(component: str) -> tuple[int, str]:
    starts = ("node", "boot", "networking", "protocols")
    return next(i for i, start in enumerate(starts) if component.startswith(start)), component


def _member(module: ModuleType, name: str) -> Any:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part)
    return found
