"""The board on a pseudo-terminal: the firmware's prompts, mpremote, resets and sleeps."""

from __future__ import annotations

import functools
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emulator.device_files import ROOT
from tests.usb_board import Rehearsal

BANNER = b'GPy with ESP32\r\nType "help()" for more information.\r\n'
RAW = b"raw REPL; CTRL-B to exit\r\n>"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Rehearsal]]:
    made: list[Rehearsal] = []

    def build(files: dict[str, str] | None = None, **options: object) -> Rehearsal:
        flash = tmp_path / "flash"
        flash.mkdir()
        for name, text in (files or {}).items():
            (flash / name).write_text(text)
        made.append(Rehearsal(flash, **options))
        return made[-1]

    yield build
    for each in made:
        each.close()


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (b"1 + 1\r", b"1 + 1\r\n2\r\n>>> "),
        (b"prin\x08nt('a')\r", b"prin\x08 \x08nt('a')\r\na\r\n>>> "),
        (
            b"for i in range(2):\r  print(i)\r\r",
            b"for i in range(2):\r\n...   print(i)\r\n... \r\n0\r\n1\r\n>>> ",
        ),
        (b"(1,\r2)\r", b"(1,\r\n... 2)\r\n(1, 2)\r\n>>> "),
        (b"if 1\x03", b"if 1\r\n>>> "),
        (b"\x02", b"\r\nPycom MicroPython 1.20.2.r4 [v1.11-ffb0e1c] on 2021-01-12; " + BANNER
         + b">>> "),
        (b"\x05x = 3\rprint(x)\x04", b"\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n"
         b"=== x = 3\r\n=== print(x)\r\n3\r\n>>> "),
        (b"\x05x = 3\x03", b"\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n"
         b"=== x = 3\r\n>>> "),
        (b"1/0\r", b'1/0\r\nTraceback (most recent call last):\r\n  File "<stdin>", line 1, in '
         b"<module>\r\nZeroDivisionError: divide by zero\r\n>>> "),
    ],
    ids=["value", "backspace", "block", "bracket", "break", "banner", "paste", "cancel", "error"],
)  # fmt: skip
def test_the_friendly_prompt(typed: bytes, shown: bytes, make: Callable[..., Rehearsal]) -> None:
    board = make()
    board.type(b"", b">>> ")
    assert board.type(typed, shown[-5:]) == shown


def test_a_ctrl_c_that_comes_as_a_program_ends_is_one_at_the_prompt(
    make: Callable[..., Rehearsal],
) -> None:
    board = make()
    board.type(b"", b">>> ")
    board.board.board.interrupted = True  # as the port sets it while a program runs
    assert board.type(b"", b">>> ") == b"\r\n>>> "
    assert board.type(b"1 + 1\r", b">>> ").endswith(b"2\r\n>>> ")


def test_the_raw_prompt_and_back(make: Callable[..., Rehearsal]) -> None:
    board = make()
    board.type(b"", b">>> ")
    assert board.type(b"\x01", b">") == b"\r\n" + RAW
    assert board.type(b"print(1)\x04", b">") == b"OK1\r\n\x04\x04>"
    said = board.type(b"raise OSError(5)\x04", b"\x04>")
    assert said.startswith(b"OK\x04Traceback") and said.endswith(b"[Errno 5] EIO\r\n\x04>")
    assert board.type(b"nonsense\x03print(2)\x04", b">") == b"OK2\r\n\x04\x04>"
    assert board.type(b"\x05A\x01", b">").endswith(RAW)  # no raw paste mode on this core
    assert board.type(b"\x02", b">>> ").endswith(BANNER + b">>> ")


def test_a_soft_reset_starts_python_anew_and_keeps_the_watchdog(
    make: Callable[..., Rehearsal],
) -> None:
    board = make({"boot.py": "print('boot')", "main.py": "print('main')"})
    assert b"boot\r\nmain\r\n" in board.type(b"", b">>> ")
    board.type(b"import machine; w = machine.WDT(timeout=600000); x = 1\r", b">>> ")
    again = board.type(b"\x04", b">>> ")
    assert again.startswith(b"\r\nPYB: soft reboot\r\nboot\r\nmain\r\n")
    assert b"NameError" in board.type(b"x\r", b">>> ")
    assert board.board.board.services["wdt"].armed
    board.type(b"\x01", b">")
    assert board.type(b"\x04", RAW) == b"OK\r\nPYB: soft reboot\r\nboot\r\n" + RAW


def test_an_end_that_falls_into_a_soft_reset_is_kept(make: Callable[..., Rehearsal]) -> None:
    board = make()
    board.type(b"", b">>> ")
    board.board.end()
    board.board.board.halt = None  # as a reset does
    assert board.ends()


