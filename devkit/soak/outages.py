"""The whole template for 60 virtual days with outages, against the real collector.

A run draws outages of up to 72 h: no cell, a server that is silent, one that refuses (5.03), one
whose answers are lost; and power cuts, half of them while the node is awake. Even seeds keep
measurements with _KEEP = "flash", odd ones with "rtc"; of four seeds the first two have LittleFS,
the others FAT. At the end the database is compared with what the emulated sensors returned at
their true times, record by record. Rules:

    sleeps      each cycle ends in deep sleep, or by the power cut
    collector   it answers each request that comes to it
    drained     two days after the last outage nothing waits any more
    invented    each measurement in the database was taken
    twice       once, under one number
    lost        each one taken is there, or given up and counted; a power cut costs the measurement
                that it meets, and with "rtc" up to RTC_MOST more
    counted     as many are given up as the node says, but for those whose answer was lost
    mis-dated   its time is right to a second or two and 1 % of the time since the last good clock.
                Before the first one since the power came: by as much as CoAP repeats a report
                later, too, and 3.5 % of its age if the rate of the RTC was never learned
    undated     its time is unknown only if nobody told the time between two losses of power
    grows       what the node keeps on flash and in NVS is no more in the last third of the run
                than in the first, but for the marks of segments (docs/journal.md): 32 at most
"""

from __future__ import annotations

import random
import re
import tempfile
import time
from bisect import bisect
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devkit.soak.rig import Rig
from devkit.soak.server import TROUBLES, Server
from devkit.soak.truth import Measurement, Truth
from emulator.board.board import PWRON_RESET, PowerCut
from emulator.board.trace import Entry
from emulator.cycle import Cycle, kept_memory, read_account
from emulator.emulator import Emulator

RUNS = 1
DAYS = 60.0
DAY_US = 86_400_000_000
LONGEST_S, SHORTEST_S = 72 * 3600, 20 * 60  # of an outage
BETWEEN_S = 36 * 3600  # mean
CUT_EVERY_S = 2 * 86_400  # mean
AWAKE_S = 30  # within it a cut meets a node that is awake
OFF_S = (1, 3600)  # the power is gone so long
DRAIN_S = 2 * 86_400
RTC_MOST = 32  # measurements in RTC memory (utils/journal.py)
NEAR_S = 2.5  # whole seconds, and the time that measuring takes
SHARE, SHARE_AT_FIRST = 0.01, 0.035
RATE_US = 600_000_000  # from the first good time to the second, which tells the rate
KEPT_US = 3_800_000_000  # and for one that is kept in NVS: an hour of the RTC
ANSWERED_US = 9_000_000  # the node takes a time that comes within 10 s of handing over
RESENT_S = 53.0  # a report that CoAP repeats has the age that it had at first
MARK, MOST_FILES = re.compile(r"j\d\d"), 32  # in NVS (utils/_journal_segments.py)
SLACK_BYTES = 40_960  # _JOURNAL_BYTES twice, as FAT keeps it, and a folder
CHANGED = 0x44  # 2.04
CLIMATE = ("t", "h")


@dataclass
class Run:
    """What is noted while the run lasts."""

    emulator: Emulator
    truth: Truth
    server: Server
    keep: str
    filesystem: str
    cuts: list[int] = field(default_factory=list)  # virtual us
    cut_off: list[int] = field(default_factory=list)  # of each, since when a cycle was under way
    cut_cycles: set[int] = field(default_factory=set)  # those that were under way
    outage_s: Counter[str] = field(default_factory=Counter)
    days: list[Counter[str]] = field(default_factory=list)  # sums of each day
    kept: list[tuple[int, int]] = field(default_factory=list)  # (bytes on flash, values in NVS)
    told: list[int] = field(default_factory=list)  # virtual us at which the time was told
    asked_us: int | None = None  # when the node handed over the first message without an answer
    broken: dict[str, list[str]] = field(default_factory=dict)

    def breaks(self, rule: str, seen: str) -> None:
        self.broken.setdefault(rule, []).append(seen)

    @property
    def now_us(self) -> int:
        return self.emulator.board.clock.now_us


