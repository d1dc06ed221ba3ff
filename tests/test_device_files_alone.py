"""The folders of the device, copied into an empty one, are complete: all compiles and imports."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from devkit.checks import device_compile
from emulator.board.board import Board
from emulator.device_files import CREDENTIALS, FOLDERS, MODULES, ROOT, SCRIPTS, source
from emulator.emulator import Emulator
from emulator.vm.cpython import CpythonVm

EXAMPLES = "examples"
PROGRAMS = {"boot.py", "main.py"}  # run as they are imported


@pytest.fixture(scope="module")
def flash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flash")
    for name in (*SCRIPTS, *MODULES):
        if name != CREDENTIALS:
            shutil.copy(source(Path(name)), folder / name)
    for name in (*FOLDERS, EXAMPLES):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _files(flash: Path) -> list[str]:
    return sorted(path.relative_to(flash).as_posix() for path in flash.rglob("*.py"))


def test_every_file_compiles(flash: Path) -> None:
    names = _files(flash)
    assert {"boot.py", "networking/__init__.py", "examples/nbiot_simple.py"} < set(names)
    assert device_compile.problems(flash, names) == []


def test_every_module_imports(flash: Path) -> None:
    names = [
        name.removesuffix(".py").removesuffix("/__init__").removeprefix("lib/").replace("/", ".")
        for name in _files(flash)
        if name not in PROGRAMS and not name.startswith(EXAMPLES)
    ]
    assert len(names) > 60
    (flash / "program.py").write_text("".join(f"import {name}\n" for name in names))
    printed: list[str] = []
    vm = CpythonVm(Board(seed=1), flash, printed.append, install="frozen")
    try:
        assert vm.run_script("program.py").error is None, "".join(printed)
    finally:
        vm.shutdown()
        (flash / "program.py").unlink()


def test_a_cycle_runs(flash: Path) -> None:
    printed: list[str] = []
    with Emulator(flash=flash, console=printed.append, max_hours=1) as emulator:
        [cycle] = emulator.run()
    assert (cycle.error, cycle.ended) == (None, "deepsleep"), "".join(printed)
