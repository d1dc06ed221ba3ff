"""The driver on the emulated bus: values, modes, both kinds, sleep, trouble, settings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.chips.scd4x import Scd4x
from emulator.chips.sensirion import pressure_at_hpa
from tests.sensors.sensirion import Script, Supply

READ = 'scd4x.get_reading("P9", "P10"), scd4x.last_cause'
READ_SWITCHED = 'scd4x.get_reading("P9", "P10", vcc_pin="P11"), scd4x.last_cause'
IMPORTS = "from sensors import scd4x, _i2c, _lines, _rig, _sensirion\nfrom utils import logging\n"
NOTHING = (None, None, None)

# Answers to EC05: words of the data sheet, and recordings published with a driver; the values by
# the formulas of the data sheet.
GOOD = "01f4336667a25eb93c"
VECTORS = [
    (GOOD, (500, 25.003, 37.002)),
    ("022ca3670d364d08f1", (556, 25.4459, 30.0908)),
    ("021f356582bb535e2a", (543, 24.3912, 32.5658)),
]
VALUES = (500, pytest.approx(25.003, abs=0.001), pytest.approx(37.002, abs=0.001))
SERIAL, SCD40, SCD41 = "73b119eb077a3b0c54", "04403f", "144051"
READY, WAITING = "800604", "8000a2"

CONSOLE = (
    "from machine import I2C\nfrom sensors.scd4x import Scd4x\n"
    "sensor = Scd4x(I2C(0, I2C.MASTER, pins=('P9', 'P10')))\n"
)

TRUE = (640, pytest.approx(21.5, abs=0.002), pytest.approx(44.25, abs=0.001))


def scd4x(node, ppm=640.0, celsius=21.5, percent=44.25, vcc_pin=None, model="scd41"):
    chip = Scd4x(node.board, lambda t: ppm, lambda t: celsius, lambda t: percent, model)
    return node.attach(chip, vcc_pin, address=0x62)


def scripted(node, **answers):
    usual = {"_3682": SERIAL, "_202f": SCD41, "_e4b8": READY, "_ec05": GOOD}
    return node.attach(Script(**{**usual, **answers}), address=0x62)


def seconds(node, expression):
    begin_us = node.board.clock.now_us
    value = node.value(expression, "scd4x")
    return value, (node.board.clock.now_us - begin_us) / 1e6


def sent(node):
    return [text[11:] for text in node.transfers() if text.startswith("write")]


@pytest.mark.both_runtimes
def test_values_of_known_answers(node, runtime):
    scripted(node, _ec05=[GOOD, *[answer for answer, _ in VECTORS]])
    shown = node.ask(f"""
        from sensors import scd4x
        for _ in range({len(VECTORS)}):
            show(scd4x.get_reading("P9", "P10"))
            show(scd4x.last_cause)
        """)
    assert shown[1::2] == [None] * len(VECTORS)
    for reading, (_, values) in zip(shown[::2], VECTORS, strict=True):
        assert reading == [pytest.approx(value, abs=0.001) for value in values]
        assert type(reading[0]) is int


@pytest.mark.both_runtimes
def test_modes_and_settings_on_both_runtimes(node, runtime):
    chip = scd4x(node)
    shown = node.ask("""
        from machine import I2C
        from sensors import scd4x
        for mode in ("periodic", "periodic", "single"):
            show(list(scd4x.get_reading("P9", "P10", mode=mode, pressure_hpa=1013)))
        sensor = scd4x.Scd4x(I2C(0, I2C.MASTER, pins=("P9", "P10")))
        show(sensor.temperature_offset(540))
        show(sensor.recalibrate(480))
        sensor.power_down()
        show(sensor.serial_number())
        """)
    assert shown[:3] == [list(TRUE)] * 3
    assert shown[3:] == [540, None, chip.serial]


# Single values


@pytest.mark.parametrize("late", [0, 1], ids=["typical", "greatest"])
def test_a_switched_scd41_drops_the_first_value(node, late):
    chip = scd4x(node, vcc_pin="P11")
    chip.lateness = late
    supply = Supply(node)
    for _ in range(2):
        assert node.value(READ_SWITCHED, "scd4x") == (TRUE, None)
    assert all(10_000 < span < 11_400 for span in supply.spans)
    assert len(supply.spans) == 2


def test_an_scd41_that_stays_on_drops_a_value_only_after_power_on(node):
    scd4x(node)
    program = IMPORTS + (
        "from utils import timing\ntimes = []\nresults = []\nfor _ in range(3):\n"
        "    watch = timing.Stopwatch()\n"
        "    results.append((scd4x.get_reading('P9', 'P10'), scd4x.last_cause))\n"
        "    times.append(round(watch.elapsed_ms() / 1000))\n"
    )
    result = node.variables(program)
    assert result["results"] == [(TRUE, None)] * 3
    assert result["times"] == [10, 5, 5]
    assert node.board.meter.state("scd4x") == "standby"


def test_an_scd40_measures_once_and_is_stopped(node):
    chip = scd4x(node, model="scd40")
    values, took_s = seconds(node, READ)
    assert values == (TRUE, None)
    assert 5 < took_s < 5.2
    assert chip.interval_s == 0
    assert "21 9d" not in sent(node)


def test_a_chip_too_old_to_know_its_model_is_an_scd40_unless_one_knows_better(node):
    scd4x(node).knows_variant = False
    assert node.value(READ, "scd4x") == (TRUE, None)
    assert "21 9d" not in sent(node)
    node.board.clock.advance(1_000_000)
    told = "scd4x.get_reading('P9', 'P10', model='scd41')"
    assert node.value(told, "scd4x") == TRUE
    assert "21 9d" in sent(node)


def test_a_chip_that_was_left_measuring_is_stopped_first(node):
    chip = scd4x(node)
    chip.write(b"\x21\xac")
    assert node.value(READ, "scd4x") == (TRUE, None)
    assert chip.interval_s == 0


def test_a_sleeping_chip_is_woken_and_the_next_value_dropped(node):
    chip = scd4x(node)
    result = node.variables(
        IMPORTS + "from machine import I2C\n"
        "sensor = scd4x.Scd4x(I2C(0, I2C.MASTER, pins=('P9', 'P10')))\n"
        "sensor.power_down()\n"
    )
    assert chip.asleep
    assert node.board.meter.milliamps("scd4x") < 0.001
    result = node.variables(
        IMPORTS + "from machine import I2C\n"
        "sensor = scd4x.Scd4x(I2C(0, I2C.MASTER, pins=('P9', 'P10')))\n"
        "reading = sensor.read()\ncause = sensor.cause\n"
    )
    assert (result["reading"], result["cause"]) == (TRUE, None)


# All the time


@pytest.mark.parametrize("model", ["scd40", "scd41"])
@pytest.mark.parametrize(("mode", "interval_s"), [("periodic", 5), ("low_power", 30)])
def test_a_chip_that_measures_all_the_time_is_started_once_and_goes_on(
    node, model, mode, interval_s
):
    chip = scd4x(node, model=model)
    node.variables(IMPORTS)
    read = f"scd4x.get_reading('P9', 'P10', mode='{mode}')"
    values, took_s = seconds(node, read)
    assert values == TRUE
    assert interval_s < took_s < interval_s + 0.2
    assert chip.interval_s == interval_s
    node.board.clock.advance(60_000_000)
    values, took_s = seconds(node, read)
    assert values == TRUE
    assert took_s < 0.1
    assert node.value(read, "scd4x") == TRUE  # the next one
    assert "3f 86" not in sent(node)


def test_one_that_measures_less_often_than_wanted_is_started_anew(node):
    chip = scd4x(node)
    chip.write(b"\x21\xac")
    assert node.value("scd4x.get_reading('P9', 'P10', mode='periodic')", "scd4x") == TRUE
    assert chip.interval_s == 5


@pytest.mark.both_runtimes(every=2)
@pytest.mark.parametrize(
    ("mode", "knows", "co2", "reinits"),
    [
        ("single", True, [818, 888, 888, 1000], 1),
        ("periodic", True, [818, 888, 888, 1000], 1),
        ("single", False, [818, 818, 818, 1000], 0),  # too old to tell
    ],
)
def test_without_a_pressure_it_goes_by_its_altitude_again(
    node, runtime, mode, knows, co2, reinits
):
    """True air: 1000 ppm at 900 hPa. Only a chip that was told another pressure is disturbed."""
    chip = Scd4x(node.board, lambda t: 1000.0, pressure_hpa=lambda t: 900.0, knows_variant=knows)
    node.attach(chip, address=0x62)
    shown = node.ask(f"""
        from sensors import scd4x
        for hpa in (1100, None, None, 900):
            show(scd4x.get_reading("P9", "P10", mode="{mode}", pressure_hpa=hpa).co2)
        """)
    assert shown == co2
    assert sent(node).count("36 46") == reinits


def test_a_reading_right_after_an_earlier_one_waits_until_the_chip_has_stopped(node):
    scd4x(node, model="scd40")
    assert node.value(f"[({READ}) for _ in range(2)]", "scd4x") == [(TRUE, None)] * 2


# Trouble


@pytest.mark.parametrize(
    ("answers", "reading", "cause"),
    [
        ({"_3682": None, "_3f86": None}, NOTHING, "absent"),
        ({"_3682": [None, SERIAL]}, VALUES, None),
        ({"_3682": ["73b118eb077a3b0c54", SERIAL]}, VALUES, None),
        ({"_3682": "73b118eb077a3b0c54"}, NOTHING, "crc"),
        ({"_3682": "ff" * 9}, NOTHING, "wrong_part"),
        ({"_3682": "0102" * 4 + "01"}, NOTHING, "wrong_part"),
        ({"_3682": "00" * 9}, NOTHING, "stuck"),
        ({"_e4b8": WAITING}, NOTHING, "not_ready"),
        ({"_e4b8": "8000a3"}, NOTHING, "crc"),
        ({"_202f": None}, VALUES, None),
        ({"_202f": SCD40}, VALUES, None),
        ({"_202f": [SCD41[:-2] + "00", SCD41]}, VALUES, None),
        ({"_e4b8": None}, NOTHING, "busy"),
        ({"_e4b8": [WAITING, WAITING, READY]}, VALUES, None),
        ({"_ec05": [GOOD, GOOD[:-2] + "3d", GOOD]}, VALUES, None),
        ({"_ec05": GOOD[:-2] + "3d"}, NOTHING, "crc"),
        ({"_ec05": ""}, NOTHING, "busy"),
        ({"_ec05": "000081" + GOOD[6:]}, (None, *VALUES[1:]), "implausible"),
        ({"_ec05": [GOOD, "000081" + GOOD[6:], GOOD]}, VALUES, None),
        ({"_ec05": "ffffacffffacffffac"}, (None, None, 100.0), "implausible"),
        ({"_ec05": "9c4045" + GOOD[6:]}, (40_000, *VALUES[1:]), None),
        ({"_ec05": "9c4174" + GOOD[6:]}, (None, *VALUES[1:]), "implausible"),
    ],
)
def test_trouble_is_healed_or_gives_no_value_and_a_cause(node, answers, reading, cause):
    scripted(node, **answers)
    (found, why), took_s = seconds(node, READ)
    assert (found, why) == (reading, cause)
    assert len(node.log) == (cause is not None)
    assert took_s < 26


@pytest.mark.parametrize(
    ("fault", "value", "cause"),
    [("brown_out", 1, None), ("corrupt_rate", 1.0, "crc"), ("extra_ms", 60_000, "not_ready")],
)
def test_trouble_of_an_scd40(node, fault, value, cause):
    setattr(scd4x(node, vcc_pin="P11", model="scd40"), fault, value)
    supply = Supply(node)
    (reading, found), took_s = seconds(node, READ_SWITCHED)
    assert (reading, found) == (NOTHING if cause else TRUE, cause)
    assert (len(supply.spans), supply.on) == (1, False)
    assert took_s < 26


def test_the_value_after_a_brown_out_is_dropped_like_that_after_power_on(node):
    chip = scd4x(node)
    node.variables(CONSOLE + "sensor.read()\n")
    chip.brown_out = 1
    assert node.variables(CONSOLE + "reading = sensor.read()\n")["reading"] == TRUE


# Settings


@pytest.mark.parametrize(
    ("setting", "value", "before", "frame", "kept"),
    # Frames by the data sheet
    [
        ("altitude_m", 1950, 0, "24 27 07 9e 09", ("altitude_m", 1950)),
        ("temperature_offset", 540, 400, "24 1d 07 e6 48", ("offset", 0x07E6)),
        ("self_calibration", 0, 1, "24 16 00 00 81", ("self_calibration", 0)),
    ],
)
def test_settings_are_kept_without_supply_and_stored_once(
    node, setting, value, before, frame, kept
):
    chip = scd4x(node)
    chip.write(b"\x21\xb1")
    result = node.variables(
        CONSOLE + f"before = sensor.{setting}()\nthen = sensor.{setting}({value})\n"
        f"again = sensor.{setting}({value})\n"
    )
    assert (result["before"], result["then"], result["again"]) == (before, value, value)
    assert sent(node).count(frame) == 1
    assert (chip.persisted[kept[0]], chip.persist_count) == (kept[1], 1)


def test_recalibration_tells_the_correction(node):
    chip = scd4x(node, ppm=530)
    result = node.variables(
        CONSOLE + "from utils import timing\nrefused = sensor.recalibrate(480)\n"
        "periodic = Scd4x(sensor._chip._i2c, mode='periodic')\nfirst = periodic.read()\n"
        "timing.sleep_ms(180000)\ncorrection = sensor.recalibrate(480)\n"
        "periodic.read()\nsecond = periodic.read()\n"
    )
    assert (result["refused"], result["correction"]) == (None, -50)
    assert (result["first"].co2, result["second"].co2) == (530, 480)
    assert chip.interval_s == 5
    assert "read 0x62 7f ce 7b" in node.transfers()  # the example of the data sheet


def test_a_disturbed_setting_is_asked_for_again_but_nothing_is_done_twice(node):
    chip = scripted(node, _2322=["01ae00", "01ae96"], _362f01e0b4="7fce00")
    result = node.variables(
        CONSOLE + "metres = sensor.altitude_m()\ncause = None\n"
        "try:\n    sensor.recalibrate(480)\nexcept OSError as error:\n    cause = error.args[0]\n"
    )
    assert (result["metres"], result["cause"]) == (430, "crc")
    assert chip.written.count("2322") == 2
    assert chip.written.count("362f01e0b4") == 1


def test_the_altitude_corrects_the_co2(node):
    chip = scd4x(node, ppm=800)
    chip.pressure_hpa = lambda t: pressure_at_hpa(1000)
    node.variables(CONSOLE + "sensor.altitude_m(1000)\n")
    assert node.value(READ, "scd4x")[0].co2 == 800


def test_serial_number_and_self_test(node):
    chip = scd4x(node)
    chip.serial = 0x73B1EB073B0C
    chip.plain = chip._plain_commands()
    result = node.variables(
        CONSOLE + "number = sensor.serial_number()\ngood = sensor.self_test()\n"
    )
    assert (result["number"], result["good"]) == (0x73B1EB073B0C, True)
    chip.malfunction = 0x0001
    assert node.variables(CONSOLE + "good = sensor.self_test()\n")["good"] is False


def test_any_truth_comes_back_within_the_resolution(node):
    chip = scd4x(node)
    call = 'scd4x.get_reading("P9", "P10", mode="periodic")'
    node.value(call, "scd4x")  # starts it

    @settings(max_examples=40)
    @given(st.floats(1, 40_000), st.floats(-10, 59.9), st.floats(0, 100))
    def check(ppm, celsius, percent):
        chip.co2_ppm = lambda t: ppm
        chip.temperature_c = lambda t: celsius
        chip.humidity_rh = lambda t: percent
        node.board.clock.advance(10_000_000)
        reading = node.value(call, "scd4x")
        assert reading.co2 == pytest.approx(ppm, abs=0.51)
        assert reading.temperature is None or reading.temperature == pytest.approx(
            celsius, abs=0.003
        )
        assert reading.humidity == pytest.approx(percent, abs=0.001)

    check()


@pytest.mark.parametrize("after_ms", [7_000, 9_000])
def test_a_brown_out_after_the_dropped_value_costs_a_repetition(node, after_ms):
    chip = scd4x(node, vcc_pin="P11")
    node.board.clock.schedule(after_ms * 1000, chip.interrupt_supply)
    (reading, cause), took_s = seconds(node, READ_SWITCHED)
    assert (reading, cause) == (TRUE, None)
    assert took_s < 25


def test_a_value_is_not_counted_as_dropped_if_there_was_none(node):
    """The supply broke down, and the last question whether there is a value was disturbed."""
    chip = scd4x(node)
    node.variables(CONSOLE + "sensor.read()\n")
    chip.brown_out = 1
    begin_us = node.board.clock.now_us
    node.board.clock.schedule(5_500_000, lambda: setattr(chip, "corrupt_rate", 1.0))
    node.board.clock.schedule(6_650_000, lambda: setattr(chip, "corrupt_rate", 0.0))
    reading = node.variables(CONSOLE + "reading = sensor.read()\n")["reading"]
    assert reading in (None, TRUE)
    assert node.board.clock.now_us - begin_us < 25_000_000
