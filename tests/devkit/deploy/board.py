"""A board behind a pseudo-terminal, and what a bad cable does to it."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import subprocess
import tempfile
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

from emulator.vm import webassembly

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


class Board:
    """MicroPython's REPL in Node.js; the options are those of board_on_vm.py."""

    def __init__(self, files: dict[str, bytes] | None = None, **options: object) -> None:
        options["files"] = {
            path: base64.b64encode(data).decode() for path, data in (files or {}).items()
        }
        self.terminal = Terminal()
        self.port = self.terminal.port
        command = [
            webassembly.command()[0],
            str(HERE / "repl_host.mjs"),
            str(webassembly.package()),
        ]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as given:  # long for an argument
            json.dump(options, given)
            given.flush()
            command += [str(HERE / "board_on_vm.py"), given.name, str(self.terminal.fd)]
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, pass_fds=[self.terminal.fd]
            )
            self._read(b">>> ")
        self.pycom = options.get("pycom", True)

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

    def files(self) -> dict[str, bytes]:
        """Everything in its flash."""
        code = (
            "import json, binascii\nfrom emulated import DISK\n"
            "print(json.dumps({k: binascii.hexlify(v).decode()"
            " for k, v in DISK.files.items() if v is not None}))"
        )
        found = json.loads(self.run(code))
        return {path.lstrip("/"): bytes.fromhex(data) for path, data in found.items()}

    def events(self) -> list[str]:
        """What happened on the disk and to the board since the start."""
        found: list[str] = json.loads(
            self.run("import json, emulated\nprint(json.dumps(emulated.EVENTS))")
        )
        return found

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
        board: Board,
        harm: Callable[[int, bytes], bytes] = lambda count, data: data,
        harm_back: Callable[[int, bytes], bytes] = lambda count, data: data,
    ) -> None:
        self.terminal = Terminal()
        self.port = self.terminal.port
        self.passed = [0, 0]
        self._ends = (self.terminal.fd, board.terminal.other)
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
