"""The driver on the emulated bus: bytes of known meaning, any light, trouble of every kind."""

from __future__ import annotations

import pytest

from emulator.chips.bh1750 import ADDRESS, Bh1750

READ = 'bh1750.get_reading("P9", "P10"), bh1750.last_cause'

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


def test_a_conversion_that_takes_longer_is_repeated(node):
    attach(node).extra_ms = 100
    assert node.value(READ, "bh1750") == (pytest.approx(318, abs=1), None)


def test_zeros_are_darkness_only_if_the_line_is_free(node):
    chip = attach(node, 0)
    assert node.value(READ, "bh1750") == (0.0, None)
    chip.stuck = True
    assert node.value(READ, "bh1750") == (None, "stuck")


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


@pytest.mark.parametrize("idle", ["ffff", "0001", "1f00"])
def test_another_chip_is_told_by_a_value_that_does_not_become_zero(node, idle):
    node.attach(Script("1234", idle=idle), address=ADDRESS)
    assert node.value(READ, "bh1750") == (None, "wrong_part")
