"""The driver on the emulated bus: exact values, waiting, clock stretching, trouble, settings."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.chips.scd30 import Scd30
from emulator.chips.sensirion import pressure_at_hpa, with_checksums
from tests.sensors.sensirion import Script, Supply

READ = 'scd30.get_reading("P9", "P10"), scd30.last_cause'
READ_SWITCHED = 'scd30.get_reading("P9", "P10", vcc_pin="P11"), scd30.last_cause'
IMPORTS = "from sensors import scd30, _i2c, _lines, _rig, _sensirion\nfrom utils import logging\n"
NOTHING = (None, None, None)

# Answers to 0300: the example of the interface description, and others with floats and checksums
# computed elsewhere. The values are those of the 32 bits, to the last of them.
GOOD = "43dbcb8c2e8f41d970e7fff54243bf3a1b74"
VECTORS = [
    (GOOD, (439.095, 27.238, 48.807)),
    ("43c8db20005dc128e00000814205244000" + "08", (400.25, -10.5, 33.3125)),
    ("44f981f800ae41c8020000814248550000" + "81", (1999.75, 25.0, 50.0)),
]
NAN = "7fc064000081" + "000081" * 4
ZERO_PPM = "000081000081" + GOOD[12:]
VALUES = tuple(pytest.approx(value, abs=0.001) for value in VECTORS[0][1])

FIRMWARE, INTERVAL, READY, WAITING = "0342f3", "0002e3", "0001b0", "000081"


def scd30(node, ppm=640.0, celsius=21.5, percent=44.25, vcc_pin=None, measuring=True):
    """A module that was started some time ago, unless it is a new one."""
    chip = Scd30(node.board, lambda t: ppm, lambda t: celsius, lambda t: percent)
    chip.measuring = measuring
    node.attach(chip, vcc_pin, address=0x61)
    if vcc_pin is None:
        node.board.clock.advance(10_000_000)
    return chip


def scripted(node, **answers):
    usual = {"_d100": FIRMWARE, "_4600": INTERVAL, "_0202": READY, "_0300": GOOD}
    return node.attach(Script(**{**usual, **answers}), address=0x61)


def seconds(node, expression, imports="scd30"):
    begin_us = node.board.clock.now_us
    value = node.value(expression, imports)
    return value, (node.board.clock.now_us - begin_us) / 1e6


@pytest.mark.both_runtimes
def test_values_of_known_answers_to_the_last_bit(node, runtime):
    scripted(node, _0300=[answer for answer, _ in VECTORS])
    shown = node.ask(f"""
        import struct
        from sensors import scd30
        for _ in range({len(VECTORS)}):
            reading = scd30.get_reading("P9", "P10")
            show([struct.unpack(">I", struct.pack(">f", value))[0] for value in reading])
            show([round(value * 1000) for value in reading])
            show(scd30.last_cause)
        """)
    assert shown[2::3] == [None] * len(VECTORS)
    for bits, thousandths, (answer, values) in zip(shown[::3], shown[1::3], VECTORS, strict=True):
        data = bytes.fromhex(answer)
        assert bits == [
            int.from_bytes(data[place : place + 2] + data[place + 3 : place + 5], "big")
            for place in (0, 6, 12)
        ]
        assert thousandths == [pytest.approx(value * 1000, abs=1) for value in values]


@pytest.mark.both_runtimes
def test_waiting_trouble_and_settings_on_both_runtimes(node, runtime):
    chip = scd30(node, measuring=False)
    chip.zero_first = 1
    chip.corrupt_rate = 0.1
    shown = node.ask("""
        from machine import I2C
        from sensors import scd30
        for _ in range(5):
            show(list(scd30.get_reading("P9", "P10", pressure_hpa=1013)))
        sensor = scd30.Scd30(I2C(0, I2C.MASTER, pins=("P9", "P10")))
        show(sensor.altitude_m(430))
        show(sensor.firmware())
        try:
            sensor.recalibrate(399)
        except ValueError as error:
            show(str(error))
        """)
    assert shown[:5] == [[pytest.approx(640, abs=0.2), 21.5, 44.25]] * 5
    assert shown[5:] == [430, [3, 66], "ppm = 399; allowed: an integer 400 to 2000"]


def test_a_value_that_is_there_is_taken_at_once_and_the_next_one_is_waited_for(node):
    scd30(node)
    node.variables(IMPORTS)
    assert seconds(node, READ)[1] < 0.13
    node.value(READ, "scd30")
    assert 1.7 < seconds(node, READ)[1] < 2.2
    assert "write 0x61 00 10 00 00 81" not in node.transfers()


def test_a_new_module_is_started(node):
    chip = scd30(node, measuring=False)
    assert node.value(READ, "scd30") == ((640.0, 21.5, 44.25), None)
    assert chip.measuring
    assert chip.writes == 1


def test_a_switched_module_resumes_and_its_memory_is_not_worn(node):
    chip = scd30(node, vcc_pin="P11")
    supply = Supply(node)
    for _ in range(3):
        assert node.value(READ_SWITCHED, "scd30") == ((640.0, 21.5, 44.25), None)
    assert chip.writes == 0
    assert all(3500 < span < 4300 for span in supply.spans)
    assert len(supply.spans) == 3


@pytest.mark.parametrize("start_ms", [300, 1000, 1999])
def test_the_start_is_waited_for(node, start_ms):
    scd30(node, vcc_pin="P11").power_up_ms = (start_ms, start_ms)
    assert node.value(READ_SWITCHED, "scd30")[1] is None


def test_the_interval_is_stored_once(node):
    chip = scd30(node)
    expression = "scd30.get_reading('P9', 'P10', interval_s=10)"
    for _ in range(3):
        assert node.value(expression, "scd30") == (640.0, 21.5, 44.25)
    assert (chip.interval_s, chip.writes) == (10, 1)


@pytest.mark.both_runtimes(every=2)
@pytest.mark.parametrize(
    ("tells", "co2", "starts"),
    [
        (True, [818, 818, 888, 888, 1000], ["04 4c 42", "00 00 81", "03 84 12"]),
        (False, [818, 818, 818, 818, 1000], ["04 4c 42", "04 4c 42", "03 84 12"]),
    ],
)
def test_a_pressure_is_sent_when_it_is_another_and_taken_back(node, runtime, tells, co2, starts):
    """True air: 1000 ppm at 900 hPa. A module that does not tell its pressure keeps it."""
    chip = Scd30(node.board, lambda t: 1000.0, pressure_hpa=lambda t: 900.0, tells_pressure=tells)
    chip.measuring = True
    node.attach(chip, address=0x61)
    node.board.clock.advance(10_000_000)
    shown = node.ask("""
        from sensors import scd30
        for hpa in (1100, 1100, None, None, 900):
            show(int(scd30.get_reading("P9", "P10", pressure_hpa=hpa).co2 + 0.5))
        """)
    assert shown == co2
    begin = "write 0x61 00 10 "
    assert [text[len(begin) :] for text in node.transfers() if text.startswith(begin)] == starts


def test_the_bus_is_slow_enough_for_a_module_that_fails_at_100_khz(node):
    scd30(node).most_khz = 60
    node.si7021()
    found = node.variables(
        "import sensors\nbus = {'sda_pin': 'P9', 'scl_pin': 'P10'}\n"
        "found = [item.cause for item in sensors.measure([('si7021', bus), ('scd30', bus)])]\n"
    )["found"]
    assert found == [None] * 5


# Clock stretching: 30 ms after each measurement, 150 ms once a day; the bus waits 0.4 ms


def test_readings_survive_clock_stretching_at_any_phase(node):
    scd30(node)
    results = node.variables(
        IMPORTS + "from utils import timing\nresults = []\n"
        "for phase in range(55):\n"
        "    timing.sleep_ms(5000 + 31 * phase)\n"
        "    results.append((scd30.get_reading('P9', 'P10'), scd30.last_cause))\n"
    )["results"]
    assert results == [((640.0, 21.5, 44.25), None)] * 55
    assert "write 0x61 no acknowledge" in node.transfers()


@pytest.mark.parametrize(("stretch_ms", "cause"), [(150, None), (380, None), (1900, "absent")])
def test_stretching_is_waited_for_within_reason(node, stretch_ms, cause):
    chip = scd30(node)
    node.variables(IMPORTS)
    chip.stretch_ms = stretch_ms
    node.board.clock.advance(2_000_000 - node.board.clock.now_us % 2_000_000)
    while not chip.stretch_us():
        node.board.clock.advance(1_000)
    (reading, found), took_s = seconds(node, READ)
    assert found == cause
    assert reading == (NOTHING if cause else (640.0, 21.5, 44.25))
    assert took_s < 3


def test_the_answer_is_read_after_a_stop_and_more_than_3_ms(node):
    scd30(node)
    node.value(READ, "scd30")
    assert "read 0x61 no acknowledge" not in node.transfers()


# Trouble


def test_the_first_value_of_0_ppm_is_no_measurement(node):
    chip = scd30(node, vcc_pin="P11")
    chip.zero_first = 1
    assert node.value(READ_SWITCHED, "scd30") == ((640.0, 21.5, 44.25), None)
    chip.zero_first = 99
    assert node.value(READ_SWITCHED, "scd30") == ((None, 21.5, 44.25), "implausible")
    assert len(node.log) == 1


@pytest.mark.parametrize(
    ("answers", "reading", "cause"),
    [
        ({"_d100": None}, NOTHING, "absent"),
        ({"_d100": ""}, NOTHING, "busy"),
        ({"_d100": [None, FIRMWARE]}, VALUES, None),
        ({"_d100": ["0342f2", FIRMWARE]}, VALUES, None),
        ({"_d100": "0342f2"}, NOTHING, "crc"),
        ({"_d100": "ffffff"}, NOTHING, "wrong_part"),
        ({"_d100": "000000"}, NOTHING, "stuck"),
        ({"_0202": WAITING}, NOTHING, "not_ready"),
        ({"_0202": [WAITING, WAITING, READY]}, VALUES, None),
        ({"_0202": "0001b1"}, NOTHING, "crc"),
        ({"_0300": [GOOD[:-2] + "75", GOOD]}, VALUES, None),
        ({"_0300": GOOD[:-2] + "75"}, NOTHING, "crc"),
        ({"_0300": "43dbca" + GOOD[6:]}, NOTHING, "crc"),
        ({"_0300": [None, GOOD]}, VALUES, None),
        ({"_0300": ""}, NOTHING, "busy"),
        ({"_0300": "00" * 18}, NOTHING, "stuck"),
        ({"_0300": NAN}, (None, 0.0, 0.0), "implausible"),
        ({"_0300": [NAN, GOOD]}, VALUES, None),
        ({"_0300": [ZERO_PPM, GOOD]}, VALUES, None),
        ({"_0300": ZERO_PPM}, (None, *VALUES[1:]), "implausible"),
    ],
)
def test_trouble_is_healed_or_gives_no_value_and_a_cause(node, answers, reading, cause):
    scripted(node, **answers)
    (found, why), took_s = seconds(node, READ)
    assert (found, why) == (reading, cause)
    assert len(node.log) == (cause is not None)
    assert took_s < 22


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((40_000.0, 70.0, 100.0), (40_000.0, 70.0, 100.0)),
        ((40_001.0, 70.1, 110.5), NOTHING),
        ((-1.0, -40.1, -1.5), NOTHING),
        ((float("inf"), float("-inf"), float("nan")), NOTHING),
        ((1.0, -40.0, 100.3), (1.0, -40.0, 100.0)),
        ((1.0, -40.0, -0.25), (1.0, -40.0, 0.0)),
    ],
)
def test_only_what_the_module_can_measure_is_a_value(node, values, expected):
    words = struct.unpack(">6H", struct.pack(">3f", *values))
    scripted(node, _0300=with_checksums(*words).hex())
    assert node.value(READ, "scd30") == (expected, "implausible" if None in expected else None)


def test_a_brown_out_costs_a_restart(node):
    chip = scd30(node)
    node.value(READ, "scd30")
    chip.brown_out = 1
    chip.power_up_ms = (200, 200)
    assert node.value(READ, "scd30") == ((640.0, 21.5, 44.25), None)


# Settings

CONSOLE = (
    "from machine import I2C\nfrom sensors.scd30 import Scd30\n"
    "sensor = Scd30(I2C(0, I2C.MASTER, pins=('P9', 'P10')))\n"
)


@pytest.mark.parametrize(
    ("setting", "value", "frame", "attribute"),
    # Frames by the interface description, checksums computed elsewhere
    [
        ("altitude_m", 430, "51 02 01 ae", "altitude_m"),
        ("temperature_offset", 250, "54 03 00 fa", "offset_hundredths"),
        ("self_calibration", 1, "53 06 00 01 b0", "self_calibration"),
    ],
)
def test_settings_are_stored_once_and_read_back(node, setting, value, frame, attribute):
    chip = scd30(node)
    result = node.variables(
        CONSOLE + f"before = sensor.{setting}()\nthen = sensor.{setting}({value})\n"
        f"again = sensor.{setting}({value})\n"
    )
    assert (result["before"], result["then"], result["again"]) == (0, value, value)
    assert getattr(chip, attribute) == value
    assert chip.writes == 1
    sent = [text for text in node.transfers() if text.startswith(f"write 0x61 {frame}")]
    assert len(sent) == 1


def test_recalibration_is_another_command_than_self_calibration(node):
    chip = scd30(node, ppm=640)
    node.variables(CONSOLE + "sensor.recalibrate(420)\nsensor.self_calibration(True)\n")
    assert (chip.reference_ppm, chip.self_calibration) == (420, 1)
    assert "write 0x61 52 04 01 a4 4d" in node.transfers()
    assert "write 0x61 53 06 00 01 b0" in node.transfers()
    node.board.clock.advance(10_000_000)
    assert node.value(READ, "scd30")[0].co2 == pytest.approx(420, abs=0.1)


def test_the_altitude_corrects_the_co2(node):
    chip = scd30(node, ppm=800)
    chip.pressure_hpa = lambda t: pressure_at_hpa(1000)
    node.variables(CONSOLE + "sensor.altitude_m(1000)\n")
    node.board.clock.advance(10_000_000)
    assert node.value(READ, "scd30")[0].co2 == pytest.approx(800, abs=0.1)


def test_the_temperature_offset_takes_the_warmth_of_the_module_away(node):
    chip = scd30(node)
    chip.self_heating_c = 2.5
    node.variables(CONSOLE + "sensor.temperature_offset(250)\n")
    node.board.clock.advance(10_000_000)
    assert node.value(READ, "scd30")[0].temperature == pytest.approx(21.5, abs=0.001)


def test_a_stopped_module_starts_with_the_next_reading(node):
    chip = scd30(node)
    result = node.variables(
        CONSOLE + "sensor.read()\nsensor.stop()\nversion = sensor.firmware()\n"
        "reading = sensor.read()\ncause = sensor.cause\n"
    )
    assert chip.writes == 2  # stopped, started
    assert result["version"] == (3, 66)
    assert (result["reading"], result["cause"]) == ((640.0, 21.5, 44.25), None)


@pytest.mark.parametrize(
    "call",
    ["recalibrate(399)", "recalibrate(2001)", "altitude_m(-1)", "temperature_offset(2.5)",
     "self_calibration(2)"],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused_before_anything_is_sent(node, call):
    scd30(node)
    text = node.variables(
        CONSOLE + f"text = ''\ntry:\n    sensor.{call}\nexcept ValueError as error:\n"
        "    text = str(error)\n"
    )["text"]
    assert "allowed: an integer " in text
    assert node.transfers() == []


def test_any_truth_comes_back_exactly_as_the_module_has_it(node):
    chip = scd30(node)

    @settings(max_examples=40)
    @given(
        st.floats(1, 40_000, width=32), st.floats(-40, 70, width=32), st.floats(0, 100, width=32)
    )
    def check(ppm, celsius, percent):
        chip.co2_ppm = lambda t: ppm
        chip.temperature_c = lambda t: celsius
        chip.humidity_rh = lambda t: percent
        node.board.clock.advance(4_000_000)
        reading = node.value('scd30.get_reading("P9", "P10")', "scd30")
        assert reading == (pytest.approx(ppm, rel=1e-6), celsius, percent)

    check()


@pytest.mark.parametrize("interval_s", [2, 60])
def test_the_pressure_is_told_again_after_a_brown_out(node, interval_s):
    chip = scd30(node)
    chip.pressure_hpa = lambda seconds: 850.0
    for after_ms in (600, 1500, 1000 * interval_s - 1200):
        node.board.clock.schedule(after_ms * 1000, chip.interrupt_supply)
        reading = node.value(
            f'scd30.get_reading("P9", "P10", pressure_hpa=850, interval_s={interval_s}),'
            " scd30.last_cause",
            "scd30",
        )
        assert reading == ((pytest.approx(640, abs=0.1), 21.5, 44.25), None), after_ms
