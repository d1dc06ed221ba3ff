"""What all emulated parts share: supply, times, current, faults."""

from __future__ import annotations

import pytest

from emulator.board.board import Board
from emulator.board.i2c import Nack
from emulator.chips.part import I2cPart


class Echo(I2cPart):
    """Converts what is written to it; 10 to 20 ms."""

    power_up_ms = (2.0, 4.0)
    start_ma = 3.0
    standby_ma = 0.5

    def forget(self) -> None:
        self.kept = b""

    def command(self, data: bytes) -> None:
        self.convert("converting", 2.0, (10.0, 20.0), lambda: setattr(self, "kept", data))

    def answer(self, count: int) -> bytes:
        return self.kept


@pytest.fixture
def echo() -> Echo:
    chip = Echo(Board())
    chip.power(True)
    after_ms(chip, 10)
    return chip


def after_ms(chip: Echo, milliseconds: float) -> None:
    chip.board.clock.advance(round(milliseconds * 1000))


def taken(chip: Echo, data: bytes) -> bytes:
    chip.write(data)
    after_ms(chip, 30)
    return chip.read(len(data))


@pytest.mark.parametrize(("lateness", "ready_ms"), [(0.0, 2.0), (0.5, 3.0), (1.0, 4.0)])
def test_it_answers_after_its_start_and_draws_from_the_first(lateness, ready_ms):
    chip = Echo(Board())
    chip.lateness = lateness
    chip.power(True)
    assert chip.board.meter.milliamps("echo") == 3.0
    after_ms(chip, ready_ms - 0.1)
    with pytest.raises(Nack):
        chip.write(b"")
    after_ms(chip, 0.2)
    chip.write(b"")
    assert chip.board.meter.milliamps("echo") == 0.5


@pytest.mark.parametrize(("lateness", "extra_ms", "ends_ms"), [(0, 0, 10), (1, 0, 20), (0, 7, 17)])
def test_a_conversion_takes_its_time_and_current(echo, lateness, extra_ms, ends_ms):
    echo.lateness, echo.extra_ms = lateness, extra_ms
    echo.write(b"ab")
    after_ms(echo, ends_ms - 0.1)
    assert echo.board.meter.milliamps("echo") == 2.0
    with pytest.raises(Nack):
        echo.read(2)
    after_ms(echo, 0.2)
    assert echo.read(3) == b"ab\xff"  # nothing pulls the line down behind the last byte
    assert echo.board.meter.milliamps("echo") == 0.5


def test_without_supply_it_is_gone_and_forgets(echo):
    assert taken(echo, b"ab") == b"ab"
    echo.power(False)
    with pytest.raises(Nack):
        echo.write(b"")
    assert echo.board.meter.milliamps("echo") == 0
    echo.power(True)
    after_ms(echo, 10)
    assert echo.read(2) == b"\xff\xff"


def test_a_conversion_that_lost_the_supply_never_ends(echo):
    echo.write(b"ab")
    after_ms(echo, 5)
    echo.power(False)
    echo.power(True)
    after_ms(echo, 50)
    assert echo.read(2) == b"\xff\xff"
    assert echo.board.meter.milliamps("echo") == 0.5


def test_brown_out_strikes_so_many_conversions(echo):
    echo.brown_out = 2
    assert [taken(echo, b"ab") for _ in range(3)] == [b"\xff\xff", b"\xff\xff", b"ab"]


def test_corrupt_strikes_so_many_answers(echo):
    echo.corrupt = 1
    changed = int.from_bytes(taken(echo, b"ab"), "big") ^ int.from_bytes(b"ab", "big")
    assert changed.bit_count() == 1
    assert echo.read(2) == b"ab"


@pytest.mark.parametrize("rate", [0.0, 0.2, 1.0])
def test_corrupt_rate_strikes_that_share_of_answers(echo, rate):
    echo.corrupt_rate = rate
    taken(echo, b"ab")
    wrong = sum(echo.read(2) != b"ab" for _ in range(1000))
    assert wrong == pytest.approx(1000 * rate, abs=50 if 0 < rate < 1 else 0)


def test_absent_answers_nothing_and_stuck_nothing_but_zeros(echo):
    echo.stuck = True
    assert taken(echo, b"ab") == b"\x00\x00"
    echo.absent = True
    with pytest.raises(Nack):
        echo.read(2)
