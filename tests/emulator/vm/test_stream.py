"""What travels between a MicroPython VM and the board: values of every kind come back the same."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from devkit.checks import device_syntax
from emulator.board.board import Service
from emulator.vm import mpy
from emulator.vm.micropython import DEVICE_DIR
from emulator.vm.process import Silence, VmDied, VmProcess
from emulator.vm.stream import PENDING, RAISED, decode_all, encode
from tests.device import Bare

VALUES = [
    None, True, False, 0, -1, 0x3FFFFFFF, 0x40000000, -0x40000001, 1 << 80, -(1 << 80), 1.5, -0.0,
    1e300, "", "text", "Grüße €", "\udc80", "a\0b", b"", bytes(range(256)), [], [1, [2, None]], {},
    {"a": 1, 2: "b"}, {"deep": [{"x": b"y"}]},
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_the_same(value: object) -> None:
    [back] = decode_all(encode(value))
    assert back == value and type(back) is type(value)


def test_tuples_and_buffers_become_lists_and_bytes() -> None:
    assert decode_all(encode((1, bytearray(b"x"), memoryview(b"y")))) == [[1, b"x", b"y"]]


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j])
def test_other_values_do_not_travel(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be handed to the board"):
        encode(value)


class Echo(Service):
    def do_back(self, value: object) -> object:
        self.last = value
        return value

    def do_fail(self, name: str) -> None:
        raise {
            "ValueError": ValueError("why", 3),
            "OSError": OSError(116, "x"),
            "TimeoutError": TimeoutError("timed out"),
            "UnicodeDecodeError": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
            "FileNotFoundError": FileNotFoundError(2),
            "KeyError": KeyError("k"),
        }[name]


PROGRAM = """
from echo import back, fail

def same(value):
    found = back(value)
    print(found == value and type(found) is type(value), end=" ")
"""


@pytest.fixture
def device(tmp_path: Path, make_device: Callable[..., Bare]) -> Bare:
    firmware = tmp_path / "firmware"
    firmware.mkdir()
    (firmware / "echo.py").write_text(
        "from _board import call\n\ndef back(value):\n    return call('echo.back', value)\n\n"
        "def fail(name):\n    call('echo.fail', name)\n"
    )
    device = make_device(of_vm={"firmware_dir": firmware})
    device.board.plug("echo", Echo(device.board))
    return device


@pytest.mark.vm
@pytest.mark.parametrize("runtime", ["micropython"])
def test_the_device_gets_and_sends_every_value(device: Bare) -> None:
    lines = [f"same({value!r})\n" for value in VALUES]
    assert device.run(PROGRAM + "".join(lines)).split() == ["True"] * len(VALUES)


@pytest.mark.vm
@pytest.mark.parametrize("runtime", ["micropython"])
def test_a_long_value_travels_too(device: Bare) -> None:
    assert device.run(PROGRAM + "same(bytes(200000))\nsame('x' * 70000)\n") == "True True "


@pytest.mark.parametrize("runtime", ["cpython", pytest.param("micropython", marks=pytest.mark.vm)])
@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("ValueError", "ValueError ('why', 3)"),
        ("OSError", "OSError (116, 'x')"),
        ("TimeoutError", "TimeoutError ('timed out',)"),
        ("FileNotFoundError", "OSError (2,)"),
        ("KeyError", "KeyError ('k',)"),
    ],
)
def test_an_exception_of_the_board_is_raised_on_the_device(
    device: Bare, name: str, seen: str
) -> None:
    program = PROGRAM + f"try:\n    fail({name!r})\nexcept Exception as error:\n"
    program += "    print(type(error).__name__, error.args)\n"
    assert device.run(program).strip() == seen


# the process


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("print('MicroPython v1.29; type help()', flush=True)", "does not speak the stream"),
        ("import sys; sys.exit('no heap')", "status 1: no heap"),
        ("pass", "status 0: no word"),
    ],
)
def test_a_program_that_is_no_vm_is_named_as_such(program: str, words: str) -> None:
    process = VmProcess(python(program))
    with pytest.raises(VmDied, match=words):
        process.receive(10)
    process.close()


def test_a_missing_program_is_named() -> None:
    with pytest.raises(VmDied, match="no-such-micropython: No such file"):
        VmProcess(["no-such-micropython"])


def test_silence_is_noticed() -> None:
    process = VmProcess(python("import time; time.sleep(60)"))
    with pytest.raises(Silence):
        process.receive(0.05)
    process.close()


# Files are not buffered on the device
WITHOUT_BUFFER = """
import builtins, io
builtins.open = lambda number, mode: io.open(number, mode, 0)
sys.stdin = sys.stdout = None
"""


@pytest.mark.parametrize("without", ["", WITHOUT_BUFFER], ids=["sys.stdin.buffer", "open(0)"])
def test_the_link_over_standard_input_and_output_carries_frames(without: str) -> None:
    """The device's end of it, run by this Python, which has the same names in sys; MicroPython
    1.11 has no `buffer` there."""
    program = (
        f"import sys; sys.path.insert(0, {str(DEVICE_DIR)!r}); sys.print_exception = None\n"
        + without
        + "import link_stdio, wire\n"
        "wire.wire.open(link_stdio.Link())\n"
        "found = wire.exchange('one', 1, [2.5])\n"
        "try:\n    wire.exchange('two', found)\n"
        "except Exception as error:\n"
        "    wire.exchange('three', wire.wire.pending, type(error).__name__, list(error.args))\n"
    )
    process = VmProcess(python(program))
    assert process.receive(20) == ["one", 1, [2.5]]
    process.send(bytes([0]) + encode({"a": [b"x", "ü", 1 << 40]}))
    assert process.receive(20) == ["two", {"a": [b"x", "ü", 1 << 40]}]
    process.send(bytes([PENDING | RAISED]) + encode(["ValueError", ["why"]]))
    assert process.receive(20) == ["three", True, "ValueError", ["why"]]
    process.close()


@pytest.mark.parametrize("path", sorted(DEVICE_DIR.glob("*.py")), ids=lambda path: path.name)
def test_the_device_s_end_is_written_for_the_board_s_core(path: Path) -> None:
    assert mpy.compiled(path.read_bytes(), path.stem, mpy.DEPLOYED)[1] == 4
    own = {file.stem for file in DEVICE_DIR.glob("*.py")} | {
        "_link",
        "deflate",
        "emulator",
    }
    found = device_syntax.look(path.read_text(encoding="utf-8"), "boot.py", own | {"uctypes"})
    assert [what for _, what in found] == []
