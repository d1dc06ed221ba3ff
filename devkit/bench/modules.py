"""What each device module weighs: bytes as .mpy, and what importing it costs in each form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from devkit.build.components import components, needs
from devkit.build.targets import PYCOM
from devkit.build.weight import heap_bytes
from emulator.device_files import device_files, source
from emulator.vm.importer import import_us

NBIOT = Path("networking/nbiot.py")


def mpy_bytes(path: Path) -> int:
    """Size of the module as it is deployed."""
    return len(PYCOM.compiled(source(path).read_bytes(), path))


def rows() -> list[dict[str, Any]]:
    """One row per device module, and one for nbiot with all it needs."""
    sizes = {path: mpy_bytes(path) for path in device_files()}
    table = [_row(path.as_posix(), [path], sizes) for path in sizes]
    table.append(_row("nbiot with all it needs", needs(NBIOT), sizes))
    table[-1]["heap_bytes"] = heap_bytes([components()[NBIOT.stem]])[NBIOT.stem]
    return table


def _row(name: str, paths: list[Path], sizes: dict[Path, int]) -> dict[str, Any]:
    return {
        "name": name,
        "mpy_bytes": sum(sizes[path] for path in paths),
        "heap_bytes": None,
        "import_py_ms": _import_ms(paths, "py"),
        "import_mpy_ms": _import_ms(paths, "mpy"),
    }


def _import_ms(paths: list[Path], form: str) -> int:
    return round(sum(import_us(source(path).read_bytes(), form) for path in paths) / 1000)
