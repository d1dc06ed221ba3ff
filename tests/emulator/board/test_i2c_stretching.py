"""Chips that hold the clock, and chips that know no repeated start."""

from __future__ import annotations

import pytest

from emulator.board.board import Board
from emulator.board.i2c import I2c


class Slow:
    """A chip that holds the clock for so long; it counts what gets to it."""

    repeated_start = True

    def __init__(self, stretch_us: int) -> None:
        self.stretch = stretch_us
        self.seen: list[str] = []

    def stretch_us(self) -> int:
        return self.stretch

    def power(self, on: bool) -> None:
        pass

    def write(self, data: bytes) -> None:
        self.seen.append("write")

    def read(self, n: int) -> bytes:
        self.seen.append("read")
        return bytes(n)


@pytest.fixture
def i2c() -> I2c:
    return I2c(Board())


def opened(i2c: I2c, bus: int, chip: Slow) -> Slow:
    i2c.do_open(bus, 100_000, None)
    i2c.attach(bus, 0x61, chip)
    return chip


@pytest.mark.parametrize(
    ("bus", "stretch_us", "taken_us"),
    [(0, 0, 0), (0, 400, 400), (1, 399, 399), (2, 5_000, 5_000), (2, 10_000, 10_000)],
)
def test_a_short_stretching_makes_a_transfer_longer(i2c, bus, stretch_us, taken_us):
    chip = opened(i2c, bus, Slow(0))
    clock = i2c.board.clock
    i2c.do_write(bus, 0x61, b"\x02\x02", True)
    usual_us = clock.now_us
    chip.stretch = stretch_us
    i2c.do_write(bus, 0x61, b"\x02\x02", True)
    assert clock.now_us - 2 * usual_us == taken_us
    assert chip.seen == ["write", "write"]


@pytest.mark.parametrize(
    ("bus", "stretch_us", "limit_us"),
    [(0, 401, 400), (1, 30_000, 400), (2, 10_001, 10_000), (2, 150_000, 10_000)],
)
def test_a_long_one_breaks_the_transfer_off_before_it_gets_to_the_chip(
    i2c, bus, stretch_us, limit_us
):
    chip = opened(i2c, bus, Slow(stretch_us))
    for transfer in (
        lambda: i2c.do_write(bus, 0x61, b"\x02", True),
        lambda: i2c.do_read(bus, 0x61, 3),
    ):
        begin_us = i2c.board.clock.now_us
        with pytest.raises(OSError, match="I2C bus error"):
            transfer()
        assert limit_us <= i2c.board.clock.now_us - begin_us < limit_us + 500
    assert chip.seen == []


@pytest.mark.parametrize("knows", [True, False])
def test_a_repeated_start_is_for_chips_that_know_it(i2c, knows):
    chip = opened(i2c, 0, Slow(0))
    chip.repeated_start = knows
    if knows:
        assert i2c.do_write_read(0, 0x61, b"\x02", 3) == bytes(3)
    else:
        with pytest.raises(OSError, match="I2C bus error"):
            i2c.do_write_read(0, 0x61, b"\x02", 3)
        i2c.do_write(0, 0x61, b"\x02", False)
        with pytest.raises(OSError, match="I2C bus error"):
            i2c.do_read(0, 0x61, 3)
    i2c.do_write(0, 0x61, b"\x02", True)
    assert i2c.do_read(0, 0x61, 3) == bytes(3)  # after a stop anybody answers
