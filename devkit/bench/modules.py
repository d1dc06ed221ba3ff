"""What each device module weighs: bytes as .mpy, and what importing it costs in each form."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from devkit.device_files import ROOT, device_files
from devkit.mpy import DEPLOYED, compiled
from devkit.vm.importer import import_us

NBIOT = Path("networking/nbiot.py")
NBIOT_BUDGET = 14 * 1024  # bytes of .mpy, with all it needs
ON_DEMAND = "# on demand"


def mpy_bytes(path: Path, root: Path = ROOT) -> int:
    """Size of the module as it is deployed."""
    return len(compiled((root / path).read_bytes(), path.stem, DEPLOYED))


def needs(path: Path, root: Path = ROOT) -> list[Path]:
    """The module and all device modules that it imports, anywhere in its text, sorted.

    An import with the comment `on demand` serves one function that the rest does without, and is
    left out.
    """
    known = set(device_files(root))
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        current = waiting.pop()
        if current in found or current not in known:
            continue
        found.add(current)
        waiting += [current.parent / "__init__.py"]
        for name in _imports(root / current):
            waiting += _candidates(name)
    return sorted(found)


def _imports(file: Path) -> list[str]:
    names: list[str] = []
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if (
            not isinstance(node, (ast.Import, ast.ImportFrom))
            or ON_DEMAND in lines[node.lineno - 1]
        ):
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif node.module:
            names += [node.module, *[f"{node.module}.{alias.name}" for alias in node.names]]
    return names


def _candidates(name: str) -> list[Path]:
    path = Path(*name.split("."))
    return [base / path.with_suffix(".py") for base in (Path(), Path("lib"))]


def rows() -> list[dict[str, Any]]:
    """One row per device module, and one for nbiot with all it needs."""
    sizes = {path: mpy_bytes(path) for path in device_files()}
    table = [_row(path.as_posix(), [path], sizes) for path in sizes]
    table.append(_row("nbiot with all it needs", needs(NBIOT), sizes))
    return table


def _row(name: str, paths: list[Path], sizes: dict[Path, int]) -> dict[str, Any]:
    return {
        "name": name,
        "mpy_bytes": sum(sizes[path] for path in paths),
        "heap_bytes": None,  # only a MicroPython VM can tell
        "import_py_ms": _import_ms(paths, "py"),
        "import_mpy_ms": _import_ms(paths, "mpy"),
    }


def _import_ms(paths: list[Path], form: str) -> int:
    return round(sum(import_us((ROOT / path).read_bytes(), form) for path in paths) / 1000)
