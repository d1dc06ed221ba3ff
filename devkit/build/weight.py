"""What a component weighs: its files as source and compiled, and the heap it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devkit import requirements
from devkit.build import packages
from devkit.build.components import Component
from devkit.build.targets import Target, is_script
from emulator.device_files import ROOT, source


@dataclass(frozen=True)
class Weight:
    path: Path
    py_bytes: int
    mpy_bytes: int | None  # None: it goes on the board as source

    @property
    def deployed_bytes(self) -> int:
        return self.py_bytes if self.mpy_bytes is None else self.mpy_bytes


def weigh(path: Path, target: Target, root: Path = ROOT, file: Path | None = None) -> Weight:
    """file: where the source is, if not at `path`."""
    data = (file or source(path, root)).read_bytes()
    compiled = None if is_script(path) else len(target.compiled(data, path))
    return Weight(path, len(data), compiled)


def needed_files(component: Component, root: Path = ROOT) -> dict[Path, Path]:
    """Path on the board -> file here, of all that it needs, modules of packages included.

    Raises NotInstalled.
    """
    own = {path: source(path, root) for path in component.needs}
    return own | packages.needed_by(component.foreign, root)


def weigh_all(component: Component, target: Target, root: Path = ROOT) -> list[Weight]:
    """Of each file it needs. Raises NotInstalled."""
    files = needed_files(component, root)
    return [weigh(path, target, root, file) for path, file in sorted(files.items())]


def deployed_bytes(paths: tuple[Path, ...], target: Target, root: Path = ROOT) -> int:
    return sum(weigh(path, target, root).deployed_bytes for path in paths)


def heap_bytes(wanted: Sequence[Component], root: Path = ROOT) -> dict[str, int | None]:
    """Heap in use on a MicroPython after importing each with all it needs, also what its functions
    import when they are called. None where nothing can tell: no VM here, or nothing to import but
    the scripts, which an import would run.
    """
    from devkit.build import heap
    from emulator.vm import webassembly

    lists: dict[str, str] = {}
    try:
        requirements.need("vm")
        lists |= {one.name: ", ".join(_modules(one, root)) for one in wanted}
        found = heap.heap_after_import([each for each in lists.values() if each], root=root)
    except (webassembly.NoVm, requirements.NotInstalled):
        return {one.name: None for one in wanted}
    return {name: found.get(modules) for name, modules in lists.items()}


def _modules(component: Component, root: Path) -> list[str]:
    """Under which names a program imports what the component needs; [] for the application."""
    if any(map(is_script, component.needs)):
        return []
    dotted = [path.with_suffix("").parts for path in needed_files(component, root)]
    return [
        ".".join(part for part in parts if part not in ("lib", "__init__")) for parts in dotted
    ]
