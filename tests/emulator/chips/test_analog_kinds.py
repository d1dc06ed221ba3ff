"""Batteries, levels, photoresistors as a scenario plugs them: truth, wiring, faults, current."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.board.board import Board
from emulator.board.standard import plug_standard
from emulator.chips import battery, gl55, voltage
from emulator.chips.analog import FULL_SCALE_MV
from emulator.chips.wiring import wire
from tests.emulator.chips.conftest import after_ms


@pytest.fixture
def board(tmp_path) -> Board:
    made = Board()
    plug_standard(made, tmp_path)
    return made


def at(board: Board, pin: str) -> float:
    return board.services["adc"].sources[pin]()


def drive(board: Board, pin: str, on: int) -> None:
    board.services["pins"].do_init(pin, 2, None, on)


def plug(module, board: Board, **table):
    table.setdefault("noise_mv", 0)
    module.plug(board, "part", table)
    assert table == {}
    after_ms(board, 1000)


# What a wire does


@pytest.fixture
def tap(board: Board) -> voltage.Voltage:
    made = voltage.Voltage(board, noise_mv=0)
    made.power(True)
    return made


@pytest.mark.parametrize(
    ("fault", "value", "millivolts"),
    [("absent", True, 0), ("stuck", True, 0), ("shorted_mv", 3300.0, 3300), ("lateness", 1, 1500)],
)
def test_faults_of_the_wire(tap, fault, value, millivolts):
    setattr(tap, fault, value)
    assert tap() == millivolts


def test_disturbed_samples_are_at_full_scale(tap):
    tap.corrupt = 2
    assert [tap() for _ in range(4)] == [FULL_SCALE_MV, FULL_SCALE_MV, 1500, 1500]
    tap.corrupt_rate = 0.25
    hits = [tap() == FULL_SCALE_MV for _ in range(400)]
    assert statistics.mean(hits) == pytest.approx(0.25, abs=0.06)


def test_a_brown_out_takes_the_rest_of_a_measurement(board, tap):
    def measurement() -> list[float]:
        values = []
        for _ in range(4):
            values.append(tap())
            after_ms(board, 0.5)
        after_ms(board, 20)
        return values

    tap.brown_out = 2
    assert [measurement() for _ in range(3)] == [
        [1500, 1500, 0, 0],
        [1500, 1500, 0, 0],
        [1500, 1500, 1500, 1500],
    ]


@pytest.mark.parametrize("kind", ["voltage", "level"])
def test_a_voltage_of_a_scenario_has_the_name_of_before_too(board, kind):
    wire(board, {"x": {"kind": kind, "pin": "P16", "level_mv": 640}})
    assert at(board, "P16") == pytest.approx(640, abs=5)


def test_without_a_supply_there_is_no_voltage(tap):
    tap.power(False)
    assert tap() == 0


# level


def test_a_level_follows_its_truth_and_its_supply(board):
    plug(voltage, board, level_mv=[[0, 1000], [10, 2000]], supply_pin="P11")
    assert at(board, "P18") == pytest.approx(1100)
    after_ms(board, 4000)
    assert at(board, "P18") == pytest.approx(1500)
    drive(board, "P11", 1)
    assert at(board, "P18") == pytest.approx(1500)
    drive(board, "P11", 0)
    assert at(board, "P18") == 0


# battery


def test_a_battery_of_a_scenario_is_as_before(board):
    plug(battery, board, pin="P13", open_mv=4000, ohm=1, top_ohm=100_000, bottom_ohm=10_000)
    board.meter.set("modem", "tx", 240)
    assert at(board, "P13") == pytest.approx((4000 - 240) / 11)


def test_a_battery_may_follow_a_course(board):
    plug(battery, board, open_mv=[[0, 4200], [100, 3200]], ohm=0)
    assert at(board, "P16") == pytest.approx((4200 - 10) / 2)


def test_a_switched_divider_is_off_until_its_pin_is_high_and_draws_then(board):
    plug(battery, board, enable_pin="P23", ohm=0, farad=1e-6)  # 50 kOhm: 50 ms
    assert at(board, "P16") == 0
    assert board.meter.milliamps("part") == 0
    drive(board, "P23", 1)
    after_ms(board, 50)
    assert at(board, "P16") == pytest.approx(1950 * (1 - math.exp(-1)), rel=0.001)
    assert board.meter.milliamps("part") == pytest.approx(3.9 / 200)
    after_ms(board, 500)
    assert at(board, "P16") == pytest.approx(1950, rel=0.001)
    drive(board, "P23", 0)
    assert at(board, "P16") == 0
    assert board.meter.milliamps("part") == 0


def test_a_charger_holds_the_cell_until_it_is_stopped(board):
    plug(battery, board, open_mv=3700, ohm=0, charger_mv=4200, charger_off_pin="P22")
    assert at(board, "P16") == 2100
    drive(board, "P22", 1)
    assert at(board, "P16") == 1850
    drive(board, "P22", 0)
    assert at(board, "P16") == 2100


def test_the_shunt_shows_what_the_board_draws(board):
    plug(battery, board, current_pin="P14", current_ohm=8)
    board.meter.set("esp", "run", 50)
    assert at(board, "P14") == pytest.approx(400)


# gl55


@pytest.mark.parametrize(
    ("lux", "r10", "gamma", "ohm"),
    [(10, 14, 0.6, 14_000), (100, 14, 0.6, 3516.6), (1, 15, 0.7, 75_178), (0, 14, 0.6, 1e6)],
)
def test_resistance_by_the_law_of_the_data_sheets(board, lux, r10, gamma, ohm):
    """R10 at 10 lx, gamma decades less in ten times the light, and a limit in darkness."""
    dark_mohm = 1.0 if lux == 0 else 1e9
    chip = gl55.Gl55(board, lambda t: lux, r10, gamma, dark_mohm, noise_mv=0)
    assert chip.ohm() == pytest.approx(ohm, rel=0.001)


def test_photoresistor_divides_draws_and_settles(board):
    plug(gl55, board, lux=10, dark_mohm=1e9, r10_kohm=10, supply_pin="P11", fixed_ohm=10_000)
    assert at(board, "P15") == pytest.approx(1650)
    assert board.meter.milliamps("part") == pytest.approx(3.3 / 20)
    drive(board, "P11", 1)
    drive(board, "P11", 0)
    assert at(board, "P15") == 0
    assert board.meter.milliamps("part") == 0
    drive(board, "P11", 1)
    after_ms(board, 0.5)  # 5 kOhm, 100 nF
    assert at(board, "P15") == pytest.approx(1650 * (1 - math.exp(-1)), rel=0.001)


def test_light_is_seen_after_the_response_time(board):
    after_ms(board, 1000)
    chip = gl55.Gl55(board, lambda t: 10 if t < 1 else 1000, noise_mv=0)
    chip.power(True)
    after_ms(board, 20)
    before = chip()
    after_ms(board, 20)
    assert chip() > 2 * before


# scenarios


@pytest.mark.parametrize(
    ("chips", "text"),
    [
        ({"battery": {"pin": "P9"}}, "chips.battery: pin = 'P9'; allowed: P13, P14"),
        ({"battery": {"enable_pin": "P31"}}, "chips.battery: enable_pin = 'P31'; allowed: P0"),
        ({"battery": {"current_pin": 14}}, "chips.battery: current_pin = 14"),
        ({"battery": {"open": True}}, "unknown key 'open' for a battery"),
        ({"battery": {"open_mv": "much"}}, "open_mv = 'much'"),
        ({"x": {"kind": "voltage", "level": 3}}, "unknown key 'level' for a voltage"),
        ({"battery": {"farad": "much"}}, "farad = 'much'; allowed: a number from 0 up"),
        ({"battery": {"capacity_mah": 0}}, "capacity_mah = 0; allowed: more than 0"),
        ({"x": {"kind": "gl55", "pin": "P0"}}, "chips.x: pin = 'P0'"),
        ({"x": {"kind": "gl56"}}, "chips.x: kind = 'gl56'; allowed: none, "),
    ],
)
def test_mistakes_in_a_scenario_are_named(board, chips, text):
    with pytest.raises(ValueError, match="chips") as caught:
        wire(board, chips)
    assert text in str(caught.value)


def test_default_wiring_has_a_battery(board):
    wire(board, {})
    assert at(board, "P16") == pytest.approx(1950, abs=20)


# The whole way: any truth, the chip, the converter, the driver's formula


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lux=st.floats(0.5, 900),
    r10=st.floats(8, 20),
    gamma=st.floats(0.6, 0.7),
)
def test_any_light_comes_back_from_the_voltage(board, lux, r10, gamma):
    """The driver's formula, with the part's own figures, undoes the chip's."""
    chip = gl55.Gl55(board, lambda t: lux, r10, gamma, dark_mohm=1e9, noise_mv=0)
    chip.power(True)
    after_ms(board, 1000)
    voltage = chip()
    resistance = 10_000 * (3300 - voltage) / voltage
    assert 10 * (resistance / (r10 * 1000)) ** (-1 / gamma) == pytest.approx(lux, rel=1e-6)
