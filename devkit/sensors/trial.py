"""A driver run once on its emulated chip: what it returns, how long it takes, what it draws."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from devkit.board.board import Board
from devkit.chips.wiring import DEFAULT, wire
from devkit.closing import Closing
from devkit.device_files import ROOT
from devkit.sensors.catalogue import Entry
from devkit.vm.cpython import CpythonVm


@dataclass(frozen=True)
class Result:
    values: list[Any]
    cause: str | None
    time_ms: float
    mean_ma: float  # of the chip, while it is measured


class Bench(Closing):
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

    def module(self, name: str) -> ModuleType:
        """A driver as the device has it, for its FIELDS and ARGUMENTS."""
        module: ModuleType = self.run(f"from sensors import {name}\n")[name]
        return module


def trial(entry: Entry, seed: int = 1) -> Result:
    """Read once with get_reading, after a first time that loads all modules."""
    with Bench([entry], seed) as bench:
        bench.run(f"from sensors import {entry.name}, _lines, _rig\n")
        start_us, start_mj = _spent(bench, entry)
        found = bench.run(
            f"from sensors import {entry.name} as driver\n"
            f"reading = driver.get_reading(**{entry.arguments!r})\ncause = driver.last_cause\n"
        )
        end_us, end_mj = _spent(bench, entry)
    reading = found["reading"]
    seconds = (end_us - start_us) / 1e6
    return Result(
        list(reading) if isinstance(reading, tuple) else [reading],
        found["cause"],
        seconds * 1000,
        (end_mj - start_mj) / 3.7 / seconds,
    )


@dataclass(frozen=True)
class Run:
    """A run of several sensors, all of which had a value."""

    time_ms: float
    chips_mj: float


def run(chosen: list[Entry], seed: int = 1) -> Run:
    """Measure once with all these sensors together, all modules being loaded."""
    lines = "".join(f"{(entry.name, entry.arguments)!r}, " for entry in chosen)
    with Bench(chosen, seed) as bench:
        bench.run(f"import sensors\nsensors.check(({lines}))\nsensors.measure(({lines}))\n")
        before_us, before_mj = bench.board.clock.now_us, bench.board.meter.energy_mj()
        found = bench.run(f"import sensors\nresults = sensors.measure(({lines}))\n")
        spent = bench.board.clock.now_us - before_us, bench.board.meter.energy_mj() - before_mj
    failed = [f"{item.name}: {item.cause}" for item in found["results"] if item.cause is not None]
    if failed:
        raise RuntimeError(f"not measured: {', '.join(failed)}")
    return Run(spent[0] / 1000, spent[1])


def _spent(bench: Bench, entry: Entry) -> tuple[int, float]:
    return bench.board.clock.now_us, bench.board.meter.energy_mj(entry.kind)
