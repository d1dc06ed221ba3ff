"""The emulated HX711 by itself, clocked bit by bit; and its round trip through the driver."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.board.board import Board
from emulator.board.pins import Pins
from emulator.chips import wiring
from emulator.chips.hx711 import Hx711, attach, load_cell
from tests.device import Node
from tests.emulator.chips.conftest import after_ms

RATIO = 0.001  # of the supply: 1 mV/V
COUNTS = round(RATIO * 128 / 0.5 * 8388608)


@pytest.fixture
def board():
    board = Board()
    board.plug("pins", Pins(board))
    return board


def chip_on(board, **attributes):
    chip = Hx711(board, lambda t: RATIO, lambda t: 2 * RATIO, rate=attributes.pop("rate", 10))
    for name, value in attributes.items():
        setattr(chip, name, value)
    chip.power(True)
    board.clock.advance(0)  # it starts at once
    return chip


def pulse(board, chip, high_us=1):
    chip.clock(1)
    board.clock.advance(high_us)
    level = chip.level
    chip.clock(0)
    board.clock.advance(1)
    return level


def fetch(board, chip, pulses=25):
    """The number that so many pulses give."""
    word = 0
    for number in range(pulses):
        bit = pulse(board, chip)
        if number < 24:
            word = word << 1 | bit
    return word - (1 << 24) if word >> 23 else word


def wait_for(board, chip, limit_ms=1000):
    """How long until DOUT falls."""
    begin_us = board.clock.now_us
    while chip.level != 0:
        assert board.clock.now_us - begin_us < limit_ms * 1000
        after_ms(board, 0.5)
    return (board.clock.now_us - begin_us) / 1000


@pytest.mark.parametrize(("rate", "settling", "period"), [(10, 400, 100), (80, 50, 12.5)])
def test_it_settles_and_then_converts_at_its_rate(board, rate, settling, period):
    chip = chip_on(board, rate=rate)
    assert wait_for(board, chip) == pytest.approx(settling, abs=0.6)
    assert fetch(board, chip) == COUNTS
    assert chip.level == 1  # until the next one
    assert wait_for(board, chip) == pytest.approx(period, abs=0.6)


def test_lateness_and_extra_time_delay_it(board):
    assert wait_for(board, chip_on(board, lateness=1.0)) == pytest.approx(440, abs=0.6)
    assert wait_for(board, chip_on(board, extra_ms=5.0)) == pytest.approx(420, abs=0.6)


def test_conversions_of_a_filter_that_has_not_settled_come_too_small(board):
    chip = chip_on(board, settles_silently=False)
    seen = []
    for _ in range(5):
        wait_for(board, chip)
        seen.append(fetch(board, chip))
    assert seen == [round(COUNTS * share) for share in (0.25, 0.5, 0.75, 1, 1)]


@pytest.mark.parametrize(
    ("pulses", "gain", "counts"), [(25, 128, COUNTS), (26, 32, COUNTS // 2), (27, 64, COUNTS // 2)]
)
def test_pulses_select_gain_and_input_of_the_next_conversion(board, pulses, gain, counts):
    chip = chip_on(board)
    wait_for(board, chip)
    assert fetch(board, chip, pulses) == COUNTS  # this one is what was selected before
    assert wait_for(board, chip) == pytest.approx(100 if gain == 128 else 400, abs=1)
    assert chip.gain == gain
    assert fetch(board, chip, pulses) == pytest.approx(counts, abs=1)


@pytest.mark.parametrize("pulses", [1, 24, 28])
def test_a_wrong_number_of_pulses_is_noted_and_selects_nothing(board, pulses):
    chip = chip_on(board)
    wait_for(board, chip)
    fetch(board, chip, pulses)
    after_ms(board, 100)
    assert chip.misread == 1
    assert chip.gain == 128
    assert chip.level == 0


def test_pulses_while_nothing_is_ready_are_noted(board):
    chip = chip_on(board)
    pulse(board, chip)
    assert (chip.level, chip.misread) == (1, 1)


@pytest.mark.parametrize(("high_us", "off"), [(50, False), (60, False), (62, True), (500, True)])
def test_a_long_high_clock_switches_it_off_and_a_falling_one_on(board, high_us, off):
    chip = chip_on(board)
    wait_for(board, chip)
    fetch(board, chip, 27)
    wait_for(board, chip)
    assert chip.gain == 64
    chip.clock(1)
    board.clock.advance(high_us)
    assert chip.on is not off
    assert board.meter.state("hx711") == ("sleep" if off else "convert")
    chip.clock(0)
    assert chip.gain == (128 if off else 64)
    if off:
        assert wait_for(board, chip) == pytest.approx(400, abs=0.6)


def test_off_it_stays_until_the_clock_falls(board):
    chip = chip_on(board)
    chip.clock(1)
    after_ms(board, 10_000)
    assert (chip.level, board.meter.milliamps("hx711")) == (1, 0.001)


def test_power_loss_forgets_the_gain(board):
    chip = chip_on(board)
    wait_for(board, chip)
    fetch(board, chip, 26)
    wait_for(board, chip)
    chip.power(False)
    assert chip.level is None
    assert board.meter.milliamps("hx711") == 0
    chip.power(True)
    assert chip.gain == 128
    assert wait_for(board, chip) == pytest.approx(400, abs=0.6)
    assert fetch(board, chip) == COUNTS


def test_a_clock_that_is_high_at_power_on_keeps_it_off(board):
    chip = chip_on(board)
    chip.power(False)
    chip.clock(1)
    chip.power(True)
    after_ms(board, 1000)
    assert board.meter.state("hx711") == "sleep"


@pytest.mark.parametrize(("ratio", "counts"), [(0.0040, 0x7FFFFF), (-0.0040, -0x800000)])
def test_out_of_range_it_saturates(board, ratio, counts):
    chip = chip_on(board)
    chip.ratio_a = lambda t: ratio
    wait_for(board, chip)
    assert fetch(board, chip) == counts


def test_a_brown_out_starts_it_anew(board):
    chip = chip_on(board)
    chip.brown_out = 1  # from the next conversion on: the second
    assert wait_for(board, chip) == pytest.approx(400 + 150, abs=0.6)


def test_a_damaged_word_differs_in_one_bit(board):
    chip = chip_on(board)
    chip.corrupt = 4  # those of the settling, too
    wait_for(board, chip)
    assert abs(fetch(board, chip) - COUNTS) == 1 << 16
    wait_for(board, chip)
    assert fetch(board, chip) == COUNTS


def test_faults_of_the_line(board):
    assert chip_on(board, absent=True).level is None
    chip = chip_on(board, stuck=True)
    assert chip.level == 0
    assert fetch(board, chip) == 0
    assert chip.level == 0


def test_the_truth_is_followed_after_hours_in_which_nobody_looked(board):
    chip = chip_on(board)
    chip.ratio_a = lambda t: RATIO * (1 if t < 3600 else 2)
    wait_for(board, chip)
    after_ms(board, 3 * 3600 * 1000)
    assert chip.level == 0
    assert fetch(board, chip) == pytest.approx(2 * COUNTS, abs=1)
    assert wait_for(board, chip) <= 100
    assert len(board.clock._queue) < 10


def test_noise_is_there_and_repeats_with_the_seed():
    def words(seed):
        board = Board(seed)
        chip = chip_on(board, noise_counts=30)
        found = []
        for _ in range(8):
            wait_for(board, chip)
            found.append(fetch(board, chip))
        return found

    assert words(1) == words(1)
    assert words(1) != words(2)
    assert 1 < max(words(1)) - min(words(1)) < 200


def test_an_unknown_rate_is_refused(board):
    with pytest.raises(ValueError, match="rate = 50; allowed: 10, 80"):
        Hx711(board, lambda t: 0, rate=50)


def test_a_scenario_wires_it(board):
    wiring.wire(board, {"si7021": {"kind": "none"}, "battery": {"kind": "none"}, "scale": {
        "kind": "hx711", "load_kg": 25, "capacity_kg": 50, "mv_per_v": 2, "zero_mv_per_v": 0,
        "rate": 80, "noise_counts": 0, "data_pin": "P21", "clock_pin": "P22", "supply_pin": "P23",
    }})  # fmt: skip
    pins = board.services["pins"]
    after_ms(board, 60)
    assert pins.level("P21") == 0
    board.call("pins.init", "P23", 2, None, 0)
    board.call("pins.init", "P23", 2, None, 1)
    board.call("pins.init", "P23", 2, None, 0)
    assert board.meter.state("scale") == "off"


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"capacity_kg": 0}, "capacity_kg = 0; allowed: 0.001 to 1e+06"),
        ({"clock_pin": "P77"}, "clock_pin = 'P77'"),
    ],
)
def test_a_scenario_with_a_mistake_is_refused(board, table, text):
    none = {"si7021": {"kind": "none"}, "battery": {"kind": "none"}}
    with pytest.raises(ValueError, match="scale") as refused:
        wiring.wire(board, {**none, "scale": {"kind": "hx711", **table}})
    assert text in str(refused.value)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(load_kg=st.floats(-20, 90), zero=st.floats(-0.3, 0.3))
def test_a_load_is_weighed_within_the_resolution(weigh, load_kg, zero):
    assert weigh(load_kg, zero) == pytest.approx(load_kg, abs=0.001)


@pytest.fixture
def weigh(tmp_path):
    """Weigh on a cell of 50 kg and 2 mV/V: 85899 counts per kg at gain 128."""
    node = Node(tmp_path, [])
    chip = Hx711(node.board, lambda t: 0)
    attach(node.board, chip, "P9", "P10")
    chip.power(True)
    node.variables("from sensors import hx711\n")

    def weigh_once(load_kg, zero_mv_per_v):
        chip.ratio_a = load_cell(lambda t: load_kg, 50, 2.0, zero_mv_per_v)
        tare = round(zero_mv_per_v / 1000 * 256 * 8388608)
        reading = f"hx711.get_reading('P9', 'P10', tare={tare}, scale=85899.345, samples=1)"
        return node.value(reading, "hx711")

    return weigh_once
