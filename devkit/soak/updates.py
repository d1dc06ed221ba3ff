"""Power cuts and resets at operations of flash and NVS while a release is fetched, tried and kept.

boot.py, boot_trial.py, main.py, ota/, node.py and its parts are those of the device, on a board
whose set has seven tiny modules besides; the world stands for radio and server. The first runs are
all single cuts of each kind of release and each kind of change: at each operation, before, during
and after it. Then come pairs of cuts of the smallest release, and then histories with up to six
cuts, resets and outages. Rules:

    set         what runs is exactly the old or the new set
    boots       each start ends in deep sleep, unless it is cut
    floor       the floor rises only after the server has confirmed
    rejected    a bad release ends in the old set, within its tries and cycles
    kept        a good one finally runs, unless cuts have used up its tries
    outside     no file but those of slots, staging and key file is written by an update
    lost        no measurement is lost; with _KEEP = "rtc" a cut outside a trial may cost those in
                RTC memory
    told        the first report behind a rejection names the release, and a cause that fits
"""

from __future__ import annotations

import functools
import hashlib
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.decode import senml
from devkit.release import format as formats
from devkit.release.format import Component
from devkit.release.keys import rsa_key
from devkit.soak.loaded import LoadedOnce
from devkit.soak.rig import Rig
from emulator.board.board import (
    DEEPSLEEP_RESET,
    PWRON_RESET,
    WDT_RESET,
    Board,
    DeepSleep,
    PowerCut,
    Reset,
    Service,
)
from emulator.board.faults import Fault
from emulator.board.flash import LITTLEFS
from emulator.board.standard import plug_standard
from emulator.device_files import ROOT
from emulator.vm import mpy
from emulator.vm.micropython import MicroPythonVm
from emulator.vm.runtime import FIRMWARE_DIR

NODE = "soak"
KEY = hashlib.sha256(b"soak").digest()
OLD, NEW = 7, 9  # numbers of the releases
CONFIRMED = 1 << 28
TRIAL = (3, 6)  # tries, cycles
PERIOD_S = 900
OUTAGES = 12  # cycles; from then on the network is good
MOST_STARTS = 120
MOST_SETTLED = 40  # starts until nothing waits, after a power cut or in back-off
# Operations that change what is on the flash; a cut at any other is one behind the last of these
CHANGING = ("write", "close", "rename", "remove", "mkdir", "rmdir", "open new/", "open b/")
KINDS = ("good", "raises", "fails", "hangs", "mute", "damaged")
CHANGES = ("one", "three", "added", "removed", "all")

ON_VM = True  # --vm is possible; there nothing counts the measurements that are taken

CONFIG = """
_DEVICE_NAME = "soak"
_PERIOD_S = {period}
_BEARER = "air"
_PROTOCOL = "air"
_HOST = "192.0.2.1"
_PORT = 5683
_KEEP = {keep!r}
_LOG_LEVEL = "ERROR"
_UPDATE_BYTES_PER_CYCLE = {most}
"""

BEARER = """
from ucollections import namedtuple

from world import call

Outcome = namedtuple("Outcome", ("status", "cause", "phases"))


def problems(cfg):
    return []


def boot_options(cfg):
    return {}


def carries(cfg):
    return ("datagram",)


def up(cfg, kind):
    return call("world.up")


def transport(kind):
    return None


def datagram_limit():
    return call("world.limit")


def metrics():
    return []


def last_outcome():
    return Outcome(1, "attached", ())


def down(settled=False):
    return True


def left():
    return True


def stop(woken=False):
    return True
"""

