"""The driver on the emulated bus: bytes of known meaning, any light, trouble of every kind."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.chips.bh1750 import ADDRESS, Bh1750

READ = 'bh1750.get_reading("P9", "P10"), bh1750.last_cause'
READ_SWITCHED = 'bh1750.get_reading("P9", "P10", vcc_pin="P11"), bh1750.last_cause'

# Opcode that converts once, measurement time register, bytes, lux. The first is the example of
# ROHM's technical note; the others are of the tests of denis-koshenkov/rohm-bh1750fvi and of what
# Adafruit_CircuitPython_BH1750 makes of such bytes.
VECTORS = [
    (0x20, 69, "8390", 28066.67),
    (0x21, 69, "8390", 14033.33),
    (0x20, 138, "8390", 14033.33),
    (0x21, 138, "8390", 7016.67),
    (0x20, 69, "754f", 25025.83),
    (0x21, 69, "0001", 0.42),
    (0x20, 69, "0000", 0.0),
    (0x20, 69, "ffff", None),
]


class Script:
    """A chip that has done each conversion at once; its values are given, the last one stays."""

    def __init__(self, *values, idle="0000"):
        self.values = [bytes.fromhex(value) for value in values]
        self.idle = bytes.fromhex(idle)
        self.value = self.idle
        self.log = []

    def power(self, on):
        pass

    def write(self, data):
        self.log.append(data.hex())
        if data == b"\x07":
            self.value = self.idle
        elif data[0] & 0xF0 in (0x10, 0x20):
            self.value = self.values.pop(0) if len(self.values) > 1 else self.values[0]

    def read(self, count):
        return self.value


def attach(node, light=318.0, vcc_pin=None):
    light_lx = light if callable(light) else lambda t: light
    return node.attach(Bh1750(node.board, light_lx), vcc_pin, ADDRESS)


@pytest.mark.both_runtimes
def test_bytes_of_known_meaning(node):
    node.attach(Script(*[row[2] for row in VECTORS]), address=ADDRESS)
    shown = node.ask(
        f"""
        from machine import I2C
        from sensors.bh1750 import Bh1750
        i2c = I2C(0, I2C.MASTER, pins=("P9", "P10"))
        for setting in {[row[:2] for row in VECTORS]!r}:
            sensor = Bh1750(i2c, 0x23, setting)
            reading = sensor.read()
            show((reading and int(reading[0] * 100 + 0.5), sensor.cause))
        """
    )
    for (hundredths, cause), row in zip(shown, VECTORS, strict=True):
        if row[3] is None:
            assert (hundredths, cause) == (None, "saturated")
        else:  # single precision has steps of 0.002 at 28 000
            assert hundredths == pytest.approx(row[3] * 100, abs=1)
            assert cause is None


@pytest.mark.parametrize(
    ("values", "lux", "opcodes"),
    [
        (["8390"], 28066.67, ["01", "07", "42", "65", "20", "00"]),
        (["0005", "0100"], 28.98,
         ["01", "07", "42", "65", "20", "01", "07", "47", "7e", "21", "00"]),
        (["ffff", "8000"], 60779.35,
         ["01", "07", "42", "65", "20", "01", "07", "40", "7f", "20", "00"]),
    ],
    ids=["once", "dim", "bright"],
)  # fmt: skip
def test_on_the_wire(node, values, lux, opcodes):
    chip = node.attach(Script(*values), address=ADDRESS)
    assert node.value(READ, "bh1750") == (lux, None)
    assert chip.log == opcodes


LIGHTS = [0, 0.2, 1, 5, 19, 21, 318, 5000, 40_000, 54_000, 55_000, 100_000, 120_000]


@pytest.mark.parametrize("lateness", [0, 0.5, 1])
def test_any_light_from_darkness_to_sunlight(node, lateness):
    now = [0.0]
    chip = attach(node, lambda t: now[0])
    chip.lateness = lateness
    for light in LIGHTS:
        now[0] = light
        step = 0.12 if light < 20 else 0.84 if light < 54_612 else 1.9
        value, cause = node.value(READ, "bh1750")
        assert light - step <= value <= light + 0.01
        assert cause is None


@pytest.mark.parametrize("light", [121_000, 125_000])
def test_more_than_the_sun_or_than_it_can_tell_is_saturated(node, light):
    attach(node, light)
    assert node.value(READ, "bh1750") == (None, "saturated")


@pytest.mark.parametrize("lateness", [0, 1])
@pytest.mark.parametrize(
    ("light", "typ_ms", "most_ms"),
    [(0, 880, 880), (5, 590, 880), (318, 140, 200), (90_000, 200, 290)],
)
def test_the_supply_is_on_no_longer_than_needed(node, light, typ_ms, most_ms, lateness):
    chip = attach(node, light, vcc_pin="P11")
    chip.lateness = lateness
    instants = []
    node.pins.on_change("P11", lambda level: instants.append(node.board.clock.now_us))
    node.value(READ_SWITCHED, "bh1750")
    assert not chip.powered
    assert instants[-1] - instants[0] < (most_ms if lateness else typ_ms) * 1000


def test_lamps_that_flicker(node):
    for hertz in (100, 120):
        attach(node, lambda t, hertz=hertz: 300 * (1 + math.cos(2 * math.pi * hertz * t)))
        assert node.value(READ, "bh1750") == (pytest.approx(300, rel=0.02), None)


@pytest.mark.parametrize(("before", "after"), [(5, 20_000), (15, 0)])
def test_light_that_changes_while_it_measures(node, before, after):
    chip = attach(node)
    begin_us = node.board.clock.now_us
    chip.light_lx = lambda t: before if t * 1e6 < begin_us + 150_000 else after
    assert node.value(READ, "bh1750") == (pytest.approx(after, abs=1), None)


TROUBLE = [
    ("absent", True, "absent"),
    ("stuck", True, "stuck"),
    ("corrupt", 1000, "wrong_part"),
]


@pytest.mark.parametrize(("fault", "value", "cause"), TROUBLE, ids=[row[0] for row in TROUBLE])
def test_trouble_has_a_cause_and_no_value(node, fault, value, cause):
    chip = attach(node, vcc_pin="P11")
    setattr(chip, fault, value)
    assert node.value(READ_SWITCHED, "bh1750") == (None, cause)
    assert len(node.log) == 1
    assert node.pins.level("P11") == 0
    assert node.board.meter.state("bh1750") == "off"
    with pytest.raises(OSError, match="resource"):
        node.i2c.do_read(0, ADDRESS, 1)


def test_zeros_are_darkness_only_if_the_line_is_free(node):
    chip = attach(node, 0)
    assert node.value(READ, "bh1750") == (0.0, None)
    chip.stuck = True
    assert node.value(READ, "bh1750") == (None, "stuck")


@pytest.mark.parametrize(
    ("fault", "value", "light"),
    [("corrupt", 1, 318), ("brown_out", 1, 318), ("brown_out", 1, 20_000), ("brown_out", 1, 5),
     ("extra_ms", 100, 318)],
)  # fmt: skip
def test_what_passes_is_overcome(node, fault, value, light):
    chip = attach(node, light)
    setattr(chip, fault, value)
    assert node.value(READ, "bh1750") == (pytest.approx(light, abs=1), None)


def test_a_conversion_without_light_after_one_with_is_not_believed(node):
    node.attach(Script("0010", "0000"), address=ADDRESS)
    assert node.value(READ, "bh1750") == (0.0, None)  # the second time it was dark from the start
    node.detach(ADDRESS)
    node.attach(Script(*["0010", "0000"] * 3), address=ADDRESS)
    assert node.value(READ, "bh1750") == (None, "not_ready")


def test_the_supply_that_fails_in_the_second_conversion(node):
    chip = attach(node, 15)
    begin_us = node.board.clock.now_us
    node.board.clock.schedule_ms(300, chip.interrupt_supply)
    assert node.value(READ, "bh1750") == (pytest.approx(15, abs=0.2), None)
    assert node.board.clock.now_us - begin_us > 1_000_000


@pytest.mark.parametrize("rate", [0.1, 0.3, 1])
def test_wrong_bits_never_make_a_wrong_value(node, rate):
    chip = attach(node)
    chip.corrupt_rate = rate
    seen = [node.value(READ, "bh1750") for _ in range(10)]
    for value, cause in seen:
        assert (value is None) == (cause in ("crc", "wrong_part", "not_ready"))
        assert value is None or value == pytest.approx(318, abs=1)
    if rate != 0.3:
        assert [value is None for value, _ in seen] == [rate == 1] * 10


@pytest.mark.parametrize("nth", range(1, 10))
def test_silence_at_any_transfer_costs_nothing(make_node, nth):
    node = make_node({"point": "i2c", "do": "nack", "nth": nth})
    attach(node, vcc_pin="P11")
    assert node.value(READ_SWITCHED, "bh1750") == (pytest.approx(318, abs=1), None)


@pytest.mark.parametrize("light", [0, 5, 318, 90_000, 125_000])
def test_it_is_off_afterwards(node, light):
    attach(node, light)
    node.value(READ, "bh1750")
    assert node.board.meter.state("bh1750") == "standby"


def test_it_is_off_after_a_conversion_that_failed(node):
    chip = attach(node)
    chip.corrupt = 1000
    assert node.value(READ, "bh1750")[0] is None
    assert node.board.meter.state("bh1750") == "standby"


@pytest.mark.parametrize("idle", ["ffff", "0001", "1f00"])
def test_another_chip_is_told_by_a_value_that_does_not_become_zero(node, idle):
    node.attach(Script("1234", idle=idle), address=ADDRESS)
    assert node.value(READ, "bh1750") == (None, "wrong_part")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(exponent=st.floats(0, 5.2), lateness=st.floats(0, 1))
def test_any_truth_comes_back(node, exponent, lateness):
    light = 10**exponent - 1
    chip = attach(node, light)
    chip.lateness = lateness
    value, cause = node.value(READ, "bh1750")
    if light >= 120_003:
        assert (value, cause) == (None, "saturated")
    else:
        step = 0.12 if light < 19 else 0.84 if light < 54_610 else 1.9
        assert light - step <= value <= light + 0.01
        assert cause is None
