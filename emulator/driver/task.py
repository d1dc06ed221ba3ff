"""How the driver's C code spends time: its procedures are generators that yield a `Wait`.

The same procedure can be driven in two ways: `drive` lets the device wait for it (a command sent
from Python), `Background` steps it from clock events while the device does something else (the
modem task that was started before boot.py). FreeRTOS sleeps end on the 1 ms tick, and so do both.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeVar

from emulator.board.board import Board, Halt, fail
from emulator.board.clock import Event
from emulator.board.constants import CODE, constant

# configTICK_RATE_HZ is 1000
TICK_US = constant(1000, "us", CODE, "1.20.2.r4 sdkconfig.h: configTICK_RATE_HZ is 1000")
FOREVER_MS = 24 * 3_600_000  # a wait without limit is given up, with a message, after a day

Result = TypeVar("Result")


class NeverReturns(Halt):
    """The firmware waits here for ever, with the interpreter locked."""

    kind = "hang"


class Wait(NamedTuple):
    """Sleep `ticks` FreeRTOS ticks, or less if `until()` holds at one of them; or exactly `us`."""

    ticks: int = 0
    until: Callable[[], bool] | None = None
    us: int = 0


Procedure = Generator[Wait, None, Result]


def tick_after(now_us: int, ticks: int) -> int:
    """The instant of the `ticks`-th tick from now: a sleep of n ticks lasts n-1 to n ms."""
    return (now_us // TICK_US + ticks) * TICK_US


def never_returns(board: Board, why: str) -> Halt:
    """The firmware waits here for ever: an armed watchdog ends that, else the run ends. To be
    raised by the caller."""
    watchdog: Any = board.services.get("wdt")
    if watchdog is not None and watchdog.armed:
        board.clock.run_until(board.clock.now_us + FOREVER_MS * 1000, board.halted)
    return fail(board, NeverReturns(why))


def drive(board: Board, procedure: Procedure[Result]) -> Result:
    """Carry out `procedure` while the device waits. No handler runs meanwhile; a reset ends it."""
    while True:
        try:
            wait = next(procedure)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        _pass(board, wait)


def _pass(board: Board, wait: Wait) -> None:
    now_us = board.clock.now_us
    until = wait.until
    if until is None:
        _sleep_until(board, now_us + wait.us if wait.us else tick_after(now_us, wait.ticks))
        return
    deadline_us = tick_after(now_us, wait.ticks)
    _sleep_until(board, tick_after(now_us, 1))
    _sleep_until(board, deadline_us, until)
    _sleep_until(
        board, board.clock.now_us + -board.clock.now_us % TICK_US
    )  # looked at on the tick


def _sleep_until(board: Board, deadline_us: int, until: Callable[[], bool] | None = None) -> None:
    """Let time pass; a reset of the board ends the program at its very instant."""

    def ends() -> bool:
        return board.halt is not None or (until is not None and until())

    board.clock.run_until(deadline_us, board.halted if until is None else ends)
    if board.halt is not None:
        raise board.halt


class Background:
    """A procedure stepped by clock events, as a FreeRTOS task of its own."""

    def __init__(self, board: Board, procedure: Procedure[Any]) -> None:
        self._board = board
        self._procedure = procedure
        self._event: Event | None = None
        self.done = False
        self._step()

    def cancel(self) -> None:
        """The ESP32 was reset: the task is gone, whatever it was doing."""
        if self._event is not None:
            self._event.cancel()
        self._procedure.close()
        self.done = True

    def _step(self) -> None:
        try:
            wait = next(self._procedure)
        except StopIteration:
            self.done = True
            return
        now_us = self._board.clock.now_us
        if wait.until is not None:
            self._poll(wait.until, tick_after(now_us, wait.ticks))
        else:
            delay_us = wait.us if wait.us else tick_after(now_us, wait.ticks) - now_us
            self._event = self._board.clock.schedule(delay_us, self._step)

    def _poll(self, until: Callable[[], bool], deadline_us: int) -> None:
        clock = self._board.clock

        def look() -> None:  # on a tick; those before anything can have changed are left out
            if until() or clock.now_us >= deadline_us:
                self._step()
            else:
                quiet_us = min(clock.quiet_until_us(), deadline_us) - clock.now_us
                ticks = max(1, -(-quiet_us // TICK_US))
                self._event = clock.schedule(ticks * TICK_US, look)

        self._event = clock.schedule(tick_after(clock.now_us, 1) - clock.now_us, look)
