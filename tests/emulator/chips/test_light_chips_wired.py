"""The chips for light in a scenario that has a mistake."""

from __future__ import annotations

import pytest

from emulator.board.board import Board
from emulator.board.i2c import I2c
from emulator.board.pins import Pins
from emulator.chips import wiring


@pytest.fixture
def board() -> Board:
    board = Board()
    board.services["i2c"] = I2c(board)
    board.services["pins"] = Pins(board)
    return board


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"kind": "tsl2561", "model": "tsl2591"}, "chips.x: model = 'tsl2591'; allowed: tsl2561t"),
        ({"kind": "bh1750", "address": 300}, "chips.x: address = 300; allowed: 0x08 to 0x77"),
        ({"kind": "veml7700", "lux": 1}, "chips.x: unknown key 'lux' for a veml7700"),
        ({"kind": "bh1750", "light_lx": "much"}, "chips.x: light_lx = 'much'"),
    ],
)
def test_a_mistake_in_a_scenario_is_told(board, table, text):
    with pytest.raises(ValueError, match=text):
        wiring.wire(board, {"si7021": {"kind": "none"}, "battery": {"kind": "none"}, "x": table})
