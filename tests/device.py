"""A GPy with the device files on its flash, on which tests run pieces of device code.

    device = Device(flash, scenario="good", routes=["192.0.2.1:7=127.0.0.1:40000"])
    [result] = device.run('''
        from networking import nbiot
        show(nbiot.connect(configured(_APN="iot")))
    ''')

A program tells its results with `show(value)`, which prints one line of JSON; `given()` is what
the test handed to `run`. Nothing but the console and the flash lies between test and program, so
that the same test can run on any VM.
"""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from emulator import scenario as scenarios
from emulator.cycle import Cycle
from emulator.device_files import flash_files
from emulator.emulator import Emulator

MARK = "@@"
# Bytes are shown as {"hex": ...}: JSON has none.
SUPPORT = f'''
def plain(value):
    import ubinascii

    if isinstance(value, (bytes, bytearray)):
        return {{"hex": ubinascii.hexlify(bytes(value)).decode()}}
    if isinstance(value, dict):
        return {{key: plain(item) for key, item in value.items()}}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def show(value):
    import ujson

    print("{MARK}" + ujson.dumps(plain(value)))


def unplain(value):
    import ubinascii

    if isinstance(value, dict):
        if "hex" in value:
            return ubinascii.unhexlify(value["hex"])
        return {{key: unplain(item) for key, item in value.items()}}
    if isinstance(value, list):
        return [unplain(item) for item in value]
    return value


def given():
    import ujson

    with open("/flash/given.json") as file:
        return unplain(ujson.loads(file.read()))


def raised(action, *args, **keywords):
    """[name, text] of the exception, or None."""
    try:
        action(*args, **keywords)
    except Exception as error:
        return [type(error).__name__, str(error)]


class Settings:
    pass


def outcome():
    """What nbiot.last_outcome() says, as a dict."""
    from networking import nbiot

    last = nbiot.last_outcome()
    names = ("status", "cause", "phases", "registration", "reject_cause")
    return {{name: getattr(last, name) for name in names}}


def configured(**fields):
    """A configuration object as the nbiot documentation asks for; None leaves a field out."""
    settings = Settings()
    values = {{
        "_APN": "iot.example",
        "_IP_VERSION": "IPV4V6",
        "_MAX_ATTACHMENT_ATTEMPT_TIME_SEC": 60,
        "_MAX_CONNECTION_ATTEMPT_TIME_SEC": 30,
    }}
    values.update(fields)
    for name, value in values.items():
        if value is not None:
            setattr(settings, name, value)
    return settings
'''


def restore(flash: Path) -> None:
    """Make `flash` hold the device files and nothing else. Its path, and with it the compiled code
    in the cache, is the same for many tests."""
    wanted = flash_files()
    for path in sorted(flash.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.relative_to(flash) not in wanted:
            path.unlink()
    for path, source in wanted.items():
        if not same(source, flash / path):
            (flash / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, flash / path)
    (flash / "support.py").write_text(SUPPORT, encoding="utf-8")


def same(source: Path, copy: Path) -> bool:
    """Nobody has written to one of them since it was copied."""
    if not copy.is_file():
        return False
    here, there = source.stat(), copy.stat()
    return (here.st_mtime_ns, here.st_size) == (there.st_mtime_ns, there.st_size)


def as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    return value


def as_python(value: Any) -> Any:
    if isinstance(value, dict):
        if "hex" in value:
            return bytes.fromhex(value["hex"])
        return {key: as_python(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_python(item) for item in value]
    return value


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


class Device:
    """`run` starts the board anew; modem, flash, NVS and clock go on."""

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
        self.printed: list[str] = []
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

    def service(self, name: str) -> Any:
        return self.board.services[name]

    # programs

    def put(self, path: str, text: str) -> None:
        file = self.flash / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")

    def run(self, program: str, given: Any = None, ends: str = "finished") -> list[Any]:
        """Boot, run one program and return what it has shown. `ends`: how it is to end."""
        self.put("given.json", json.dumps(as_json(given)))
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
        self.cycle = done[-1]
        return done

    @property
    def output(self) -> str:
        return "".join(self.printed)

    @property
    def shown(self) -> list[Any]:
        """What the last run told with show()."""
        lines = self.output.splitlines()
        return [
            as_python(json.loads(line[len(MARK) :])) for line in lines if line.startswith(MARK)
        ]

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
