"""Bounds for device code: a loop that never calls the board still costs time, and a run ends.

Each turn of each loop of device code calls `tick` (emulator/vm/compiler.py). The first turns after
a call into the firmware are free; then every turn is charged, so that a watchdog bites an endless
loop, an interrupt or another thread can end a busy wait, and a run-wide limit is reached.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.board.board import Board, Halt
from emulator.board.constants import COMPARABLE, ESTIMATE, constant

# since the last call into the firmware
FREE_TURNS = constant(
    100_000,
    "turn",
    ESTIMATE,
    "turns of loops since the last call that cost nothing; no source found",
)
TURN_US = constant(20, "us", COMPARABLE, "a simple turn takes 8 us on this chip, its body more")
BATCH = 500
COMPUTED_US = constant(
    60_000_000, "us", ESTIMATE, "chosen: a loop that has lasted so long may still be a computation"
)
# Beyond it a batch costs at least this part of what the loop has cost so far: the rest of an hour
# takes about five hundred batches.
SHARE = 128
HANG_US = 3_600_000_000  # no watchdog, no limit, no call for an hour: a hang


class TimeLimit(Halt):
    """The run has used up the virtual time it was given."""

    kind = "time_limit"


class Hang(Halt):
    """Device code loops for ever without calling the firmware."""

    kind = "hang"


def limit_time(board: Board, at_us: int, doing: Callable[[], str] = lambda: "") -> None:
    """End whatever runs at that instant of the virtual clock. doing(): what the program does then,
    for the message."""

    def end() -> None:
        said = doing()
        text = "the virtual time of the run is used up"
        board.stop(TimeLimit(f"{text}; the program {said}" if said else text))

    board.clock.schedule(at_us - board.clock.now_us, end)


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
        board = self._board
        batch_us = BATCH * TURN_US
        if self.charged_us > COMPUTED_US:
            batch_us = max(batch_us, self.charged_us // SHARE)
        self.charged_us += batch_us
        if self.charged_us > HANG_US:
            board.stop(Hang("no call into the firmware for an hour"))
        board.clock.run_until(board.clock.now_us + batch_us, lambda: board.halt is not None)
        board.spend_us(0)  # raises what has halted the board, at its very instant
        charged_us = self.charged_us
        self._pause()  # a handler that calls the firmware does not make this loop a useful one
        self.charged_us = charged_us
        self.left = BATCH