def violations(rig: Rig, seed: int) -> list[tuple[str, str]]:
    days = rig.days or DAYS
    keep = "rtc" if seed % 2 else "flash"
    filesystem = "fat" if (seed - 1) & 2 else "littlefs"
    began_s = time.perf_counter()
    rng = random.Random(seed)
    table = {"board": {"filesystem": filesystem}}
    with (
        tempfile.TemporaryDirectory(prefix="outages-") as folder,
        rig.board(table, seed, "nbiot", {"_KEEP": keep}, grown=False) as emulator,
    ):
        server = Server(emulator, Path(folder), seed)
        run = Run(emulator, Truth(emulator), server, keep, filesystem)
        with server:
            _plan(run, rng, days)
            _live(run, rng, days)
        _compare(run)
        took_s = time.perf_counter() - began_s
        rig.say(_figures(run, seed, days, took_s))
    return [(rule, f"{len(seen)} times, first: {seen[0]}") for rule, seen in run.broken.items()]


# The world


def _plan(run: Run, rng: random.Random, days: float) -> None:
    """Schedule outages and the power cuts that come at any time."""
    end_s = days * 86_400
    share = min(1.0, days / 10)  # of a short run its outages are shorter, too
    at_s = rng.expovariate(1 / (share * BETWEEN_S))
    while at_s < end_s:
        kind = rng.choice(("no cell", *TROUBLES))
        longest_s = max(SHORTEST_S, share * LONGEST_S)
        length_s = SHORTEST_S * (longest_s / SHORTEST_S) ** rng.random()
        length_s = min(length_s, end_s - at_s)
        _outage(run, kind, at_s, length_s)
        at_s += length_s + rng.expovariate(1 / (share * BETWEEN_S))
    at_s = rng.expovariate(0.5 / (share * CUT_EVERY_S))
    while at_s < end_s:
        run.emulator.board.clock.schedule_ms(1000 * at_s, lambda: _cut(run))
        at_s += rng.expovariate(0.5 / (share * CUT_EVERY_S))


def _outage(run: Run, kind: str, at_s: float, length_s: float) -> None:
    emm = run.emulator.modem.emm

    def change(on: bool) -> None:
        if kind != "no cell":
            run.server.trouble = kind if on else ""
        elif on:
            emm.lose_coverage()
        else:
            emm.regain_coverage()

    clock = run.emulator.board.clock
    clock.schedule_ms(1000 * at_s, lambda: change(True))
    clock.schedule_ms(1000 * (at_s + length_s), lambda: change(False))
    run.outage_s[kind] += round(length_s)


def _cut(run: Run) -> None:
    if run.emulator.board.halt is None:
        board = run.emulator.board
        awake = board.meter.state("esp") == "run"
        run.cuts.append(run.now_us)
        run.cut_off.append(board.started_us if awake else run.now_us)
        if awake:
            run.cut_cycles.add(board.cycle)
        board.stop(PowerCut())


def _live(run: Run, rng: random.Random, days: float) -> None:
    """Run cycle after cycle, then until nothing waits."""
    cause = PWRON_RESET
    share = min(1.0, days / 10)
    in_cycle = 900 / (share * 2 * CUT_EVERY_S)
    end_us = round(days * DAY_US)
    last_us = end_us + round(1e6 * DRAIN_S)
    while run.now_us < end_us or (_waits(run) and run.now_us < last_us):
        if run.now_us < end_us and rng.random() < in_cycle:
            run.emulator.board.clock.schedule_ms(1000 * rng.uniform(0, AWAKE_S), lambda: _cut(run))
        [cycle] = run.emulator.run(cycles=1, cause=cause)
        _note(run, cycle)
        if run.emulator.next_cause is None:
            break
        cause = run.emulator.next_cause
        if cause == PWRON_RESET:
            run.emulator.board.meter.set("esp", "off", 0.0)
            run.emulator.board.clock.advance(round(1e6 * rng.uniform(*OFF_S)))
    if _waits(run):
        run.breaks("drained", f"{_waits(run)} wait {DRAIN_S // 3600} h after the last outage")


def _waits(run: Run) -> int:
    """Measurements that wait, as the node says; 0 if it does not."""
    return int(read_account(kept_memory(run.emulator.board)).get("waiting") or 0)


def _note_kept(run: Run) -> None:
    nvs: Any = run.emulator.board.services["nvs"]
    files = [each for each in run.emulator.flash.rglob("*") if each.is_file()]
    values = [name for name, _ in nvs.records if not MARK.fullmatch(name)]
    run.kept.append((sum(each.stat().st_size for each in files), len(values)))
    marks = len(nvs.records) - len(values)
    if marks > MOST_FILES:
        run.breaks("grows", f"{marks} marks of segments")


