"""Boards on which tests run pieces of device code, on either runtime or on any other MicroPython.

    device.run("show(1 / 3)")               # Device: all device files, modem and network
    node.value("dht.get_reading('P9')", "dht")   # Node: sensors/ and utils/, chips to taste
    bare.run("print(1)")                    # Bare: an empty flash, nothing but the board

The programs tell their results by printed lines (tests/device_support.py), so that nothing but
the console and the flash lies between test and program. The environment variable VM_COMMAND names
a MicroPython on which all of them run; tests/conftest.py counts them.
"""

from __future__ import annotations

import functools
import json
import os
import shlex
import shutil
import struct
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from emulator import scenario as scenarios
from emulator.board.adc import Adc
from emulator.board.board import HARD_RESET, Board, Reset
from emulator.board.faults import Fault
from emulator.board.flash import LITTLEFS
from emulator.board.i2c import I2c
from emulator.board.pins import Pins
from emulator.board.standard import plug_standard
from emulator.chips.si7021 import ADDRESS, Si7021
from emulator.cycle import Cycle
from emulator.device_files import ROOT, flash_files
from emulator.emulator import Emulator
from emulator.vm.cpython import CpythonVm
from emulator.vm.micropython import MicroPythonVm
from emulator.vm.runtime import Outcome

COMMAND = shlex.split(os.environ.get("VM_COMMAND", ""))
SUPPORT = ROOT / "tests" / "device_support.py"
MARK = "@@"
NODE_FOLDERS = ("sensors", "utils")

ran_on: set[str] = set()  # what the VM of COMMAND said it is, in the test that runs


def note(vm: Any) -> None:
    """The VM of COMMAND has run device code."""
    if COMMAND and getattr(vm, "implementation", ""):
        ran_on.add(vm.implementation)


# values on their way from and to a program


