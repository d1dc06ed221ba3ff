"""The serial console of the device: what it prints, and what it is told."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from emulator.board.board import Board
from emulator.vm.errors import DeviceOSError


class Console:
    def __init__(self, board: Board, sink: Callable[[str], None]) -> None:
        self._board = board
        self._sink = sink
        self._line = ""
        self.typed: deque[str] = deque()  # characters waiting to be read by the device

    def write(self, text: str) -> None:
        self._sink(self._board.trace.secrets.hide(text))
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