def _note(run: Run, cycle: Cycle) -> None:
    """Take the sums of a cycle, and forget its trace."""
    emulator = run.emulator
    cut = cycle.error == "reset: power cut" or emulator.next_cause == PWRON_RESET
    if not cut and (cycle.ended != "deepsleep" or emulator.next_cause is None):
        run.breaks("sleeps", f"day {run.now_us / DAY_US:.2f}: {cycle.ended}, {cycle.error}")
    flash: Any = emulator.board.services["flash"]
    while len(run.days) <= run.now_us // DAY_US:
        run.days.append(Counter())
        _note_kept(run)
    day = run.days[-1]
    day["cycles"] += 1
    day["mJ"] += round(cycle.energy_mj)
    day["radio ms"] += cycle.radio_on_ms
    day["erases"] += flash.erases
    flash.worn.clear()
    entries = emulator.board.trace.entries
    run.asked_us = None
    for entry in entries:
        if entry.kind == "nvs":
            day["nvs"] += 1
        elif entry.kind == "file" and entry.text.startswith("write "):
            day["writes"] += 1
        elif _tells_time(run, entry):
            run.told.append(entry.at_us)
    entries.clear()
    emulator.routes.sent.clear()
    emulator.board.meter.timeline.clear()


def _tells_time(run: Run, entry: Entry) -> bool:
    """The network, or an answer of the server that has arrived in time: 2.04 with content. What
    comes late, behind a slow or repeated request, is of no use to a clock."""
    if entry.kind == "at<":
        return '+CCLK: "2' in entry.text
    if entry.kind == "at>" and "AT+SQNSSENDEXT" in entry.text and run.asked_us is None:
        run.asked_us = entry.at_us
    if entry.kind != "net" or not entry.text.startswith("arrived "):
        return False
    answer = bytes.fromhex(entry.text.split()[-1])
    is_late = run.asked_us is not None and entry.at_us - run.asked_us > ANSWERED_US
    run.asked_us = None
    return not is_late and answer[1] == CHANGED and b"\xff" in answer[4 + (answer[0] & 15) :]


# The database against the truth


@dataclass
class Stored:
    boot: int
    seq: int
    times: set[float | None]  # of its records: a repetition may be a second off
    records: dict[str, float]


def _stored(run: Run) -> list[Stored]:
    found: dict[tuple[int, int], Stored] = {}
    for boot, seq, name, measured, value in run.server.rows(
        "SELECT boot, seq, name, measured, value FROM readings ORDER BY boot, seq"
    ):
        one = found.setdefault((boot, seq), Stored(boot, seq, set(), {}))
        one.records[name] = value
        if name in CLIMATE:
            one.times.add(measured)
    return list(found.values())


def _compare(run: Run) -> None:
    if run.server.failed:
        run.breaks("collector", f"{run.server.failed} requests without an answer")
    keys: dict[int, Stored] = {}
    for one in _stored(run):
        if not all(name in one.records for name in CLIMATE):
            run.breaks("invented", f"{one.boot}/{one.seq}: {one.records}")
            continue
        taken = run.truth.of(one.records["t"], one.records["h"])
        if taken is None:
            run.breaks("invented", f"{one.boot}/{one.seq}: {one.records}")
        elif taken.at_us in keys:
            other = keys[taken.at_us]
            run.breaks("twice", f"{other.boot}/{other.seq} and {one.boot}/{one.seq}")
        else:
            keys[taken.at_us] = one
            _check_time(run, taken, one)
    _check_lost(run, keys)
    _check_kept(run)


def _check_time(run: Run, taken: Measurement, one: Stored) -> None:
    about = f"{one.boot}/{one.seq}, day {taken.at_us / DAY_US:.3f}"
    if None in one.times:
        run.days[0]["unknown"] += 1
        if _allowed_s(run, taken.at_us, run.cut_off) is not None:
            run.breaks("undated", about)
        return
    allowed_s = _allowed_s(run, taken.at_us, run.cuts) or 0.0
    true_s = run.server.utc_s(taken.at_us)
    error_s = max(abs(each - true_s) for each in one.times if each is not None)
    run.days[0]["worst ms"] = max(run.days[0]["worst ms"], round(1000 * error_s))
    if error_s > allowed_s:
        run.breaks("mis-dated", f"{about}: {error_s:.1f} s, allowed {allowed_s:.1f} s")


def _allowed_s(run: Run, at_us: int, ends: list[int]) -> float | None:
    """How wrong the time of this moment may be. None: nobody told the time until the power was
    gone, so that it cannot be known. ends: until when it had to be told before each cut."""
    place = bisect(run.cuts, at_us)
    told = _told(run, place, ends)
    before = [each for each in told if each <= at_us]
    if before:
        first = before[-1] < before[0] + RATE_US
        since_s = (at_us - before[-1]) / 1e6
        return NEAR_S + SHARE * since_s + (RESENT_S if first else 0)
    if told:
        earlier = [_told(run, each, ends) for each in range(place)]
        is_kept = any(each and each[-1] - each[0] >= KEPT_US for each in earlier)
        share = SHARE if is_kept else SHARE_AT_FIRST
        return NEAR_S + share * (told[0] - at_us) / 1e6 + RESENT_S
    return None


