"""SD cards as programs use them: machine.SD, os.mount, and a folder of this computer behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.emulator import Emulator
from emulator.scenario import from_table

Run = Callable[..., list[str]]
HEAD = """
import os, time
from machine import SD

def attempt(f, *a):
    try:
        print(f(*a))
    except Exception as e:
        print(type(e).__name__, e.args)

def write(name, data):
    with open(name, 'w') as f:
        return f.write(data)

def read(name):
    with open(name) as f:
        return f.read()
"""
MOUNT = HEAD + "sd = SD()\nos.mount(sd, '/sd')\n"


@pytest.fixture
def card(tmp_path: Path) -> Path:
    folder = tmp_path / "card"
    folder.mkdir()
    (folder / "there.txt").write_text("from before")
    return folder


@pytest.fixture
def run(tmp_path: Path, card: Path, runtime: str) -> Iterator[Run]:
    def run(program: str, sd_mb: int = 64, fault: Any = ()) -> list[str]:
        flash = tmp_path / "flash"
        flash.mkdir(exist_ok=True)
        (flash / "main.py").write_text(program)
        printed: list[str] = []
        table = {"board": {"sd": str(card), "sd_mb": sd_mb}, "fault": list(fault)}
        with Emulator(
            scenario=from_table(table),
            flash=flash,
            console=printed.append,
            max_hours=1,
            vm=runtime,
        ) as emulator:
            emulator.run(["main.py"])
        return "".join(printed).splitlines()

    yield run


@pytest.mark.both_runtimes
def test_files_of_the_card_are_those_of_the_folder(run: Run, card: Path) -> None:
    program = """
print(read('/sd/there.txt'), sorted(os.listdir('/')), os.listdir('/sd'))
os.mkdir('/sd/log')
print(write('/sd/log/a.txt', 'one'), os.stat('/sd/log/a.txt')[6], os.stat('/sd')[0])
os.rename('/sd/log/a.txt', '/sd/log/b.txt')
os.chdir('/sd/log')
print(os.getcwd(), os.listdir(), read('b.txt'))
os.remove('/sd/there.txt')
attempt(os.rename, '/sd/log/b.txt', '/flash/b.txt')
attempt(open, '/sd/none')
attempt(os.listdir, '/other')
f = open('/sd/log/b.txt', 'a+')
print(f.write('two'), f.tell(), f.seek(0), f.read())
f.close()
f.close()
os.umount('/sd')
print(os.getcwd(), os.listdir('/'))
attempt(open, '/sd/log/b.txt')
attempt(os.umount, '/sd')
"""
    assert run(MOUNT + program) == [
        "from before ['flash', 'sd'] ['there.txt']",
        "3 3 16384",
        "/sd/log ['b.txt'] one",
        "OSError (1,)",
        "OSError (2,)",
        "OSError (19,)",
        "3 6 0 onetwo",
        "/ ['flash']",
        "OSError (19,)",
        "OSError (22,)",
    ]
    assert sorted(path.name for path in card.rglob("*")) == ["b.txt", "log"]
    assert (card / "log" / "b.txt").read_text() == "onetwo"


@pytest.mark.both_runtimes
def test_modules_are_imported_from_the_card(run: Run, card: Path) -> None:
    (card / "ours.py").write_text("print('loaded', __name__)\n")
    assert run(MOUNT + "import sys\nsys.path.append('/sd')\nimport ours") == ["loaded ours"]


def test_what_mount_refuses(run: Run) -> None:
    program = """
attempt(os.mount, sd, '/sd')
attempt(os.mount, sd, '/flash')
attempt(os.mount, 5, '/other')
attempt(os.umount, sd)
attempt(os.umount, sd)
os.mount(sd, '/card', readonly=True)
print(os.listdir('/card'))
attempt(write, '/card/new', 'x')
attempt(os.fsformat, '/card')
"""
    assert run(MOUNT + program) == [
        "OSError (1,)",
        "OSError (1,)",
        "OSError (19,)",
        "None",
        "OSError (22,)",
        "['there.txt']",
        "OSError (30,)",
        "OSError (30,)",
    ]


def test_a_card_gets_full(run: Run, card: Path) -> None:
    program = """
print(sd.ioctl(4, 0), os.getfree('/sd') < 1024)
def fill():
    with open('/sd/big', 'w') as f:
        for i in range(300):
            f.write('x' * 4096)
attempt(fill)
print(os.getfree('/sd') < 8)
"""
    assert run(MOUNT + program, sd_mb=1) == ["2048 True", "OSError (28,)", "True"]


@pytest.mark.both_runtimes
def test_a_card_that_is_taken_out_fails_until_it_is_mounted_anew(run: Run, card: Path) -> None:
    program = """
f = open('/sd/open.txt', 'w')
f.write('lost')
time.sleep(10)
attempt(f.flush)
attempt(f.close)
attempt(os.listdir, '/sd')
attempt(read, '/sd/there.txt')
attempt(SD)
print(sd.readblocks(0, bytearray(512)), sd.ioctl(4, 0))
time.sleep(10)
attempt(os.listdir, '/sd')
SD()
attempt(os.listdir, '/sd')
os.umount('/sd')
os.mount(sd, '/sd')
print(read('/sd/there.txt'), read('/sd/open.txt') == '')
"""
    faults = [
        {"point": "time", "do": "sd_out", "at_ms": 6_000},
        {"point": "time", "do": "sd_in", "at_ms": 16_000},
    ]
    assert run(MOUNT + program, fault=faults) == [
        *["OSError (5,)"] * 4,
        "OSError ('the requested operation failed',)",
        "1 0",
        *["OSError (5,)"] * 2,
        "from before True",
    ]


def test_a_card_that_was_stopped_cannot_be_read(run: Run) -> None:
    program = "sd.deinit()\nattempt(os.listdir, '/sd')\nsd.init()\nprint(os.listdir('/sd'))"
    assert run(MOUNT + program) == ["OSError (5,)", "['there.txt']"]


def test_a_reset_unmounts(run: Run, card: Path, tmp_path: Path) -> None:
    program = HEAD + (
        "print(sorted(os.listdir('/')))\nimport machine\n"
        "if machine.reset_cause() == machine.PWRON_RESET:\n"
        "    os.mount(SD(), '/sd')\n    machine.reset()\n"
    )
    flash = tmp_path / "flash"
    flash.mkdir()
    (flash / "main.py").write_text(program)
    printed: list[str] = []
    with Emulator(
        scenario=from_table({"board": {"sd": str(card)}}), flash=flash, console=printed.append
    ) as emulator:
        emulator.run(["main.py"], cycles=2)
    assert "".join(printed).splitlines() == ["['flash']", "['flash']"]


def test_a_card_must_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a folder that exists is needed"):
        from_table({"board": {"sd": str(tmp_path / "none")}})


def test_the_folder_of_a_card_is_not_left(run: Run, card: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (card / "link").symlink_to(tmp_path / "secret")
    assert run(MOUNT + "attempt(open, '/sd/../../secret')\nattempt(open, '/sd/link')") == [
        "OSError (19,)",
        "OSError (2,)",
    ]
