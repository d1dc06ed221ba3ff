"""Data mode: bytes pass through; "+++" between two silences leads back to commands.

The host must be silent for one second before and after the three characters; otherwise they are
data like any others. A suspended connection is resumed with ATO and ended with ATH.
Source: Hayes escape sequence, as Sequans modems honour it in PPP and online socket mode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emulator.board.board import Board
from emulator.board.clock import Timer
from emulator.board.constants import STANDARD, constant
from emulator.modem.output import Output

GUARD_MS = constant(1000, "ms", STANDARD, "ITU-T V.250: silence around +++")


@dataclass
class Connection:
    """What the port is connected with. `owner` tells connections apart ("ppp 1", "socket 2")."""

    owner: str
    sink: Callable[[bytes], None]  # bytes of the host
    closed: Callable[[], None]  # told when it is hung up by the host (ATH) or lost


class DataPort:
    def __init__(
        self, board: Board, output: Output, to_commands: Callable[[str | None], None]
    ) -> None:
        self._board = board
        self._output = output
        self._to_commands = to_commands
        self.connection: Connection | None = None
        self.active = False
        self._heard_us = 0
        self._pluses = 0
        self._timer = Timer(board.clock)

    def connect(self, connection: Connection) -> None:
        """Have the port switch to `connection` behind the CONNECT about to be sent."""
        self.connection = connection

    def start(self) -> None:
        """CONNECT has been sent."""
        if self.connection is not None:
            self.active = True
            self._heard_us = self._board.clock.now_us
            self._pluses = 0
            self._output.hold("data")

    def feed(self, data: bytes) -> None:
        now_us = self._board.clock.now_us
        quiet = now_us - self._heard_us >= GUARD_MS * 1000
        self._heard_us = now_us
        if data.strip(b"+") == b"" and (self._pluses or quiet) and self._pluses + len(data) <= 3:
            self._pluses += len(data)
            if self._pluses == 3:
                self._timer.start_ms(GUARD_MS, self._escape)
            return
        self._timer.stop()
        held, self._pluses = b"+" * self._pluses, 0
        if self.connection is not None:
            self.connection.sink(held + data)

    def send(self, data: bytes) -> None:
        """Bytes for the host, while in data mode."""
        if self.active:
            self._output.answer(data)

    def hang_up(self) -> None:
        """End the (suspended) connection on behalf of the host."""
        connection, self.connection, self.active = self.connection, None, False
        if connection is not None:
            connection.closed()

    def lost(self) -> None:
        """The connection ended by itself: the host reads NO CARRIER if it is in data mode."""
        was_active = self.active
        self._timer.stop()
        self.hang_up()
        if was_active:
            self._to_commands("NO CARRIER")

    def drop(self) -> None:
        """The modem restarts."""
        self._timer.stop()
        self.connection, self.active, self._pluses = None, False, 0

    def _escape(self) -> None:
        self._pluses = 0
        self.active = False
        self._to_commands("OK")