PROTOCOL = """
from protocols import DELIVERED, UNKNOWN
from world import call

NEEDS = "datagram"
UPDATES_BY = ()


def problems(cfg):
    return []


def overhead(cfg):
    return 0


def open(transport, cfg):
    return Session()


class Session:
    confirms = True
    ask_ms = 22000

    def __init__(self):
        self.offer = None

    def deliver(self, payload):
        answer = call("world.deliver", payload)
        if answer is None:
            return UNKNOWN
        if answer:
            self.offer = (answer[0], answer[1])
        return DELIVERED

    def ask(self, path, payload):
        return call("world.ask", path, payload)

    def block(self, path, number, size):
        found = call("world.block", path, number, size)
        return found and (found[0], found[1], found[2])

    def close(self):
        pass
"""

# A module of the set. `at_import` and `in_run` are where a bad release is bad
MODULE = """
V = {seq}
{at_import}
def run(call):
    {in_run}
    return V
"""
FIRST = """
from world import call
{imports}
V = {seq}


def report(modem_off):
    {in_run}
    call("world.runs", [["node", V], {runs}])
    import real_node

    real_node.report(modem_off)
"""
RESET = "\n# of release {seq}\n"


class Release:
    """A set as files and as components."""

    def __init__(self, seq: int, versions: dict[str, int], kind: str = "good") -> None:
        self.seq = seq
        self.versions = versions
        self.files: dict[str, bytes] = {}
        self.components: list[Component] = []
        broken = sorted(name for name in versions if versions[name] == seq)[:1]
        for name in sorted(versions):
            content = _content(name, versions, kind if name in broken else "good")
            requires = [] if name != "node" else [(each, 1) for each in sorted(versions)]
            requires = [each for each in requires if each[0] != name]
            suffix = "py" if name == "node_reset" else "mpy"
            component = Component.of(name, content, versions[name], requires, suffix)
            self.components.append(component)
            self.files[component.path] = content

    @property
    def path_of_a_new_one(self) -> str:
        return next(one.path for one in self.components if one.version == self.seq)

    @property
    def digest(self) -> str:
        return formats.set_digest(self.components)

    @property
    def set_file(self) -> bytes:
        return formats.set_file(formats.set_list(self.seq, 0, TRIAL, self.components), KEY)


def _content(name: str, versions: dict[str, int], kind: str) -> bytes:
    seq = versions[name]
    in_run = f'call("world.{kind}")' if kind in ("fails", "hangs", "mute") else "pass"
    at_import = 'raise ValueError("broken")' if kind == "raises" else ""
    if name == "node_reset":
        return (ROOT / "node_reset.py").read_bytes() + RESET.format(seq=seq).encode()
    if name == "node":
        others = [each for each in sorted(versions) if each not in ("node", "node_reset")]
        imports = "\n".join(f"import {each}" for each in others)
        runs = ", ".join(f'["{each}", {each}.run(call)]' for each in others)
        text = FIRST.format(imports=imports + "\n" + at_import, seq=seq, in_run=in_run, runs=runs)
    else:
        text = MODULE.format(seq=seq, at_import=at_import, in_run=in_run)
        if name == "zeta":  # of more than one block
            text += "TEXT = {!r}\n".format(
                "".join(hashlib.sha256(bytes([n, seq % 256])).hexdigest() for n in range(40))
            )
    return _compiled(text, name.rpartition(".")[2])


@functools.cache
def _compiled(text: str, name: str) -> bytes:
    data = mpy.compiled(text.encode(), name, mpy.DEPLOYED)
    mpy.keep(text.encode(), data)
    return data


NAMES = ("node", "node_reset", "alpha", "beta", "pkg.__init__", "pkg.gamma", "zeta")


@functools.cache
def old_release() -> Release:
    return Release(OLD, dict.fromkeys(NAMES, OLD))


@functools.cache
def new_release(change: str, kind: str) -> Release:
    versions = dict.fromkeys(NAMES, OLD)
    if change == "all":
        versions = dict.fromkeys(NAMES, NEW)
    elif change == "one":
        versions["alpha"] = NEW
    elif change == "three":
        versions.update(alpha=NEW, zeta=NEW, **{"pkg.gamma": NEW})
    else:
        versions["node"] = NEW
        if change == "added":
            versions["pkg.delta"] = NEW
        else:
            del versions["beta"]
    return Release(NEW, versions, kind)


