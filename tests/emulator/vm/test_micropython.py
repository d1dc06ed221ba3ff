"""What only the MicroPython VM does: real isolation, its own process, its limits, byte code."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from devkit import cli
from devkit.build.heap import heap_after_import
from devkit.build.targets import CURRENT
from emulator.board.board import HARD_RESET
from emulator.device_files import ROOT, copy_device_files
from emulator.emulator import Emulator
from emulator.vm import micropython, mpy
from emulator.vm import webassembly as node
from emulator.vm.process import Spare, VmProcess
from tests.device import COMMAND, Bare

pytestmark = [pytest.mark.vm, pytest.mark.parametrize("runtime", ["micropython"])]


def test_it_is_micropython(device: Bare) -> None:
    # CPython has these; no MicroPython does
    assert device.values("[hasattr('', name) for name in ('zfill', 'title', 'casefold')]") == (
        "[False, False, False]"
    )
    assert device.vm.implementation.startswith("webassembly 1.27")


@pytest.mark.parametrize(
    "name",
    ["js", "jsffi", "asyncio", "_asyncio", "random", "collections", "io", "vfs", "deflate",
     "heapq", "platform", "_process", "_board", "_pin", "wire", "importer", "natives", "start"],
)  # fmt: skip
def test_what_the_vm_has_and_a_board_lacks_cannot_be_imported(device: Bare, name: str) -> None:
    assert device.run(f"import {name}").endswith(f"ImportError: no module named '{name}'\n")
    assert device.outcome is not None and device.outcome.kind == "exception"


def test_a_file_may_have_the_name_of_what_a_board_lacks(device: Bare) -> None:
    device.put("random.py", "value = 4\n")
    assert device.run("import random\nprint(random.value, random.__name__)") == "4 random\n"


def test_nothing_is_left_of_the_program_before(device: Bare) -> None:
    device.run("import builtins\nbuiltins.left = 1\nkept = 2\n")
    assert device.run("print('left' in dir(__builtins__) if 0 else 'kept' in globals())") == (
        "False\n"
    )
    assert device.run("print(left)").endswith("NameError: name 'left' isn't defined\n")


LEAVES = """
import builtins, sys, machine, time
builtins.left = sys.left = time.left = 1
sys.path.append("/flash/left")
machine.Timer.Alarm(print, 0.01, arg="left", periodic=True)
try:
    machine.deepsleep(1000)
finally:
    print("no")
