"""The serial console of the device: what it prints, and what it is told.

Floats are printed as the device prints its single-precision floats: seven significant digits.
Source: MicroPython 1.11 py/objfloat.c, py/formatfloat.c.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from typing import Any

from emulator.board.board import Board
from emulator.vm.errors import DeviceOSError, text_of


def float32(value: float) -> float:
    """The nearest single-precision number."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def float_text(value: float) -> str:
    """str() of a float on the device."""
    text = f"{float32(value):.7g}"
    return text if any(mark in text for mark in ".en") else text + ".0"


def device_text(value: Any, as_repr: bool = False) -> str:
    """str() or repr() of a value as the device prints it."""
    kind = type(value)
    if kind is float:
        return float_text(value)
    if kind is list:
        return "[" + ", ".join(device_text(item, True) for item in value) + "]"
    if kind is tuple:
        comma = "," if len(value) == 1 else ""
        return "(" + ", ".join(device_text(item, True) for item in value) + comma + ")"
    if kind is dict:
        pairs = (f"{device_text(k, True)}: {device_text(v, True)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, BaseException):
        return f"{kind.__name__}{device_text(value.args)}" if as_repr else text_of(value)
    return repr(value) if as_repr else str(value)


class Console:
    def __init__(self, board: Board, sink: Callable[[str], None]) -> None:
        self._board = board
        self._sink = sink
        self._line = ""
        self.typed: deque[str] = deque()  # characters waiting to be read by the device

    def write(self, text: str) -> None:
        self._sink(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._board.trace.add("print", line)

    def close(self) -> None:
        """The program is over: an unfinished line belongs into the trace as well."""
        if self._line:
            self._board.trace.add("print", self._line)
            self._line = ""

    def type(self, text: str) -> None:
        self.typed.extend(text)

    def read_line(self) -> str:
        line = ""
        while self.typed and not line.endswith("\n"):
            line += self.typed.popleft()
        return line


class ConsoleStream:
    """sys.stdout, sys.stderr and sys.stdin of the device."""

    native_stream = True

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str | bytes) -> int:
        shown = text if isinstance(text, str) else bytes(text).decode("utf-8", "replace")
        self._console.write(shown)
        return len(text)

    def read(self, size: int = -1) -> str:
        """Nothing typed reads as the end of the input: nobody sits at an emulated console."""
        typed = self._console.typed
        count = len(typed) if size < 0 else min(size, len(typed))
        return "".join(typed.popleft() for _ in range(count))

    def readline(self) -> str:
        return self._console.read_line()

    def close(self) -> None:
        pass


def stream_writer(stream: Any) -> Callable[[str], object]:
    """`write` of a native stream. A class of the device with a write() method is none."""
    if not getattr(type(stream), "native_stream", False):
        raise DeviceOSError("stream operation not supported")
    writer: Callable[[str], object] = stream.write
    return writer