@functools.cache
def keys() -> tuple[Any, Any, bytes]:
    """(root key, release key, key file)."""
    root, release = rsa_key(), rsa_key()
    return root, release, formats.key_file(1, {1: formats.modulus(release)}, root)


@functools.cache
def envelope(change: str, kind: str) -> bytes:
    old, new = old_release(), new_release(change, kind)
    before = {one.name: one for one in old.components}
    added = [one for one in new.components if before.get(one.name) != one]
    removed = [name for name in before if name not in new.versions]
    body = formats.Manifest(
        NEW, old.digest, new.digest, tuple(added), tuple(removed), 0, TRIAL
    ).body
    return formats.envelope(body, 1, keys()[1])


@dataclass
class Plan:
    kind: str = "good"
    change: str = "one"
    keep: str = "rtc"
    most: int = 8192  # bytes in a cycle
    online: tuple[bool, ...] = (True,)  # of the cycles, in turn
    losses: tuple[bool, ...] = (False,)  # of blocks, in turn
    period_s: int = PERIOD_S
    limit: int = 1200  # bytes of a datagram
    fs_type: int = LITTLEFS
    off_s: tuple[int, ...] = (5,)


class World(Service):
    """Radio and server, and what really happened."""

    def __init__(self, board: Board, plan: Plan) -> None:
        super().__init__(board)
        self.plan = plan
        self.old, self.new = old_release(), new_release(plan.change, plan.kind)
        self.envelope = envelope(plan.change, plan.kind)
        contents = [self.envelope, *self.new.files.values()]
        self.objects = {formats.address(each): each for each in contents}
        self.cycle = 0
        self.asked = 0
        self.running = 0  # number of the set of this start, as its modules say
        self.is_mute = self.is_failing = False
        self.is_over = False  # the network is good from then on
        self.release: int | None = None  # as the last report said
        self.reports: list[dict[str, Any]] = []  # what each says of releases
        self.blocks: list[tuple[str, int, int]] = []  # that were asked for
        self.rejected: list[tuple[int, str]] = []
        self.confirmed = False
        self.back = False  # the old set runs again, and no report has come since
        self.taken: set[int] = set()
        self.arrived: set[int] = set()
        self.excused: set[int] = set()
        self.broken: list[tuple[str, str]] = []

    def do_runs(self, modules: list[list[Any]]) -> None:
        found = dict(modules)
        for release in (self.old, self.new):
            wanted = {k: v for k, v in release.versions.items() if k != "node_reset"}
            if found == wanted:
                self.running = release.seq
                return
        self.broken.append(("set", f"{found} runs"))

    def do_hangs(self) -> None:
        self.board.spend_us(90_000_000)
        self.board.stop(Reset(WDT_RESET, "watchdog"))
        self.board.raise_halt()

    def do_mute(self) -> None:
        self.is_mute = True

    def do_fails(self) -> None:
        self.is_failing = True

    def do_up(self) -> bool:
        self.board.spend_us(2_000_000)
        if self.is_failing:
            raise ValueError("a fault of the new set, which the node catches")
        if self.is_over or self.cycle >= OUTAGES:
            return True
        return self.plan.online[self.cycle % len(self.plan.online)]

    def do_limit(self) -> int:
        return self.plan.limit

    def do_deliver(self, payload: bytes) -> list[Any] | None:
        self.board.spend_us(1_000_000)
        if self.is_mute:
            return None
        told: dict[str, Any] = {}
        for record in senml.decode(payload, 1e9):
            name = record.name.rpartition(":")[2]
            if not name:
                self.arrived.add(int(record.value))  # type: ignore[arg-type]
            else:
                told[name] = record.value
        self.reports.append(told)
        self.release = told.get("rl", self.release)
        if "rj" in told:
            self.rejected.append((int(told["rj"]), str(told["rc"])))
        if self.back and self.running == OLD:
            self.back = False
            if "rj" not in told:
                self.broken.append(("told", "a report behind the rejection without it"))
        if self.release == OLD and (NEW not in [seq for seq, _ in self.rejected]):
            return [NEW, formats.etag(self.envelope)]
        return []

    def do_ask(self, path: str, payload: bytes) -> bytes | None:
        self.board.spend_us(1_000_000)
        kind, running = payload[1], int.from_bytes(payload[2:5], "big")
        nonce = payload[10:22]
        if kind == 1:
            return formats.answer(KEY, NODE, nonce, formats.RELEASE, NEW, self.envelope)
        if self.release != running:
            return None
        self.confirmed = True
        return formats.answer(KEY, NODE, nonce, formats.CONFIRMED, running, b"")

    def do_block(self, path: str, number: int, size: int) -> list[Any] | None:
        self.board.spend_us(1_000_000)
        self.asked += 1
        self.blocks.append((path, number, size))
        if self.plan.losses[self.asked % len(self.plan.losses)]:
            return None
        content = self.objects[path.removeprefix("u/")]
        data = content[number * size : (number + 1) * size]
        is_last = (number + 1) * size >= len(content)
        return [data, is_last, formats.etag(content)]


