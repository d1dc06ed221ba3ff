"""ADS1115 and ADS1015 against the data sheet: registers, ranges, rates, supply; round trips."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies

from emulator.board.board import Board
from emulator.board.i2c import I2c, Nack
from emulator.chips import wiring
from emulator.chips.ads1115 import CONFIGURATION, CONVERSION, HIGH, LOW, Ads1115
from tests.device import Node
from tests.emulator.chips.conftest import after_ms

RANGES_MV = (6144, 4096, 2048, 1024, 512, 256, 256, 256)
RATES = [("ads1115", code, rate) for code, rate in enumerate((8, 16, 32, 64, 128, 250, 475, 860))]
RATES += [("ads1015", 0, 128), ("ads1015", 4, 1600), ("ads1015", 6, 3300), ("ads1015", 7, 3300)]


def chip_on(board: Board, *levels_mv: float, model: str = "ads1115", **options) -> Ads1115:
    """A chip that has been powered for a second."""
    levels = (levels_mv + (0.0,) * 4)[:4]
    chip = Ads1115(board, *[lambda t, level=level: level for level in levels], model, **options)
    chip.power(True)
    after_ms(board, 1000)
    return chip


def put(chip: Ads1115, register: int, word: int) -> None:
    chip.write(bytes((register,)) + word.to_bytes(2, "big"))


def get(chip: Ads1115, register: int) -> int:
    chip.write(bytes((register,)))
    return int.from_bytes(chip.read(2), "big")


def once(mux: int = 4, gain: int = 1, rate: int = 4) -> int:
    return 0x8103 | mux << 12 | gain << 9 | rate << 5


def converted(board: Board, chip: Ads1115, **settings: int) -> int:
    put(chip, CONFIGURATION, once(**settings))
    after_ms(board, 200)
    return get(chip, CONVERSION)


def idle(chip: Ads1115) -> bool:
    return bool(get(chip, CONFIGURATION) & 0x8000)


def test_registers_after_power_on(board):
    chip = chip_on(board, 1000.0)
    assert chip.read(2) == b"\x00\x00"  # the pointer is at the conversion
    found = [get(chip, register) for register in (CONVERSION, CONFIGURATION, LOW, HIGH)]
    assert found == [0x0000, 0x8583, 0x8000, 0x7FFF]


# (mV, gain code, word): words and ranges of published drivers' tests
WORDS = [(512.0, 1, 0x1000), (-0.0625, 2, 0xFFFF), (4095.875, 1, 0x7FFF), (-2048.0, 2, 0x8000),
         (-33.0, 0, 0xFF50), (0.0, 5, 0x0000), (0.0078125, 7, 0x0001)]  # fmt: skip


@pytest.mark.parametrize(("level_mv", "gain", "word"), WORDS, ids=str)
def test_voltages_of_the_examples(board, level_mv, gain, word):
    levels = (level_mv, 0.0) if level_mv >= 0 else (0.0, -level_mv)
    chip = chip_on(board, *levels, vdd_mv=5500)
    assert converted(board, chip, mux=0, gain=gain) == word


@pytest.mark.parametrize(
    ("level_mv", "word"), [(9000, 0x7FF0), (-9000, 0x8000), (-1, 0xFFF0), (0.4, 0), (1, 0x0010)]
)
def test_an_ads1015_has_twelve_bits_at_the_left(board, level_mv, word):
    levels = (level_mv, 0.0) if level_mv >= 0 else (0.0, -level_mv)
    chip = chip_on(board, *levels, model="ads1015", vdd_mv=9999)
    assert converted(board, chip, mux=0, gain=2) == word


@pytest.mark.parametrize(("gain", "range_mv"), list(enumerate(RANGES_MV)))
def test_ranges_end_at_full_scale(board, gain, range_mv):
    chip = chip_on(board, range_mv * 1.01, range_mv * 0.5, vdd_mv=9999)
    assert converted(board, chip, mux=4, gain=gain) == 0x7FFF
    assert converted(board, chip, mux=5, gain=gain) == 0x4000
    chip = chip_on(board, 0.0, range_mv * 1.01, vdd_mv=9999)
    assert converted(board, chip, mux=0, gain=gain) == 0x8000


@pytest.mark.parametrize(
    ("mux", "millivolts"),
    [(0, 100), (1, 700), (2, 600), (3, 400), (4, 1000), (5, 900), (6, 700), (7, 300)],
)
def test_the_multiplexer_chooses_inputs(board, mux, millivolts):
    chip = chip_on(board, 1000.0, 900.0, 700.0, 300.0)
    assert converted(board, chip, mux=mux) * 0.125 == millivolts


def test_no_input_leaves_ground_and_supply_by_more_than_its_diode(board):
    chip = chip_on(board, 5000.0, -900.0)
    assert converted(board, chip, mux=4, gain=0) * 0.1875 == pytest.approx(3600, abs=0.1)
    assert (converted(board, chip, mux=5, gain=2) - 0x10000) * 0.0625 == -300


@pytest.mark.parametrize("lateness", [0, 1], ids=["typical", "greatest"])
@pytest.mark.parametrize(("model", "code", "rate"), RATES)
def test_it_is_idle_again_when_the_conversion_ends(board, model, code, rate, lateness):
    chip = chip_on(board, 1000.0, model=model)
    chip.lateness = lateness
    duration_ms = 1000 / rate * (1.1 if lateness else 1) + 0.025
    put(chip, CONFIGURATION, once(rate=code))
    after_ms(board, duration_ms - 0.01)
    assert not idle(chip)
    assert get(chip, CONVERSION) == 0
    after_ms(board, 0.02)
    assert idle(chip)
    assert get(chip, CONVERSION) * 0.125 == 1000


def test_a_single_shot_measures_once_and_only_when_started(board):
    levels = [1000.0]
    chip = Ads1115(board, *[lambda t: levels[0]] * 4)
    chip.power(True)
    after_ms(board, 1)
    put(chip, CONFIGURATION, once() & 0x7FFF)
    after_ms(board, 20)
    assert get(chip, CONVERSION) == 0
    assert converted(board, chip) == 8000
    levels[0] = 500.0
    after_ms(board, 100)
    assert get(chip, CONVERSION) == 8000


def test_a_configuration_during_a_conversion_counts_for_the_next(board):
    chip = chip_on(board, 1000.0, 500.0)
    put(chip, CONFIGURATION, once(mux=4))
    after_ms(board, 4)
    put(chip, CONFIGURATION, once(mux=5))
    after_ms(board, 5)
    assert get(chip, CONVERSION) == 8000
    assert get(chip, CONFIGURATION) == once(mux=5)
    assert converted(board, chip, mux=5) == 4000


def test_continuous_mode_goes_on_until_a_single_shot(board):
    chip = Ads1115(board, *[lambda t: 1000 * t] * 4)
    chip.power(True)
    board.clock.run_until(500_000, lambda: False)
    put(chip, CONFIGURATION, once() & ~0x0100)
    for seconds in (1.0, 1.5, 2.0):
        board.clock.run_until(round(seconds * 1e6), lambda: False)
        assert get(chip, CONVERSION) * 0.125 == pytest.approx(1000 * seconds, abs=12)
        assert not idle(chip)
    put(chip, CONFIGURATION, once() & 0x7FFF)
    word = get(chip, CONVERSION)
    after_ms(board, 500)
    assert idle(chip)
    assert get(chip, CONVERSION) == word


def test_thresholds_are_kept_and_the_conversion_cannot_be_written(board):
    chip = chip_on(board)
    put(chip, LOW, 0x1234)
    put(chip, HIGH, 0x5678)
    put(chip, CONVERSION, 0x9ABC)
    assert [get(chip, register) for register in (CONVERSION, LOW, HIGH)] == [0, 0x1234, 0x5678]


def test_the_pointer_stays_and_has_two_bits(board):
    chip = chip_on(board)
    chip.write(b"\x01")
    assert (chip.read(2), chip.read(3)) == (b"\x85\x83", b"\x85\x83\xff")
    chip.write(b"\xfd")
    assert chip.read(2) == b"\x85\x83"


def test_a_general_call_resets_those_that_are_there(board):
    buses = I2c(board)
    board.plug("i2c", buses)
    buses.do_open(0, 100_000, ["P9", "P10"])
    with pytest.raises(OSError, match="I2C bus error"):
        buses.do_write(0, 0, b"\x06", True)
    chips = [chip_on(board, 1000.0, name=f"ads{n}") for n in range(3)]
    for number, chip in enumerate(chips):
        buses.attach(None, 0x48 + number, chip, ("P9", "P10"))
        put(chip, LOW, 0x1234)
    chips[2].absent = True
    buses.do_write(0, 0, b"\x05", True)
    assert get(chips[0], LOW) == 0x1234
    buses.do_write(0, 0, b"\x06", True)
    chips[2].absent = False
    assert [get(chip, LOW) for chip in chips] == [0x8000, 0x8000, 0x1234]


def test_a_reset_voids_the_conversion_that_goes_on(board):
    chip = chip_on(board, 1000.0)
    put(chip, CONFIGURATION, once())
    after_ms(board, 4)
    chip.general_call(b"\x06")
    assert idle(chip)
    after_ms(board, 20)
    assert get(chip, CONVERSION) == 0


def test_without_supply_there_is_nobody_and_registers_are_lost(board):
    chip = chip_on(board, 1000.0)
    put(chip, LOW, 0x1234)
    put(chip, CONFIGURATION, once(rate=0))
    chip.power(False)
    with pytest.raises(Nack):
        chip.read(2)
    with pytest.raises(Nack):
        chip.general_call(b"\x06")
    after_ms(board, 200)
    chip.power(True)
    with pytest.raises(Nack):
        chip.write(b"\x00")
    after_ms(board, 0.1)
    found = [get(chip, register) for register in (CONVERSION, CONFIGURATION, LOW)]
    assert found == [0, 0x8583, 0x8000]


def test_a_brown_out_leaves_it_idle_without_a_result(board):
    chip = chip_on(board, 1000.0)
    chip.brown_out = 1
    put(chip, CONFIGURATION, once())
    after_ms(board, 20)
    assert (get(chip, CONFIGURATION), get(chip, CONVERSION)) == (0x8583, 0)


def test_currents_by_state(board):
    chip = chip_on(board)
    meter = board.meter
    seen = []

    def look() -> None:
        seen.append((meter.state("ads1115"), meter.milliamps("ads1115")))

    look()
    put(chip, CONFIGURATION, once())
    look()
    after_ms(board, 10)
    look()
    put(chip, CONFIGURATION, once() & ~0x0100)
    look()
    chip.power(False)
    look()
    assert seen == [("standby", 0.0005), ("measure", 0.15), ("standby", 0.0005),
                    ("measure", 0.15), ("off", 0.0)]  # fmt: skip


def test_a_scenario_sets_inputs_model_and_supply():
    board = Board()
    made: list[Ads1115] = []

    class Buses:
        def attach(self, bus, address, chip, pins=None):
            made.append(chip)

    board.services["i2c"] = Buses()  # type: ignore[assignment]
    table = {"kind": "ads1115", "model": "ads1015", "vdd_mv": 5000, "address": 0x4B,
             "ain0_mv": {"mean": 4500, "swing": 0}, "ain3_mv": [[0, 100], [10, 200]]}  # fmt: skip
    chips = {"si7021": {"kind": "none"}, "battery": {"kind": "none"}, "adc": table}
    wiring.wire(board, chips)
    [chip] = made
    after_ms(board, 4900)
    assert converted(board, chip, mux=4, gain=0) == 1500 << 4
    assert (converted(board, chip, mux=7, gain=2) >> 4) == pytest.approx(150, abs=3)


@pytest.mark.parametrize("model", ["ads1115", "ads1015"])
def test_any_voltage_comes_back_within_the_resolution(tmp_path, model):
    node = Node(tmp_path, [])
    chip = node.attach(Ads1115(node.board, *[lambda t: 0.0] * 4, model, vdd_mv=5500), address=0x48)
    program = (
        "from sensors import ads1115\n"
        "voltage = ads1115.get_reading('P9', 'P10', channel='0-1', model={!r}, full_scale_mv={})\n"
    )
    coarser = 16 if model == "ads1015" else 1

    @hypothesis.given(
        level_mv=strategies.one_of(strategies.floats(-5500, 5500), strategies.floats(-300, 300)),
        full_scale_mv=strategies.sampled_from((None, 6144, 2048)),
    )
    @hypothesis.settings(max_examples=30)
    def check(level_mv, full_scale_mv):
        chip.inputs = (
            lambda t: max(level_mv, 0.0),
            lambda t: max(-level_mv, 0.0),
            *chip.inputs[2:],
        )
        voltage = node.variables(program.format(model, full_scale_mv))["voltage"]
        if full_scale_mv is not None and abs(level_mv) > full_scale_mv - 3:
            return
        if full_scale_mv is None:  # at most the range above the one that the voltage would fill
            fits = [each for each in RANGES_MV if each * 0.88 > abs(level_mv)]
            full_scale_mv = fits[-1] if fits else 6144
        step_mv = full_scale_mv / 32768 * coarser
        assert abs(voltage - level_mv) <= step_mv * 0.501

    check()
    node.vm.shutdown()
