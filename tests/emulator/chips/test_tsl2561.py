"""The chip against the data sheet: registers, integrations, full scales, supply."""

from __future__ import annotations

import pytest

from emulator.board.board import Board
from emulator.board.i2c import Nack
from emulator.chips.tsl2561 import IDENTITIES, Tsl2561, lux_per_count
from tests.emulator.chips.conftest import after_ms


def chip_on(board: Board, light=1000.0, ratio=0.3, model="tsl2561t", **options) -> Tsl2561:
    """A chip that has been powered for a second; it is asleep."""
    light_lx = light if callable(light) else lambda t: light
    chip = Tsl2561(board, light_lx, lambda t: ratio, model, **options)
    chip.power(True)
    after_ms(board, 1000)
    return chip


def get(chip: Tsl2561, command: int, count: int = 1) -> bytes:
    chip.write(bytes((command,)))
    return chip.read(count)


def channels(chip: Tsl2561) -> tuple[int, int]:
    low, high = get(chip, 0xAC, 2), get(chip, 0xAE, 2)
    return int.from_bytes(low, "little"), int.from_bytes(high, "little")


def start(chip: Tsl2561, timing: int) -> None:
    chip.write(bytes((0x81, timing)))
    chip.write(b"\x80\x03")


def test_registers_after_power_on(board):
    chip = chip_on(board)
    assert get(chip, 0x80) == b"\x00"
    assert get(chip, 0x81) == b"\x02"
    assert [get(chip, 0x82 + n) for n in range(5)] == [b"\x00"] * 5
    assert channels(chip) == (0, 0)


@pytest.mark.parametrize(("model", "identity"), IDENTITIES.items())
def test_identity(board, model, identity):
    assert get(chip_on(board, model=model), 0x8A)[0] == identity


def test_control_tells_that_it_is_on(board):
    chip = chip_on(board)
    chip.write(b"\x80\x03")
    assert get(chip, 0x80) == b"\x03"
    chip.write(b"\x80\x00")
    assert get(chip, 0x80) == b"\x00"


def test_several_registers_at_once(board):
    chip = chip_on(board)
    chip.write(b"\x92\x10\x20\x30\x40")
    assert get(chip, 0x92, 4) == b"\x10\x20\x30\x40"
    assert get(chip, 0xA4, 2) == b"\x30\x40"


def test_what_is_no_command_is_ignored_and_identity_cannot_be_written(board):
    chip = chip_on(board)
    chip.write(b"\x00\x03")
    chip.write(b"\x8a\xff")
    assert get(chip, 0x80) == b"\x00"
    assert get(chip, 0x8A) == b"\x50"


@pytest.mark.parametrize(
    ("timing", "lateness", "duration_ms"),
    [(0x10, 0, 13.7), (0x11, 0, 101.2), (0x12, 0, 402.2),
     (0x10, 1, 14.6), (0x11, 1, 107.8), (0x12, 1, 428.4)],
)  # fmt: skip
def test_channels_appear_at_the_end_of_an_integration(board, timing, lateness, duration_ms):
    chip = chip_on(board)
    chip.lateness = lateness
    start(chip, timing)
    after_ms(board, duration_ms - 0.2)
    assert channels(chip) == (0, 0)
    after_ms(board, 0.4)
    assert channels(chip) > (0, 0)


def test_one_integration_follows_the_other(board):
    chip = chip_on(board, lambda t: 100.0 if t < 1.5 else 200.0)
    start(chip, 0x11)
    after_ms(board, 110)
    first = channels(chip)
    after_ms(board, 80)
    assert channels(chip) == first
    after_ms(board, 1000)
    assert channels(chip)[0] == pytest.approx(2 * first[0], abs=1)


def test_the_light_is_averaged(board):
    chip = chip_on(board, lambda t: 100.0 if t < 1.1 else 0.0)
    start(chip, 0x12)
    after_ms(board, 410)
    half = channels(chip)[0]
    still = chip_on(board, 100.0, name="still")
    start(still, 0x12)
    after_ms(board, 410)
    assert half / channels(still)[0] == pytest.approx(100 / 402, abs=0.01)


