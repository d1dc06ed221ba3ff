"""The chip against the data sheet: registers, integrations, scales, supply."""

from __future__ import annotations

import pytest

from emulator.board.board import Board
from emulator.board.i2c import Nack
from emulator.chips.part import inverse
from emulator.chips.veml7700 import Veml7700, corrected
from tests.emulator.chips.conftest import after_ms


def chip_on(board: Board, light=100.0, **options) -> Veml7700:
    """A chip that has been powered for a second; it is shut down."""
    light_lx = light if callable(light) else lambda t: light
    chip = Veml7700(board, light_lx, **options)
    chip.power(True)
    after_ms(board, 1000)
    return chip


def put(chip: Veml7700, register: int, value: int) -> None:
    chip.write(bytes((register, value & 0xFF, value >> 8)))


def get(chip: Veml7700, register: int) -> int:
    chip.write(bytes((register,)))
    return int.from_bytes(chip.read(2), "little")


@pytest.mark.parametrize(("address", "identity"), [(0x10, 0xC481), (0x48, 0xD481)])
def test_registers_after_power_on(board, address, identity):
    chip = chip_on(board, address=address)
    assert [get(chip, n) for n in range(8)] == [1, 0, 0, 0, 0, 0, 0, identity]


@pytest.mark.parametrize(
    ("configuration", "light", "counts"),
    [(0x0000, 99.46, 1480), (0x1800, 397.83, 1480), (0x08C0, 6.2165, 1480), (0x1300, 3182.7, 1480),
     (0x0200, 198.92, 1480), (0x1840, 198.92, 1480), (0x1080, 198.92, 1480), (0x0800, 0, 0),
     (0x0800, 2300, 0xFFFF)],
)  # fmt: skip
def test_counts(board, configuration, light, counts):
    chip = chip_on(board, light)
    put(chip, 0, configuration)
    after_ms(board, 1000)
    assert get(chip, 4) == counts


def test_counts_by_the_earlier_data_sheet(board):
    chip = chip_on(board, 85.25)
    chip.resolution_lx = 0.0036
    put(chip, 0, 0)
    after_ms(board, 110)
    assert get(chip, 4) == 1480


@pytest.mark.parametrize("lateness", [0, 1])
@pytest.mark.parametrize(
    ("configuration", "nominal_ms"),
    [(0x1300, 25), (0x1200, 50), (0x1000, 100), (0x1040, 200), (0x1080, 400), (0x10C0, 800)],
)
def test_values_come_at_the_end_of_an_integration(board, configuration, nominal_ms, lateness):
    chip = chip_on(board)
    chip.lateness = lateness
    duration_ms = 2.5 + nominal_ms * (1.3 if lateness else 1)
    put(chip, 0, configuration)
    after_ms(board, duration_ms - 0.5)
    assert get(chip, 4) == 0
    after_ms(board, 1)
    assert get(chip, 4) > 0
    assert get(chip, 5) > get(chip, 4)  # white sees more


def test_until_then_the_old_value_is_read(board):
    chip = chip_on(board, lambda t: 100.0 if t < 1.2 else 0.0)
    put(chip, 0, 0)
    after_ms(board, 150)
    before = get(chip, 4)
    put(chip, 0, 1)
    after_ms(board, 1000)
    put(chip, 0, 0)
    after_ms(board, 100)
    assert get(chip, 4) == before > 0
    after_ms(board, 5)
    assert get(chip, 4) == 0


def test_power_saving_makes_pauses(board):
    chip = chip_on(board, lambda t: 100.0 if t < 1.2 else 0.0)
    put(chip, 3, 0x0003)  # 1000 ms
    put(chip, 0, 0)
    after_ms(board, 1000)
    assert get(chip, 4) > 0
    after_ms(board, 250)
    assert get(chip, 4) == 0


def test_thresholds_set_flags_that_reading_clears(board):
    chip = chip_on(board, 100)
    put(chip, 1, 1000)
    put(chip, 2, 500)
    put(chip, 0, 0x0002)
    after_ms(board, 110)
    assert get(chip, 4) > 1000
    assert get(chip, 6) == 0x4000
    assert get(chip, 6) == 0
    chip.light_lx = lambda t: 1.0
    after_ms(board, 250)
    assert get(chip, 4) < 500
    assert get(chip, 6) == 0x8000


def test_identity_cannot_be_written_and_nothing_stands_behind_it(board):
    chip = chip_on(board)
    put(chip, 7, 0xFFFF)
    assert get(chip, 7) == 0xC481
    assert get(chip, 9) == 0


@pytest.mark.parametrize(("light", "seen"), [(3183.25, 2727.9), (14_800, 10_000), (1658, 1500)])
def test_the_curve_is_that_of_the_application_note(light, seen):
    assert inverse(corrected, light, light) == pytest.approx(seen, rel=0.003)


def test_at_high_gain_there_is_no_curve(board):
    chip = chip_on(board, 1500)
    chip.curved = True
    put(chip, 0, 0x0800)
    after_ms(board, 110)
    assert get(chip, 4) * 0.0336 == pytest.approx(1500, abs=0.05)
    put(chip, 0, 0x1000)
    after_ms(board, 110)
    assert get(chip, 4) * 0.5376 == pytest.approx(1369, abs=15)


def test_without_supply_there_is_nobody_and_all_is_forgotten(board):
    chip = chip_on(board)
    put(chip, 0, 0)
    after_ms(board, 110)
    chip.power(False)
    with pytest.raises(Nack):
        chip.read(2)
    chip.power(True)
    with pytest.raises(Nack):
        get(chip, 0)  # it is starting
    after_ms(board, 3)
    assert get(chip, 0) == 1
    assert get(chip, 4) == 0


def test_a_brown_out_shuts_it_down_half_way(board):
    chip = chip_on(board)
    chip.brown_out = 1
    put(chip, 0, 0)
    after_ms(board, 110)
    assert get(chip, 0) == 1
    assert get(chip, 4) == 0


def test_currents(board):
    chip = chip_on(board)
    seen = [board.meter.state("veml7700")]
    put(chip, 0, 0)
    seen.append(board.meter.state("veml7700"))
    put(chip, 0, 1)
    seen.append(board.meter.state("veml7700"))
    chip.power(False)
    seen.append(board.meter.state("veml7700"))
    assert seen == ["standby", "active", "standby", "off"]
