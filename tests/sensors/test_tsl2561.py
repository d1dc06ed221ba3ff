"""The driver on the emulated bus: counts of known meaning, any light, trouble of every kind."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.chips.tsl2561 import ADDRESS, Tsl2561, lux_per_count

READ = 'tsl2561.get_reading("P9", "P10"), tsl2561.last_cause'

# What the compiled Adafruit_TSL2561 makes of counts: timing register, channel 0, channel 1, lux
# for the plastic packages and for the chip-scale one. It rounds to whole lux.
VECTORS = [
    (0x12, 1000, 300, 19, 20),
    (0x02, 1000, 300, 300, 327),
    (0x11, 1000, 300, 75, 81),
    (0x00, 1000, 300, 8796, 9574),
    (0x12, 5000, 600, 136, 142),
    (0x12, 5000, 3000, 19, 27),
    (0x12, 5000, 4000, 3, 6),
    (0x12, 5000, 6000, 1, 1),
    (0x12, 5000, 7000, 0, 0),
    (0x12, 0, 0, 0, 0),
    (0x02, 0, 0, 0, 0),
    (0x10, 4900, 500, 3961, 4134),
    (0x12, 65001, 5, None, None),
    (0x12, 5, 65001, None, None),
]
SCALES = {0x10: 0x7517, 0x00: 0x75170, 0x11: 0xFE7, 0x01: 0xFE70, 0x12: 0x400, 0x02: 0x4000}
FULL = {0: 4900, 1: 37000, 2: 65000}


class Registers:
    """A chip whose channels have given values, others from each switching off to the next."""

    def __init__(self, cases):
        self.cases = list(cases)  # (identity, channel 0, channel 1)
        self.written = {0: 0, 1: 2}
        self.pointer = 0
        self.log = []

    def power(self, on):
        pass

    def write(self, data):
        self.log.append(bytes(data))
        self.pointer = data[0] & 0x0F
        if data[1:]:
            if data == b"\x80\x00" and self.written[0] == 3 and len(self.cases) > 1:
                self.cases.pop(0)
            self.written[self.pointer] = data[1]

    def read(self, count):
        identity, low, high = self.cases[0]
        values = {**self.written, 10: identity, 12: low & 255, 13: low >> 8}
        values.update({14: high & 255, 15: high >> 8})
        return bytes(values[self.pointer + place] for place in range(count))


def attach(node, light=318.0, ratio=0.3, model="tsl2561t", vcc_pin=None):
    light_lx = light if callable(light) else lambda t: light
    chip = Tsl2561(node.board, light_lx, lambda t: ratio, model)
    return node.attach(chip, vcc_pin, ADDRESS)


@pytest.mark.both_runtimes
def test_counts_of_known_meaning(node):
    cases, steps = [], []
    for identity in (0x50, 0x10):
        for timing, low, high, _, _ in VECTORS:
            cases.append((identity, low, high))
            setting = (timing, 20, FULL[timing & 3], SCALES[timing])
            steps.append(setting)
    node.attach(Registers(cases), address=ADDRESS)
    shown = node.ask(
        f"""
        from machine import I2C
        from sensors.tsl2561 import Setting, Tsl2561
        i2c = I2C(0, I2C.MASTER, pins=("P9", "P10"))
        for values in {steps!r}:
            sensor = Tsl2561(i2c, 0x39, Setting(*values))
            reading = sensor.read()
            show((reading and int(reading[0] * 10 + 0.5), sensor.cause))
        """
    )
    wanted = [case[3] for case in VECTORS] + [case[4] for case in VECTORS]
    assert len(shown) == len(wanted)
    for (tenths, cause), lux in zip(shown, wanted, strict=True):
        if lux is None:
            assert (tenths, cause) == (None, "saturated")
        else:
            assert abs(tenths - lux * 10) <= 5, (tenths, lux)
            assert cause is None


@pytest.mark.parametrize(("identity", "lux"), [(0x50, 18.8), (0x5A, 18.8), (0x40, 18.8),
                                               (0x10, 20.4), (0x00, 20.4)])  # fmt: skip
def test_the_package_is_told_by_the_identity(node, identity, lux):
    node.attach(Registers([(identity, 1000, 300)] * 2), address=ADDRESS)
    main = node.variables(
        "from machine import I2C\nfrom sensors.tsl2561 import SETTINGS, Tsl2561\n"
        'sensor = Tsl2561(I2C(0, I2C.MASTER, pins=("P9", "P10")), 0x39, SETTINGS[0])\n'
        "result = sensor.read()\n"
    )
    assert main["result"] == (lux,)


def test_on_the_wire(node):
    chip = node.attach(Registers([(0x50, 100, 30), (0x50, 1000, 300)]), address=ADDRESS)
    assert node.value(READ, "tsl2561") == (18.8, None)
    written = [data.hex() for data in chip.log if len(data) > 1]
    assert written == ["8000", "8110", "8003", "8000", "8112", "8003", "8000"]
    asked = {data.hex() for data in chip.log if len(data) == 1}
    assert asked == {"8a", "a0", "ac", "ae"}


def test_light_of_any_colour(node):
    chip = attach(node, 250.0)
    for ratio in (0, 0.1, 0.3, 0.5, 0.6, 0.7, 0.9):
        chip.infrared = lambda t, ratio=ratio: ratio
        # where there is mainly infrared the two calculations of the data sheet differ more
        tolerance = 0.025 if ratio < 0.8 else 0.06
        assert node.value(READ, "tsl2561") == (pytest.approx(250, rel=tolerance), None), ratio


def test_another_chip_is_not_written_to(node):
    chip = node.attach(Registers([(0x44, 0, 0), (0x44, 0, 0)]), address=ADDRESS)
    chip.cases = [(0xC2, 0, 0)]
    assert node.value(READ, "tsl2561") == (None, "wrong_part")
    assert {data for data in chip.log if len(data) > 1} == set()


@pytest.mark.both_runtimes(every=5)
@pytest.mark.parametrize("light", [5, 320, 4000, 20_000])
@pytest.mark.parametrize("clock", [0.9, 0.85])
def test_a_part_that_is_slower_than_documented_shows_no_darkness(node, runtime, clock, light):
    chip = Tsl2561(node.board, lambda t: light, lambda t: 0.3, clock=clock)
    node.attach(chip, None, ADDRESS)
    program = (
        "from sensors import tsl2561\nfor _ in range(3): show(tsl2561.get_reading('P9', 'P10'))"
    )
    assert node.ask(program) == [pytest.approx(light, rel=0.05)] * 3


def test_all_addresses_can_be_used(node):
    for address, light in ((0x29, 10.0), (0x39, 20.0), (0x49, 30.0)):
        chip = Tsl2561(node.board, lambda t, light=light: light, lambda t: 0.3, name=hex(address))
        node.attach(chip, None, address)
    for address, light in ((0x29, 10.0), (0x39, 20.0), (0x49, 30.0)):
        call = f'tsl2561.get_reading("P9", "P10", address={address})'
        assert node.value(call, "tsl2561") == pytest.approx(light, rel=0.03, abs=0.1)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    exponent=st.floats(0, 4.6),
    ratio=st.floats(0, 0.6),
    model=st.sampled_from(["tsl2561t", "tsl2561cs"]),
)
def test_any_truth_comes_back(node, exponent, ratio, model):
    """Within a count or two, and what the two calculations of the data sheet differ by."""
    light = 10**exponent - 1
    attach(node, light, ratio, model)
    value, cause = node.value(READ, "tsl2561")
    least_sensitive = light / lux_per_count(ratio, model == "tsl2561cs") * 81 / 322 / 16
    if least_sensitive > 37_000:  # much infrared
        assert (value, cause) == (None, "saturated")
    else:
        assert value == pytest.approx(light, rel=0.035, abs=0.15)
        assert cause is None
