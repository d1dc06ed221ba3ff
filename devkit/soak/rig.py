"""One emulated board after another with the device files of this project, for devkit/soak.

The files are read once and put back before each run, the board's settings and NVS are those that a
good cycle has left.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from devkit import application
from emulator import scenario as scenarios
from emulator.cycle import Cycle
from emulator.device_files import configured, flash_files
from emulator.emulator import Emulator
from emulator.vm.guard import TimeLimit

# Three resets in a row, the start that sleeps, and as many again. A supply too weak for the
# transmissions of an attach that goes on resets the board again and again before Python runs.
STARTS_WATCHED = 8
BROWN_OUTS_WATCHED = 100

_Part = TypeVar("_Part")


@dataclass
class _Good:
    """What a board is and has loaded after a good cycle."""

    flags: dict[str, Any]
    records: dict[tuple[str, str], int | str]
    loaded: list[str]


class Rig:
    def __init__(self, folder: Path) -> None:
        with configured(application.REFERENCE):
            files = flash_files()
        self.files = {path.as_posix(): file.read_bytes() for path, file in files.items()}
        self.flash = folder
        self.emulator: Emulator | None = None
        self.printed: list[str] = []
        self.days: float | None = None  # of a run, for proofs that last for days
        self.runtime: dict[str, Any] = {}  # arguments of Emulator: what the programs run on
        self.said: list[str] = []  # figures of a run, for people
        self.counts: Counter[str] = Counter()  # of all runs: how many ended in which way
        self._good: dict[str, _Good] = {}
        self.parts = ExitStack()  # closed behind the last run
        self._kept: dict[Any, Any] = {}

    def keep(self, make: Callable[[], AbstractContextManager[_Part]]) -> _Part:
        """Start a server at the first call; return it to all runs."""
        if make not in self._kept:
            self._kept[make] = self.parts.enter_context(make())
        part: _Part = self._kept[make]
        return part

    @contextmanager
    def board(
        self,
        table: dict[str, Any],
        seed: int,
        bearer: str,
        settings: dict[str, object] | None = None,
        grown: bool = True,
        **kind: Any,
    ) -> Iterator[Emulator]:
        """A board with a fresh flash. table: of a scenario. settings: lines added to config.py.
        grown: with the settings and the NVS that a good cycle leaves, else as new. kind: name and
        firmware, if not the usual ones of the bearer."""
        self.restore()
        if settings:
            application.configure(self.flash, settings)
        self.printed.clear()
        with Emulator(
            scenario=scenarios.from_table(table),
            seed=seed,
            chips=application.chips(bearer),
            flash=self.flash,
            install="frozen",
            console=self.printed.append,
            **self.runtime,
            **{"name": application.board(bearer), **kind},
        ) as emulator:
            if grown:
                self._grow(emulator, bearer)
            yield emulator

    def say(self, text: str) -> None:
        self.said.append(text)

    def restore(self) -> None:
        """Make the flash what it was: other files go, changed ones come back."""
        for path in sorted(self.flash.rglob("*"), reverse=True):
            name = path.relative_to(self.flash).as_posix()
            if path.is_file() and name not in self.files:
                path.unlink()
        for name, content in self.files.items():
            self.put(name, content)

    def put(self, name: str, content: bytes | None) -> None:
        """Write one file of the flash; None: remove it."""
        path = self.flash / name
        if content is None:
            path.unlink(missing_ok=True)
            return
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def loaded(self, bearer: str) -> list[str]:
        """The device files that a good cycle of the template loads with this bearer, sorted."""
        return self._after_good_cycle(bearer).loaded

    def _grow(self, emulator: Emulator, bearer: str) -> None:
        config: Any = emulator.board.services["config"]
        nvs: Any = emulator.board.services["nvs"]
        good = self._after_good_cycle(bearer)
        config.flags.update({**good.flags, "boot_fs_type": config.flags["boot_fs_type"]})
        nvs.records.update(good.records)

    def _after_good_cycle(self, bearer: str) -> _Good:
        if bearer not in self._good:
            settings = application.settings(bearer, "udp")
            with tempfile.TemporaryDirectory(prefix="soak-") as folder:
                other = Rig(Path(folder))
                with other.board({}, 1, bearer, settings, grown=False) as emulator:
                    emulator.run(cycles=2)
                    config: Any = emulator.board.services["config"]
                    nvs: Any = emulator.board.services["nvs"]
                    vm: Any = emulator.vm
                    paths = {
                        path.split("flash/")[-1] for path in vm.importer.device_paths.values()
                    }
                    self._good[bearer] = _Good(
                        dict(config.flags), dict(nvs.records), sorted(paths & set(self.files))
                    )
        return self._good[bearer]


def run_to_sleep(emulator: Emulator, cause: int, most_ms: int) -> tuple[list[Cycle], int | None]:
    """Start the board until it has slept once; a start that is awake for `most_ms` is ended.
    Returns the cycles and what starts the next one; None: nothing will."""
    cycles: list[Cycle] = []
    next_cause: int | None = cause
    while next_cause is not None:
        brown_outs = [cycle.error for cycle in cycles].count("reset: brown-out")
        if len(cycles) - brown_outs >= STARTS_WATCHED or brown_outs >= BROWN_OUTS_WATCHED:
            break
        _limit(emulator, most_ms)
        cycles += emulator.run(cycles=1, cause=next_cause)
        next_cause = emulator.next_cause
        if cycles[-1].ended == "deepsleep":
            return cycles, next_cause
    return cycles, None


def _limit(emulator: Emulator, most_ms: int) -> None:
    """End the start that follows, and no later one, if it is awake for so long."""
    board, number = emulator.board, emulator.board.cycle + 1

    def look() -> None:
        if board.cycle == number and board.meter.state("esp") == "run":
            board.stop(TimeLimit(f"awake for {most_ms} ms"))

    board.clock.schedule_ms(most_ms, look)


def radio_off(emulator: Emulator) -> bool:
    """Whether every radio of the board is off, as it should be in deep sleep."""
    meter = emulator.board.meter
    return meter.state("radio") == "off" and emulator.modem.cfun != 1
