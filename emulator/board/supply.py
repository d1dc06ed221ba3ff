"""The supply of the ESP32: a brown-out, at a time or whenever the board draws too much.

Fault point "time", do = "brown_out": the detector of the ESP32 resets it; the next start says
BROWN_OUT_RESET. The modem has a supply range of its own and goes on. `above_ma` strikes each time
the current rises above the value, so that a weak battery resets the board in each cycle.
Source: Pycom firmware 1.20.2.r4 (util/mpsleep.c).
"""

from __future__ import annotations

from typing import Any

from emulator.board import options
from emulator.board.board import BROWN_OUT_RESET, Board, Reset, Service
from emulator.board.faults import BrownOut, Fault


class Supply(Service):
    def __init__(self, board: Board) -> None:
        super().__init__(board)
        board.faults.on_time("brown_out", self._due)

    def _due(self, fault: Fault) -> None:
        keys: Any = options.from_table(BrownOut, fault.options, "fault brown_out:")
        if keys.above_ma <= 0:
            self._strike()
            return
        over = [False]

        def look() -> None:
            before, over[0] = over[0], self.board.meter.milliamps() > keys.above_ma
            if over[0] and not before:
                self._strike()

        self.board.meter.watchers.append(look)
        look()

    def _strike(self) -> None:
        self.board.trace.add("reset", "brown-out")
        self.board.stop(Reset(BROWN_OUT_RESET, "brown-out"))