@pytest.mark.parametrize(
    "loop",
    ["while True: pass", "import utime\nwhile True: utime.sleep(1)", "input('who? ')",
     "import _thread, utime\n_thread.start_new_thread(lambda: utime.sleep(9), ())\n"
     "while True: utime.sleep(1)"],
    ids=["busy", "sleeps", "reads", "thread"],
)  # fmt: skip
def test_ctrl_c_ends_a_program(loop: str, make: Callable[..., Rehearsal]) -> None:
    board = make({"main.py": f"print('runs')\n{loop}\n"})
    said = board.type(b"\x03", b">>> ")
    assert b"KeyboardInterrupt" in said


def test_a_program_catches_ctrl_c(make: Callable[..., Rehearsal]) -> None:
    board = make({"main.py": "try:\n    while True: pass\nexcept KeyboardInterrupt:\n"
                             "    print('caught')\n"})  # fmt: skip
    assert b"caught" in board.type(b"\x03", b">>> ")


def test_a_program_reads_what_is_typed(make: Callable[..., Rehearsal]) -> None:
    board = make({"main.py": "print('<' + input('who? ') + '>')"})
    assert b"<me>\r\n" in board.type(b"me\r", b">>> ")


def test_deep_sleep_hears_nothing_until_a_reset(make: Callable[..., Rehearsal]) -> None:
    board = make({"main.py": "import machine\nif machine.reset_cause() != 0:\n    pass\n"
                             "elif not x:\n    pass\n",
                  "boot.py": "import machine, os\nx = 'slept' in os.listdir()\n"
                             "if not x:\n    open('slept', 'w').close()\n"
                             "    machine.deepsleep(900000)\n"})  # fmt: skip
    board.wait_for("sleeps 900000 ms")
    board.board.press_reset()
    assert board.type(b"", b">>> ")
    assert board.said == ["starts (power_on)", "sleeps 900000 ms", "reset: reset button",
                          "starts (power_on)"]  # fmt: skip


def test_the_watchdog_bites_at_the_prompt(make: Callable[..., Rehearsal]) -> None:
    board = make({"main.py": "import machine\nif machine.reset_cause() == 0:\n"
                             "    machine.WDT(timeout=200)\n"})  # fmt: skip
    board.wait_for("starts (watchdog)")


def mpremote(board: Rehearsal, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", board.port, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_mpremote_handles_files_and_runs_programs(make, tmp_path: Path) -> None:
    board = make()
    data = bytes(range(256)) * 3
    (tmp_path / "data").write_bytes(data)
    (tmp_path / "program.py").write_text("import os\nprint(os.uname().release)\n")
    mpremote(
        board, "fs", "cp", str(tmp_path / "data"), ":data", "+", "fs", "mkdir", "d", "+",
        "fs", "cp", ":data", str(tmp_path / "back"), "+", "fs", "cp", ":data", ":d/data",
    )  # fmt: skip
    assert (board.flash / "data").read_bytes() == data
    assert (board.flash / "d" / "data").read_bytes() == (tmp_path / "back").read_bytes() == data
    said = mpremote(board, "fs", "ls", "d", "+", "fs", "rm", "data", "+", "run",
                    str(tmp_path / "program.py"))  # fmt: skip
    assert "768 data" in said and "1.20.2.r4" in said
    assert not (board.flash / "data").exists()
    said = mpremote(board, "soft-reset", "resume", "exec", "import machine", "+",
                    "eval", "machine.reset_cause()")  # fmt: skip
    assert said.strip() == "4"


def test_mip_installs_from_a_server(make, tmp_path: Path) -> None:
    web = tmp_path / "web"
    web.mkdir()
    (web / "greet.py").write_text("def hi():\n    return 'hi'\n")
    (web / "package.json").write_text(json.dumps({"urls": [["greet.py", "greet.py"]]}))
    handler = functools.partial(Quiet, directory=str(web))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        board = make({"main.py": ""})
        url = f"http://127.0.0.1:{server.server_port}/package.json"
        said = mpremote(
            board, "mip", "install", url, "+", "exec", "import greet; print(greet.hi())"
        )
        server.shutdown()
    assert said.endswith("hi\n")
    assert (board.flash / "lib" / "greet.py").exists()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *parts: object) -> None:
        pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_tells_the_port_first_and_ends_with_0(number: int, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("while True:\n    pass\n")
    command = [sys.executable, "-m", "devkit", "board", "--pty", "--flash", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert os.path.exists(port)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert err == "./dev board: starts (power_on)\n"
