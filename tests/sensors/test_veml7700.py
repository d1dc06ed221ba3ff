"""The driver on the emulated bus: counts of known meaning, any light, trouble of every kind."""

from __future__ import annotations

import pytest

from emulator.chips.veml7700 import ADDRESS, Veml7700

READ = 'veml7700.get_reading("P9", "P10"), veml7700.last_cause'
READ_CORRECTED = 'veml7700.get_reading("P9", "P10", correction=True), veml7700.last_cause'

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
    chip.values[4] = 40
    assert node.value(READ, "veml7700") == (1.34, None)
    written = [data for data in chip.log if len(data) > 2]
    assert written == ["000113", "030000", "000013", "000108", "030000", "000008", "000100"]
    assert {data for data in chip.log if len(data) == 2} == {"07", "04", "00"}


@pytest.mark.parametrize("light", [500, 1500, 2000, 5000, 20_000, 100_000])
def test_the_correction_is_there_if_asked_for(node, light):
    chip = attach(node, light)
    chip.curved = True
    value, cause = node.value(READ_CORRECTED, "veml7700")
    assert value == pytest.approx(light, rel=0.012)
    assert cause is None


@pytest.mark.both_runtimes
@pytest.mark.parametrize("correction", [False, True])
def test_brighter_light_never_reads_less(node, runtime, correction):
    """On a part that bends as the application note says, in light that rises from 40 lx on."""
    attach(node, lambda t: 40 * 2 ** (t / 1.5)).curved = True
    shown = node.ask(
        f"""
        from sensors import veml7700
        for _ in range(50):
            show(int(veml7700.get_reading("P9", "P10", correction={correction}) * 100))
        """
    )
    assert shown == sorted(shown)
    assert shown[0] < 10_000 < 400_000 < shown[-1]


def test_a_correction_that_leaves_the_range_is_saturated(node):
    attach(node, 60_000)
    assert node.value(READ_CORRECTED, "veml7700") == (None, "saturated")


def test_another_chip_is_not_written_to(node):
    chip = node.attach(Registers(identity=0x0026), address=ADDRESS)
    assert node.value(READ, "veml7700") == (None, "wrong_part")
    assert {data for data in chip.log if len(data) > 2} == set()
