"""The RGB LED at P2: 24 bits written to the pin by hand, once at each change of colour.

The firmware writes the output register and nothing else, and leaves it at 0. A program that uses
P2 as an output finds it low after each `pycom.rgbled()`, and after each beat while the heartbeat
is on; while it drives P2, the LED shows what the program's levels happen to mean.
Source: Pycom firmware 1.20.2.r4 (esp32/bootloader/mperror.c: mperror_set_rgb_color).
"""

from __future__ import annotations

from typing import Any

from emulator.board.board import Board
from emulator.board.clock import Timer
from emulator.board.constants import CODE, constant
from emulator.board.pins import LED

NOTPOSS = "the requested operation is not possible"
# 80 ms on, 3920 ms off; each of the two writes the pin
BEAT_MS = constant(4_000, "ms", CODE, "1.20.2.r4 mperror.c")


class Led:
    def __init__(self, board: Board) -> None:
        self._board = board
        self._colour = 0
        self._beat = Timer(board.clock)
        self._shared = False  # the program uses the pin
        self.heartbeat = True

    def watch(self, pins: Any) -> None:
        """Learn of programs that use the pin."""
        pins.on_use(LED, self._used)

    def reset(self, heartbeat: bool) -> None:
        self._beat.stop()
        self.heartbeat, self._colour, self._shared = heartbeat, 0, False

    def do_heartbeat(self, on: bool | None) -> bool:
        if on is not None:
            self.heartbeat = on
            self._write(0)
            if self._shared:
                self._used("out")
        return self.heartbeat

    def do_rgbled(self, colour: int | None) -> int:
        if self.heartbeat:
            raise OSError(NOTPOSS)
        if colour is not None:
            self._write(colour & 0xFFFFFF)
            self._board.trace.add("power", f"led #{self._colour:06x}")
        return self._colour

    def _used(self, how: str) -> None:
        if not self._shared:
            self._board.trace.add("power", f"led: the program drives {LED}, as well")
        self._shared = True
        if self.heartbeat and not self._beat.running:
            self._beat.start_ms(BEAT_MS, self._pulse)

    def _pulse(self) -> None:
        if self.heartbeat:
            self._write(0)
            self._beat.start_ms(BEAT_MS, self._pulse)

    def _write(self, colour: int) -> None:
        self._colour = colour
        pins: Any = self._board.services.get("pins")
        if self._shared and pins is not None:
            pins.own(LED, pins.do_mode(LED), 0)