class Single(float):
    """A float of a VM with single precision: equal to what differs by its rounding alone."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (int, float)):
            return NotImplemented
        return abs(self - other) <= 2**-21 * max(abs(self), abs(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(float(f"{self:.6g}"))  # so that a set finds 21.4


class Named(tuple):
    """A named tuple of a program."""

    names: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.names[name]
        except KeyError:
            raise AttributeError(name) from None


def as_json(value: Any) -> Any:
    if isinstance(value, float):
        return {"double": struct.pack(">d", value).hex()}
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {"dict": [[as_json(key), as_json(item)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [as_json(item) for item in value]}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value


def as_python(value: Any) -> Any:
    if isinstance(value, list):
        return [as_python(item) for item in value]
    if not isinstance(value, dict):
        return value
    [(kind, inner)] = value.items()
    if kind == "double":
        return struct.unpack(">d", bytes.fromhex(inner))[0]
    if kind == "single":
        return Single(struct.unpack(">f", bytes.fromhex(inner))[0])
    if kind == "hex":
        return bytes.fromhex(inner)
    if kind == "tuple":
        return tuple(as_python(item) for item in inner)
    if kind == "named":
        named = Named(as_python(item) for item in inner[0])
        named.names = as_python(inner[1])
        return named
    return {as_python(key): as_python(item) for key, item in inner}


def with_lists(value: Any) -> Any:
    """Tuples as lists."""
    if isinstance(value, (list, tuple)):
        return [with_lists(item) for item in value]
    if isinstance(value, dict):
        return {key: with_lists(item) for key, item in value.items()}
    return value


class Programs:
    """What is common to the boards: files on the flash, and what programs print."""

    flash: Path
    board: Board
    printed: list[str]

    def service(self, name: str) -> Any:
        return self.board.services[name]

    def put(self, path: str, text: str) -> None:
        """A file on the flash."""
        file = self.flash / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")

    def give(self, value: Any) -> None:
        """What given() is in programs to come."""
        self.put("given.json", json.dumps(as_json(value)))

    @property
    def output(self) -> str:
        return "".join(self.printed)

    def told(self) -> list[Any]:
        """What the last run told with show()."""
        lines = self.output.splitlines()
        return [
            as_python(json.loads(line[len(MARK) :])) for line in lines if line.startswith(MARK)
        ]

    @property
    def shown(self) -> list[Any]:
        """The same with lists for tuples."""
        return [with_lists(value) for value in self.told()]


class Bare(Programs):
    """`run("print(1)")` is what the device prints; `outcome` says how the run ended."""

    def __init__(
        self,
        flash: Path,
        faults: Sequence[Fault | dict[str, Any]] = (),
        *,
        runtime: str = "cpython",
        fs_type: int = LITTLEFS,
        install: str = "py",
        of_vm: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        """of_vm: more arguments of the VM. options: of the board."""
        self.flash = flash
        flash.mkdir(exist_ok=True)
        tables = [Fault.from_table(one) if isinstance(one, dict) else one for one in faults]
        self.board = Board(faults=tables, **options)
        plug_standard(self.board, flash, fs_type=fs_type)
        self.printed = []
        of_vm = of_vm or {}
        made: Any = CpythonVm
        if runtime == "micropython":
            made, of_vm = MicroPythonVm, {"command": COMMAND} | of_vm
        self.vm: Any = made(self.board, flash, self.printed.append, install=install, **of_vm)
        self.outcome: Outcome | None = None

    def close(self) -> None:
        self.vm.shutdown()

    def run(self, main: str, boot: str | None = None) -> str:
        """Boot with these scripts; returns what was printed."""
        self.put("main.py", main)
        if boot is not None:
            self.put("boot.py", boot)
        return self.start()

    def start(self) -> str:
        del self.printed[:]
        self.outcome = self.vm.boot()
        note(self.vm)
        return self.output

    def restart(self, cause: int) -> str:
        self.board.reset(cause)
        return self.start()

    def values(self, expression: str, before: str = "") -> str:
        """What the device prints of an expression."""
        return self.run(f"{textwrap.dedent(before)}\nprint({expression})\n").strip()


class Node(Bare):
    """A board with sensors/ and utils/, for the tests of drivers."""

    def __init__(self, flash: Path, faults: Sequence[Fault], runtime: str = "cpython") -> None:
        super().__init__(flash, faults, runtime=runtime, install="frozen")
        restore(flash, NODE_FOLDERS)

    def run_script(self, path: str | Path) -> Outcome:
        outcome: Outcome = self.vm.run_script(path)
        note(self.vm)
        return outcome

    def _run(self, program: str) -> None:
        (self.flash / "program.py").write_text(program, encoding="utf-8")
        outcome = self.run_script("program.py")
        assert outcome.error is None, outcome.error

    def ask(self, program: str) -> list[Any]:
        """Run a program; return what it has told with show(value)."""
        del self.printed[:]
        self._run("from support import *\n" + textwrap.dedent(program))
        return self.shown

    def variables(self, program: str) -> dict[str, Any]:
        """Run a program; return its variables that hold numbers, texts, lists and the like."""
        del self.printed[:]
        self._run(program + "\nfrom support import show_variables\nshow_variables(globals())\n")
        return dict(self.told())

    def objects(self, program: str) -> dict[str, Any]:
        """Run a program on CPython; return all of its variables, functions included."""
        self._run(program)
        return vars(self.vm.main)

    def value(self, expression: str, imports: str) -> Any:
        return self.variables(f"from sensors import {imports}\nresult = {expression}\n")["result"]

    def took_ms(self, expression: str, imports: str) -> float:
        """How long it takes in a program that has done it once, and so loaded all modules."""
        return float(
            self.variables(
                f"import utime\nfrom sensors import {imports}\n"
                f"for _ in range(2):\n    begin = utime.ticks_us()\n    {expression}\n"
                "    took_us = utime.ticks_diff(utime.ticks_us(), begin)\n"
            )["took_us"]
            / 1000
        )

    def refusal(self, call: str, imports: str) -> str:
        """The text of the ValueError that a call raises; "" if it raises none."""
        program = f"try:\n    {call}\nexcept ValueError as error:\n    text = str(error)\n"
        return str(self.variables(f"from sensors import {imports}\ntext = ''\n{program}")["text"])

    def example(self, name: str, seconds: int = 25) -> list[str]:
        """What examples/`name` prints until it is stopped, warnings left out."""
        self.board.clock.schedule_ms(seconds * 1000, self.stop)
        assert self.run_script(ROOT / "examples" / name).kind == "reset"
        return [text for text in self.output.splitlines() if "WARNING" not in text]

    def stop(self) -> None:
        """End the program that runs, as a reset does; to be scheduled on the board's clock."""
        self.board.stop(Reset(HARD_RESET, "enough"))

    @property
    def log(self) -> list[str]:
        return [line for line in self.output.splitlines() if "WARNING" in line]

    # chips

    def attach(self, chip: Any, vcc_pin: str | None = None, address: int = ADDRESS) -> Any:
        """Wire a chip to P9 and P10, supplied by a pin or always."""
        self.i2c.attach(None, address, chip, ("P9", "P10"))
        if vcc_pin is None:
            chip.power(True)
            self.board.clock.advance(1_000_000)
        else:
            self.pins.on_change(vcc_pin, lambda level: chip.power(bool(level)))
        return chip

    def detach(self, address: int = ADDRESS) -> None:
        self.i2c.detach(None, address, ("P9", "P10"))

    def si7021(
        self,
        celsius: float = 24.2252,
        percent: float = 54.7948,
        model: str = "si7021",
        vcc_pin: str | None = None,
    ) -> Si7021:
        return self.attach(
            Si7021(self.board, lambda t: celsius, lambda t: percent, model, noise=(0, 0)), vcc_pin
        )

    def transfers(self) -> list[str]:
        return [entry.text for entry in self.board.trace.of("i2c")]

    @property
    def i2c(self) -> I2c:
        service = self.board.services["i2c"]
        assert isinstance(service, I2c)
        return service

    @property
    def pins(self) -> Pins:
        service = self.board.services["pins"]
        assert isinstance(service, Pins)
        return service

    @property
    def adc(self) -> Adc:
        service = self.board.services["adc"]
        assert isinstance(service, Adc)
        return service


