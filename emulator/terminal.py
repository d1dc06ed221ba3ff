"""The computer's end of the modem's wire: sends command lines, knows when the answer is complete.

It is what a person at a terminal program is to a modem. Nothing here interprets answers beyond
their end: a final result code (ITU-T V.250 5.7.1, 3GPP TS 27.007 9.1) or the prompt for data.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from emulator.board.board import Board
from emulator.modem.uart import Uart

# A whole line with a final result code, also as a digit (ATV0), or the prompt at the very end.
_FINAL = re.compile(
    rb"(?:^|[\r\n])(?:OK|ERROR|NO CARRIER|BUSY|NO ANSWER|NO DIALTONE|CONNECT[^\r\n]*"
    rb"|\+CM[ES] ERROR:[^\r\n]*)\r\n|[\r\n][0-8]\r$"
)
_PROMPT = re.compile(rb"\r\n> $")
_CONNECT = re.compile(rb"(?:^|[\r\n])CONNECT[^\r\n]*\r\n")
_NO_CARRIER = re.compile(rb"(?:^|[\r\n])NO CARRIER\r\n")
_ESCAPED = re.compile(r"\\(?:x([0-9a-fA-F]{2})|([rntbe0\\]))")
_ESCAPES = {"r": 13, "n": 10, "t": 9, "b": 8, "e": 27, "0": 0, "\\": 92}

QUIET_MS = 20  # after a final result code; drivers leave as much before the next command
GUARD_MS = 1100  # silence before and after +++, a little more than V.250's second
WAKE_MS = 500  # RTS wakes the modem; it held what it had to say until now


def unescape(text: str) -> bytes:
    r"""What is typed as data: \r \n \t \b \0 \e \xHH \\ are one byte each, the rest is UTF-8."""
    pieces = []
    end = 0
    for match in _ESCAPED.finditer(text):
        pieces.append(text[end : match.start()].encode())
        code = int(match[1], 16) if match[1] else _ESCAPES[match[2]]
        pieces.append(bytes([code]))
        end = match.end()
    return b"".join([*pieces, text[end:].encode()])


class Terminal:
    def __init__(self, board: Board, uart: Uart, show: Callable[[bytes], None]) -> None:
        self.board = board
        self.uart = uart
        self.show = show  # gets every byte of the modem, as soon as it is there
        self.prompted = False  # the modem waits for data, not for a command
        self.online = False  # CONNECT came: the modem passes on everything as data
        self.paused = False  # whoever is shown the bytes cannot take more now

    def open(self, settle_ms: int = WAKE_MS) -> None:
        """Raise RTS, and give the modem so long to become ready."""
        self.uart.set_rts(True)
        self.listen(settle_ms)

    def send(self, text: str, wait_ms: int) -> bool:
        """Send a line as the modem's state asks for, and let time pass until it is answered.

        A command gets its CR. After a prompt, and while online, `text` is data: escapes are
        resolved and nothing is added, except that +++ gets its silence. False: no answer in time.
        """
        if text == "+++":
            return self._escape(wait_ms)
        if self.online:
            self.write(unescape(text))
            self.listen(min(wait_ms, GUARD_MS))
            return True
        data = unescape(text) if self.prompted else text.encode() + b"\r"
        self.prompted = False
        self.write(data)
        return self._answered(wait_ms)

    def listen(self, duration_ms: int) -> None:
        """Let time pass, and show what the modem says by itself."""
        self.pass_us(duration_ms * 1000)

    def pass_us(self, duration_us: int) -> None:
        self._listen(b"", duration_us)

    def write(self, data: bytes) -> None:
        self.uart.write(data)

    def _escape(self, wait_ms: int) -> bool:
        self.listen(GUARD_MS)
        self.write(b"+++")
        self.online = False
        answered = self._answered(min(wait_ms, GUARD_MS))
        self.listen(GUARD_MS)
        return answered

    def _answered(self, wait_ms: int) -> bool:
        deadline_us = self.board.clock.now_us + wait_ms * 1000
        said = b""
        while True:
            said += self._take(deadline_us)
            if _PROMPT.search(said):
                self.prompted = True
                return True
            if _FINAL.search(said):
                self.online = bool(_CONNECT.search(said))
                self._listen(said, QUIET_MS * 1000)
                return True
            if self.board.clock.now_us >= deadline_us:
                return False

    def _listen(self, said: bytes, duration_us: int) -> None:
        deadline_us = self.board.clock.now_us + duration_us
        while self.board.clock.now_us < deadline_us:
            said += self._take(deadline_us)
        if self.online and _NO_CARRIER.search(said):
            self.online = False

    def _take(self, deadline_us: int) -> bytes:
        """Let time pass until there is something, show and return it; b"" at the deadline."""
        self.board.clock.run_until(
            deadline_us, lambda: self.uart.waiting() > 0 and not self.paused
        )
        data = b"" if self.paused else self.uart.read()
        if data:
            self.show(data)
        return data
