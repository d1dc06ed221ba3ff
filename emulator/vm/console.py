"""The serial console of the device: what it prints, and what it is told.

Whatever is printed leaves by UART 0 at 115200 baud, 8N1, with CR LF for each LF. A call that
prints returns when its last character is in the FIFO of 128; until then nothing else runs.
Source: Pycom firmware 1.20.2.r4, frozen/Base/_boot.py, esp32/hal/esp32_mphal.c
(mp_hal_stdout_tx_strn_cooked), esp32/mods/machuart.c (uart_tx_strn).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from emulator.board.board import Board, Halt
from emulator.board.constants import CODE, ESTIMATE, constant
from emulator.board.serial import FIFO_BYTES
from emulator.vm.errors import DeviceOSError

BAUD = constant(115_200, "baud", CODE, "1.20.2.r4 frozen/Base/_boot.py")
# 8N1
BITS_PER_CHARACTER = constant(10, "bit", CODE, "8N1")
# a program that reads looks so often for something typed
LOOK_US = constant(10_000_000, "us", ESTIMATE, "nobody types at an emulated console")
_LOOKS = 8_640  # in vain, then the run ends


class NobodyTypes(Halt):
    """The program has waited for a day for somebody who types."""

    kind = "hang"


class Console:
    def __init__(self, board: Board, sink: Callable[[str], None]) -> None:
        self._board = board
        self._sink = sink
        self._pins: Any = board.services.get("console")
        self._line = ""
        pins: Any = self._pins
        if pins is not None:
            pins.show = self._show
        self._free_us = 0  # when the last character written will have been sent
        self.typed: deque[str] = deque()  # characters waiting to be read by the device
        self.more: Callable[[], str] | None = None  # waits for a person's next character
        self._in_vain = 0  # looks for something typed, one after the other

    def write(self, text: str) -> None:
        """Show `text`; the device spends the time until the rest fits into the FIFO."""
        if self._pins is not None and self._pins.silent:
            return
        self._show(text)
        now_us = self._board.clock.now_us
        characters = len(text.encode("utf-8", "surrogateescape")) + text.count("\n")  # CR LF
        self._free_us = max(self._free_us, now_us) + _sent_us(characters)
        self._board.spend_us(self._free_us - _sent_us(FIFO_BYTES + 1) - now_us)

    def _show(self, text: str) -> None:
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
        """What was typed, "" if nothing was yet."""
        if self._pins is not None and self._pins.deaf:
            self.typed.clear()
        line = ""
        while not line.endswith("\n") and self.await_typed():
            line += self.typed.popleft()
        return line

    def await_typed(self) -> bool:
        """Something is there to be read; without a person, what was typed before."""
        if not self.typed and self.more is not None:
            self.typed.append(self.more())
        if not self.typed:
            self._board.last_calls.append(("console.typed", ()))
        self._in_vain = 0 if self.typed else self._in_vain + 1
        if self._in_vain > _LOOKS:
            self._board.stop(NobodyTypes("the program reads the console, and nobody types"))
        return bool(self.typed)


def _sent_us(characters: int) -> int:
    return characters * BITS_PER_CHARACTER * 1_000_000 // BAUD


class ConsoleStream:
    """sys.stdout, sys.stderr and sys.stdin of the device."""

    native_stream = True

    def __init__(self, console: Console, stand: Callable[[], object] | None = None) -> None:
        """stand: lets some time pass while nothing is typed; None: return "" then."""
        self._console = console
        self._stand = stand

    def write(self, text: str | bytes) -> int:
        shown = text if isinstance(text, str) else bytes(text).decode("utf-8", "replace")
        self._console.write(shown)
        return len(text)

    def read(self, size: int = -1) -> str:
        if size == 0:
            return ""
        return self._awaited(lambda: self._typed(size))

    def readline(self) -> str:
        return self._awaited(self._console.read_line)

    def _awaited(self, read: Callable[[], str]) -> str:
        text = read()
        while not text and self._stand is not None:
            self._stand()
            text = read()
        return text

    def _typed(self, size: int) -> str:
        console = self._console
        count = max(1, len(console.typed)) if size < 0 else size
        text = ""
        while len(text) < count and console.await_typed():
            text += console.typed.popleft()
        return text

    def close(self) -> None:
        pass


def stream_writer(stream: Any) -> Callable[[str], object]:
    """`write` of a native stream. A class of the device with a write() method is none."""
    if not getattr(type(stream), "native_stream", False):
        raise DeviceOSError("stream operation not supported")
    writer: Callable[[str], object] = stream.write
    return writer