PRELOADED = ("utils", "ota", "protocols", "sensors", "networking")
ALONE = ("config", "node_check", "node_send", "node_start", "node_update", "real_node")


class _Vm(LoadedOnce):
    """All modules outside the set are loaded once."""

    def __init__(self, board: Board, flash: Path, console: Callable[[str], None]) -> None:
        super().__init__(board, flash, console)
        loaded = self.importer.loaded
        for name in _preloaded(flash):
            self.importer.imports.of_device(name, None, None, True)
        self._kept = dict(loaded)
        self.keep(loaded[name] for name in loaded if name != "world")

    def _restart(self) -> None:
        loaded = self.importer.loaded
        for name in list(loaded):
            if name not in self._kept:
                del loaded[name]
        self.importer.path[:] = ["", "/flash", "/flash/lib"]
        super()._restart()


def _preloaded(flash: Path) -> list[str]:
    names = list(ALONE)
    for folder in PRELOADED:
        for path in sorted((flash / folder).glob("*.py")):
            names.append(folder if path.stem == "__init__" else f"{folder}.{path.stem}")
    return names


def _prepare(flash: Path, plan: Plan) -> None:
    """Everything that is loaded once."""
    shutil.rmtree(flash, ignore_errors=True)
    for folder in PRELOADED[:3]:
        shutil.copytree(ROOT / folder, flash / folder, ignore=shutil.ignore_patterns("__pyc*"))
    for folder in PRELOADED[3:]:
        (flash / folder).mkdir()
        shutil.copy(ROOT / folder / "__init__.py", flash / folder)
    for name in ("_check", "_rig", "_lines", "_alarm"):
        shutil.copy(ROOT / "sensors" / f"{name}.py", flash / "sensors")
    for name in ("mqtt", "mqtt_client"):
        (flash / "protocols" / f"{name}.py").unlink()
    for name in ALONE[1:-1]:
        shutil.copy(ROOT / f"{name}.py", flash)
    shutil.copy(ROOT / "node.py", flash / "real_node.py")
    (flash / "networking" / "air.py").write_text(BEARER)
    (flash / "protocols" / "air.py").write_text(PROTOCOL)
    text = CONFIG.format(period=plan.period_s, keep=plan.keep, most=plan.most)
    (flash / "config.py").write_text(text)


def _firmware(folder: Path) -> Path:
    """The modules of the firmware, and `world`."""
    if not folder.exists():
        shutil.copytree(FIRMWARE_DIR, folder)
        (folder / "world.py").write_text("from _board import call\n")
    return folder


