"""The chip against its data sheet: commands, times, checksums, supply."""

from __future__ import annotations

import pytest

from emulator.board.board import Board
from emulator.board.i2c import Nack
from emulator.chips.sensirion import signal, with_checksums
from emulator.chips.sht4x import Sht4x
from tests.emulator.chips.conftest import after_ms

MEASUREMENTS = [(0xFD, 6.9, 8.3), (0xF6, 3.7, 4.5), (0xE0, 1.3, 1.6)]
HEATINGS = [(0x39, 1000, 1100), (0x32, 100, 110), (0x2F, 1000, 1100), (0x24, 100, 110),
            (0x1E, 1000, 1100), (0x15, 100, 110)]  # fmt: skip


def chip_on(board, celsius=25.0, percent=44.0, **options) -> Sht4x:
    options.setdefault("repeatability", 0)
    chip = Sht4x(board, lambda t: celsius, lambda t: percent, **options)
    chip.power(True)
    after_ms(board, 1000)
    return chip


@pytest.mark.parametrize(
    ("words", "answer"),
    # The example of the data sheet, and checksums computed with another program
    [((0xBEEF,), "beef92"), ((0x0000, 0xFFFF), "000081ffffac"), ((0x0123, 0x4567), "0123a0456753"),
     ((0x01A4, 0xABCD), "01a44dabcd6f")],
)  # fmt: skip
def test_words_carry_the_checksums_of_the_data_sheet(words, answer):
    assert with_checksums(*words).hex() == answer


@pytest.mark.parametrize(
    ("celsius", "percent", "answer"),
    [(25, 44, "666693666693"), (-45, -6, "000081000081"), (130, 119, "ffffacffffac"),
     (-60, -20, "000081000081"), (24.6662, 47.6603, "65e9ea6de5a0")],
)  # fmt: skip
def test_a_measurement_is_the_truth_in_16_bits(board, celsius, percent, answer):
    chip = chip_on(board, celsius, percent)
    chip.write(b"\xfd")
    after_ms(board, 10)
    assert chip.read(6).hex() == answer
    assert signal(celsius, -45, 130) == int(answer[:4], 16)


@pytest.mark.parametrize("late", [0, 1], ids=["typical", "greatest"])
@pytest.mark.parametrize(("command", "typical", "greatest"), MEASUREMENTS + HEATINGS)
def test_nothing_is_acknowledged_until_a_measurement_ends(board, command, typical, greatest, late):
    chip = chip_on(board)
    chip.lateness = late
    chip.write(bytes((command,)))
    after_ms(board, (greatest if late else typical) - 0.1)
    for transfer in (lambda: chip.read(6), lambda: chip.write(b"\xfd")):
        with pytest.raises(Nack):
            transfer()
    after_ms(board, 0.2)
    assert len(chip.read(6)) == 6


def test_a_result_is_read_once_and_may_be_cut_short(board):
    chip = chip_on(board)
    with pytest.raises(Nack):
        chip.read(6)
    chip.write(b"\xfd")
    after_ms(board, 10)
    assert chip.read(2) == b"\x66\x66"
    with pytest.raises(Nack):
        chip.read(6)


def test_the_serial_number_is_its_own(board):
    numbers = set()
    for name in ("one", "two"):
        chip = chip_on(board, name=name)
        chip.write(b"\x89")
        numbers.add(chip.read(6))
    assert len(numbers) == 2


@pytest.mark.parametrize("data", [b"\x00", b"\x2c\x06", b"\xfd\x00"], ids=bytes.hex)
def test_unknown_commands_are_not_acknowledged(board, data):
    with pytest.raises(Nack):
        chip_on(board).write(data)


@pytest.mark.parametrize(("late", "duration"), [(0, 0.5), (1, 1.0)])
def test_a_reset_takes_its_time(board, late, duration):
    chip = chip_on(board)
    chip.lateness = late
    chip.write(b"\x94")
    after_ms(board, duration - 0.1)
    with pytest.raises(Nack):
        chip.write(b"\xfd")
    after_ms(board, 0.2)
    chip.write(b"\xfd")


def test_a_general_call_resets_it_while_it_measures(wired):
    chip = chip_on(wired)
    wired.services["i2c"].attach(0, 0x44, chip)
    wired.services["i2c"].do_open(0, 100_000, None)
    chip.write(b"\xfd")
    wired.services["i2c"].do_write(0, 0x00, b"\x06", True)
    after_ms(wired, 10)
    with pytest.raises(Nack):
        chip.read(6)
    chip.write(b"\xfd")


def test_without_supply_there_is_nobody_and_a_result_is_lost(board):
    chip = chip_on(board)
    chip.write(b"\xfd")
    after_ms(board, 10)
    chip.power(False)
    with pytest.raises(Nack):
        chip.write(b"\xfd")
    chip.power(True)
    with pytest.raises(Nack):
        chip.write(b"\xfd")
    after_ms(board, 0.4)
    with pytest.raises(Nack):
        chip.read(6)
    chip.write(b"\xfd")


def test_a_brown_out_ends_a_measurement_without_result(board):
    chip = chip_on(board)
    chip.brown_out = 1
    chip.write(b"\xfd")
    after_ms(board, 20)
    with pytest.raises(Nack):
        chip.read(6)
    chip.write(b"\xfd")
    after_ms(board, 20)
    assert len(chip.read(6)) == 6


def test_currents_by_state(board):
    chip = chip_on(board)
    seen = []
    for command, duration in ((b"\xfd", 8), (b"\x32", 120), (b"\x15", 120)):
        chip.write(command)
        seen.append((board.meter.state("sht4x"), board.meter.milliamps("sht4x")))
        after_ms(board, duration)
        assert (board.meter.state("sht4x"), board.meter.milliamps("sht4x")) == ("standby", 8e-5)
    assert seen == [("measuring", 0.32), ("heater", 60.0), ("heater", 6.0)]
    chip.power(False)
    assert board.meter.milliamps("sht4x") == 0


def test_noise_is_that_of_the_repeatability_and_repeats_with_the_seed():
    def words(seed: int, command: bytes) -> list[int]:
        board = Board(seed)
        chip = chip_on(board, repeatability=1)
        found = []
        for _ in range(30):
            chip.write(command)
            after_ms(board, 10)
            found.append(int.from_bytes(chip.read(2), "big"))
        return found

    assert words(1, b"\xfd") == words(1, b"\xfd") != words(2, b"\xfd")
    assert max(words(1, b"\xfd")) - min(words(1, b"\xfd")) < 100  # 0.27 Cel
    assert max(words(1, b"\xe0")) - min(words(1, b"\xe0")) > 100
