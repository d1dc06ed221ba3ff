"""The driver on the emulated bus: counts of known meaning, any light, trouble of every kind."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.chips.veml7700 import ADDRESS, Veml7700

READ = 'veml7700.get_reading("P9", "P10"), veml7700.last_cause'
READ_CORRECTED = 'veml7700.get_reading("P9", "P10", correction=True), veml7700.last_cause'
READ_SWITCHED = 'veml7700.get_reading("P9", "P10", vcc_pin="P11"), veml7700.last_cause'

# Configuration, ms, scale; 1480 counts (C8 05) in lux with 0.0042 and with 0.0036. Sources: tests
# of eldruin/veml6030-rs, and what Adafruit_CircuitPython_VEML7700 makes of such counts.
VECTORS = [
    (0x0000, 100, 16, 99.456, 85.248),
    (0x1800, 100, 64, 397.824, 340.99),
    (0x08C0, 800, 1, 6.216, 5.328),
    (0x1300, 25, 512, 3182.59, 2727.94),
    (0x0200, 50, 32, 198.912, 170.496),
    (0x1840, 200, 32, 198.912, 170.496),
    (0x1080, 400, 32, 198.912, 170.496),
]


class Registers:
    """A chip with a given value, which is there at once."""

    def __init__(self, counts=1480, identity=0xC481):
        self.values = {0: 1, 3: 0, 4: counts, 7: identity}
        self.pointer = 0
        self.log = []

    def power(self, on):
        pass

    def write(self, data):
        self.pointer = data[0]
        self.log.append(data.hex())
        if data[1:]:
            self.values[data[0]] = int.from_bytes(data[1:], "little")

    def read(self, count):
        return self.values[self.pointer].to_bytes(2, "little")


def attach(node, light=318.0, vcc_pin=None):
    light_lx = light if callable(light) else lambda t: light
    return node.attach(Veml7700(node.board, light_lx), vcc_pin, ADDRESS)


@pytest.mark.both_runtimes
def test_counts_of_known_meaning(node):
    node.attach(Registers(), address=ADDRESS)
    shown = node.ask(
        f"""
        from machine import I2C
        from sensors.veml7700 import Setting, Veml7700, corrected, lux_hundredths
        i2c = I2C(0, I2C.MASTER, pins=("P9", "P10"))
        for values in {[row[:3] for row in VECTORS]!r}:
            reading = Veml7700(i2c, 0x10, False, Setting(*values)).read()
            show((int(reading[0] * 100 + 0.5), lux_hundredths(1480, values[2], 36)))
        show(corrected(272794))
        """
    )
    for (newer, older), row in zip(shown[:-1], VECTORS, strict=True):
        assert newer == pytest.approx(row[3] * 100, abs=1)
        assert older == pytest.approx(row[4] * 100, abs=1)
    assert shown[-1] == pytest.approx(318325, abs=5)


def test_on_the_wire(node):
    chip = node.attach(Registers(), address=ADDRESS)
    chip.values[4] = 100
    assert node.value(READ, "veml7700") == (3.36, None)
    written = [data for data in chip.log if len(data) > 2]
    assert written == ["000113", "030000", "000013", "000108", "030000", "000008", "000100"]
    assert {data for data in chip.log if len(data) == 2} == {"07", "04", "00"}


LIGHTS = [0, 0.1, 1, 27, 318, 1500, 1700, 9000, 25_000, 30_000, 60_000, 120_000]


@pytest.mark.parametrize("lateness", [0, 1])
def test_any_light_from_darkness_to_sunlight(node, lateness):
    now = [0.0]
    chip = attach(node, lambda t: now[0])
    chip.lateness = lateness
    for light in LIGHTS:
        now[0] = light
        step = 0.04 if light < 1600 else 0.55 if light < 26_000 else 2.2
        value, cause = node.value(READ, "veml7700")
        assert light - step <= value <= light + 0.01
        assert cause is None


@pytest.mark.parametrize("light", [500, 1500, 2000, 5000, 20_000, 100_000])
def test_the_correction_is_there_if_asked_for(node, light):
    chip = attach(node, light)
    chip.curved = True
    value, cause = node.value(READ_CORRECTED, "veml7700")
    assert value == pytest.approx(light, rel=0.012)
    assert cause is None


@pytest.mark.parametrize("light", [121_000, 145_000])
def test_more_than_the_sun_or_than_it_can_tell_is_saturated(node, light):
    attach(node, light)
    assert node.value(READ, "veml7700") == (None, "saturated")


def test_a_correction_that_leaves_the_range_is_saturated(node):
    attach(node, 60_000)
    assert node.value(READ_CORRECTED, "veml7700") == (None, "saturated")


@pytest.mark.parametrize(("light", "longest_ms"), [(0, 220), (318, 220), (9000, 220),
                                                   (60_000, 60), (145_000, 60)])  # fmt: skip
def test_the_supply_is_on_no_longer_than_needed(node, light, longest_ms):
    chip = attach(node, light, vcc_pin="P11")
    instants = []
    node.pins.on_change("P11", lambda level: instants.append(node.board.clock.now_us))
    node.value(READ_SWITCHED, "veml7700")
    assert not chip.powered
    assert instants[-1] - instants[0] < longest_ms * 1000


def test_lamps_that_flicker(node):
    chip = attach(node)
    for hertz in (100, 120):
        for mean in (30, 300, 3000):
            chip.light_lx = lambda t, f=hertz, m=mean: m * (1 + math.cos(2 * math.pi * f * t))
            assert node.value(READ, "veml7700") == (pytest.approx(mean, rel=0.02), None)


@pytest.mark.parametrize("late", [9000, 60_000])
def test_light_that_rises_while_it_measures(node, late):
    chip = attach(node, 100.0)
    begin_us = node.board.clock.now_us
    chip.light_lx = lambda t: 100.0 if t * 1e6 < begin_us + 60_000 else late
    assert node.value(READ, "veml7700") == (pytest.approx(late, rel=0.001), None)
    assert node.board.clock.now_us - begin_us < 500_000


TROUBLE = [
    ("absent", True, "absent"),
    ("stuck", True, "stuck"),
    ("identity", 0x0026, "wrong_part"),
    ("brown_out", 1000, "not_ready"),
]


@pytest.mark.parametrize(("fault", "value", "cause"), TROUBLE, ids=[row[0] for row in TROUBLE])
def test_trouble_has_a_cause_and_no_value(node, fault, value, cause):
    chip = attach(node, vcc_pin="P11")
    setattr(chip, fault, value)
    assert node.value(READ_SWITCHED, "veml7700") == (None, cause)
    assert len(node.log) == 1
    assert node.pins.level("P11") == 0
    assert node.board.meter.state("veml7700") == "off"
    with pytest.raises(OSError, match="resource"):
        node.i2c.do_read(0, ADDRESS, 1)


@pytest.mark.parametrize("fault", ["corrupt", "brown_out"])
def test_what_passes_is_overcome(node, fault):
    chip = attach(node)
    setattr(chip, fault, 1)
    assert node.value(READ, "veml7700") == (pytest.approx(318, abs=0.1), None)


@pytest.mark.parametrize("rate", [0.1, 0.3, 1])
def test_wrong_bits_never_make_a_wrong_value(node, rate):
    chip = attach(node)
    chip.corrupt_rate = rate
    seen = [node.value(READ, "veml7700") for _ in range(10)]
    for value, cause in seen:
        assert (value is None) == (cause in ("crc", "wrong_part", "not_ready"))
        assert value is None or value == pytest.approx(318, abs=0.1)
    if rate != 0.3:
        assert [value is None for value, _ in seen] == [rate == 1] * 10


@pytest.mark.parametrize("nth", range(1, 15, 2))
def test_silence_at_any_transfer_costs_nothing(make_node, nth):
    node = make_node({"point": "i2c", "do": "nack", "nth": nth})
    attach(node, vcc_pin="P11")
    assert node.value(READ_SWITCHED, "veml7700") == (pytest.approx(318, abs=0.1), None)


@pytest.mark.parametrize(("fault", "light"), [(None, 0), (None, 318), (None, 145_000),
                                              ("brown_out", 318)])  # fmt: skip
def test_it_is_shut_down_afterwards(node, fault, light):
    chip = attach(node, light)
    if fault:
        setattr(chip, fault, 1000)
    node.value(READ, "veml7700")
    assert node.board.meter.state("veml7700") == "standby"


def test_another_chip_is_not_written_to(node):
    chip = node.attach(Registers(identity=0x0026), address=ADDRESS)
    assert node.value(READ, "veml7700") == (None, "wrong_part")
    assert {data for data in chip.log if len(data) > 2} == set()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(exponent=st.floats(0, 5.2), lateness=st.floats(0, 1))
def test_any_truth_comes_back(node, exponent, lateness):
    light = 10**exponent - 1
    chip = attach(node, light)
    chip.lateness = lateness
    value, cause = node.value(READ, "veml7700")
    if light >= 120_003:
        assert (value, cause) == (None, "saturated")
    else:
        step = 0.04 if light < 1640 else 0.55 if light < 26_400 else 2.2
        assert light - step <= value <= light + 0.01
        assert cause is None
