"""The emulated DHT11 and DHT22 by themselves, and their round trip through the driver."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.board.board import Board
from emulator.board.pins import OPEN_DRAIN, Pins
from emulator.chips import wiring
from emulator.chips.dht import (
    MODELS,
    TYPICAL_US,
    WIDTHS_US,
    Dht,
    attach,
    dht11_bytes,
    dht22_bytes,
)
from tests.device import Node
from tests.emulator.chips.conftest import after_ms


@pytest.fixture
def board():
    board = Board()
    board.plug("pins", Pins(board))
    return board


def chip_on(board, celsius=35.1, percent=65.2, model="DHT22", **attributes):
    def constant(value):
        return value if callable(value) else lambda t: value

    chip = Dht(board, constant(celsius), constant(percent), model)
    for name, value in attributes.items():
        setattr(chip, name, value)
    chip.power(True)
    after_ms(board, chip.traits.interval_ms + 1)
    return chip


def ask(board, chip, low_ms=2.0, late_us=0):
    chip.line(0, board.clock.now_us)
    after_ms(board, low_ms)
    chip.line(None, board.clock.now_us)
    board.clock.advance(late_us)
    return chip.pulses()


def value(pulses):
    """The 40 bits of a capture of typical widths, as bytes."""
    bits = "".join("1" if length == 70 else "0" for level, length in pulses
                   if level and length in (26, 70))  # fmt: skip
    return int(bits, 2).to_bytes(5, "big").hex()


@pytest.mark.parametrize(
    ("model", "celsius", "percent", "tenths", "data"),
    [
        ("DHT22", 35.1, 65.2, False, "028c015fee"),
        ("DHT22", 26.9, 65.8, False, "0292010da2"),
        ("DHT22", -10.1, 65.8, False, "0292806579"),
        ("DHT22", 99.0, 120.0, False, "03e703200d"),  # ends of its ranges
        ("DHT11", 24.4, 53.0, True, "3500180451"),
        ("DHT11", 28.0, 38.0, True, "26001c0042"),
        ("DHT11", 24.4, 53.0, False, "350018004d"),  # older parts know whole ones only
        ("DHT11", -1.9, 53.0, True, "35000189bf"),
        ("DHT11", -1.9, 53.0, False, "3500000035"),
    ],
)
def test_bytes_of_the_manuals(board, model, celsius, percent, tenths, data):
    chip = chip_on(board, celsius, percent, model, tenths=tenths)
    assert value(ask(board, chip, 19)) == data


def test_the_shape_of_an_answer(board):
    pulses = ask(board, chip_on(board))
    assert pulses[:3] == [(1, 30), (0, 80), (1, 80)]
    assert pulses[3:5] == [(0, 50), (1, 26)]
    assert pulses[-2:] == [(0, 50), (1, 0)]
    assert len(pulses) == 85
    assert [level for level, _ in pulses] == [1, 0] * 42 + [1]
    assert 4_000 < sum(length for _, length in pulses) < 5_500


@pytest.mark.parametrize(
    ("attributes", "count", "first"),
    [
        ({"release_seen": False}, 84, (0, 80)),
        ({"response_seen": False}, 83, (1, 30)),
        ({"release_seen": False, "response_seen": False, "end_marker": False}, 81, (0, 50)),
        ({"lost": 4}, 81, (1, 26)),
        ({"cut": 10}, 75, (1, 30)),
    ],
)
def test_what_the_receiver_misses(board, attributes, count, first):
    pulses = ask(board, chip_on(board, **attributes))
    assert (len(pulses), pulses[0]) == (count, first)


@pytest.mark.parametrize("name", WIDTHS_US)
def test_each_width_can_be_set(board, name):
    chip = chip_on(board, widths={**TYPICAL_US, name: 33})
    assert 33 in [length for _, length in ask(board, chip)]


@pytest.mark.parametrize(
    ("model", "low_ms", "answers"),
    [
        ("DHT11", 17.9, False), ("DHT11", 18, True), ("DHT11", 30, True), ("DHT11", 34, False),
        ("DHT22", 0.7, False), ("DHT22", 0.8, True), ("DHT22", 20, True), ("DHT22", 20.1, True),
        ("DHT22", 23, False),  # 20.1: a script that sleeps for 20 ms
    ],
)  # fmt: skip
def test_only_a_start_pulse_of_the_right_length_is_answered(board, model, low_ms, answers):
    assert bool(ask(board, chip_on(board, model=model), low_ms)) == answers


def test_nothing_is_sent_without_being_asked_nor_twice(board):
    chip = chip_on(board)
    assert chip.pulses() == []
    assert ask(board, chip)
    assert chip.pulses() == []


def test_a_late_listener_hears_nothing(board):
    assert ask(board, chip_on(board), late_us=190)
    after_ms(board, 3000)
    assert ask(board, chip_on(board), late_us=210) == []


@pytest.mark.parametrize("model", ["DHT11", "DHT22"])
@pytest.mark.parametrize("late", [0, 1])
def test_it_sends_what_it_measured_the_time_before(board, model, late):
    chip = chip_on(board, lambda t: round(t / 10), 50, model, lateness=late)
    seen = []
    for _ in range(4):
        after_ms(board, 100_000)
        seen.append(value(ask(board, chip, 19))[4:8])
    degrees = [int(each[:2] if model == "DHT11" else each, 16) for each in seen]
    assert degrees == [each if model == "DHT11" else each * 10 for each in (0, 10, 20, 30)]


@pytest.mark.parametrize("model", MODELS)
def test_it_is_silent_while_it_starts(board, model):
    chip = Dht(board, lambda t: 20, lambda t: 50, model)
    chip.power(True)
    after_ms(board, MODELS[model].interval_ms - 20)
    assert ask(board, chip, 19) == []
    after_ms(board, 2)
    assert ask(board, chip, 19)


def test_it_is_silent_within_the_interval_or_sends_the_old_value(board):
    chip = chip_on(board)
    assert ask(board, chip)
    after_ms(board, 1900)
    assert ask(board, chip) == []
    chip.early = "old"
    assert value(ask(board, chip)) == "028c015fee"
    after_ms(board, 100)  # 2 s after the first
    assert ask(board, chip)


def test_power_loss_forgets_the_measurement(board):
    chip = chip_on(board, lambda t: round(t), 50)
    ask(board, chip)
    after_ms(board, 5000)
    chip.power(False)
    assert ask(board, chip) == []
    assert board.meter.milliamps("dht") == 0
    chip.power(True)
    born = round(board.clock.now_us / 1e6)
    after_ms(board, 2001)
    assert int(value(ask(board, chip))[4:8], 16) == born * 10


def test_a_brown_out_while_it_measures_starts_it_anew(board):
    chip = chip_on(board, brown_out=1)
    assert ask(board, chip)
    after_ms(board, 2001)  # the supply failed after 0.25 s
    assert ask(board, chip) == []
    after_ms(board, 300)
    assert ask(board, chip)


def test_currents_by_state(board):
    chip = Dht(board, lambda t: 20, lambda t: 50)
    seen = []
    for step in (lambda: None, lambda: chip.power(True), lambda: after_ms(board, 2001),
                 lambda: ask(board, chip), lambda: after_ms(board, 600)):  # fmt: skip
        step()
        seen.append((board.meter.state("dht"), board.meter.milliamps("dht")))
    assert seen == [("off", 0), ("start", 0.05), ("standby", 0.05), ("measure", 1.5),
                    ("standby", 0.05)]  # fmt: skip


def test_faults_of_the_wire(board):
    chip = chip_on(board, corrupt=1)
    assert value(ask(board, chip)) == "028c015fef"
    after_ms(board, 2000)
    chip.flips = (0, 39)
    assert value(ask(board, chip)) == "828c015fef"
    after_ms(board, 2000)
    chip.misses = 1
    assert ask(board, chip) == []
    assert ask(board, chip)
    after_ms(board, 2000)
    chip.absent = True
    assert ask(board, chip) == []
    assert chip_on(board).stuck is False


def test_a_held_line_is_low_at_the_pin(board):
    chip = chip_on(board, stuck=True)
    attach(board, chip, "P9")
    pins = board.services["pins"]
    assert pins.level("P9") == 1
    board.call("pins.init", "P9", OPEN_DRAIN, None, 0)
    after_ms(board, 2)
    assert board.call("pins.pulses", "P9", 100) == []
    board.call("pins.init", "P9", OPEN_DRAIN, None, 1)
    assert pins.level("P9") == 0


def test_at_the_pin_the_receiver_ends_the_start_pulse(board):
    chip = chip_on(board)
    attach(board, chip, "P9")
    board.call("pins.init", "P9", OPEN_DRAIN, None, 0)
    after_ms(board, 2)
    pulses = board.call("pins.pulses", "P9", 100)
    assert value(pulses) == "028c015fee"
    assert len(pulses) == 86  # filled up to whole items


def test_an_unknown_model_is_refused_with_the_choices(board):
    with pytest.raises(ValueError, match="model = 'dht22'; allowed: DHT11, DHT22"):
        Dht(board, lambda t: 0, lambda t: 0, "dht22")


NONE = {"si7021": {"kind": "none"}, "battery": {"kind": "none"}}


def test_a_scenario_wires_it(board):
    wiring.wire(board, {**NONE, "air": {
        "kind": "dht", "model": "DHT11", "data_pin": "P22", "supply_pin": "P23", "misses": 1,
        "temperature_c": {"mean": 24, "swing": 0}, "humidity_rh": {"mean": 53, "swing": 0},
        "widths_us": {"one": 75},
    }})  # fmt: skip
    after_ms(board, 1001)
    for expected in (0, 86):
        board.call("pins.init", "P22", OPEN_DRAIN, None, 0)
        after_ms(board, 19)
        pulses = board.call("pins.pulses", "P22", 100)
        assert len(pulses) == expected
    assert [1, 75] in pulses
    board.call("pins.init", "P23", 2, None, 1)
    board.call("pins.init", "P23", 2, None, 0)
    assert board.meter.state("air") == "off"


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"widths_us": {"two": 5}}, "widths_us.two = 5; allowed: release, response_low"),
        ({"widths_us": {"one": 0}}, "widths_us.one = 0"),
        ({"data_pin": "P77"}, "data_pin = 'P77'"),
        ({"negative": "one"}, "negative = 'one'"),
    ],
)
def test_a_scenario_with_a_mistake_is_refused(board, table, text):
    with pytest.raises(ValueError, match=r"chips?.* air|chips\.air") as refused:
        wiring.wire(board, {**NONE, "air": {"kind": "dht", **table}})
    assert text in str(refused.value)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    celsius=st.floats(-40, 80),
    percent=st.floats(0.1, 99.9),
    negative=st.sampled_from(("sign", "complement", "complement15", "complement12")),
)
def test_a_dht22_is_read_within_its_resolution(read, celsius, percent, negative):
    assert read("DHT22", celsius, percent, negative=negative) == (
        pytest.approx(celsius, abs=0.0501),
        pytest.approx(percent, abs=0.0501),
    )


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(celsius=st.floats(-19.9, 59.9), percent=st.floats(5, 95), tenths=st.booleans())
def test_a_dht11_is_read_within_its_resolution(read, celsius, percent, tenths):
    assert read("DHT11", celsius, percent, tenths) == (
        pytest.approx(celsius if tenths else max(celsius, 0), abs=0.0501 if tenths else 0.501),
        pytest.approx(percent, abs=0.0501 if tenths else 0.501),
    )


@pytest.fixture
def read(tmp_path):
    node = Node(tmp_path, [])
    decode = node.objects("from sensors import dht\n")["dht"]
    chip = Dht(node.board, lambda t: 0, lambda t: 50)
    attach(node.board, chip, "P9")
    chip.power(True)
    node.board.clock.advance(3_000_000)

    def through(model, celsius, percent, tenths=False, negative="sign"):
        """A DHT22 through the pins and the whole driver, a DHT11 through its decoder."""
        if model == "DHT11":
            data = dht11_bytes(celsius, percent, tenths)
            return decode.decode(model, data)
        chip.temperature_c, chip.humidity_rh = (lambda t: celsius), (lambda t: percent)
        chip.negative = negative
        return node.value("dht.get_reading('P9', 'DHT22')", "dht")

    assert dht22_bytes(35.1, 65.2).hex() == "028c015f"
    assert [dht22_bytes(celsius, 69.5, "complement").hex()[4:] for celsius in (-1, -18, -0.1)] == [
        "fff6", "ff4c", "ffff"]  # fmt: skip
    return through
