"""A MicroPython VM as a process: starting it, its frames with a limit in real time, ending it."""

from __future__ import annotations

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


class VmDied(Halt):
    """The VM has ended though nobody told it to; its last words say why."""

    kind = "vm_died"


class Silence(Exception):
    """The VM has not called for too long."""


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
        self._buffer = bytearray()

    def receive(self, timeout_s: float) -> list[Any]:
        """The values of the next frame. Silence after `timeout_s` without a byte."""
        (size,) = HEADER.unpack(self._read(HEADER.size, timeout_s))
        if size > MOST_BYTES:
            start = HEADER.pack(size) + self._buffer[:60]
            raise VmDied(f"the VM does not speak the stream; it began with {bytes(start)!r}")
        return decode_all(self._read(size, timeout_s))

    def _read(self, size: int, timeout_s: float) -> bytes:
        buffer = self._buffer
        while len(buffer) < size:
            if not select.select([self._out], [], [], timeout_s)[0]:
                raise Silence
            piece = os.read(self._out, 65536)
            if not piece:
                raise VmDied(self._last_words())
            buffer += piece
        data = bytes(buffer[:size])
        del buffer[:size]
        return data

    def send(self, frame: bytes) -> None:
        data = memoryview(HEADER.pack(len(frame)) + frame)
        try:
            while data:
                data = data[os.write(self._in, data) :]
        except BrokenPipeError:
            raise VmDied(self._last_words()) from None

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
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