"""
LOOKS = """
import builtins, sys, time
print([hasattr(one, "left") for one in (builtins, sys, time)], sys.path, "machine" in sys.modules)
time.sleep(1)
"""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[VmProcess]:
    """The process of each boot; none is left of the boots before."""
    processes: list[VmProcess] = []
    spare = Spare()

    def take(command: Sequence[str]) -> VmProcess:
        processes.append(Spare.take(spare, command))
        return processes[-1]

    monkeypatch.setattr(spare, "take", take)
    monkeypatch.setattr(micropython, "_spare", spare)
    return processes


def test_a_process_serves_the_next_boot_with_a_new_vm(
    started: list[VmProcess], device: Bare
) -> None:
    assert device.run(LEAVES) == ""
    device.board.reset(HARD_RESET)
    assert device.run(LOOKS) == ("[False, False, False] ['', '/flash', '/flash/lib'] False\n")
    assert started[0] is started[1]


def test_a_process_that_hangs_or_dies_serves_no_other_boot(
    started: list[VmProcess], device: Bare, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(micropython, "SILENCE_S", 0.7)
        device.run("print(sum(range(1 << 29)))\n")
    device.board.reset(HARD_RESET)
    assert device.run("print(1)\n") == "1\n"
    device.vm.shutdown()
    started[1].kill()
    assert device.run("print(2)\n") == "2\n"
    assert len(set(started)) == 3


def test_no_handler_outlives_a_halt(device: Bare) -> None:
    printed = device.run("""
        import machine
        try:
            machine.reset()
        except:
            print("caught")
        finally:
            print("finally")
        """)
    assert printed == ""
    assert device.outcome is not None and device.outcome.kind == "reset"


def test_threads_are_refused_in_plain_words(device: Bare) -> None:
    printed = device.run("import _thread\n_thread.start_new_thread(print, ())\n")
    assert printed.endswith(
        "NotImplementedError: no threads on this VM: run the program without --vm\n"
    )


def test_a_lock_works_without_threads(device: Bare) -> None:
    program = "import _thread\nlock = _thread.allocate_lock()\nwith lock:\n    "
    assert device.run(program + "print(lock.locked(), lock.acquire(0))") == "True False\n"


def test_deep_recursion_is_an_exception(device: Bare) -> None:
    printed = device.run("def f(n):\n    return f(n + 1)\nf(0)\n")
    assert printed.endswith("RuntimeError: maximum recursion depth exceeded\n")


def test_a_vm_that_stays_silent_is_a_hang(device: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micropython, "SILENCE_S", 0.7)
    device.run("print(sum(range(1 << 29)))\n")  # no loop of the program: nothing ticks
    assert device.outcome is not None and device.outcome.kind == "hang"


def test_a_watchdog_bites_a_vm_that_stays_silent(
    device: Bare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(micropython, "SILENCE_S", 0.7)
    device.run("from machine import WDT\nWDT(timeout=9000)\nsum(range(1 << 29))\n")
    assert device.outcome is not None and device.outcome.kind == "reset"
    assert device.board.clock.now_ms == pytest.approx(9000, abs=100)


def test_a_vm_that_dies_ends_the_run(device: Bare) -> None:
    device.vm._command = ["false"]
    device.run("print(1)\n")
    assert device.outcome is not None and device.outcome.kind == "vm_died"
    assert "status 1" in str(device.outcome.halt)
    assert device.vm.idle(1000).kind == "vm_died"


def test_the_syntax_of_later_pythons_is_refused(device: Bare) -> None:
    printed = device.run("a = 1\nb = f'{a}'\n")  # this VM itself would take it
    assert 'File "main.py", line 2' in printed and "SyntaxError" in printed


# byte code


def test_compiled_modules_are_loaded(device: Bare) -> None:
    compiled = {
        "one.mpy": "from pack.two import value\nfrom pack import three\nname = __name__\n",
        "pack/__init__.mpy": "kind = 'package'\n",
        "pack/two.mpy": "from . import three\nvalue = three.value + 1\n",
        "pack/three.mpy": "value = 4\nname = __name__\n",
    }
    for name, source in compiled.items():
        path = device.flash / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(CURRENT.compiled(source.encode(), Path(name)))
    assert device.run("import one, pack\nprint(one.value, one.name, one.three.name, pack.kind)") \
        == "5 one pack.three package\n"  # fmt: skip


def test_the_board_s_own_byte_code_is_refused(device: Bare) -> None:
    (device.flash / "old.mpy").write_bytes(mpy.compiled(b"a = 1\n", "old", mpy.DEPLOYED))
    assert "ValueError: incompatible .mpy" in device.run("import old")


def test_the_application_runs_from_byte_code(tmp_path: Path, runtime: str) -> None:
    copy_device_files(tmp_path)
    for path in tmp_path.rglob("*.py"):
        name = path.relative_to(tmp_path)
        if CURRENT.deployed_name(name) != name:
            path.with_suffix(".mpy").write_bytes(CURRENT.compiled(path.read_bytes(), name))
            path.unlink()
    with Emulator(flash=tmp_path, vm=runtime) as emulator:
        cycles = emulator.run(cycles=2)
    assert [(cycle.ended, cycle.error) for cycle in cycles] == [("deepsleep", None)] * 2


# heap


def test_each_component_can_be_imported_alone_and_is_weighed(runtime: str) -> None:
    found = heap_after_import(["networking.nbiot", "utils.timing", "sensors.si7021"])
    assert 0 < found["utils.timing"] < found["networking.nbiot"] <= 40 * 1024


def test_a_heavier_module_weighs_more(tmp_path: Path, runtime: str) -> None:
    (tmp_path / "utils").mkdir()
    (tmp_path / "utils" / "small.py").write_text("a = 1\n")
    (tmp_path / "utils" / "big.py").write_text("a = bytearray(5000)\n")
    found = heap_after_import(["utils.small", "utils.big"], root=tmp_path)
    assert found["utils.big"] - found["utils.small"] == pytest.approx(5000, abs=100)


def test_a_component_that_cannot_be_imported_is_named(tmp_path: Path, runtime: str) -> None:
    (tmp_path / "utils").mkdir()
    (tmp_path / "utils" / "broken.py").write_text("import nothing\n")
    with pytest.raises(RuntimeError, match=r"(?s)importing utils\.broken failed: .*nothing"):
        heap_after_import(["utils.broken"], root=tmp_path)


# another MicroPython, by --vm-command


def test_another_command_is_given_the_file_to_run(make_device: Callable[..., Bare]) -> None:
    # The WebAssembly build again, as a command: what it is given besides stands at the end
    device = make_device(of_vm={"command": node.command()})
    assert device.vm._command[-1].endswith("emulator/vm/device/start.py")
    assert device.run("print('there')\n") == "there\n"


def test_the_application_runs_alike(runtime: str) -> None:
    traces = []
    for options in ({}, {"vm": runtime, "vm_command": COMMAND}):
        with Emulator(**options) as emulator:  # type: ignore[arg-type]
            emulator.run(cycles=2)
            traces.append(emulator.board.trace.lines())
    assert traces[0] == traces[1]


@pytest.mark.parametrize("command", ["run boot.py", "demo"])
def test_why_a_vm_died_is_told(
    command: str, capsys: pytest.CaptureFixture[str], runtime: str
) -> None:
    assert cli.main([*command.split(), "--vm-command", "false"]) == 1
    name = command.split()[0]
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"./dev {name}: cycle 1: ended by vm_died: the VM ended by itself, status 1: no word"
    )


TESTS = """
import pytest

def test_one(node):
    assert node.value("1 / 3", "si7021") == pytest.approx(1 / 3)

def test_two():
    assert True

@pytest.mark.cpython
def test_three(node):
    assert node.objects("def one(): return 1")["one"]() == 1

def test_four():
    pytest.skip("not here")
"""


def test_the_suite_on_another_vm_counts_what_ran_there(tmp_path: Path, runtime: str) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-c", "pyproject.toml",
         "--rootdir", ".", "-n", "0", str(tmp_path / "test_some.py")],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"VM_COMMAND": shlex.join(node.command())},
    )  # fmt: skip
    assert "1 failed, 3 passed" in done.stdout, done.stdout
    assert "FAILED" in done.stdout and "test_four" in done.stdout
    [line] = [line for line in done.stdout.splitlines() if line.startswith("VM_COMMAND: ")]
    assert line.startswith("VM_COMMAND: 1 tests ran device code on ")
    assert line.endswith("(webassembly 1.27.0)")


def test_dev_run_takes_it(tmp_path: Path, runtime: str) -> None:
    script = tmp_path / "hello.py"
    script.write_text("import sys\nprint(sys.implementation[0], 1 / 3)\n")
    program = "import sys; from devkit.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "run", str(script), "--vm"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "micropython 0.3333333\n")
