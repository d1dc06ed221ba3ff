"""The chip against the technical note: commands, times, values, supply."""

from __future__ import annotations

import pytest

from emulator.board.board import Board
from emulator.board.i2c import Nack
from emulator.chips.bh1750 import Bh1750
from tests.emulator.chips.conftest import after_ms


def chip_on(board: Board, light=1000.0, **options) -> Bh1750:
    """A chip that has been powered for a second; it is off."""
    light_lx = light if callable(light) else lambda t: light
    chip = Bh1750(board, light_lx, **options)
    chip.power(True)
    after_ms(board, 1000)
    return chip


def send(chip: Bh1750, *opcodes: int) -> None:
    for opcode in opcodes:
        chip.write(bytes((opcode,)))


def value(chip: Bh1750) -> int:
    return int.from_bytes(chip.read(2), "big")


# Opcode, register, then ms typical and greatest
TIMES = [
    (0x20, 69, 120, 180),
    (0x21, 69, 120, 180),
    (0x23, 69, 16, 24),
    (0x10, 69, 120, 180),
    (0x11, 69, 120, 180),
    (0x13, 69, 16, 24),
    (0x20, 254, 442, 662),
    (0x20, 31, 54, 80.8),
]


@pytest.mark.parametrize("lateness", [0, 1], ids=["typical", "greatest"])
@pytest.mark.parametrize(("opcode", "register", "typ", "most"), TIMES)
def test_until_the_end_of_a_conversion_the_old_value_is_read(
    board, opcode, register, typ, most, lateness
):
    chip = chip_on(board)
    chip.lateness = lateness
    send(chip, 0x40 | register >> 5, 0x60 | register & 31, opcode)
    duration = most if lateness else typ
    after_ms(board, duration - 1)
    assert value(chip) == 0
    after_ms(board, 2)
    assert value(chip) > 0


@pytest.mark.parametrize(
    ("opcode", "register", "light", "counts"),
    [(0x20, 69, 28066.7, 0x8390), (0x21, 69, 14033.4, 0x8390), (0x20, 138, 14033.4, 0x8390),
     (0x21, 138, 7016.7, 0x8390), (0x20, 69, 25025.9, 0x754F), (0x21, 69, 0.42, 1),
     (0x20, 69, 60_000, 0xFFFF), (0x20, 31, 100_000, 53913), (0x23, 69, 100, 120),
     (0x23, 69, 102, 120), (0x20, 69, 0, 0)],
)  # fmt: skip
def test_counts(board, opcode, register, light, counts):
    chip = chip_on(board, light)
    send(chip, 0x40 | register >> 5, 0x60 | register & 31, opcode)
    after_ms(board, 700)
    assert value(chip) == counts


def test_sensitivity_and_dark_counts_of_single_parts(board):
    chip = chip_on(board, 100)
    chip.counts_per_lux = 1.44
    chip.dark_counts = 3
    send(chip, 0x20)
    after_ms(board, 121)
    assert value(chip) == 147


def test_once_means_once_and_the_value_stays(board):
    chip = chip_on(board, lambda t: 100.0 if t < 1.2 else 500.0)
    send(chip, 0x20)
    after_ms(board, 121)
    assert value(chip) == 120
    after_ms(board, 1000)
    assert value(chip) == 120
    assert board.meter.state("bh1750") == "standby"


def test_continuous_conversions_follow_each_other(board):
    chip = chip_on(board, lambda t: 100.0 if t < 1.2 else 500.0)
    send(chip, 0x10)
    after_ms(board, 121)
    assert value(chip) == 120
    after_ms(board, 300)
    assert value(chip) == 600
    send(chip, 0x00)
    assert board.meter.state("bh1750") == "standby"


def test_the_light_is_averaged(board):
    chip = chip_on(board, lambda t: 1000.0 if t < 1.06 else 0.0)
    send(chip, 0x20)
    after_ms(board, 121)
    assert value(chip) == pytest.approx(600, abs=10)


def test_reset_needs_power(board):
    chip = chip_on(board)
    send(chip, 0x20)
    after_ms(board, 121)
    send(chip, 0x07)  # it has switched itself off
    assert value(chip) == 1200
    send(chip, 0x01, 0x07)
    assert value(chip) == 0


def test_power_down_ends_a_conversion(board):
    chip = chip_on(board)
    send(chip, 0x20)
    after_ms(board, 60)
    send(chip, 0x00)
    after_ms(board, 1000)
    assert value(chip) == 0


def test_a_command_starts_the_conversion_anew(board):
    chip = chip_on(board)
    send(chip, 0x20)
    after_ms(board, 100)
    send(chip, 0x20)
    after_ms(board, 100)
    assert value(chip) == 0
    after_ms(board, 21)
    assert value(chip) == 1200


@pytest.mark.parametrize("opcode", [0x02, 0x12, 0x24, 0x80, 0xFF])
def test_other_opcodes_are_ignored(board, opcode):
    chip = chip_on(board)
    send(chip, opcode)
    after_ms(board, 1000)
    assert value(chip) == 0
    assert chip.register == 69


def test_without_supply_there_is_nobody_and_all_is_forgotten(board):
    chip = chip_on(board)
    send(chip, 0x47, 0x7E, 0x20)
    after_ms(board, 700)
    chip.power(False)
    with pytest.raises(Nack):
        chip.read(2)
    chip.power(True)
    with pytest.raises(Nack):
        send(chip, 0x01)  # it is starting
    after_ms(board, 3)
    assert value(chip) == 0
    assert chip.register == 69


def test_a_brown_out_ends_a_conversion(board):
    chip = chip_on(board)
    chip.brown_out = 1
    send(chip, 0x20)
    after_ms(board, 1000)
    assert value(chip) == 0
    send(chip, 0x20)
    after_ms(board, 121)
    assert value(chip) == 1200


def test_currents(board):
    chip = chip_on(board)
    seen = [board.meter.state("bh1750")]
    send(chip, 0x20)
    seen.append(board.meter.state("bh1750"))
    after_ms(board, 121)
    seen.append(board.meter.state("bh1750"))
    send(chip, 0x01)
    seen.append(board.meter.state("bh1750"))
    chip.power(False)
    seen.append(board.meter.state("bh1750"))
    assert seen == ["standby", "convert", "standby", "on", "off"]