def _provision(flash: Path) -> None:
    """What a board with updates has on its flash, beside what is the same in all sets."""
    (flash / "keys").mkdir(parents=True)
    for name in ("boot.py", "boot_trial.py", "main.py"):
        shutil.copy(ROOT / name, flash)
    root, _, key_file = keys()
    (flash / "keys" / "root").write_bytes(formats.modulus(root))
    (flash / "keys" / "release").write_bytes(key_file)
    for path, content in old_release().files.items():
        (flash / "a" / path).parent.mkdir(parents=True, exist_ok=True)
        (flash / "a" / path).write_bytes(content)
    (flash / "a" / "set").write_bytes(old_release().set_file)


def _damage(file: Path) -> None:
    """Change byte code so that it still runs."""
    content = file.read_bytes()
    source = mpy.source_of(content, file.name)
    if file.suffix == ".mpy":
        assert source is not None
        mpy.keep(source.read_bytes(), content + b"x")
    file.write_bytes(content + b"x")


class Life:
    """One board from its first start until the release is kept or rejected, and told."""

    def __init__(
        self,
        flash: Path,
        seed: int,
        plan: Plan,
        faults: list[dict[str, Any]],
        command: list[str] | None = None,
    ) -> None:
        """command: of a MicroPython; [] is the WebAssembly build. Without one: on CPython."""
        self.plan = plan
        self.flash = flash
        self.faults = [Fault.from_table(fault) for fault in faults]
        self._due = list(self.faults)
        self.board = Board(seed, faults=self._due)
        self.world = World(self.board, plan)
        self.board.plug("world", self.world)
        _prepare(flash, plan)
        plug_standard(self.board, flash, fs_type=plan.fs_type)
        self.said: list[str] = []
        self.vm: Any
        if command is None:
            self.vm = _Vm(self.board, flash, self.said.append)
            self._watch_journal()
            shutil.rmtree(flash)  # it is loaded
        else:
            firmware = _firmware(flash.parent / "firmware")
            say = self.said.append
            self.vm = MicroPythonVm(self.board, flash, say, firmware, "frozen", command)
        _provision(flash)
        nvs: Any = self.board.services["nvs"]
        self.nvs = nvs
        word = 1 << 28 | OLD
        for name, value in (("ota_key", KEY.hex()), ("ota_floor", OLD), ("ota", word)):
            nvs.put(name, value)
        self.outside = self._outside()
        self.cuts = self.trial_cuts = 0
        self.trials = 0  # starts on trial
        self.damaged = False

    def _watch_journal(self) -> None:
        journal = self.vm.importer.loaded["utils.journal"].Journal
        add, world = journal.add, self.world

        def added(self: Any, sequence: int, *rest: Any) -> Any:
            kept = add(self, sequence, *rest)
            if kept:
                world.taken.add(sequence)
            return kept

        self.vm._as_loaded.append((journal, {"add": added}))
        journal.add = added

    def _outside(self) -> dict[str, str]:
        return {
            path.relative_to(self.flash).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.flash.rglob("*"))
            if path.is_file()
            and path.relative_to(self.flash).parts[0] not in ("a", "b", "new", "journal")
        }

    def number(self, key: str) -> int:
        return int(self.nvs.records.get((key, "int"), 0))

    def violations(self) -> list[tuple[str, str]]:
        world, cause = self.world, PWRON_RESET
        settled = 0
        for _ in range(MOST_STARTS):
            on_trial = self.number("ota") >> 28 == 2
            self.trials += on_trial
            next_cause = self.start(cause, on_trial)
            if next_cause is None:
                return world.broken
            cause = next_cause
            self._look(on_trial)
            if self.is_over():
                world.is_over = True
                settled += 1
                if settled > 2 and not self.missing() or settled > MOST_SETTLED:
                    break
        else:
            word = self.number("ota")
            world.broken.append(
                (
                    "kept" if self.plan.kind == "good" else "rejected",
                    f"after {MOST_STARTS} starts: {word >> 28}, {word & 0x3FFFF}, "
                    f"{world.rejected}",
                )
            )
        return world.broken + self._rest()

    def is_over(self) -> bool:
        word, world = self.number("ota"), self.world
        if word >> 28 != 1:
            return False
        if word & 0x3FFFF == NEW:
            return world.release == NEW
        return bool(world.rejected) and world.running == OLD

    def missing(self) -> list[int]:
        world = self.world
        return sorted(world.taken - world.arrived - world.excused)

    def start(self, cause: int, on_trial: bool) -> int | None:
        """One start and the sleep behind it. Returns what starts the next one."""
        board, world = self.board, self.world
        board.cycle += 1
        world.is_mute = world.is_failing = False
        world.running = 0
        board.reset(cause)
        board.spend_us(1_000_000)
        self.said.clear()
        halt = self.vm.boot().halt
        if self.number("ota") == CONFIRMED | OLD:  # boot_trial.py has ended the trial
            on_trial = False
        if isinstance(halt, DeepSleep):
            world.cycle += 1
            system: Any = board.services["system"]
            system.sleep_through(halt.duration_ms)
            board.halt = None
            return DEEPSLEEP_RESET
        if isinstance(halt, Reset):
            board.halt = None
            if isinstance(halt, PowerCut):
                off = self.plan.off_s
                board.clock.advance(off[self.cuts % len(off)] * 1_000_000, lambda: False)
            if not (on_trial and halt.why == "watchdog"):
                self.cuts += 1
                self.trial_cuts += on_trial
                if self.plan.keep == "rtc" and not on_trial:
                    world.excused |= world.taken - world.arrived
            return halt.cause
        last = "".join(self.said).strip().splitlines()[-8:]
        world.broken.append(("boots", f"a start ended by {halt or last}"))
        return None

    def _look(self, was_on_trial: bool) -> None:
        """What must hold between two starts."""
        world = self.world
        word = self.number("ota")
        floor = self.number("ota_floor")
        if floor == NEW and not world.confirmed or floor not in (OLD, NEW):
            world.broken.append(("floor", f"{floor}, and no confirmation"))
        if word >> 28 == 2 and not self.damaged and self.plan.kind == "damaged":
            self.damaged = True
            _damage(self.flash / "b" / world.new.path_of_a_new_one)
        if was_on_trial and word >> 28 == 1 and word & 0x3FFFF == OLD:
            world.back = not world.rejected

    def _rest(self) -> list[tuple[str, str]]:
        world, plan, found = self.world, self.plan, []
        word = self.number("ota")
        kept = word == 1 << 28 | 1 << 27 | NEW
        back = word == 1 << 28 | OLD
        used_up = self.trial_cuts >= TRIAL[0] or not all(plan.online)
        if plan.kind == "good" and not kept and not (back and used_up):
            found.append(("kept", f"word {word:#x}, {self.trial_cuts} cuts on trial"))
        if plan.kind != "good" and not back:
            found.append(("rejected", f"word {word:#x}"))
        if self.trials > sum(TRIAL) + self.trial_cuts + 1:
            found.append(("rejected", f"{self.trials} starts on trial"))
        if back:
            causes = {"mute": ["undelivered"], "damaged": ["damaged", "crashed"]}
            allowed = causes.get(plan.kind, ["crashed"])
            if self.trial_cuts or plan.kind == "good":
                allowed = ["crashed", "undelivered", "damaged"]
            if not world.rejected or any(
                seq != NEW or cause not in allowed for seq, cause in world.rejected
            ):
                found.append(("told", f"{world.rejected}; allowed: {allowed}"))
        if self._outside() != self.outside:
            others = set(self._outside().items()) ^ set(self.outside.items())
            found.append(("outside", str(sorted(others))))
        if self.missing():
            found.append(("lost", f"{self.missing()} of {len(world.taken)}"))
        return found


