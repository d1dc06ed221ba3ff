"""A plain voltage at a pin: the output of a tank sensor, of a potentiometer, of another board.

[chips.tank]
kind = "voltage"
pin = "P18"
level_mv = 640              # the physical truth, see emulator/chips/plugging.py
noise_mv = 1                # standard deviation of single samples
absent = false              # and the other faults of emulator/chips/analog.py
"""

from __future__ import annotations

from typing import Any

from emulator.board.board import Board
from emulator.chips import plugging
from emulator.chips.analog import Level, Tap, hang

LINE = ("analog_generic", {"data_pin": "P18"})
INTERFACE = "ADC"


def plug(board: Board, name: str, table: dict[str, Any]) -> None:
    """pin; level_mv: the truth; noise_mv; supply_pin: of what gives the voltage; faults."""
    level_mv = plugging.truth(board, name, table, "level_mv", 1500)
    noise_mv = plugging.value(name, table, "noise_mv", 1.0)
    level = Level(board, level_mv, noise_mv, name)
    tap = plugging.made(Tap, board, name, table, source=level)
    hang(board, name, table, tap, "P18")
    plugging.supply(board, name, table, tap.power)
