"""The INA219 against the data sheet: registers, ranges, flags, times, supply; and round trips."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies

from emulator.board.board import Board
from emulator.board.i2c import Nack
from emulator.chips import wiring
from emulator.chips.ina219 import (
    BUS,
    CALIBRATION,
    CONFIGURATION,
    CURRENT,
    POWER,
    SHUNT,
    Ina219,
)
from tests.device import Node
from tests.emulator.chips.conftest import after_ms

# Sample settings: code -> typical and greatest ms of one of the two, and samples that are averaged
TIMES = [(0, 0.084, 0.093), (1, 0.148, 0.163), (2, 0.276, 0.304), (3, 0.532, 0.586),
         (4, 0.084, 0.093), (8, 0.532, 0.586), (9, 1.064, 1.172), (10, 2.128, 2.344),
         (12, 8.512, 9.376), (15, 68.096, 75.008)]  # fmt: skip


def chip_on(
    board: Board, bus_mv: float = 11980, current_ma: float = 400, shunt_mohm: float = 100
) -> Ina219:
    """A chip that has been powered for a second."""
    chip = Ina219(board, lambda t: bus_mv, lambda t: current_ma, shunt_mohm)
    chip.power(True)
    after_ms(board, 1000)
    return chip


def put(chip: Ina219, register: int, word: int) -> None:
    chip.write(bytes((register,)) + word.to_bytes(2, "big"))


def get(chip: Ina219, register: int) -> int:
    chip.write(bytes((register,)))
    return int.from_bytes(chip.read(2), "big")


def ready(chip: Ina219) -> bool:
    return bool(get(chip, BUS) & 2)


def configuration(mode=3, shunt=8, bus=8, gain=3, wide=1) -> int:
    return wide << 13 | gain << 11 | bus << 7 | shunt << 3 | mode


def test_after_power_on_it_measures_by_itself_and_knows_no_current(board):
    chip = chip_on(board)
    assert get(chip, CONFIGURATION) == 0x399F
    assert get(chip, SHUNT) == 4000
    assert get(chip, BUS) == 2995 << 3 | 2
    assert [get(chip, register) for register in (POWER, CURRENT, CALIBRATION)] == [0, 0, 0]


def test_the_worked_example_of_the_data_sheet(board):
    chip = chip_on(board, current_ma=10_000, shunt_mohm=2)
    put(chip, CALIBRATION, 0x5000)  # 0.04096 / (1 mA * 2 mOhm)
    after_ms(board, 2)
    found = [get(chip, register) for register in (SHUNT, BUS, CURRENT, POWER)]
    assert found == [0x07D0, 0x5D9A, 0x2710, 0x1766]


@pytest.mark.parametrize(
    ("calibration", "shunt_mohm", "full_scale_ma", "current_ma"),
    [(0x1000, 100, 3276.8, 400), (0x1062, 100, 3200, 400), (0x346E, 100, 1000, 390),
     (0x51EB, 20, 3200, 1500)],
)  # fmt: skip
def test_calibrations_of_published_drivers(
    board, calibration, shunt_mohm, full_scale_ma, current_ma
):
    chip = chip_on(board, current_ma=current_ma, shunt_mohm=shunt_mohm)
    put(chip, CALIBRATION, calibration)
    after_ms(board, 2)
    step_ma = full_scale_ma / 32768
    assert get(chip, CURRENT) * step_ma == pytest.approx(current_ma, rel=1e-3)
    assert get(chip, POWER) * step_ma * 20 == pytest.approx(11.98 * current_ma, rel=5e-3)


def test_the_lowest_bit_of_the_calibration_is_always_zero(board):
    chip = chip_on(board)
    put(chip, CALIBRATION, 0xFFFF)
    assert get(chip, CALIBRATION) == 0xFFFE


def test_a_negative_current_has_a_positive_power(board):
    chip = chip_on(board, bus_mv=4000, current_ma=-400)
    put(chip, CALIBRATION, 0x1000)
    after_ms(board, 2)
    assert get(chip, SHUNT) == 0xF060
    assert get(chip, CURRENT) == 0xF060
    assert get(chip, POWER) == 800  # of 2 mW


@pytest.mark.parametrize(("gain", "most"), list(enumerate((4000, 8000, 16000, 32000))))
@pytest.mark.parametrize("sign", [1, -1])
def test_ranges_over_the_shunt_cut_off(board, gain, most, sign):
    chip = chip_on(board, current_ma=sign * 5000)
    put(chip, CONFIGURATION, configuration(gain=gain))
    after_ms(board, 2)
    assert get(chip, SHUNT) == sign * most & 0xFFFF
    assert not get(chip, BUS) & 1
    chip.flags_clipping = True
    put(chip, CONFIGURATION, configuration(gain=gain))
    after_ms(board, 2)
    assert get(chip, BUS) & 3 == 3


@pytest.mark.parametrize(("wide", "word"), [(0, 0x7D00), (1, 0xBB80)])
def test_ranges_of_the_bus_cut_off(board, wide, word):
    chip = chip_on(board, bus_mv=24_000)
    put(chip, CONFIGURATION, configuration(wide=wide))
    after_ms(board, 2)
    assert get(chip, BUS) == word | 2


def test_arithmetic_that_overflows_is_flagged(board):
    chip = chip_on(board)
    put(chip, CALIBRATION, 0xFFFE)
    after_ms(board, 2)
    assert get(chip, BUS) & 1


@pytest.mark.parametrize("lateness", [0, 1], ids=["typical", "greatest"])
@pytest.mark.parametrize(("code", "typ", "most"), TIMES)
def test_ready_comes_when_the_conversions_end(board, code, typ, most, lateness):
    chip = chip_on(board)
    chip.lateness = lateness
    put(chip, CONFIGURATION, configuration(shunt=code, bus=code))
    assert not ready(chip)
    duration = 2 * (most if lateness else typ)
    after_ms(board, duration - 0.01)
    assert not ready(chip)
    after_ms(board, 0.02)
    assert ready(chip)


@pytest.mark.parametrize(("mode", "duration"), [(1, 0.532), (2, 0.532), (3, 1.064)])
def test_a_triggered_mode_measures_what_it_says_once(board, mode, duration):
    milliamps = [100.0]
    chip = Ina219(board, lambda t: milliamps[0] * 100, lambda t: milliamps[0])
    chip.power(True)
    after_ms(board, 5)
    before = get(chip, SHUNT), get(chip, BUS) >> 3
    milliamps[0] = 200.0
    put(chip, CONFIGURATION, configuration(mode))
    after_ms(board, duration - 0.01)
    assert not ready(chip)
    after_ms(board, 0.02)
    milliamps[0] = 300.0
    after_ms(board, 50)
    after = get(chip, SHUNT), get(chip, BUS) >> 3
    assert before == (1000, 2500)
    assert after == (2000 if mode & 1 else 1000, 5000 if mode & 2 else 2500)


def test_a_continuous_mode_goes_on_and_on(board):
    chip = Ina219(board, lambda t: 5000, lambda t: 100 * t)
    chip.power(True)
    for second in range(1, 4):
        board.clock.run_until(second * 1_000_000, lambda: False)
        assert get(chip, SHUNT) == pytest.approx(1000 * second, abs=3)


def test_ready_goes_by_reading_the_power_or_by_a_new_mode_only(board):
    chip = chip_on(board)
    put(chip, CONFIGURATION, configuration())
    after_ms(board, 2)
    assert ready(chip)
    assert ready(chip)
    put(chip, CONFIGURATION, configuration(mode=0))
    assert ready(chip)
    get(chip, POWER)
    assert not ready(chip)
    put(chip, CONFIGURATION, configuration())
    after_ms(board, 2)
    put(chip, CONFIGURATION, configuration())
    assert not ready(chip)


def test_a_new_configuration_ends_the_conversion_that_goes_on(board):
    chip = chip_on(board)
    put(chip, CONFIGURATION, configuration(shunt=15, bus=15))
    after_ms(board, 100)
    put(chip, CONFIGURATION, configuration(shunt=15, bus=15))
    after_ms(board, 100)
    assert not ready(chip)
    after_ms(board, 37)
    assert ready(chip)


def test_averaging_covers_the_whole_conversion(board):
    chip = Ina219(board, lambda t: 5000, lambda t: 200 if int(t * 1e4) % 2 else 100)
    chip.power(True)
    after_ms(board, 2)
    put(chip, CONFIGURATION, configuration(shunt=15))
    after_ms(board, 100)
    assert get(chip, SHUNT) == pytest.approx(1500, abs=50)


def test_fewer_bits_have_larger_steps(board):
    chip = chip_on(board, bus_mv=5021, current_ma=100.3)
    for code, size in ((0, 8), (1, 4), (2, 2), (3, 1)):
        put(chip, CONFIGURATION, configuration(shunt=code, bus=code))
        after_ms(board, 2)
        assert get(chip, SHUNT) % size == 0
        assert get(chip, SHUNT) == pytest.approx(1003, abs=size / 2)
        assert (get(chip, BUS) >> 3) % size == 0


def test_the_reset_bit_resets_all_registers(board):
    chip = chip_on(board)
    put(chip, CALIBRATION, 0x1000)
    put(chip, CONFIGURATION, configuration(mode=0) | 0x8000)
    assert [get(chip, register) for register in range(6)] == [0x399F, 0, 0, 0, 0, 0]
    after_ms(board, 2)
    assert ready(chip)


def test_the_pointer_stays_and_unknown_registers_read_as_ones(board):
    chip = chip_on(board)
    chip.write(b"\x00")
    assert (chip.read(2), chip.read(2), chip.read(3)) == (
        b"\x39\x9f",
        b"\x39\x9f",
        b"\x39\x9f\xff",
    )
    put(chip, SHUNT, 0x1234)  # can only be read
    assert chip.read(2) == b"\x0f\xa0"
    chip.write(b"\x07")
    assert chip.read(2) == b"\xff\xff"


def test_without_supply_there_is_nobody_and_registers_are_lost(board):
    chip = chip_on(board)
    put(chip, CALIBRATION, 0x1000)
    put(chip, CONFIGURATION, configuration(shunt=15))
    chip.power(False)
    with pytest.raises(Nack):
        chip.read(2)
    after_ms(board, 200)
    chip.power(True)
    with pytest.raises(Nack):
        chip.write(b"\x00")
    after_ms(board, 0.2)
    assert (get(chip, CONFIGURATION), get(chip, CALIBRATION)) == (0x399F, 0)
    assert not ready(chip)


def test_a_brown_out_leaves_it_as_after_power_on(board):
    chip = chip_on(board)
    chip.brown_out = 1
    put(chip, CONFIGURATION, configuration(shunt=12))
    after_ms(board, 20)
    assert get(chip, CONFIGURATION) == 0x399F


def test_currents_by_state(board):
    chip = Ina219(board, lambda t: 5000, lambda t: 0)
    meter = board.meter
    seen = [(meter.state("ina219"), meter.milliamps("ina219"))]

    def look() -> None:
        seen.append((meter.state("ina219"), meter.milliamps("ina219")))

    chip.power(True)
    after_ms(board, 1)
    look()
    put(chip, CONFIGURATION, configuration())
    look()
    after_ms(board, 2)
    look()
    put(chip, CONFIGURATION, 0)
    look()
    chip.power(False)
    look()
    assert seen == [("off", 0.0), ("measure", 0.7), ("measure", 0.7), ("idle", 0.7),
                    ("power_down", 0.006), ("off", 0.0)]  # fmt: skip


def test_a_scenario_sets_truth_shunt_and_faults():
    board = Board()
    node_like = {"monitor": {"kind": "ina219", "address": 0x41, "bus_mv": 5000, "shunt_mohm": 20,
                             "current_ma": {"mean": 1000, "swing": 0}, "lateness": 1}}  # fmt: skip
    node_like.update(si7021={"kind": "none"}, battery={"kind": "none"})
    made = attached(board, lambda: wiring.wire(board, node_like))
    [(address, chip)] = made
    assert address == 0x41
    board.clock.advance(10_000)
    assert (get(chip, SHUNT), get(chip, BUS) >> 3) == (2000, 1250)
    assert chip.lateness == 1


def attached(board: Board, wire) -> list[tuple[int, Ina219]]:
    """What `wire()` attaches to the I2C bus."""
    made: list[tuple[int, Ina219]] = []

    class Buses:
        def attach(self, bus, address, chip, pins=None):
            made.append((address, chip))

    board.services["i2c"] = Buses()  # type: ignore[assignment]
    wire()
    return made


def test_any_truth_comes_back_within_the_resolution(tmp_path):
    node = Node(tmp_path, [])
    chip = node.attach(Ina219(node.board, lambda t: 0.0, lambda t: 0.0), address=0x40)
    program = (
        "from sensors import ina219\n"
        "reading = ina219.get_reading('P9', 'P10', shunt_mohm={}, averages=2)\n"
    )

    @hypothesis.given(
        bus_mv=strategies.floats(0, 26_000),
        shunt_mv=strategies.floats(-319.9, 319.9),
        shunt_mohm=strategies.sampled_from((1, 2.5, 10, 100, 5000)),
    )
    @hypothesis.settings(max_examples=40)
    def check(bus_mv, shunt_mv, shunt_mohm):
        current_ma = shunt_mv * 1000 / shunt_mohm
        chip.shunt_mohm = shunt_mohm
        chip.bus_mv = lambda t: bus_mv
        chip.current_ma = lambda t: current_ma
        reading = node.variables(program.format(shunt_mohm))["reading"]
        step_ma = 10 / shunt_mohm
        assert abs(reading.voltage - bus_mv) <= 2.001
        assert abs(reading.current - current_ma) <= step_ma * 0.501
        power_mw = bus_mv * current_ma / 1000
        slack_mw = 26 * step_ma / 2 + 0.002 * abs(current_ma) + 0.01 * step_ma
        assert abs(reading.power - power_mw) <= slack_mw

    check()
    node.vm.shutdown()
