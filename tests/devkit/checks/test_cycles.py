"""No two packages of the computer's code import each other, straight or through others."""

from __future__ import annotations

import functools
import graphlib
from pathlib import Path

import pytest

from devkit.checks import boundaries, sources
from devkit.checks.sources import ROOT

from . import scratch


@functools.cache  # the trees differ in a file
def uses(text: str) -> list[str]:
    return [used for _, used in boundaries._uses(text)]


def packages(root: Path) -> dict[str, set[str]]:
    """Package, or module beside packages -> those that it imports."""
    names = [name for name in sources.all_files(root) if sources.is_typed(name)]
    modules = boundaries._modules(iter(names))
    found: dict[str, set[str]] = {}
    for name in names:
        own = package(boundaries._dotted(name))
        for used in uses((root / name).read_text(encoding="utf-8")):
            while used and used not in modules:
                used = used.rpartition(".")[0]
            if used and package(used) != own:
                found.setdefault(own, set()).add(package(used))
    return found


def package(module: str) -> str:
    return ".".join(module.split(".")[:2])


def test_packages_know_each_other_in_one_direction_only() -> None:
    graph = packages(ROOT)
    assert "emulator.modem" in graph["emulator.driver"]  # it sees the arrows
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("emulator/board/clock.py", "from emulator.vm import guard\n"),
        ("devkit/build/targets.py", "def late():\n    from devkit.commands import build\n"),
    ],
)
def test_an_arrow_back_is_found(name: str, text: str, tmp_path: Path) -> None:
    tree = scratch.copy(tmp_path)
    scratch.append(tree, name, text)
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(packages(tree)).prepare()