def test_writing_the_timing_starts_anew(board):
    chip = chip_on(board)
    start(chip, 0x11)
    after_ms(board, 90)
    chip.write(b"\x81\x11")
    after_ms(board, 90)
    assert channels(chip) == (0, 0)
    after_ms(board, 20)
    assert channels(chip) > (0, 0)


def test_values_stay_while_it_is_off(board):
    chip = chip_on(board)
    start(chip, 0x10)
    after_ms(board, 20)
    chip.write(b"\x80\x00")
    before = channels(chip)
    after_ms(board, 1000)
    assert channels(chip) == before > (0, 0)


def test_the_high_byte_belongs_to_the_low_byte_read_before(board):
    chip = chip_on(board, lambda t: 8000.0 if t < 1.05 else 0.0)
    start(chip, 0x10)
    after_ms(board, 20)
    low = get(chip, 0x8C)
    after_ms(board, 500)  # dark since
    high = get(chip, 0x8D)
    assert high[0] << 8 | low[0] > 4000
    assert get(chip, 0x8C) + get(chip, 0x8D) == b"\x00\x00"


@pytest.mark.parametrize(("timing", "full"), [(0x10, 5047), (0x11, 37177), (0x12, 65535)])
def test_counts_stop_at_full_scale(board, timing, full):
    chip = chip_on(board, 500_000.0, 0.9)
    start(chip, timing)
    after_ms(board, 450)
    assert channels(chip) == (full, full)


def test_the_gain_is_sixteen(board):
    chip = chip_on(board, 100.0)
    start(chip, 0x12)
    after_ms(board, 450)
    sensitive = channels(chip)
    chip.write(b"\x81\x02")
    after_ms(board, 450)
    assert channels(chip)[0] == pytest.approx(sensitive[0] / 16, abs=1)


def test_integration_by_hand(board):
    chip = chip_on(board, 100.0)
    start(chip, 0x12)
    after_ms(board, 450)
    automatic = channels(chip)
    chip.write(b"\x81\x13")
    chip.write(b"\x81\x1b")
    after_ms(board, 201)
    chip.write(b"\x81\x13")
    assert channels(chip)[0] == pytest.approx(automatic[0] / 2, rel=0.01)


@pytest.mark.parametrize(
    ("ratio", "chip_scale", "lux"),
    # the equation of the data sheet by hand, once per line
    [(0.0, False, 0.0304), (0.55, False, 0.00535), (0.7, False, 0.00209), (1.0, False, 0.00034),
     (1.31, False, 0), (0.0, True, 0.0315), (0.6, True, 0.00544), (0.7, True, 0.0031),
     (1.0, True, 0.00078)],
)  # fmt: skip
def test_lux_of_one_count(ratio, chip_scale, lux):
    assert lux_per_count(ratio, chip_scale) == pytest.approx(lux, abs=1e-6)


def test_without_supply_there_is_nobody_and_all_is_forgotten(board):
    chip = chip_on(board)
    start(chip, 0x10)
    after_ms(board, 20)
    chip.power(False)
    with pytest.raises(Nack):
        chip.read(1)
    chip.power(True)
    with pytest.raises(Nack):
        chip.write(b"\x80")  # it is starting
    after_ms(board, 3)
    assert get(chip, 0x80) == b"\x00"
    assert channels(chip) == (0, 0)


def test_a_brown_out_switches_it_off_half_way(board):
    chip = chip_on(board)
    chip.brown_out = 1
    start(chip, 0x12)
    after_ms(board, 450)
    assert get(chip, 0x80) == b"\x00"
    assert channels(chip) == (0, 0)
    start(chip, 0x12)
    after_ms(board, 450)
    assert channels(chip) > (0, 0)


def test_currents(board):
    chip = chip_on(board)
    seen = [board.meter.state("tsl2561")]
    chip.write(b"\x80\x03")
    seen.append(board.meter.state("tsl2561"))
    chip.write(b"\x80\x00")
    seen.append(board.meter.state("tsl2561"))
    chip.power(False)
    seen.append(board.meter.state("tsl2561"))
    assert seen == ["standby", "active", "standby", "off"]
