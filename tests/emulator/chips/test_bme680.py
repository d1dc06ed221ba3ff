"""The chip by itself against the data sheet: registers, times, heater, gas, supply, words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.board.board import Board
from emulator.board.i2c import Nack
from emulator.chips.bme680 import IMAGES, Bme680, Formulas, duration_of
from emulator.chips.bosch import celsius_of
from tests.emulator.chips.conftest import after_ms

AFTER_RESET = bytes.fromhex("8000008000008000")
# Temperature 8 times, pressure 4, humidity 2, gas with heater setting 0
HEATER = b"\x5a\x6a\x64\x65\x70\x00\x71\x10"
GREAT = HEATER + b"\x72\x02\x74\x8d"
WITHOUT_GAS = b"\x71\x00\x72\x02\x74\x8d"
AIR_MS = 1 + 1.963 * 14 + 0.477 * 4  # vendor's driver
HEAT_MS = 148 + 0.477 * 5

# Words of pressure, temperature, humidity and what they mean in Pa, Cel, %RH: the sources of
# tests/sensors/test_bme680.py
WORDS = [
    ((0x564CD, 0x7A5F8, 0x4A4B), (98717, 26.69, 42.40)),
    ((0x50910, 0x75300, 0x59D8), (101625, 19.99, 67.26)),
    ((0x57E40, 0x5CC60, 0x4650), (91529, -11.57, 33.27)),
]
# Coefficients, converter, range, Ohm
GASES = [
    ("a", 0x000, 0, 12_946_860),
    ("a", 0x200, 4, 499_500),
    ("a", 0x2BC, 7, 55_197),
    ("b", 0x2BC, 7, 55_172),
    ("a", 0x12C, 10, 9_284),
]
# Heater setting, temperature around, target: vendor's formula, which rounds down by up to a step
HEATERS = [(0x6A, 25, 320), (0x65, 0, 300), (0x4F, 25, 200), (0x7D, 25, 400)]


def chip_on(board: Board, air=(1013.25, 25.0, 40.0), ohm=82_000, **options) -> Bme680:
    """A chip that has been powered for a second."""
    pressure, celsius, percent = air
    chip = Bme680(
        board,
        lambda t: pressure,
        lambda t: celsius,
        lambda t: percent,
        lambda t: ohm,
        **options,
    )
    chip.power(True)
    after_ms(board, 1000)
    return chip


def look(chip: Bme680, register: int, count: int = 1) -> bytes:
    chip.write(bytes((register,)))
    return chip.read(count)


@pytest.mark.parametrize(("raw", "values"), WORDS)
def test_the_formulas_are_those_of_the_data_sheet(raw, values):
    formulas = Formulas(IMAGES["a"])
    celsius = celsius_of(raw[1], *formulas.temperature_coefficients)
    assert formulas.pascal(raw[0], celsius) == pytest.approx(values[0], abs=5)
    assert celsius == pytest.approx(values[1], abs=0.01)
    assert formulas.percent(raw[2], celsius) == pytest.approx(values[2], abs=0.02)


@pytest.mark.parametrize(("name", "adc", "gas_range", "ohm"), GASES)
def test_the_gas_formula_is_that_of_the_data_sheet(name, adc, gas_range, ohm):
    assert Formulas(IMAGES[name]).ohm(adc, gas_range) == pytest.approx(ohm, rel=0.0005)


@pytest.mark.parametrize(("setting", "around", "target"), HEATERS)
def test_a_heater_setting_means_a_temperature(setting, around, target):
    formulas = Formulas(IMAGES["a"])
    step = formulas.plate_c(setting + 1, around) - formulas.plate_c(setting, around)
    assert formulas.plate_c(setting, around) <= target
    assert target - formulas.plate_c(setting, around) < step < 5


@given(st.floats(30000, 110000), st.floats(-40, 85), st.floats(0, 100), st.floats(200, 12_900_000))
def test_a_word_found_for_a_truth_means_that_truth(pascal, celsius, percent, ohm):
    formulas = Formulas(IMAGES["a"])
    word = formulas.pressure_word(pascal, celsius)
    assert formulas.pascal(word, celsius) == pytest.approx(pascal)
    word = formulas.temperature_word(celsius)
    assert celsius_of(word, *formulas.temperature_coefficients) == pytest.approx(celsius, abs=1e-6)
    word = formulas.humidity_word(percent, celsius)
    assert formulas.percent(word, celsius) == pytest.approx(percent, abs=1e-6)
    assert formulas.ohm(*formulas.gas_words(ohm)) == pytest.approx(ohm, rel=0.001)


@pytest.mark.parametrize(("ohm", "words"), [(1e9, (0, 0)), (1, (1023, 15))])
def test_a_resistance_beyond_all_ranges_is_at_their_end(ohm, words):
    assert Formulas(IMAGES["a"]).gas_words(ohm) == words


@pytest.mark.parametrize(
    ("register", "duration"), [(0x65, 148), (0x59, 100), (0x3F, 63), (0x50, 64), (0xFF, 4032)]
)
def test_durations_of_the_heater(register, duration):
    assert duration_of(register) == duration


def test_registers_after_power_on(board):
    chip = chip_on(board)
    assert look(chip, 0xD0) == b"\x61"
    assert look(chip, 0xF0) == b"\x00"
    assert look(chip, 0x1D) == b"\x00"
    assert look(chip, 0x1F, 8) == AFTER_RESET
    assert look(chip, 0x70, 6) == bytes(6)
    assert look(chip, 0x8A, 3).hex() == "656703"
    assert look(chip, 0xE1, 4).hex() == "40542a00"
    assert [look(chip, register)[0] for register in (0x00, 0x02, 0x04)] == [0x30, 0x10, 0x00]
    assert look(chip_on(board, name="other", model="bme688"), 0xF0) == b"\x01"


@pytest.mark.parametrize(("lateness", "share"), [(0, 1.0), (1, 1.1)])
def test_a_measurement_with_gas_takes_its_time(board, lateness, share):
    chip = chip_on(board)
    chip.lateness = lateness
    chip.write(GREAT)
    assert look(chip, 0x1D) == b"\x20"
    after_ms(board, AIR_MS * share - 0.1)
    assert look(chip, 0x1D) == b"\x20"
    after_ms(board, 0.2)
    assert look(chip, 0x1D) == b"\x60"
    after_ms(board, 148 + 0.477 * 5 * share - 0.2)
    assert look(chip, 0x1D) == b"\x60"
    assert look(chip, 0x1F, 8) == AFTER_RESET
    assert look(chip, 0x74)[0] & 3 == 1
    after_ms(board, 0.2)
    assert look(chip, 0x1D) == b"\x80"
    assert look(chip, 0x74) == b"\x8c"
    assert look(chip, 0x1F, 8) != AFTER_RESET
    assert look(chip, 0x2B)[0] & 0x30 == 0x30


def test_without_gas_there_is_no_heating(board):
    chip = chip_on(board)
    chip.write(WITHOUT_GAS)
    after_ms(board, AIR_MS + 0.1)
    assert look(chip, 0x1D) == b"\x80"
    assert look(chip, 0x2A, 2) == bytes(2)
    assert board.meter.time_ms("bme680", "heater") == 0


def test_new_data_falls_at_the_start_of_the_next_measurement(board):
    chip = chip_on(board)
    chip.write(WITHOUT_GAS)
    after_ms(board, 40)
    before = look(chip, 0x1D, 15)
    assert before[0] == 0x80
    chip.write(b"\x74\x8d")
    assert look(chip, 0x1D, 15) == b"\x20" + before[1:]


def test_control_registers_are_not_taken_while_it_measures(board):
    chip = chip_on(board)
    chip.write(GREAT)
    after_ms(board, 10)
    chip.write(b"\x5a\x11\x64\x01\x70\x08\x71\x00\x72\x05\x74\x00\x75\x1c")
    assert look(chip, 0x5A) == b"\x6a"
    assert look(chip, 0x64) == b"\x65"
    assert look(chip, 0x70, 6) == b"\x00\x10\x02\x00\x8d\x00"
    after_ms(board, 200)
    chip.write(b"\x72\x05")
    assert look(chip, 0x72) == b"\x05"


def test_what_is_left_out_has_the_word_of_a_reset(board):
    chip = chip_on(board)
    chip.write(b"\x72\x00\x74\x21")
    after_ms(board, 20)
    data = look(chip, 0x1F, 8)
    assert data[:3] + data[6:] == bytes.fromhex("8000008000")
    assert data[3:6] != bytes.fromhex("800000")


def test_the_heater_setting_in_use_is_chosen(board):
    chip = chip_on(board)
    chip.write(b"\x5d\x6a\x67\x59\x71\x13\x74\x25")
    after_ms(board, 300)
    assert look(chip, 0x1D) == b"\x83"
    assert chip.plate_c == pytest.approx(318, abs=3)
    assert look(chip, 0x2B)[0] & 0x30 == 0x30


@pytest.mark.parametrize(
    ("settings", "stable"),
    [
        (b"", True),
        (b"\x64\x14", True),  # 20 ms
        (b"\x64\x0f", False),
        (b"\x64\x00", False),
        (b"\x70\x08", False),  # switched off
        (b"\x5a\x00", False),  # colder than the air
        (b"\x5a\xff", False),  # hotter than it can
    ],
)
def test_the_heater_is_stable_if_it_had_its_time(board, settings, stable):
    chip = chip_on(board)
    chip.write(HEATER + settings + b"\x72\x02\x74\x8d")
    after_ms(board, 300)
    flags = look(chip, 0x2B)[0]
    assert flags & 0x20
    assert bool(flags & 0x10) == stable


def test_a_plate_that_is_not_hot_yet_has_a_higher_resistance(board):
    chip = chip_on(board)
    chip.write(HEATER + b"\x64\x05\x72\x02\x74\x8d")
    after_ms(board, 300)
    word = int.from_bytes(look(chip, 0x2A, 2), "big")
    assert Formulas(IMAGES["a"]).ohm(word >> 6, word & 15) > 100_000


def test_a_bme688_has_its_gas_elsewhere(board):
    chip = chip_on(board, model="bme688")
    chip.write(HEATER + b"\x71\x20\x72\x02\x74\x8d")
    after_ms(board, 300)
    assert look(chip, 0x2A, 2) == bytes(2)
    word = int.from_bytes(look(chip, 0x2C, 2), "big")
    assert word & 0x30 == 0x30
    assert 1e6 * 2 ** (18 - word % 16) / (4096 + 3 * ((word >> 6) - 512)) == pytest.approx(
        82_000, rel=0.001
    )


def test_writes_are_pairs_and_reads_go_on(board):
    chip = chip_on(board)
    chip.write(b"\x75\x04\x72\x03\xd0\x00\xe0\x00")
    assert look(chip, 0x72, 4) == b"\x03\x00\x00\x04"
    assert look(chip, 0xD0) == b"\x61"


def test_the_low_pass(board):
    celsius = [20.0]
    chip = Bme680(board, lambda t: 1000, lambda t: celsius[0], lambda t: 40, lambda t: 5e4)
    chip.power(True)
    after_ms(board, 10)

    def temperature() -> int:
        chip.write(b"\x74\x25")
        after_ms(board, 20)
        return int.from_bytes(look(chip, 0x22, 3), "big") >> 4

    chip.write(b"\x75\x08")  # 4
    first = temperature()
    celsius[0] = 30.0
    second = temperature()
    chip.write(b"\x75\x00")
    whole = temperature()
    assert second - first == pytest.approx((whole - first) / 4, abs=10)


@pytest.mark.parametrize("how", ["reset", "supply", "brown-out"])
def test_a_measurement_that_is_broken_off_leaves_nothing(board, how):
    chip = chip_on(board)
    chip.brown_out = int(how == "brown-out")
    chip.write(GREAT)
    after_ms(board, 10)
    if how == "reset":
        chip.write(b"\xe0\xb6")
    if how == "supply":
        chip.power(False)
        with pytest.raises(Nack):
            chip.write(b"\xd0")
        chip.power(True)
    after_ms(board, 300)
    assert look(chip, 0x1D) == b"\x00"
    assert look(chip, 0x1F, 8) == AFTER_RESET
    assert look(chip, 0x70, 6) == bytes(6)
    assert look(chip, 0x8A, 3).hex() == "656703"
    assert board.meter.state("bme680") == "standby"


def test_currents_by_state(board):
    chip = chip_on(board)
    chip.write(GREAT)
    assert board.meter.state("bme680") == "measure"
    assert 0.3 < board.meter.milliamps("bme680") < 0.714
    after_ms(board, AIR_MS + 0.1)
    assert board.meter.state("bme680") == "heater"
    assert 9 < board.meter.milliamps("bme680") < 13
    after_ms(board, HEAT_MS)
    assert board.meter.state("bme680") == "standby"
    chip.power(False)
    assert board.meter.milliamps("bme680") == 0
