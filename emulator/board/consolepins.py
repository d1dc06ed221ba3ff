"""The pins of the console, UART 0: P1 to the person, P0 from the person.

A program that uses P1 for something else takes the console's output: nothing that is printed gets
out until the next reset. P0 as an output takes the input; as an input it changes nothing.
Source: Pycom firmware 1.20.2.r4 (machuart.c: uart_init0, frozen/_boot.py; machpin.c).
"""

from __future__ import annotations

from typing import Any

from emulator.board.board import Board, Service
from emulator.board.pins import CONSOLE_RX, CONSOLE_TX


class ConsolePins(Service):
    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.silent = False
        self.deaf = False
        pins: Any = board.services["pins"]
        pins.on_use(CONSOLE_TX, self._take_output)
        pins.on_use(CONSOLE_RX, self._take_input)

    def on_reset(self, cause: int) -> None:
        self.silent = self.deaf = False

    def _take_output(self, how: str) -> None:
        if not self.silent:
            self.silent = True
            text = f"({CONSOLE_TX} is taken from the console: nothing is shown from now on)"
            self.board.trace.add("print", text)

    def _take_input(self, how: str) -> None:
        self.deaf = self.deaf or how == "out"