class Device(Programs):
    """A board with all device files, modem and network. `run` starts the board anew; modem, flash,
    NVS and clock go on."""

    def __init__(
        self,
        flash: Path,
        scenario: str | dict[str, Any] = "good",
        *,
        firmware: str = "1.20.2.r4",
        routes: Sequence[str] = (),
        seed: int = 1,
        modem_on_boot: bool = True,
        name: str = "GPy",
        runtime: str = "cpython",
    ) -> None:
        restore(flash)
        self.flash = flash
        self.printed = []
        if isinstance(scenario, dict):
            made: str | scenarios.Scenario = scenarios.from_table(scenario)
        else:
            made = scenario
        self.emulator = Emulator(
            scenario=made,
            seed=seed,
            firmware=firmware,
            name=name,
            flash=flash,
            routes=routes,
            install="frozen",
            console=self.printed.append,
            max_hours=72,
            vm=runtime,
            vm_command=COMMAND if runtime == "micropython" else (),
        )
        self.board = self.emulator.board
        self.modem = self.emulator.modem
        self.service("config").flags["lte_modem_en_on_boot"] = modem_on_boot
        self.cycle: Cycle | None = None
        self._trace_start = 0

    def close(self) -> None:
        self.emulator.close()

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    # programs

    def run(self, program: str, given: Any = None, ends: str = "finished") -> list[Any]:
        """Boot, run one program and return what it has shown. `ends`: how it is to end."""
        self.give(given)
        self.put("program.py", "from support import *\n" + textwrap.dedent(program))
        self.start(["program.py"])
        assert self.cycle is not None
        assert self.cycle.ended == ends, (self.cycle.ended, self.cycle.error)
        return self.shown

    def start(self, scripts: list[str], cycles: int = 1) -> list[Cycle]:
        """The board's own start and these scripts."""
        del self.printed[:]
        self._trace_start = len(self.board.trace.entries)
        done = self.emulator.run(scripts, cycles)
        note(self.emulator.vm)
        self.cycle = done[-1]
        return done

    @property
    def log(self) -> list[str]:
        """What the last run printed beside."""
        return [line for line in self.output.splitlines() if not line.startswith(MARK)]

    # what happened on the board in the last run

    def traced(self, *kinds: str) -> list[str]:
        entries = self.board.trace.entries[self._trace_start :]
        return [entry.text for entry in entries if entry.kind in kinds]

    @property
    def commands(self) -> list[str]:
        """What was sent to the modem, line by line."""
        return [text.replace("\\r", "").strip() for text in self.traced("at>")]

    def modem_rests(self) -> bool:
        """The modem has come to its lowest current within a minute after the program's end."""
        self.board.clock.advance(60_000_000)
        meter = self.board.meter
        return meter.state("modem") == "off" and meter.state("radio") == "off"

    @property
    def radio_on_ms(self) -> int:
        return self.board.meter.time_ms("radio", "on")


