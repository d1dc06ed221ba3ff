"""Device code meets the names that a board has, and no others: emulator/names/table.txt."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from devkit import firmware_names
from emulator import names
from emulator.vm.importer import firmware_names as files_of_firmware
from emulator.vm.runtime import FIRMWARE_DIR
from tests.device import Bare

FACTS = os.environ.get("FIRMWARE_NAMES", "")

# Public names of classes that boards do not have, and why they are there
BEYOND: dict[str, dict[str, set[str]]] = {
    "both": {
        name: {"native_stream"}  # how print() knows a stream
        for name in ("uio.FileIO", "uio.TextIOWrapper", "uio.StringIO", "uio.BytesIO",
                     "uzlib.DecompIO")
    },
    "cpython": {
        "array.array": {
            "reverse", "tobytes", "remove", "fromunicode", "insert", "tolist", "frombytes",
            "index", "tofile", "count", "pop", "fromlist", "typecode", "tounicode", "byteswap",
            "itemsize", "buffer_info", "fromfile",
        },
    },
    # its own core's
    "micropython": {
        "ucollections.deque": {"extend", "appendleft", "pop"},
        "framebuf.FrameBuffer": {"ellipse", "poly"},
    },
}  # fmt: skip
LACKING = {"micropython": {"array.array": {"decode"}}}

PROGRAM = """
import ujson
for name in {modules}:
    module = __import__(name)
    print(name, *[each for each in dir(module) if each[:2] != '__'])
for name, kind in {classes}:
    names = dir(getattr(__import__(name), kind))
    print(name + '.' + kind, *[each for each in names if each[:1] != '_'])
