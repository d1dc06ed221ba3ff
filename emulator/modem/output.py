"""What the modem says, in order: answers and URCs, never one inside the other.

Every `answer` and every `urc` is one piece on the wire. URCs wait while the host enters the data
of a prompt, while the port is in data mode (then a line break tells the host, +SQNIBRCFG), and
while the modem sleeps: what it held then it says when it accepts the next command, or has
something new to say after it woke up.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.board.board import Board
from emulator.modem.engine import Line
from emulator.modem.uart import Uart

HELD_URCS = 64  # of what comes while nobody may be told, the oldest are forgotten


def to_bytes(line: Line) -> bytes:
    return line if isinstance(line, bytes) else line.encode("latin-1", "replace")


class Output:
    def __init__(self, board: Board, uart: Uart, chunk_bytes: int, chunk_gap_ms: float) -> None:
        self._board = board
        self._uart = uart
        self._chunk_bytes = chunk_bytes
        self._chunk_gap_us = round(chunk_gap_ms * 1000)
        self._line_free_us = 0
        self._held: list[bytes] = []
        self._holders: set[str] = set()
        self.verbose = True
        self.silent = False  # mute or switched off: nothing leaves
        self.on_said: Callable[[], None] = lambda: None
        self.on_break: Callable[[], None] = lambda: None  # a URC waits and the port carries data

    def answer(self, data: bytes) -> None:
        """Part of the answer to a command, framed already; or data of a connection."""
        if self.silent or not data:
            return
        self.on_said()
        now_us = self._board.clock.now_us
        if self._line_free_us <= now_us and not self._chunk_bytes:
            self._uart.emit(data)
            return
        step = self._chunk_bytes or len(data)
        for start in range(0, len(data), step):
            self._later(data[start : start + step])

    def urc(self, text: Line) -> None:
        frame = self.frame([text])
        if self._holders:
            del self._held[: max(0, len(self._held) + 1 - HELD_URCS)]
            self._held.append(frame)
            if "data" in self._holders and not self.silent:
                self.on_break()
        else:
            self.answer(frame)

    def frame(self, lines: list[Line]) -> bytes:
        """Information text: CRLF before and after it, one CRLF between its lines (V.250 5.7.1)."""
        body = b"\r\n".join(to_bytes(line) for line in lines)
        return (b"\r\n" if self.verbose else b"") + body + b"\r\n"

    @property
    def holds(self) -> bool:
        """URCs wait for somebody to be told."""
        return bool(self._held)

    def hold(self, why: str, unread: bytes = b"") -> None:
        """`unread`: what was said already and has not been heard."""
        self._holders.add(why)
        if unread:
            self._held.append(unread)

    def release(self, why: str) -> None:
        """End one reason to hold URCs; without any left they go out, each on its own."""
        if why not in self._holders:
            return
        self._holders.discard(why)
        if not self._holders:
            held, self._held = self._held, []
            for frame in held:
                self.answer(frame)

    def clear(self) -> None:
        """The modem restarts: nobody hears what it still wanted to say."""
        self._held.clear()
        self._holders.clear()

    def _later(self, chunk: bytes) -> None:
        now_us = self._board.clock.now_us
        start_us = max(self._line_free_us, now_us)
        self._line_free_us = start_us + self._uart.byte_time_us(len(chunk)) + self._chunk_gap_us
        if start_us == now_us:
            self._uart.emit(chunk)
        else:
            self._board.clock.schedule(start_us - now_us, lambda: self._uart.emit(chunk))
