"""Power cuts and resets at operations of flash and NVS, of a node whose network comes and goes.

A run has ten cycles with outages, then as many good ones as it takes until nothing waits. Journal,
store and clock are those of the device; CYCLE stands for node, bearer and protocol, whose server
confirms. The first runs are all single cuts: at each operation of file or NVS of ten cycles,
before, during and after it, on FAT and LittleFS, with both values of _KEEP. Behind them each run
draws one to six cuts, outages, batches, the size of the journal and what it does when full. Rules:

    lost        what add() has taken arrives, or is counted as given up. With "rtc" a cut may cost
                the measurements since the last attempt to send, 32 at most
    dated       the time that arrives is right to within 1 % of the time from the nearest good one;
                4 % until the rate of the clock is known, of this run of the RTC or an earlier
                one. No time only where there was none before
    once        no number is given twice, and what arrives is what was measured
    counted     what was confirmed is not counted as given up, but for one measurement a cut
    stuck       each start ends in deep sleep, unless it is cut; the journal becomes empty
"""

from __future__ import annotations

import functools
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devkit.soak.loaded import LoadedOnce
from devkit.soak.rig import Rig
from emulator.board.board import (
    DEEPSLEEP_RESET,
    PWRON_RESET,
    Board,
    DeepSleep,
    PowerCut,
    Reset,
    Service,
)
from emulator.board.faults import Fault
from emulator.board.slowclock import DRAWN
from emulator.board.standard import BoardOptions, plug_standard

SINGLES = 5_000  # runs at least as many as there are single cuts; all others are random
RUNS = SINGLES + 20_000
CYCLES = 10
MOST_GOOD_CYCLES = 12
PERIOD_S = 900
START_UTC_S = 1_800_000_000
RATE_S = 3800  # between two good times whose rate is kept: an hour of the RTC
MOST_IN_MEMORY = 32  # measurements (utils/_journal_image.py)

CYCLE = """
import machine
from utils import clock, journal, store
from world import call

keep, limit, when_full, order, batch = call("world.settings")
queue = journal.Journal("/flash/journal", limit, keep, when_full)
queue.note_clock(clock.epoch(), clock.anchor())
rtc_s = clock.rtc_s()
sequence = store.next_sequence()
boot = store.boot_number()
call("world.measured", boot, sequence)
records = [("t%d" % n, 100 * sequence + n, -2, "Cel") for n in range(6)]
call("world.added", queue.add(sequence, rtc_s, clock.epoch(), records))

def told(entry):
    when = clock.utc(entry.rtc_s, entry.before, entry.after)
    if when is None and entry.epoch == clock.epoch():
        when = call("world.utc") - clock.age_s(entry.rtc_s)
    return [entry.boot, entry.seq, when, [list(record) for record in entry.records]]

def deliver(entries):
    if call("world.deliver", [told(entry) for entry in entries]):
        queue.done(entries)
        return True
    return False

failed = False
if call("world.due"):
    failed = not call("world.online")
    if not failed and call("world.tells_time") and clock.wanted():
        if clock.believe(call("world.utc"), "network"):
            call("world.believed")
        queue.note_clock(clock.epoch(), clock.anchor())
    entries = []
    for entry in [] if failed else queue.entries(order):
        entries.append(entry)
        if len(entries) == batch:
            if not deliver(entries):
                failed = True
                break
            entries = []
    if entries and not failed:
        failed = not deliver(entries)
queue.settle(failed, False)
call("world.state", queue.waiting, queue.given_up)
store.keep_cycle({"seq": sequence, "text": "x" * call("world.account")})
machine.deepsleep(clock.sleep_ms(1000 * call("world.period")))
"""


@dataclass
class Plan:
    """What a run is like, but for its cuts."""

    keep: str = "flash"
    filesystem: str = "littlefs"
    order: str = "oldest"
    when_full: str = "oldest"
    limit: int = 16384
    batch: int = 3  # measurements in a message
    send_every: int = 1
    cycles: int = CYCLES  # before the network is good for ever
    online: tuple[bool, ...] = (True, True, False, False, False, True, False, True, True, True)
    answers: tuple[bool, ...] = (True,)  # of the server, in turn: False, it has no answer
    tells_time: tuple[bool, ...] = (True,)
    first_sequence: int | None = None  # in NVS
    off_s: tuple[int, ...] = (5,)  # how long a power cut lasts, in turn


