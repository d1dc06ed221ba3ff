"""Faults that all chips have, as others on the bus see them."""

from __future__ import annotations

import pytest

from emulator.board.board import Board
from emulator.board.i2c import I2c
from emulator.chips.part import I2cPart


@pytest.fixture
def i2c(board: Board) -> I2c:
    service = I2c(board)
    service.do_open(0, 100_000, ["P9", "P10"])
    service.do_open(1, 100_000, ["P3", "P4"])
    return service


def test_a_held_line_acknowledges_addresses_that_nobody_has(board, i2c):
    chip = I2cPart(board, name="chip")
    i2c.attach(None, 0x40, chip, ("P9", "P10"))
    chip.power(True)
    chip.stuck = True
    assert i2c.do_write(0, 0x7F, b"\x00", True) == 1
    assert i2c.do_read(0, 0x7F, 2) == b"\x00\x00"
    with pytest.raises(OSError, match="I2C bus error"):
        i2c.do_write(1, 0x7F, b"\x00", True)  # the other bus goes on
    chip.power(False)
    with pytest.raises(OSError, match="I2C bus error"):
        i2c.do_write(0, 0x7F, b"\x00", True)


def test_any_bit_of_an_answer_may_be_turned_over(board):
    part = I2cPart(board, name="chip")
    part.corrupt = 200
    seen = {part.damaged(b"\x00\x00") for _ in range(200)}
    assert seen == {(1 << bit).to_bytes(2, "big") for bit in range(16)}
    assert part.damaged(b"\x00\x00") == b"\x00\x00"
