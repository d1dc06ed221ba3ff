"""The pins of the console, UART 0: P1 to the person, P0 from the person.

A program that uses P1 for something else takes the console's output: nothing that is printed gets
out until the next reset, or until the program opens UART 0 there again. machine.UART(0) is the
console's own object: with 115200 baud, 8N1, and its usual pins all stays as it is, and what the
program writes to it is shown too; with other pins or another speed the person sees nothing.
P0 as an output takes the input; as an input it changes nothing.
Source: Pycom firmware 1.20.2.r4 (machuart.c: uart_init0, frozen/_boot.py; machpin.c).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.board.board import Board, Service
from emulator.board.framing import Framing
from emulator.board.pins import CONSOLE_RX, CONSOLE_TX

_BAUD = 115_200  # of the person's terminal, 8N1


class ConsolePins(Service):
    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.silent = False
        self.deaf = False
        self.show: Callable[[str], object] | None = None  # to the person
        pins: Any = board.services["pins"]
        pins.on_use(CONSOLE_TX, self._take_output)
        pins.on_use(CONSOLE_RX, self._take_input)

    def on_reset(self, cause: int) -> None:
        self.silent = self.deaf = False

    def opened(self, tx: str | None, framing: Framing) -> None:
        """The program has opened UART 0, and with it the console."""
        self.silent = False
        if tx != CONSOLE_TX or framing != Framing(_BAUD):
            self._take_output("out")

    def written(self, data: bytes) -> None:
        """The program has written to UART 0."""
        if self.show is not None and not self.silent:
            self.show(data.replace(b"\r\n", b"\n").decode("utf-8", "replace"))

    def _take_output(self, how: str) -> None:
        if not self.silent:
            self.silent = True
            text = f"({CONSOLE_TX} is taken from the console: nothing is shown from now on)"
            self.board.trace.add("print", text)

    def _take_input(self, how: str) -> None:
        self.deaf = self.deaf or how == "out"
