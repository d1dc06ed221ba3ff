"""What an update over the air costs: bytes on air, seconds, joules, and whether a report is late.

A node runs a release, and is offered the next one, which changes three components of 20 KB in all.
Its cost is what the cycles from the first offer to the confirmation take more than the same cycles
of the same seed without an offer: questions, signed list, contents, both ways with all headers,
and what reports and their answers say of it. Payload is the content of the components alone.

    row(Case("good", 1024))     # one row of docs/updates.md

The clock of deep sleep is exact here, so that a start that is late has another reason than drift.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.application import REFERENCE
from devkit.bench import workers
from devkit.bench.cases import COUNTED_CYCLE, ONE_REPORT
from devkit.release import keys as key_folder
from devkit.release import sets, store
from devkit.release.sets import Module, Release
from devkit.release.world import World
from emulator import scenario
from emulator.board.meter import RAIL_VOLT
from emulator.cycle import Cycle
from emulator.device_files import configured
from emulator.emulator import RUN_MA

CHANGED = ("networking.nbiot", "protocols.coap", "sensors.scd4x")  # 20 KB
BLOCKS = (1024, 512)
MOST_RATIO = {1024: 1.20, 512: 1.30}  # air / payload, IPv4, without loss
PERIOD_S = 900  # of the template
SEEDS = {"good": 2, "edge": 5}  # where procedures vary more
_MOST_CYCLES = 60
_LARGEST = b"while block < 1024 "  # node_update.py: the block that a datagram has room for
_LINE = b"RELEASED = 2\n"


@dataclass(frozen=True)
class Case:
    coverage: str
    block: int  # bytes
    lossless: bool = False
    changed: tuple[str, ...] = CHANGED
    period_s: int = PERIOD_S

    @property
    def scenario(self) -> scenario.Scenario:
        radio = {"loss": 0.0} if self.lossless else {}
        table = {"like": self.coverage, "board": {"rtc_drift": 0.0}, "radio": radio}
        return scenario.from_table(table, self.coverage)


CASES = (
    *(Case("good", block, lossless=True) for block in BLOCKS),
    *(Case("edge", block) for block in BLOCKS),
)
COLUMNS = {
    "coverage": "coverage",
    "block": "block",
    "payload_bytes": "payload",
    "air_bytes": "on air",
    "air_ratio": "ratio",
    "cycles": "cycles",
    "fetching": "fetching",
    "filling": "filling the slot",
    "trial": "trial",
    "apart_s": "from start to start at most",
}


@dataclass
class Counted:
    """Cycles of a node behind those that lead there, and the release that ran in each."""

    cycles: list[Cycle]
    releases: list[int]
    apart_ms: list[int]  # from the start of each to the start of the next one
    confirmed: bool = False


@dataclass(frozen=True)
class Share:
    awake_ms: float
    energy_mj: float


@dataclass(frozen=True)
class Run:
    """One seed. fetching, filling, trial: of the cycles with an offer, less those without."""

    payload_bytes: int
    offered: Counted
    quiet: Counted

    @property
    def air_bytes(self) -> int:
        return sum(one.air_bytes - other.air_bytes for one, other in self._pairs(1, 2))

    @property
    def filling(self) -> Share:
        """From the end of the radio to the sleep, in which the board alone takes energy."""
        awake_ms = sum(_silent_ms(one) - _silent_ms(other)
                       for one, other in self._pairs(1))  # fmt: skip
        return Share(awake_ms, awake_ms * RUN_MA * RAIL_VOLT / 1000)

    @property
    def fetching(self) -> Share:
        whole, filling = self._more(1), self.filling
        return Share(whole.awake_ms - filling.awake_ms, whole.energy_mj - filling.energy_mj)

    @property
    def trial(self) -> Share:
        return self._more(2)

    def _more(self, release: int) -> Share:
        pairs = self._pairs(release)
        return Share(
            sum(one.awake_ms - other.awake_ms for one, other in pairs),
            sum(one.energy_mj - other.energy_mj for one, other in pairs),
        )

    def _pairs(self, *releases: int) -> list[tuple[Cycle, Cycle]]:
        """Cycles in which one of these releases ran, each with the same one without an offer."""
        pairs = zip(self.offered.cycles, self.quiet.cycles, self.offered.releases, strict=True)
        return [(one, other) for one, other, release in pairs if release in releases]


def row(case: Case, seed: int = 1) -> dict[str, Any]:
    """Means over the seeds; from start to start the longest."""
    runs = workers.spread(measured, case, seeds=range(seed, seed + SEEDS[case.coverage]))
    return _row(case, runs())


def _row(case: Case, runs: Sequence[Run]) -> dict[str, Any]:
    def mean(of: Callable[[Run], float]) -> float:
        return sum(map(of, runs)) / len(runs)

    payload, air = mean(lambda run: run.payload_bytes), mean(lambda run: run.air_bytes)
    return {
        "coverage": case.coverage + (", no loss" if case.lossless else ""),
        "block": case.block,
        "payload_bytes": round(payload),
        "air_bytes": round(air),
        "air_ratio": f"{air / payload:.2f}",
        "cycles": round(mean(lambda run: len(run.offered.cycles)), 1),
        "fetching": _shown([run.fetching for run in runs]),
        "filling": _shown([run.filling for run in runs]),
        "trial": _shown([run.trial for run in runs]),
        "apart_s": f"{max(max(run.offered.apart_ms) for run in runs) / 1000:.0f} s",
    }


def _shown(shares: Sequence[Share]) -> str:
    seconds = sum(each.awake_ms for each in shares) / len(shares) / 1000
    joules = sum(each.energy_mj for each in shares) / len(shares) / 1000
    return f"{seconds:.1f} s, {joules:.2f} J"


# one seed


@dataclass(frozen=True)
class Releases:
    """Two of them in a folder: a node has the first one, and gets the other one."""

    folder: Path
    first: Release
    keys: tuple[bytes, bytes]  # modulus of the root key, key file
    payload_bytes: int

    def offer(self, share: int) -> None:
        """To this percentage of the nodes."""
        (self.folder / "rollout.toml").write_text(f"share = {share}\n", encoding="utf-8")


def measured(case: Case, seeds: Sequence[int]) -> list[Run]:
    with released(case.changed, case.block) as releases:
        return [run(case, seed, releases) for seed in seeds]


def run(case: Case, seed: int, releases: Releases) -> Run:
    """The update, and as many cycles of the same seed without one."""
    offered = counted(case, seed, releases, 100, _MOST_CYCLES)
    assert offered.confirmed, f"{case}, seed {seed}: not confirmed in {_MOST_CYCLES} cycles"
    quiet = counted(case, seed, releases, 0, len(offered.cycles))
    return Run(releases.payload_bytes, offered, quiet)


def counted(case: Case, seed: int, releases: Releases, share: int, most: int) -> Counted:
    """The cycles until the release is confirmed, `most` at most. share: percentage of the nodes
    that are offered it."""
    found = Counted([], [], [])
    with configured(REFERENCE), _world(case, seed, releases) as world:
        releases.offer(0)
        for _ in range(COUNTED_CYCLE - 1):
            world.run()
        releases.offer(share)
        while len(found.cycles) < most and not found.confirmed:
            cycle = world.run()
            found.cycles.append(cycle)
            found.releases.append(world.release)
            next_us = world.emulator.board.clock.now_us
            found.apart_ms.append((next_us - cycle.started_us) // 1000)
            found.confirmed = world.running == 2 and not world.is_on_trial
    return found


def _world(case: Case, seed: int, releases: Releases) -> World:
    settings = {**ONE_REPORT, "_PERIOD_S": case.period_s}
    options: dict[str, Any] = {
        "scenario": case.scenario,
        "seed": seed,
        "install": "mpy",
        "max_hours": 24,
    }
    return World(releases.folder, releases.first, releases.keys, settings, **options)


def _silent_ms(cycle: Cycle) -> int:
    """From the end of the radio to the sleep."""
    last = cycle.phases[-1]
    return cycle.awake_ms - last.start_ms - last.duration_ms


@contextlib.contextmanager
def released(changed: Sequence[str], block: int) -> Iterator[Releases]:
    """This tree as release 1, asking for blocks of this size, and as release 2 with a line more
    in some modules."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, configured(REFERENCE):
        folder, keys = Path(name) / "releases", Path(name) / "keys"
        key_folder.create(keys)
        modules = [_asking(each, block) for each in sets.built()]
        first = _release(folder, keys, None, modules)
        later = [
            sets.rewritten(each, each.source + _LINE) if each.name in changed else each
            for each in modules
        ]
        second = _release(folder, keys, first, later)
        payload_bytes = sum(each.size for each in sets.fetched(first, second))
        files = key_folder.root_modulus(keys), (keys / "keys").read_bytes()
        yield Releases(folder, first, files, payload_bytes)


def _asking(module: Module, block: int) -> Module:
    """The module; of the one with the largest block that a node asks for, one with another."""
    if module.name != "node_update" or block == BLOCKS[0]:
        return module
    assert module.source.count(_LARGEST) == 1, "node_update.py chooses blocks in another way"
    return sets.rewritten(module, module.source.replace(_LARGEST, b"while block < %d " % block))


def _release(folder: Path, keys: Path, base: Release | None, modules: list[Module]) -> Release:
    release = sets.following(base, modules, base.seq + 1 if base else 1)
    store.write(folder, release, modules, store.steps(folder, release, keys), keys)
    store.emulate(folder, release)
    return release
