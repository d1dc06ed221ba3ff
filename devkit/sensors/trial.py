"""A driver run once on its emulated chip: what it returns, how long it takes, what it draws."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from devkit.sensors.catalogue import Entry
from emulator.board.board import Board
from emulator.board.meter import RAIL_VOLT
from emulator.chips.wiring import DEFAULT, wire
from emulator.device_files import ROOT
from emulator.vm.cpython import CpythonVm

MARK_PIN = "P23"  # a program raises it where what is measured begins, and lowers it at the end


@dataclass(frozen=True)
class Result:
    values: list[Any]
    cause: str | None
    time_ms: float
    mean_ma: float  # of the chip, while it is measured


class Bench(AbstractContextManager["Bench"]):
    """A board with one chip and the drivers on its flash; nothing else runs there."""

    def __init__(self, entries: list[Entry], seed: int = 1) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sensors-")
        flash = Path(self._folder.name)
        for folder in ("sensors", "utils"):
            shutil.copytree(ROOT / folder, flash / folder)
        self._flash = flash
        self.printed: list[str] = []
        self.board = Board(seed=seed)
        self.vm = CpythonVm(self.board, flash, self.printed.append, install="frozen")
        chips = {name: {"kind": "none"} for name in DEFAULT}
        for entry in entries:
            chips[entry.kind] = {"kind": entry.kind, **entry.wiring}
        wire(self.board, chips)
        self.board.clock.advance(5_000_000)  # what is always supplied has started long ago
        self._marks: list[tuple[int, float]] = []  # time in us and energy in mJ at each
        pins: Any = self.board.services["pins"]
        pins.on_change(MARK_PIN, self._mark)

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        self.vm.shutdown()
        self._folder.cleanup()

    def run(self, program: str) -> dict[str, Any]:
        """Run a program; return its variables."""
        (self._flash / "program.py").write_text(program, encoding="utf-8")
        outcome = self.vm.run_script("program.py")
        if outcome.error is not None:
            raise RuntimeError(outcome.error)
        return vars(self.vm.main)

    def marked(self) -> tuple[float, float]:
        """(seconds, mJ) between the two marks of the program."""
        (start_us, start_mj), (end_us, end_mj) = self._marks
        return (end_us - start_us) / 1e6, end_mj - start_mj

    def _mark(self, level: int) -> None:
        self._marks.append((self.board.clock.now_us, self.board.meter.energy_mj()))

    def module(self, name: str) -> ModuleType:
        """A driver as the device has it, for its FIELDS and ARGUMENTS."""
        module: ModuleType = self.run(f"from sensors import {name}\n")[name]
        return module


def trial(entry: Entry, seed: int = 1) -> Result:
    """Read once with get_reading, all modules being loaded."""
    program = (
        f"from sensors import {entry.name} as driver\n{_ALL_PARTS}{_START}"
        f"reading = driver.get_reading(**{entry.arguments!r})\n{_END}cause = driver.last_cause\n"
    )
    with Bench([entry], seed) as bench:
        found = bench.run(program)
        seconds, chip_mj = bench.marked()
    reading = found["reading"]
    return Result(
        list(reading) if isinstance(reading, tuple) else [reading],
        found["cause"],
        seconds * 1000,
        chip_mj / RAIL_VOLT / seconds,
    )


@dataclass(frozen=True)
class Run:
    """A run of several sensors, all of which had a value."""

    time_ms: float
    chips_mj: float


def run(chosen: list[Entry], seed: int = 1) -> Run:
    """Measure once with all these sensors together, all modules being loaded."""
    lines = "".join(f"{(entry.name, entry.arguments)!r}, " for entry in chosen)
    program = (
        f"import sensors\nlines = ({lines})\nsensors.check(lines)\n{_ALL_PARTS}{_START}"
        f"results = sensors.measure(lines)\n{_END}"
    )
    with Bench(chosen, seed) as bench:
        found = bench.run(program)
        seconds, chips_mj = bench.marked()
    failed = [f"{item.name}: {item.cause}" for item in found["results"] if item.cause is not None]
    if failed:
        raise RuntimeError(f"not measured: {', '.join(failed)}")
    return Run(seconds * 1000, chips_mj)


# What a program needs for its first reading, and what it measures the time with
_ALL_PARTS = "".join(
    f"from {path.parent.name} import {path.stem}\n"
    for folder in ("sensors", "utils")
    for path in sorted((ROOT / folder).glob("[a-z_]*.py"))
    if path.stem != "__init__" and (folder == "utils" or path.stem.startswith("_"))
)
_START = f"from machine import Pin\nmark = Pin({MARK_PIN!r}, mode=Pin.OUT)\nmark(1)\n"
_END = "mark(0)\n"