@dataclass
class World(Service):
    """What lies outside the node, and what really happened."""

    board: Board
    plan: Plan
    cycle: int = 0
    cuts: int = 0
    measured: dict[tuple[int, int], float] = field(default_factory=dict)  # key -> true time
    epochs: dict[tuple[int, int], int] = field(default_factory=dict)  # key -> run of the RTC
    taken: list[tuple[int, int]] = field(default_factory=list)
    arrived: dict[tuple[int, int], float | None] = field(default_factory=dict)
    confirmed: set[tuple[int, int]] = field(default_factory=set)  # as the node was told
    good_times: dict[int, list[float]] = field(default_factory=dict)  # by run of the RTC
    told: list[float] = field(default_factory=list)  # good times of this cycle
    perhaps: dict[int, list[float]] = field(default_factory=dict)  # those of one that was cut
    rate_kept: bool = False  # in NVS
    dated_since: dict[tuple[int, int], bool] = field(default_factory=dict)
    waiting: int = 0
    given_up: int = 0
    epoch: int = 0
    asked: int = 0
    broken: list[tuple[str, str]] = field(default_factory=list)
    key: tuple[int, int] = (0, 0)

    def utc_s(self) -> float:
        return START_UTC_S + self.board.clock.now_us / 1e6

    @property
    def recovers(self) -> bool:
        return self.cycle >= self.plan.cycles

    def on_reset(self, cause: int) -> None:
        if cause != DEEPSLEEP_RESET:
            self.perhaps[self.epoch] = self.told
            self.epoch += 1
            self.told = []

    def do_settings(self) -> list[Any]:
        plan = self.plan
        return [plan.keep, plan.limit, plan.when_full, plan.order, plan.batch]

    def do_measured(self, boot: int, sequence: int) -> None:
        self.key = (boot, sequence)
        if self.key in self.measured:
            self.broken.append(("once", f"number {self.key} twice"))
        self.measured[self.key] = self.utc_s()
        self.epochs[self.key] = self.epoch
        self.dated_since[self.key] = bool(self.good_times.get(self.epoch))

    def do_added(self, kept: bool) -> None:
        if kept:
            self.taken.append(self.key)

    def do_due(self) -> bool:
        return self.recovers or self.cycle % self.plan.send_every == 0

    def do_online(self) -> bool:
        return self.recovers or self.plan.online[self.cycle % len(self.plan.online)]

    def do_tells_time(self) -> bool:
        return self.recovers or self.plan.tells_time[self.cycle % len(self.plan.tells_time)]

    def do_believed(self) -> None:
        self.told.append(self.utc_s())

    def slept(self) -> None:
        """The cycle has reached its sleep: the times that it was told are kept."""
        self.cycle += 1
        good = self.good_times.setdefault(self.epoch, [])
        good.extend(self.told)
        self.rate_kept = self.rate_kept or _tells_rate(good, RATE_S)
        self.told = []

    def do_utc(self) -> int:
        return int(self.utc_s())

    def do_account(self) -> int:
        return 300 + 97 * self.cycle % 200

    def do_period(self) -> int:
        return PERIOD_S

    def do_deliver(self, told: list[list[Any]]) -> bool:
        self.board.spend_us(1_200_000)
        self.asked += 1
        for boot, sequence, when, records in told:
            self._arrive((boot, sequence), when, records)
        answers = self.recovers or self.plan.answers[self.asked % len(self.plan.answers)]
        if answers:
            self.confirmed.update((boot, sequence) for boot, sequence, _, _ in told)
        return answers

    def do_state(self, waiting: int, given_up: int) -> None:
        self.waiting, self.given_up = waiting, given_up

    def _arrive(self, key: tuple[int, int], when: int | None, records: list[Any]) -> None:
        right = [[f"t{n}", 100 * key[1] + n, -2, "Cel"] for n in range(6)]
        if key not in self.measured or records != right:
            self.broken.append(("once", f"{key} arrived as {records}"))
            return
        self.arrived.setdefault(key, when)
        true_s, good = self.measured[key], list(self.good_times.get(self.epochs[key], []))
        if self.epochs[key] == self.epoch:
            good += self.told
        if when is None:
            if self.dated_since[key]:
                self.broken.append(("dated", f"{key} has no time"))
            return
        if self.epochs[key] == self.epoch and not good:
            good = [self.utc_s()]  # an age
        perhaps = self.perhaps.get(self.epochs[key], [])
        allowed = max(self._allowed_s(true_s, each) for each in (good, good + perhaps))
        if abs(when - true_s) > allowed:
            self.broken.append(("dated", f"{key} is {when - true_s:.0f} s off, not {allowed:.0f}"))

    def _allowed_s(self, true_s: float, good: list[float]) -> float:
        """By how much a time may be wrong, with these good times of its run of the RTC."""
        span_s = min((abs(true_s - each) for each in good), default=0.0)
        known = self.rate_kept or _tells_rate(good, 3600)
        return 10 + span_s * (0.01 if known else 0.04)


