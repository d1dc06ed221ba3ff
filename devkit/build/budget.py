"""The budget: what each component costs on the board, and what some may cost at most."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from devkit import marked
from devkit.application import REFERENCE
from devkit.build import weight
from devkit.build.components import Component, components
from devkit.build.targets import PYCOM
from devkit.tables import markdown
from emulator.device_files import ROOT, configured

FILE = Path("docs/budget.md")
PART = "budget"  # the marked part of the document, see devkit/marked.py


@dataclass(frozen=True)
class Limit:
    """For a component with all it needs, in bytes."""

    deployed: int
    heap: int


LIMITS = {"nbiot": Limit(deployed=40 * 1024, heap=56 * 1024)}


@dataclass(frozen=True)
class Row:
    """Sizes in bytes as they are on the board; None is unknown."""

    component: Component
    own: int
    with_needs: int  # packages included
    files: int  # of these
    heap: int | None

    def over(self) -> list[str]:
        """Which limits are broken, as texts."""
        limit = LIMITS.get(self.component.name)
        if limit is None:
            return []
        measured = {"deployed": (self.with_needs, limit.deployed), "heap": (self.heap, limit.heap)}
        return [
            f"{self.component.name}: {what} {value}, at most {most} bytes"
            for what, (value, most) in measured.items()
            if value is not None and value > most
        ]


def rows(root: Path = ROOT) -> list[Row]:
    """One for each component, by name; the application has the published configuration."""
    with configured(REFERENCE):
        return _rows(root)


def _rows(root: Path) -> list[Row]:
    found = components(root)
    heap = weight.heap_bytes(list(found.values()), root)
    needed = {name: weight.weigh_all(component, PYCOM, root) for name, component in found.items()}
    return [
        Row(
            component,
            weight.deployed_bytes(component.files, PYCOM, root),
            sum(each.deployed_bytes for each in needed[name]),
            len(needed[name]),
            heap[name],
        )
        for name, component in found.items()
    ]


def table() -> str:
    """What stands in the marked part."""
    headings = ["component", "kind", "its own bytes", "with all it needs", "files", "heap"]
    lines = [
        (
            f"`{row.component.name}`",
            row.component.kind,
            row.own,
            row.with_needs,
            row.files,
            row.heap,
        )
        for row in rows()
    ]
    return markdown(headings, lines)


def renew(file: Path = ROOT / FILE) -> str:
    """Write the table anew; tells what was done."""
    old = file.read_text(encoding="utf-8")
    new = marked.renewed(old, lambda name: table() + "\n")
    if new == old:
        return f"{FILE} is of today"
    file.write_text(new, encoding="utf-8")
    return f"{FILE} rewritten"
