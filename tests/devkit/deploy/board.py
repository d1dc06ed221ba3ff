"""A board behind a pseudo-terminal, and what a bad cable does to it."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from emulator import scenario
from emulator.vm import webassembly
from tests.usb_board import Rehearsal

HERE = Path(__file__).resolve().parent
PATIENCE_S = 20.0


class Terminal:
    """Two ends: `fd` is the device's, `port` the name that a program opens."""

    def __init__(self) -> None:
        self.fd, self.other = os.openpty()  # `other` stays open, so that `fd` never hangs up
        tty.setraw(self.other)
        self.port = os.ttyname(self.other)

    def close(self) -> None:
        for fd in (self.fd, self.other):
            with contextlib.suppress(OSError):
                os.close(fd)


class Pycom:
    """An emulated GPy on a pseudo-terminal.

    blocks: the size of its flash; stat_blocks: how many of them it says are free.
    fault: what goes wrong, as in a scenario."""

    def __init__(
        self,
        flash: Path,
        files: dict[str, bytes],
        blocks: int | None = None,
        stat_blocks: int | None = None,
        fault: dict[str, Any] | None = None,
        filesystem: str = "littlefs",
    ) -> None:
        for path, data in files.items():
            (flash / path).parent.mkdir(parents=True, exist_ok=True)
            (flash / path).write_bytes(data)
        table = {"board": {"filesystem": filesystem}, "fault": [fault] if fault else []}
        self.rehearsal = Rehearsal(flash, scenario=scenario.from_table(table))
        self.flash = flash
        self.port = self.rehearsal.port
        disk: Any = self.rehearsal.board.board.services["flash"]
        if blocks is not None:
            disk.size_bytes = blocks * 4096
        if stat_blocks is not None:
            disk.do_statvfs = lambda path: [4096, 4096, 1024, stat_blocks, stat_blocks]
        self.end = os.open(self.port, os.O_RDWR | os.O_NOCTTY)  # of a cable
        self._trace = self.rehearsal.board.board.trace
        self._before = len(self._trace.of("file"))

    def close(self) -> None:
        self.rehearsal.close()
        os.close(self.end)

    def run(self, line: str) -> None:
        """Type a line at the prompt."""
        self.rehearsal.type(line.encode() + b"\r\r", b">>> ")

    def files(self) -> dict[str, bytes]:
        """Everything in its flash."""
        found = [path for path in self.flash.rglob("*") if path.is_file()]
        return {path.relative_to(self.flash).as_posix(): path.read_bytes() for path in found}

    def events(self) -> list[str]:
        """What happened to the files: "open x", "write x", "rename x y", "remove x"."""
        return [entry.text for entry in self._trace.of("file")[self._before :]]

    def changes(self) -> list[str]:
        changing = ("write", "rename", "remove", "mkdir", "rmdir")
        return [text for text in self.events() if text.startswith(changing)]


class Current:
    """Another MicroPython's own REPL: its WebAssembly build, in Node.js."""

    def __init__(self) -> None:
        self.terminal = Terminal()
        self.port = self.terminal.port
        command = [webassembly.command()[0], str(HERE / "repl_host.mjs")]
        command += [
            str(webassembly.package()),
            str(HERE / "current.py"),
            "",
            str(self.terminal.fd),
        ]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, pass_fds=[self.terminal.fd]
        )
        self._read(b">>> ")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.terminal.close()

    def run(self, code: str) -> str:
        """What the code prints; for when no program has the port open."""
        with contextlib.suppress(BlockingIOError):
            while select.select([self.terminal.other], [], [], 0)[0]:
                os.read(self.terminal.other, 4096)
        os.write(self.terminal.other, b"\x03\x01")
        self._read(b"exit\r\n>")
        os.write(self.terminal.other, code.encode() + b"\x04")
        said = self._read(b"\x04>").removeprefix(b"OK")
        output, error = said.split(b"\x04")[:2]
        os.write(self.terminal.other, b"\x02")
        assert not error, error.decode()
        return output.decode()

    def _read(self, ending: bytes) -> bytes:
        data = b""
        deadline = time.monotonic() + PATIENCE_S
        while not data.endswith(ending):
            assert time.monotonic() < deadline, f"the board only said {data!r}"
            assert self.process.poll() is None, "the board is no more"
            if select.select([self.terminal.other], [], [], 0.2)[0]:
                data += os.read(self.terminal.other, 4096)
        return data


class Cable:
    """Between a program and a board: `harm(bytes so far, data) -> data` may lose some of what the
    program sends, `harm_back` of what the board says."""

    def __init__(
        self,
        board: Pycom,
        harm: Callable[[int, bytes], bytes] = lambda count, data: data,
        harm_back: Callable[[int, bytes], bytes] = lambda count, data: data,
    ) -> None:
        self.terminal = Terminal()
        self.port = self.terminal.port
        self.passed = [0, 0]
        self._ends = (self.terminal.fd, board.end)
        self._harm = (harm, harm_back)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        while not self._stop.is_set():
            for end in select.select(self._ends, [], [], 0.05)[0]:
                way = self._ends.index(end)
                data = os.read(end, 4096)
                harmed = self._harm[way](self.passed[way], data)
                self.passed[way] += len(data)
                if harmed:
                    os.write(self._ends[1 - way], harmed)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self.terminal.close()


def losing(start: int, count: int = 1) -> Callable[[int, bytes], bytes]:
    """A harm: so many bytes from an offset on are lost."""

    def harm(passed: int, data: bytes) -> bytes:
        first, last = max(0, start - passed), max(0, start + count - passed)
        return data[:first] + data[last:]

    return harm


@contextlib.contextmanager
def babbling(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """A port behind which something answers that is no REPL."""
    terminal = Terminal()
    stop = threading.Event()

    def talk() -> None:
        while not stop.is_set():
            got = b""
            if select.select([terminal.fd], [], [], 0.01)[0]:
                got = os.read(terminal.fd, 4096)
            said = answer(got)
            if said:
                os.write(terminal.fd, said)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield terminal.port
    finally:
        stop.set()
        thread.join()
        terminal.close()
