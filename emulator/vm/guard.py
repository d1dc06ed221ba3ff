"""Bounds for device code: a loop that never calls the board still costs time, and a run ends.

Each turn of each loop of device code calls `tick` (emulator/vm/compiler.py). The first turns after
a call into the firmware are free; then every turn is charged, so that a watchdog bites an endless
loop, an interrupt or another thread can end a busy wait, and a run-wide limit is reached.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.board.board import Board, Halt

FREE_TURNS = 100_000  # since the last call into the firmware
TURN_US = 20
BATCH = 500
# A loop that has eaten so much is not computing: charge more, or nobody lives to see its end.
LONG_US = 60_000_000
LONG_TURN_US = 1_000
HANG_US = 3_600_000_000  # no watchdog, no limit, no call for an hour: a hang


class TimeLimit(Halt):
    """The run has used up the virtual time it was given."""

    kind = "time_limit"


class Hang(Halt):
    """Device code loops for ever without calling the firmware."""

    kind = "hang"


class LoopGuard:
    def __init__(self, board: Board, pause: Callable[[], None]) -> None:
        """pause: called now and then; lets interrupt handlers and other threads run."""
        self._board = board
        self._pause = pause
        self.charged_us = 0
        self.left = FREE_TURNS

    def touched(self) -> None:
        """The device called the firmware."""
        self.left = FREE_TURNS
        self.charged_us = 0

    def tick(self) -> None:
        self.left -= 1
        if self.left < 0:
            self.charge()

    def charge(self) -> None:
        """A batch of turns without a call is over."""
        turn_us = TURN_US if self.charged_us < LONG_US else LONG_TURN_US
        self.charged_us += BATCH * turn_us
        if self.charged_us > HANG_US:
            self._board.stop(Hang("no call into the firmware for an hour"))
        self._board.spend_us(BATCH * turn_us)
        charged_us = self.charged_us
        self._pause()  # a handler that calls the firmware does not make this loop a useful one
        self.charged_us = charged_us
        self.left = BATCH