SINGLES = 21_000  # runs: each single cut of each kind with each change; at most 693 of one
PAIRS = 6_000  # the pairs of cuts of the smallest release
RUNS = SINGLES + PAIRS + 5_000  # where there are fewer cuts than runs, a history is drawn


def violations(rig: Rig, seed: int) -> list[tuple[str, str]]:
    flash = rig.flash / "model"
    plan, cuts = _history(flash, seed)
    on_vm = rig.runtime.get("vm") == "micropython"
    command = list(rig.runtime["vm_command"] or ()) if on_vm else None
    return Life(flash, seed, plan, cuts, command).violations()


def _history(flash: Path, seed: int) -> tuple[Plan, list[dict[str, Any]]]:
    at = seed - 1
    if 0 <= at < SINGLES:
        kind, change = KINDS[at % len(KINDS)], CHANGES[at // len(KINDS) % len(CHANGES)]
        plan = Plan(kind, change, ("rtc", "flash")[CHANGES.index(change) % 2])
        cuts = _cuts(_counted(flash, plan.kind, plan.change, plan.keep))
        nth = at // (len(KINDS) * len(CHANGES))
        if nth < len(cuts):
            return plan, [cuts[nth]]
    elif SINGLES <= at < SINGLES + PAIRS:
        pairs = _pairs(flash)
        if at - SINGLES < len(pairs):
            return Plan(), list(pairs[at - SINGLES])
    rng = random.Random(seed)
    plan = _drawn(rng)
    return plan, [_cut(rng) for _ in range(rng.randint(1, 6))]


@functools.cache
def _counted(flash: Path, kind: str, change: str, keep: str) -> dict[tuple[str, str], int]:
    """How many operations a life without cuts has: (point, match of the fault) -> number."""
    matches = [("nvs", ""), *(("file", verb) for verb in CHANGING)]
    counted = [
        {"point": point, "match": match, "do": "power_cut", "nth": 10**9}
        for point, match in matches
    ]
    life = Life(flash, 1, Plan(kind, change, keep), counted)
    life.violations()
    return {(fault.point, fault.match): fault.seen for fault in life.faults}


@functools.cache
def _pairs(flash: Path) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs of cuts during operations: before one is behind the last. The second one counts from
    the first start as well."""
    during = [cut for cut in _cuts(_counted(flash, *_PLAIN)) if cut["when"] == "during"]
    return [(one, other) for at, one in enumerate(during) for other in during[at + 1 :]]


_PLAIN = (Plan.kind, Plan.change, Plan.keep)


def _cuts(counts: dict[tuple[str, str], int]) -> list[dict[str, Any]]:
    return [
        {"point": point, "match": match, "do": "power_cut", "nth": nth, "when": when}
        for (point, match), count in counts.items()
        for nth in range(1, count + 1)
        for when in ("before", "during", "after")
    ]


def _drawn(rng: random.Random) -> Plan:
    def flags(likely: float, count: int) -> tuple[bool, ...]:
        return tuple(rng.random() < likely for _ in range(count))

    plan = Plan(
        kind=rng.choice(KINDS),
        change=rng.choice(CHANGES),
        keep=rng.choice(("rtc", "flash")),
        most=rng.choice((600, 2048, 8192)),
        online=(True, *flags(rng.choice((0.6, 1.0, 1.0)), 4)),
        losses=flags(rng.choice((0.0, 0.3)), 7),
        off_s=tuple(rng.choice((1, 60, 20_000)) for _ in range(6)),
    )
    if all(plan.losses):  # nothing would ever arrive
        plan.losses = (False,)
    return plan


def _cut(rng: random.Random) -> dict[str, Any]:
    point = rng.choice(("file", "file", "nvs"))
    cut = {"point": point, "nth": rng.randrange(1, 60)}
    if point == "file":
        cut["match"] = rng.choice(CHANGING)
    cut["when"] = rng.choice(("before", "during", "after"))
    if rng.random() < 0.3:
        return {**cut, "do": "reset", "cause": rng.choice(("watchdog", "brown_out"))}
    return {**cut, "do": "power_cut"}
