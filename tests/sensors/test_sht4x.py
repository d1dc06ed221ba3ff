"""The driver on the emulated bus: values of the data sheet, trouble of every kind, supply."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.chips.sht4x import Sht4x
from tests.sensors.sensirion import Script

READ = 'sht4x.get_reading("P9", "P10"), sht4x.last_cause'
GOOD = "65e9ea6de5a0"
VALUES = (pytest.approx(24.6662, abs=0.0006), pytest.approx(47.6603, abs=0.0006))

# Answers to FD and what they mean: published captures and test suites of drivers, values by the
# formulas of the data sheet, with the humidity kept within 0 to 100 %RH
VECTORS = [
    (GOOD, 24.6662, 47.6603),
    ("beef92beef92", 85.523, 87.231),
    ("666693666693", 25.0, 44.0),
    ("20005d300033", -23.1247, 17.4379),
    ("000081000081", -45.0, 0.0),
    ("ffffacffffac", 130.0, 100.0),
]


def sht4x(node, celsius=24.6662, percent=47.6603, vcc_pin=None, address=0x44):
    chip = Sht4x(node.board, lambda t: celsius, lambda t: percent, repeatability=0)
    return node.attach(chip, vcc_pin, address)


def scripted(node, **answers):
    return node.attach(Script(**answers), address=0x44)


@pytest.mark.both_runtimes
def test_values_of_known_answers(node, runtime):
    scripted(node, _fd=[answer for answer, *_ in VECTORS])
    shown = node.ask(f"""
        from sensors import sht4x
        for _ in range({len(VECTORS)}):
            show(sht4x.get_reading("P9", "P10"))
            show(sht4x.last_cause)
        """)
    assert shown[1::2] == [None] * len(VECTORS)
    for reading, (_, celsius, percent) in zip(shown[::2], VECTORS, strict=True):
        assert reading == [pytest.approx(celsius, abs=0.001), pytest.approx(percent, abs=0.001)]


@pytest.mark.parametrize("address", [0x44, 0x45, 0x46])
def test_each_address(node, address):
    sht4x(node, address=address)
    assert node.value(f"sht4x.get_reading('P9', 'P10', address={address})", "sht4x") == VALUES


def test_a_conversion_is_asked_for_no_earlier_than_its_typical_time(node):
    sht4x(node)
    node.value(READ, "sht4x")
    assert node.transfers() == ["write 0x44 fd", "read 0x44 65 e9 ea 6d e5 a0"]


@pytest.mark.parametrize(
    ("answers", "cause"),
    [
        ({"_fd": None}, "absent"),
        ({"_fd": ["", GOOD]}, None),
        ({"_fd": [None, GOOD]}, None),
        ({"_fd": ["65e9eb6de5a0", GOOD]}, None),
        ({"_fd": ["65e9ea6de5a1", "65e9ea6de5a1"]}, "crc"),
        ({"_fd": "65e9eb6de5a0"}, "crc"),
        ({"_fd": ["", ""], "_89": "0123a0456753"}, "busy"),
        ({"_fd": ["", ""], "_89": ""}, "wrong_part"),  # an SHT3x: commands of two bytes
        ({"_fd": ["", ""], "_89": None}, "busy"),
        ({"_fd": "ffffffffffff"}, "wrong_part"),
        ({"_fd": "399f399f399f"}, "wrong_part"),  # an INA219
        ({"_fd": "000000000000"}, "stuck"),
        ({"_fd": "8000a28000a2"}, "implausible"),
        ({"_fd": "8001938001" + "93"}, "implausible"),
    ],
)
def test_one_trouble_is_healed_and_more_have_a_cause_and_one_log_line(node, answers, cause):
    scripted(node, **answers)
    reading, found = node.value(READ, "sht4x")
    assert found == cause
    assert reading == (VALUES if cause is None else (None, None))
    assert len(node.log) == (cause is not None)
    assert all(cause in line for line in node.log)


def test_the_class_knows_the_serial_number(node):
    sht4x(node).serial = 0x01234567
    result = node.variables(
        "from machine import I2C\nfrom sensors.sht4x import Sht4x\n"
        "chip = Sht4x(I2C(0, I2C.MASTER, pins=('P9', 'P10')))\n"
        "serial = chip.serial_number()\n"
    )
    assert result["serial"] == 0x01234567
    assert "read 0x44 01 23 a0 45 67 53" in node.transfers()


@pytest.mark.both_runtimes
def test_the_heater_dries_the_chip_and_is_given_its_pauses(node, runtime):
    chip = sht4x(node, 21.4, 55.0)
    chip.water_mj, chip.lateness, chip.temperature_c = 300.0, 1, lambda t: 21.4 if t < 80 else 65.1
    shown = node.ask(
        """
        from machine import I2C
        from sensors.sht4x import Sht4x
        from utils import timing
        chip = Sht4x(I2C(0, I2C.MASTER, pins=("P9", "P10")))
        show(chip.read()[1])
        for milliwatts, duration_ms in ((200, 1000), (110, 1000), (20, 100), (200, 500)):
            watch = timing.Stopwatch()
            try:
                hot = chip.heater(milliwatts, duration_ms)
                show([int(hot[0]), int(hot[1]), watch.elapsed_ms() // 100])
            except ValueError as error:
                show(str(error))
        timing.sleep_ms(30000)
        show([round(value, 1) for value in chip.read()])
        timing.sleep_ms(60000)
        try:
            chip.heater()
        except OSError as error:
            show(error.args[0])
        """
    )
    assert shown[:4] == [100, [77, 100, 11], [52, 10, 120], [22, 50, 110]]
    assert "allowed: 200, 110 or 20 mW for 1000 or 100 ms" in shown[4]
    assert shown[5:] == [[21.4, 55.0], "implausible"]


def test_any_truth_comes_back_within_the_resolution(node):
    chip = sht4x(node)

    @settings(max_examples=50)
    @given(st.floats(-45, 130), st.floats(0, 100))
    def check(celsius, percent):
        chip.temperature_c = lambda t: celsius
        chip.humidity_rh = lambda t: percent
        reading, _ = node.value(READ, "sht4x")
        assert reading.temperature == pytest.approx(celsius, abs=0.0019)
        assert reading.humidity == pytest.approx(percent, abs=0.0015)

    check()
