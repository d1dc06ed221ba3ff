"""A MicroPython VM as a process: starting it, its frames with a limit in real time, ending it.

Starting the WebAssembly build takes a hundred times what a new VM in a running process takes. Such
a process starts anew by itself when its program ends, and is kept for the next boot of any board.
"""

from __future__ import annotations

import atexit
import os
import select
import struct
import subprocess
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from emulator.board.board import Halt
from emulator.vm.stream import MOST_BYTES, decode_all

HEADER = struct.Struct(">I")
MOST_SPARE = 2  # each takes about 80 MB


class VmDied(Halt):
    """The VM has ended though nobody told it to; its last words say why."""

    kind = "vm_died"


class Silence(Exception):
    """The VM has not called for too long."""


def _is_frame(data: bytes) -> bool:
    """Whether it is one whole frame."""
    size = len(data) - HEADER.size
    return size >= 0 and HEADER.unpack_from(data)[0] == size


class VmProcess:
    def __init__(self, command: Sequence[str]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
            )
        except OSError as problem:
            self._errors.close()
            raise VmDied(f"{command[0]}: {problem.strerror}") from problem
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in = self._process.stdin.fileno()
        self._out = self._process.stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)
        self._buffer = bytearray()
        self._waits = False  # the VM has sent a frame and waits for its answer

    def receive(self, timeout_s: float) -> list[Any]:
        """The values of the next frame. Silence after `timeout_s` without a byte."""
        buffer = self._buffer
        if not buffer:
            piece = self._read(timeout_s)
            if _is_frame(piece):  # nearly always
                self._waits = True
                return decode_all(piece[HEADER.size :])
            buffer += piece
        while len(buffer) < HEADER.size:
            buffer += self._read(timeout_s)
        end = HEADER.size + HEADER.unpack_from(buffer)[0]
        if end > MOST_BYTES:
            raise VmDied(f"the VM does not speak the stream; it began with {bytes(buffer[:64])!r}")
        while len(buffer) < end:
            buffer += self._read(timeout_s)
        frame = bytes(buffer[HEADER.size : end])
        del buffer[:end]
        self._waits = True
        return decode_all(frame)

    def _read(self, timeout_s: float) -> bytes:
        if not self._poll.poll(timeout_s * 1000):
            raise Silence
        piece = os.read(self._out, 65536)
        if not piece:
            raise VmDied(self._last_words())
        return piece

    def send(self, frame: bytes) -> None:
        """Answer the last frame. An empty answer has the WebAssembly build start anew."""
        self._waits = False
        data = HEADER.pack(len(frame)) + frame
        try:
            sent = os.write(self._in, data)
            while sent < len(data):
                sent += os.write(self._in, memoryview(data)[sent:])
        except BrokenPipeError:
            raise VmDied(self._last_words()) from None

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def restart(self) -> bool:
        """Let the WebAssembly build start anew; whether it does. A VM that runs cannot be told."""
        if not (self._waits and self.runs):
            return False
        try:
            self.send(b"")
        except VmDied:
            return False
        return True

    def kill(self) -> None:
        if self.runs:
            self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._errors.close()

    def _last_words(self) -> str:
        deadline = time.monotonic() + 2
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        self._errors.seek(0)
        said = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        words = " | ".join(line[:200] for line in said[-5:])
        return f"the VM ended by itself, status {self._process.returncode}: {words or 'no word'}"


class Spare:
    """Processes of one command that have started anew and that no board uses."""

    def __init__(self) -> None:
        self._processes: list[VmProcess] = []
        atexit.register(self.close)

    def take(self, command: Sequence[str]) -> VmProcess:
        """One that has not ended meanwhile, or else a new one."""
        while self._processes:
            process = self._processes.pop()
            if process.runs:
                return process
            process.close()
        return VmProcess(command)

    def give_back(self, process: VmProcess) -> None:
        if len(self._processes) < MOST_SPARE and process.restart():
            self._processes.append(process)
        else:
            process.close()

    def close(self) -> None:
        while self._processes:
            self._processes.pop().close()