def _tells_rate(good: list[float], least_s: float) -> bool:
    return len(good) > 1 and max(good) - min(good) >= least_s


def violations(rig: Rig, seed: int) -> list[tuple[str, str]]:
    flash = rig.flash / "model"
    if seed <= SINGLES:
        found = singles(flash)
        plan, fault = found[seed * 7919 % len(found)]  # mixed: a few of them meet all kinds
        return Life(flash, seed, plan, [fault]).violations()
    rng = random.Random(seed)
    plan = _drawn(rng)
    return Life(flash, seed, plan, [_cut(rng) for _ in range(rng.randint(1, 6))]).violations()


@functools.cache
def singles(flash: Path) -> list[tuple[Plan, dict[str, Any]]]:
    """Every single cut, as (plan, fault)."""
    found = []
    for plan in _plans():
        counted = [{"point": point, "do": "power_cut", "nth": 10**9} for point in ("file", "nvs")]
        life = Life(flash, 1, plan, counted)
        life.violations()
        for fault in life.faults:
            for nth in range(1, fault.seen + 1):
                for when in ("before", "during", "after"):
                    cut = {"point": fault.point, "do": "power_cut", "nth": nth, "when": when}
                    lefts = ("empty", "lost", "torn") if plan.filesystem == "fat" else ("",)
                    for left in lefts if (fault.point, when) == ("file", "during") else ("",):
                        found.append((plan, {**cut, "left": left} if left else cut))
    return found


def _plans() -> Iterator[Plan]:
    for filesystem in ("littlefs", "fat"):
        yield Plan("flash", filesystem)
        yield Plan("flash", filesystem, order="newest", limit=2048, when_full="every_second")
        yield Plan("rtc", filesystem)
        yield Plan("rtc", filesystem, send_every=3, order="newest")


def _drawn(rng: random.Random) -> Plan:
    def flags(likely: float, count: int = CYCLES) -> tuple[bool, ...]:
        return tuple(rng.random() < likely for _ in range(count))

    return Plan(
        keep=rng.choice(("rtc", "flash")),
        filesystem=rng.choice(("littlefs", "fat")),
        order=rng.choice(("oldest", "newest")),
        when_full=rng.choice(("oldest", "every_second")),
        limit=rng.choice((1024, 2048, 16384, 65536)),
        batch=rng.choice((1, 2, 5)),
        send_every=rng.choice((1, 1, 3, 5)),
        online=flags(rng.choice((0.2, 0.5, 0.8))),
        answers=flags(rng.choice((0.7, 1.0)), 7),
        tells_time=flags(rng.choice((0.3, 1.0))),
        first_sequence=rng.choice((None, 65530, 2**31 - 5)),
        off_s=tuple(rng.choice((1, 60, 20_000)) for _ in range(6)),
    )


def _cut(rng: random.Random) -> dict[str, Any]:
    point = rng.choice(("file", "file", "nvs"))
    cut = {"point": point, "nth": rng.randrange(1, 200 if point == "file" else 50)}
    cut["when"] = rng.choice(("before", "during", "after"))
    if rng.random() < 0.3:
        return {**cut, "do": "reset", "cause": rng.choice(("watchdog", "brown_out"))}
    return {**cut, "do": "power_cut"}