Wanted = dict[str, tuple[Path, int, int]]  # path on the flash -> source, its time and size


@functools.cache
def _wanted(folders: Sequence[str]) -> Wanted:
    """The tree stays as it is while tests run."""
    found = [
        (str(path), source)
        for path, source in flash_files().items()
        if not folders or path.parts[0] in folders
    ]
    stats = [(*each, each[1].stat()) for each in [*found, ("support.py", SUPPORT)]]
    return {path: (source, stat.st_mtime_ns, stat.st_size) for path, source, stat in stats}


def restore(flash: Path, folders: Sequence[str] = ()) -> None:
    """Make `flash` hold the device files, or those of these folders, and nothing else. Its path,
    and with it the compiled code in the cache, is the same for many tests."""
    wanted, there = _wanted(folders), set[str]()
    flash.mkdir(parents=True, exist_ok=True)
    _sift(str(flash), len(str(flash)) + 1, wanted, there)
    for path in wanted.keys() - there:
        (flash / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(wanted[path][0], flash / path)


def _sift(folder: str, start: int, wanted: Wanted, there: set[str]) -> bool:
    """Remove what is not wanted and note what is there as wanted; whether nothing is left."""
    left = False
    with os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                if _sift(entry.path, start, wanted, there):
                    os.rmdir(entry.path)
                    continue
            elif (path := entry.path[start:]) in wanted:
                found = entry.stat(follow_symlinks=False)
                if (found.st_mtime_ns, found.st_size) == wanted[path][1:]:
                    there.add(path)
            else:
                os.unlink(entry.path)
                continue
            left = True
    return not left


# fixtures


@pytest.fixture(scope="session")
def flash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("flash")


@pytest.fixture
def make_device(flash: Path, runtime: str) -> Iterator[Callable[..., Device]]:
    """make_device(scenario, ...): a new board; the one before is gone, its flash erased."""
    made: list[Device] = []

    def make(*args: Any, **options: Any) -> Device:
        while made:
            made.pop().close()
        made.append(Device(flash, *args, runtime=runtime, **options))
        return made[-1]

    yield make
    for device in made:
        device.close()


@pytest.fixture
def make_bare(tmp_path: Path, runtime: str) -> Iterator[Callable[..., Bare]]:
    made: list[Bare] = []

    def make(**options: Any) -> Bare:
        options = {"runtime": runtime} | options
        made.append(Bare(tmp_path / f"flash{len(made)}", **options))
        return made[-1]

    yield make
    for bare in made:
        bare.close()


@pytest.fixture(scope="session")
def node_flash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("node")


@pytest.fixture
def make_node(node_flash: Path, runtime: str) -> Iterator[Callable[..., Node]]:
    """make_node(*faults): each fault as a table of a scenario."""
    made: list[Node] = []

    def make(*faults: dict[str, Any]) -> Node:
        made.append(Node(node_flash, [Fault.from_table(fault) for fault in faults], runtime))
        return made[-1]

    yield make
    for node in made:
        node.close()


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    return make_node()
