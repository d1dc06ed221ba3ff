"""A board for a chip by itself, and one with the buses that a scenario hangs chips on."""

from __future__ import annotations

import pytest

from emulator.board.board import Board
from emulator.board.i2c import I2c
from emulator.board.pins import Pins


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def wired(board: Board) -> Board:
    board.plug("i2c", I2c(board))
    board.plug("pins", Pins(board))
    return board


def after_ms(board: Board, milliseconds: float) -> None:
    """Let virtual time pass."""
    board.clock.advance(round(milliseconds * 1000))
