"""`_board`: the door through which the firmware's modules reach the emulated board in CPython.

`call(name, *args)` carries out a firmware call, then runs the interrupt handlers that are due.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.board.board import Board, Halt
from emulator.vm.device.handlers import Handlers
from emulator.vm.errors import for_device
from emulator.vm.guard import LoopGuard
from emulator.vm.language.tables import on_board
from emulator.vm.stream import decode_all, encode

_EXACT = frozenset((type(None), bool, int, str, bytes))
_PLAIN = frozenset((type(None), bool, int, float, str, bytes))


def plain(value: Any) -> Any:
    """What would arrive at the other end of a byte stream: tuples as lists, buffers as bytes."""
    return value if type(value) in _PLAIN else decode_all(encode(value))[0]


class Bridge:
    def __init__(self, board: Board, report: Callable[[str, BaseException], None]) -> None:
        """report(headline, error): prints an exception that nobody on the device catches."""
        self._board = board
        irq: Any = board.services["irq"]
        self._handlers = Handlers(irq.do_take, irq.do_mask, irq.do_die, report)
        self.on_interrupt = self._handlers.on_interrupt
        self.dispatch = self._handlers.dispatch
        self.guard = LoopGuard(board, self.pause)
        self.on_wait: Callable[[int], None] | None = None  # see emulator/vm/threads.py
        self.on_pause: Callable[[], None] | None = None
        self.in_main: Callable[[], bool] = lambda: True  # Ctrl-C ends the main thread's program
        self.closed: Halt | None = None  # the program is over: whatever still runs is to end

    def call(self, name: str, *args: Any) -> Any:
        board = self._board
        self.guard.touched()
        if self.closed is not None:
            raise self.closed
        try:
            if self.on_wait is not None and name in ("rtc.sleep_us", "rtc.sleep_until"):
                result = self._wait(name, args[0])
            else:
                result = board.call(name, *map(plain, args)) if args else board.call(name)
        except OSError as error:
            raise for_device(error) from None
        if board.interrupted:
            self._interrupt()
        if board.irqs:
            self.dispatch()
        return result if type(result) in _EXACT else on_board(plain(result))

    def pause(self) -> None:
        """A moment at which others may run: interrupt handlers, then other threads."""
        if self._board.interrupted:
            self._interrupt()
        if self._board.irqs:
            self.dispatch()
        if self.on_pause is not None:
            self.on_pause()

    def _interrupt(self) -> None:
        if self.in_main():
            self._board.interrupted = False
            raise KeyboardInterrupt

    def _wait(self, name: str, value: int) -> int:
        assert self.on_wait is not None
        until_us = value if name == "rtc.sleep_until" else self._board.clock.now_us + value
        self.on_wait(until_us)
        return 0
