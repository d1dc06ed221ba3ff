"""A board with a flash of its own, for tests of the VM, the firmware's modules and services."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.board.board import Board
from emulator.board.faults import Fault
from emulator.board.standard import plug_standard
from emulator.vm.cpython import CpythonVm
from emulator.vm.micropython import MicroPythonVm
from emulator.vm.runtime import Outcome


class Device:
    """`run("print(1)")` is what the device prints; `outcome` says how the run ended."""

    def __init__(self, root: Path, faults: list[dict] | None = None, **options) -> None:
        fs_type = options.pop("fs_type", 0)
        install = options.pop("install", "py")
        runtime = options.pop("runtime", "cpython")
        of_vm = {key: options.pop(key) for key in ("firmware_dir", "command") if key in options}
        self.root = root
        root.mkdir(exist_ok=True)
        self.board = Board(faults=[Fault.from_table(table) for table in faults or []], **options)
        plug_standard(self.board, root, fs_type=fs_type)
        self.printed: list[str] = []
        made = MicroPythonVm if runtime == "micropython" else CpythonVm
        self.vm: Any = made(self.board, root, self.printed.append, install=install, **of_vm)
        self.outcome: Outcome | None = None

    def service(self, name: str):
        return self.board.services[name]

    def put(self, path: str, text: str) -> None:
        """A file on the flash."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")

    def run(self, main: str, boot: str | None = None) -> str:
        """Boot with these scripts; returns what was printed."""
        self.put("main.py", main)
        if boot is not None:
            self.put("boot.py", boot)
        return self.start()

    def start(self) -> str:
        del self.printed[:]
        self.outcome = self.vm.boot()
        return "".join(self.printed)

    def restart(self, cause: int) -> str:
        self.board.reset(cause)
        return self.start()

    def values(self, expression: str, before: str = "") -> str:
        """What the device prints of an expression."""
        return self.run(f"{textwrap.dedent(before)}\nprint({expression})\n").strip()


@pytest.fixture
def make_device(tmp_path: Path, runtime: str) -> Iterator[Callable[..., Device]]:
    made = []

    def make(**options) -> Device:
        made.append(Device(tmp_path / f"flash{len(made)}", runtime=runtime, **options))
        return made[-1]

    yield make
    for device in made:
        device.vm.shutdown()


@pytest.fixture
def device(make_device: Callable[..., Device]) -> Device:
    return make_device()