"""


@pytest.mark.skipif(not FACTS, reason="FIRMWARE_NAMES names no file of facts: not compared")
def test_the_table_is_what_the_facts_give() -> None:
    facts = json.loads(Path(FACTS).read_text(encoding="utf-8"))
    assert names.FILE.read_text(encoding="utf-8") == firmware_names.table(facts)


def test_the_table_is_made_of_the_facts() -> None:
    facts = {
        "firmware": "1.2",
        "only_on": {"FiPy": ["umod.b"]},
        "only_in_pybytes_build": ["umod.C.d"],
        "weak_names": {"mod": "umod"},
        "modules": {
            "umod": {
                "names": {
                    "a": "function",
                    "b": 5,
                    "C": {"names": {"d": "function", "e": {"str": "x"}}},
                    "F": "exception",
                }
            }
        },
        "frozen": {"_g": {"builds": ["pybytes"], "names": {"h": "function", "os": "imported"}}},
        "types_without_a_name_in_a_module": {"kind": {"names": {"i": "function"}}},
        "instance_names_seen_on_the_vm": {"str": ["j"], "kind": ["k"], "none": []},
    }
    assert firmware_names.table(facts).splitlines()[4:] == [
        "[umod] mod",
        "a() b=5@FiPy C: F!",
        "[umod.C]",
        'd()@pybytes e="x"',
        "[_g] frozen@pybytes",
        "h()",
        "[of kind]",
        "i()",
        "[of str]",
        "j",
    ]


def test_every_module_of_the_emulation_is_one_of_a_board() -> None:
    shown = {name for name in files_of_firmware(FIRMWARE_DIR) if not name.startswith("_")}
    assert shown <= set(names.table())


def _wanted(board: str, build: str) -> dict[str, set[str]]:
    """The names of each module and, without those that begin with "_", of each class."""
    found = {}
    for module, has in names.modules(board, build).items():
        if module == "__main__":
            continue
        found[module] = {name for name in has if not name.startswith("__")}
        if module == "builtins" or names.table()[module].frozen:
            continue
        for name, entry in has.items():
            if entry.kind == names.CLASS:
                public = {each for each in entry.names if not each.startswith("_")}
                found[f"{module}.{name}"] = public
    return found


@pytest.mark.both_runtimes
@pytest.mark.parametrize("board", names.BOARDS)
@pytest.mark.parametrize("build", names.BUILDS)
def test_modules_and_classes_show_the_names_of_the_board_and_no_others(
    board: str, build: str, runtime: str, make_device: Callable[..., Bare]
) -> None:
    device = make_device(name=board, build=build)
    wanted = _wanted(board, build)
    classes = [tuple(name.split(".")) for name in wanted if "." in name]
    modules = [name for name in wanted if "." not in name]
    lines = device.run(PROGRAM.format(modules=modules, classes=classes)).splitlines()
    shown = {name: set(has) for name, *has in map(str.split, lines)}
    for beyond in (BEYOND["both"], BEYOND.get(runtime, {})):
        for name, extra in beyond.items():
            wanted[name] |= extra
    for name, lacking in LACKING.get(runtime, {}).items():
        wanted[name] -= lacking
    different = {name: shown[name] ^ has for name, has in wanted.items() if shown[name] != has}
    assert different == {}


@pytest.mark.both_runtimes
@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import network\nnetwork.Bluetooth().start_scan(5)", "network.Bluetooth.start_scan"),
        ("from machine import DAC\nDAC('P22')", "machine.DAC"),
        ("import machine\nmachine.mem32[0]", "machine.mem32"),
        ("import machine\nmachine.mem8[0] = 1", "machine.mem8"),
        ("import sqnsupgrade\nsqnsupgrade.info()", "sqnsupgrade.info"),
        ("import socket\nsocket.socket(socket.AF_SIGFOX, socket.SOCK_RAW)", "socket.AF_SIGFOX"),
        ("help()", "help"),
    ],
)
def test_what_is_not_emulated_says_so(
    make_device: Callable[..., Bare], program: str, said: str
) -> None:
    device = make_device(name="FiPy")
    printed = device.run(f"try:\n    exec({program!r})\nexcept OSError:\n    pass\n")
    text = f"NotEmulated: {said} is on the board, not emulated: see docs/emulation.md, Names"
    assert text in printed
    assert [entry.text for entry in device.board.trace.of("missing")] == [said]


@pytest.mark.both_runtimes
@pytest.mark.parametrize(
    "program",
    ["from machine import call", "from network import sys", "import math\nmath.log10",
     "import ssl\nssl.PROTOCOL_TLSv1", "import _board", "import _arguments", "import uwebsocket",
     "compile('1', 'f', 'eval')", "from utimeq import ticks_diff"],
)  # fmt: skip
def test_what_a_board_lacks_is_not_there(device: Bare, program: str) -> None:
    raised = f"try:\n    exec({program!r})\n    print('there')\n"
    raised += (
        "except (ImportError, AttributeError, NameError) as e:\n    print(type(e).__name__)\n"
    )
    assert device.run(raised).strip() in ("ImportError", "AttributeError", "NameError")


@pytest.mark.both_runtimes
@pytest.mark.parametrize(
    ("build", "shown"), [("base", "5 False False False"), ("pybytes", "6 True True True")]
)
def test_the_build_decides_about_pybytes(
    build: str, shown: str, runtime: str, make_device: Callable[..., Bare]
) -> None:
    program = "import pycom\nhas = hasattr(pycom, 'pybytes_on_boot')\n"
    program += "print(len(os.uname()), has, has and pycom.pybytes_on_boot(), end=' ')\n"
    program += "print('pybytes' in globals())"
    assert make_device(build=build).run(program).strip() == shown


@pytest.mark.both_runtimes
def test_errors_are_named_by_the_list_of_the_board(device: Bare) -> None:
    program = (
        "import uerrno\nprint(OSError(105), OSError(122), OSError(115), len(uerrno.errorcode))"
    )
    assert device.run(program).strip() == (
        "[Errno 105] ENOBUFS [Errno 122] EMSGSIZE [Errno 115] ENETDOWN 141"
    )


@pytest.mark.both_runtimes
def test_each_radio_and_peripheral_that_is_missing_has_the_named_error(
    make_device: Callable[..., Bare],
) -> None:
    calls = {
        "network.Bluetooth.start_scan": "Bluetooth(antenna=None).start_scan(5)",
        "network.Bluetooth.get_adv": "Bluetooth().get_adv()",
        "network.Bluetooth.service": "Bluetooth().service(uuid=1)",
        "network.Sigfox": "Sigfox(mode=Sigfox.SIGFOX, rcz=Sigfox.RCZ1)",
        "network.MDNS.init": "MDNS.init()",
        "network.Coap.init": "Coap.init('192.0.2.1')",
        "machine.mem8": "machine.mem8[0]",
        "machine.mem16": "machine.mem16[0]",
        "machine.mem32": "machine.mem32[0]",
        "machine.CAN": "machine.CAN(mode=machine.CAN.NORMAL)",
        "machine.DAC": "machine.DAC('P22')",
        "machine.Touch": "machine.Touch('P4')",
    }
    program = "import machine\nfrom network import Bluetooth, Coap, MDNS, Sigfox\n"
    for call in calls.values():
        program += f"try:\n    {call}\nexcept Exception as error:\n    print(error)\n"
    lines = make_device(name="FiPy").run(program).splitlines()
    about = " is on the board, not emulated: see docs/emulation.md, Names"
    assert lines == [name + about for name in calls]