def _told(run: Run, place: int, ends: list[int]) -> list[int]:
    """When the time was told between this power cut and the next."""
    begin_us = run.cuts[place - 1] if place else 0
    end_us = ends[place] if place < len(run.cuts) else run.now_us
    return run.told[bisect(run.told, begin_us) : bisect(run.told, end_us)]


def _check_lost(run: Run, keys: dict[int, Stored]) -> None:
    sums = run.days[0]
    missing = [each for each in run.truth.taken if each.at_us not in keys]
    sums["missing"] = len(missing)
    given_up = run.server.rows("SELECT max(value) FROM readings WHERE name = 'gu'")[0][0]
    sums["given up"] = int(given_up or 0)
    sums["by cuts"] = max(0, len(missing) - sums["given up"])
    lost = [each for each in missing if each.cycle not in run.cut_cycles]
    in_memory = Counter(bisect(run.cuts, each.at_us) for each in lost)
    excused = sums["given up"]
    if run.keep == "rtc":
        excused += sum(min(n, RTC_MOST) for cut, n in in_memory.items() if cut < len(run.cuts))
    if len(lost) > excused:
        first = f"the first on day {lost[0].at_us / DAY_US:.3f}"
        run.breaks("lost", f"{len(lost)} of {len(run.truth.taken)}, {excused} excused; {first}")
    if sums["given up"] > len(missing) + run.server.unheard:
        run.breaks("counted", f"{sums['given up']} given up, {len(missing)} missing")


def _check_kept(run: Run) -> None:
    """Compare the first third of the run with the last."""
    _note_kept(run)
    third = max(1, len(run.kept) // 3)
    for what, place, slack in (("bytes on flash", 0, SLACK_BYTES), ("values in NVS", 1, 4)):
        first = max(each[place] for each in run.kept[:third])
        last = max(each[place] for each in run.kept[-third:])
        if last > first + slack:
            run.breaks("grows", f"{first} {what} at first, {last} at last")


# For people


def _figures(run: Run, seed: int, days: float, took_s: float) -> str:
    sums = run.days[0]
    whole = run.days[1:-1] or [_scaled(run)]
    counters = dict(run.server.rows("SELECT name, value FROM counters"))
    hours = ", ".join(f"{kind} {s / 3600:.0f} h" for kind, s in sorted(run.outage_s.items()))
    taken, missing = len(run.truth.taken), sums["missing"]
    return (
        f'seed {seed}: {days:g} days, _KEEP "{run.keep}", {run.filesystem}; outages: {hours};'
        f" {len(run.cuts)} power cuts\n"
        f"  measured {taken}, in the database {taken - missing}; given up {sums['given up']},"
        f" lost by power cuts {sums['by cuts']}\n"
        f"  times: {sums['unknown']} unknown, worst error {sums['worst ms'] / 1000:.1f} s\n"
        f"  requests {run.server.asked}, unanswered {run.server.unanswered}, duplicate records"
        f" {counters.get('duplicates', 0)}\n"
        f"  flash: {_daily(whole, 'erases')} sectors erased a day, {_daily(whole, 'writes')}"
        f" writes; NVS {_daily(whole, 'nvs')} a day\n"
        f"  energy: {_daily(whole, 'mJ', 1000)} J a day, radio on"
        f" {_daily(whole, 'radio ms', 1000)} s a day\n"
        f"  kept: {run.kept[0][0]} bytes on flash at first, most {max(run.kept)[0]}, at last"
        f" {run.kept[-1][0]}; NVS {run.kept[0][1]}, {max(each[1] for each in run.kept)},"
        f" {run.kept[-1][1]} values\n"
        f"  {sum(day['cycles'] for day in run.days)} cycles in {took_s:.0f} s"
    )


def _scaled(run: Run) -> Counter[str]:
    """A short run, as if it had lasted for a day."""
    whole: Counter[str] = sum(run.days, Counter())
    return Counter({name: round(n * DAY_US / run.now_us) for name, n in whole.items()})


def _daily(days: list[Counter[str]], name: str, unit: int = 1) -> str:
    values = sorted(day[name] / unit for day in days)
    mean = sum(values) / len(values)
    return f"{mean:.0f} (median {values[len(values) // 2]:.0f}, most {values[-1]:.0f})"
