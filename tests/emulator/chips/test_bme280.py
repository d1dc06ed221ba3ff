"""The chip by itself against the data sheets: registers, times, modes, reset, supply, words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.board.board import Board
from emulator.board.i2c import Nack
from emulator.chips.bme280 import IMAGES, Bme280, Formulas, duration_ms
from emulator.chips.bosch import celsius_of
from tests.emulator.chips.conftest import after_ms

AFTER_RESET = bytes.fromhex("8000008000008000")
# (temperature, pressure, humidity samples), typical and greatest ms: data sheet, 9.1
TIMES = [
    ((1, 1, 1), 8.0, 9.3),
    ((2, 16, 1), 40.0, 46.1),
    ((16, 16, 16), 98.0, 112.8),
    ((1, 4, 0), 11.5, 13.3),
    ((1, 0, 0), 3.0, 3.55),
]
# Coefficients, words of pressure, temperature, humidity, and what they mean in Pa, Cel, %RH:
# the sources of tests/sensors/test_bme280.py
WORDS = [
    ("a", (304428, 526700, 31350), (100942.97, 23.7221, 65.3061)),
    ("b", (326816, 529191, 30281), (100661.52, 24.7895, 68.66997)),
    ("c", (415148, 519888, 30281), (100653.27, 25.08242, 57.803)),
    ("b", (340000, 400000, 20000), (92135.77, -14.7221, 11.533)),
]


def chip_on(board: Board, air=(1013.25, 21.5, 40.0), **options) -> Bme280:
    """A chip that has been powered for a second."""
    pressure, celsius, percent = air
    chip = Bme280(board, lambda t: pressure, lambda t: celsius, lambda t: percent, **options)
    chip.power(True)
    after_ms(board, 1000)
    return chip


def look(chip: Bme280, register: int, count: int = 1) -> bytes:
    chip.write(bytes((register,)))
    return chip.read(count)


def words(chip: Bme280) -> tuple[int, int, int]:
    data = look(chip, 0xF7, 8)
    return (
        int.from_bytes(data[:3], "big") >> 4,
        int.from_bytes(data[3:6], "big") >> 4,
        int.from_bytes(data[6:], "big"),
    )


@pytest.mark.parametrize(("name", "raw", "values"), WORDS)
def test_the_formulas_are_those_of_the_data_sheet(name, raw, values):
    formulas = Formulas(IMAGES[name])
    celsius = celsius_of(raw[1], *formulas.temperature_coefficients)
    assert formulas.pascal(raw[0], celsius) == pytest.approx(values[0], abs=0.5)
    assert celsius == pytest.approx(values[1], abs=0.0001)
    assert formulas.percent(raw[2], celsius) == pytest.approx(values[2], abs=0.001)


@given(st.floats(30000, 110000), st.floats(-40, 85), st.floats(0, 100))
def test_a_word_found_for_a_truth_means_that_truth(pascal, celsius, percent):
    formulas = Formulas(IMAGES["a"])
    word = formulas.pressure_word(pascal, celsius)
    assert formulas.pascal(word, celsius) == pytest.approx(pascal)
    word = formulas.temperature_word(celsius)
    found = celsius_of(word, *formulas.temperature_coefficients)
    assert found == pytest.approx(celsius, abs=1e-6)
    word = formulas.humidity_word(percent, celsius)
    assert formulas.percent(word, celsius) == pytest.approx(percent, abs=1e-6)


def test_registers_after_power_on(board):
    chip = chip_on(board)
    assert look(chip, 0xD0) == b"\x60"
    assert look(chip, 0xF2, 4) == bytes(4)
    assert look(chip, 0xF7, 8) == AFTER_RESET
    assert look(chip, 0x88, 4).hex() == "106e6c66"
    assert look(chip, 0xA1) == b"\x4b"
    assert look(chip, 0xE1, 7).hex() == "6e01001305001e"


@pytest.mark.parametrize(("name", "first"), [("a", "106e"), ("b", "696d"), ("c", "706b")])
def test_coefficients_can_be_chosen(board, name, first):
    assert look(chip_on(board, nvm=IMAGES[name]), 0x88, 2).hex() == first


@pytest.mark.parametrize("lateness", [0, 1])
@pytest.mark.parametrize(("samples", "typical", "most"), TIMES)
def test_a_forced_measurement_takes_its_time(board, samples, typical, most, lateness):
    chip = chip_on(board)
    chip.lateness = lateness
    t, p, h = (count.bit_length() for count in samples)
    chip.write(bytes((0xF2, h, 0xF4, t << 5 | p << 2 | 1)))
    after_ms(board, (most if lateness else typical) - 0.1)
    assert look(chip, 0xF3) == b"\x08"
    assert look(chip, 0xF4)[0] & 3 == 1
    assert look(chip, 0xF7, 8) == AFTER_RESET
    after_ms(board, 0.2)
    assert look(chip, 0xF3) == b"\x00"
    assert look(chip, 0xF4)[0] & 3 == 0
    assert look(chip, 0xF7, 8) != AFTER_RESET


def test_extra_time_is_added(board):
    chip = chip_on(board)
    chip.extra_ms = 20
    chip.write(b"\xf4\x25")
    after_ms(board, 25)
    assert look(chip, 0xF3) == b"\x08"


@pytest.mark.parametrize(("code", "bits"), [(1, 16), (2, 17), (3, 18), (4, 19), (5, 20), (7, 20)])
def test_oversampling_gives_resolution(board, code, bits):
    chip = Bme280(board, lambda t: 1000 + t, lambda t: 20 + t)
    chip.power(True)
    seen = 0
    for _ in range(20):
        after_ms(board, 100)
        chip.write(bytes((0xF4, code << 5 | code << 2 | 1)))
        after_ms(board, 200)
        seen |= words(chip)[0] | words(chip)[1]
    assert seen & (1 << 21 - bits) - 1 == 1 << 20 - bits  # the lowest bit that is ever set


def test_what_is_left_out_has_the_word_of_a_reset(board):
    chip = chip_on(board)
    chip.write(b"\xf4\x21")  # temperature alone
    after_ms(board, 20)
    pressure, temperature, humidity = words(chip)
    assert (pressure, humidity) == (0x80000, 0x8000)
    assert temperature != 0x80000


def test_ctrl_hum_counts_from_the_next_write_to_ctrl_meas_on(board):
    chip = chip_on(board)
    chip.write(b"\xf4\x24")
    chip.write(b"\xf2\x01")
    assert look(chip, 0xF2) == b"\x01"
    assert duration_ms(chip._samples())[0] == 5.5
    chip.write(b"\xf4\x25")
    after_ms(board, 7.9)
    assert look(chip, 0xF3) == b"\x08"
    after_ms(board, 0.2)
    assert words(chip)[2] != 0x8000


def test_a_write_during_a_measurement_counts_from_its_end_on(board):
    chip = chip_on(board)
    chip.write(b"\xf2\x01\xf4\x25")
    after_ms(board, 4)
    chip.write(b"\xf4\xb5")
    chip.write(b"\xf4\x00")  # too late
    assert look(chip, 0xF4) == b"\x25"
    after_ms(board, 4.1)
    assert look(chip, 0xF3) == b"\x08"
    assert look(chip, 0xF4) == b"\xb5"
    after_ms(board, 100)
    assert look(chip, 0xF4) == b"\xb4"


def test_normal_mode_goes_on_with_pauses(board):
    celsius = [20.0]
    chip = Bme280(board, lambda t: 1000, lambda t: celsius[0])
    chip.power(True)
    after_ms(board, 10)
    chip.write(b"\xf5\x20\xf2\x01\xf4\x27")  # 62.5 ms
    after_ms(board, 9)
    first = words(chip)
    assert look(chip, 0xF3) == b"\x00"
    celsius[0] = 30.0
    after_ms(board, 58)
    assert words(chip) == first
    after_ms(board, 6)
    assert look(chip, 0xF3) == b"\x08"
    after_ms(board, 8)
    assert words(chip)[1] > first[1]
    chip.write(b"\xf5\x00")
    assert look(chip, 0xF5) == b"\x20"  # not taken in normal mode
    chip.write(b"\xf4\x24")
    now = words(chip)
    celsius[0] = 40.0
    after_ms(board, 500)
    assert (words(chip), look(chip, 0xF3)) == (now, b"\x00")


def test_the_low_pass(board):
    celsius = [20.0]
    chip = Bme280(board, lambda t: 1000, lambda t: celsius[0])
    chip.power(True)
    after_ms(board, 10)

    def temperature() -> int:
        chip.write(b"\xf4\x25")
        after_ms(board, 20)
        return words(chip)[1]

    chip.write(b"\xf5\x08")  # 4
    first = temperature()
    celsius[0] = 30.0
    second = temperature()
    chip.write(b"\xf5\x00")
    whole = temperature()
    assert second - first == pytest.approx((whole - first) / 4, abs=10)


def test_writes_are_pairs_and_reads_go_on(board):
    chip = chip_on(board)
    chip.write(b"\xf5\xa0\xf2\x03")
    assert look(chip, 0xF2, 4) == b"\x03\x00\x00\xa0"
    chip.write(b"\xf5")
    assert chip.read(1) + chip.read(3) == b"\xa0\x00\x80\x00"
    chip.write(b"\xd0\x55\x88\x00\xf7\x00\xe0\x55")  # read-only, and no reset
    assert (look(chip, 0xD0), look(chip, 0x88)) == (b"\x60", b"\x10")
    assert look(chip, 0xF5) == b"\xa0"


def test_reset_brings_defaults_and_copies_the_coefficients(board):
    chip = chip_on(board)
    chip.lateness = 1
    chip.write(b"\xf5\xa0\xf2\x01\xf4\x25")
    after_ms(board, 20)
    chip.write(b"\xf4\x25")
    after_ms(board, 1)
    chip.write(b"\xe0\xb6")
    assert look(chip, 0xF3) == b"\x01"
    after_ms(board, 0.9)
    assert look(chip, 0xF3) == b"\x01"
    assert look(chip, 0x88, 2) == b"\x00\x00"
    after_ms(board, 0.1)
    assert look(chip, 0xF2, 4) == bytes(4)
    assert look(chip, 0x88, 2) == b"\x10\x6e"
    after_ms(board, 20)  # the measurement was broken off
    assert look(chip, 0xF7, 8) == AFTER_RESET
    assert board.meter.state("bme280") == "standby"


@pytest.mark.parametrize(("lateness", "start"), [(0, 1), (1, 2)])
def test_nobody_answers_before_the_start_is_over(board, lateness, start):
    chip = Bme280(board, lambda t: 1000, lambda t: 20)
    chip.lateness = lateness
    with pytest.raises(Nack):
        chip.write(b"\xd0")
    chip.power(True)
    after_ms(board, start - 0.1)
    with pytest.raises(Nack):
        chip.write(b"\xd0")
    after_ms(board, 0.2)
    assert look(chip, 0xD0) == b"\x60"


def test_without_supply_all_but_the_coefficients_is_lost(board):
    chip = chip_on(board)
    chip.write(b"\xf5\xa0\xf2\x01\xf4\x25")
    after_ms(board, 4)
    chip.power(False)
    with pytest.raises(Nack):
        chip.read(1)
    after_ms(board, 10)
    chip.power(True)
    after_ms(board, 10)
    assert look(chip, 0xF2, 4) == bytes(4)
    assert look(chip, 0xF7, 8) == AFTER_RESET
    assert look(chip, 0x88, 2) == b"\x10\x6e"


def test_a_brown_out_during_a_measurement(board):
    chip = chip_on(board)
    chip.brown_out = 1
    chip.write(b"\xf2\x01\xf4\x25")
    after_ms(board, 20)
    assert look(chip, 0xF7, 8) == AFTER_RESET
    chip.write(b"\xf2\x01\xf4\x25")
    after_ms(board, 20)
    assert look(chip, 0xF7, 8) != AFTER_RESET


@pytest.mark.parametrize(("model", "chip_id"), [("bmp280", 0x58), ("bmp280_sample", 0x56)])
def test_a_bmp280_has_no_humidity(board, model, chip_id):
    chip = chip_on(board, model=model)
    assert look(chip, 0xD0)[0] == chip_id
    chip.write(b"\xf2\x05\xf4\x25")
    after_ms(board, 5.4)
    assert look(chip, 0xF3) == b"\x08"
    after_ms(board, 0.2)
    assert look(chip, 0xF3) == b"\x00"
    assert look(chip, 0xF2) == b"\x00"
    assert look(chip, 0xFD, 2) == look(chip, 0xE1, 2) == bytes(2)
    assert look(chip, 0xF7, 6) != AFTER_RESET[:6]


def test_currents_by_state(board):
    chip = chip_on(board)
    assert board.meter.milliamps("bme280") == pytest.approx(0.0001)
    chip.write(b"\xf2\x01\xf4\x25")
    assert board.meter.state("bme280") == "measure"
    assert 0.3 < board.meter.milliamps("bme280") < 0.714
    after_ms(board, 8.1)
    assert board.meter.state("bme280") == "standby"
    chip.power(False)
    assert board.meter.milliamps("bme280") == 0


def test_truth_follows_virtual_time(board):
    chip = Bme280(board, lambda t: 1000 + t, lambda t: t, lambda t: 50)
    chip.power(True)
    found = []
    for _ in range(2):
        after_ms(board, 10_000)
        chip.write(b"\xf4\xb5")
        after_ms(board, 100)
        found.append(words(chip))
    assert found[1][1] > found[0][1]