class _Vm(LoadedOnce):
    def __init__(self, board: Board, flash: Path, console: Callable[[str], None]) -> None:
        super().__init__(board, flash, console)
        find = self.importer.kind_of
        self.importer.kind_of = functools.cache(find)  # type: ignore[method-assign]
        loaded = self.importer.loaded
        self.importer.imports.of_device("utils.journal", None, None, ["Journal"])
        self.importer.imports.of_device("utils.clock", None, None, ["utc"])
        self.keep(loaded[name] for name in loaded if name.startswith("utils"))


class Life:
    """One board from its first start to the end of its run."""

    def __init__(self, flash: Path, seed: int, plan: Plan, faults: list[dict[str, Any]]) -> None:
        self.faults = [Fault.from_table(fault) for fault in faults]
        _prepare(flash)
        self._due = list(self.faults)
        self.board = Board(seed, faults=self._due)
        self.world = World(self.board, plan)
        self.board.plug("world", self.world)
        options = BoardOptions(plan.filesystem)  # type: ignore[arg-type]
        plug_standard(self.board, flash, fs_type=options.fs_type, rtc_drift=DRAWN)
        self.said: list[str] = []
        self.vm = _Vm(self.board, flash, self.said.append)
        if plan.first_sequence is not None:
            nvs: Any = self.board.services["nvs"]
            nvs.put("report_seq", plan.first_sequence)
            nvs.put("report_boot", 7)

    def violations(self) -> list[tuple[str, str]]:
        world, cause = self.world, PWRON_RESET
        for _ in range(CYCLES + MOST_GOOD_CYCLES + len(self.faults)):
            next_cause = self.start(cause)
            if next_cause is None:
                return world.broken
            cause = next_cause
            if world.recovers:
                self._due.clear()
            if world.cycle > CYCLES and not world.waiting:
                break
        else:
            world.broken.append(("stuck", f"{world.waiting} wait after {world.cycle} cycles"))
        return world.broken + self._losses()

    def start(self, cause: int) -> int | None:
        """One start and the sleep behind it. Returns what starts the next one."""
        board, world = self.board, self.world
        board.cycle += 1
        board.reset(cause)
        board.spend_us(1_000_000)
        halt = self.vm.boot(["cycle.py"]).halt
        if isinstance(halt, DeepSleep):
            world.slept()
            system: Any = board.services["system"]
            system.sleep_through(halt.duration_ms)
            board.halt = None
            return DEEPSLEEP_RESET
        if isinstance(halt, Reset):
            board.halt = None
            if isinstance(halt, PowerCut):
                off = world.plan.off_s
                board.clock.advance(off[world.cuts % len(off)] * 1_000_000, lambda: False)
            world.cuts += 1
            return halt.cause
        last = "".join(self.said).strip().splitlines()[-3:]
        world.broken.append(("stuck", f"a start ended by {halt or last}"))
        return None

    def _losses(self) -> list[tuple[str, str]]:
        world, plan, found = self.world, self.world.plan, []
        missing = [key for key in world.taken if key not in world.arrived]
        allowed = world.given_up
        if plan.keep == "rtc":
            allowed += world.cuts * min(plan.send_every, MOST_IN_MEMORY)
        if len(missing) > allowed:
            told = f"{len(missing)} of {len(world.taken)}, {world.given_up} given up"
            found.append(("lost", f"{told}, {world.cuts} cuts: {missing[:5]}"))
        over = world.given_up - len(set(world.measured) - world.confirmed)
        if over > world.cuts:
            found.append(("counted", f"{over} more than are missing"))
        return found


def _prepare(flash: Path) -> None:
    """The modules of utils/ and CYCLE, and nothing else but them."""
    root = Path(__file__).resolve().parents[2]
    if not (flash / "cycle.py").exists():
        flash.mkdir(parents=True, exist_ok=True)
        shutil.copytree(root / "utils", flash / "utils", dirs_exist_ok=True)
        (flash / "cycle.py").write_text(CYCLE, encoding="utf-8")
    shutil.rmtree(flash / "journal", ignore_errors=True)
