"""The driver on the emulated bus: values of the data sheets, trouble of every kind, supply."""

from __future__ import annotations

import pytest

from tests.sensors.sensirion import Script

READ = 'si7021.get_reading("P9", "P10"), si7021.last_cause'
READ_SWITCHED = 'si7021.get_reading("P9", "P10", vcc_pin="P11"), si7021.last_cause'

# Answers of three bytes and what they mean. Sources: CRC examples of the HTU21D manual and the
# SHT20 data sheet (figure 15), captures published with drivers; values by the data sheets.
SI7021_TEMPERATURES = [("678cfc", 24.23), ("2e1436", -15.22)]
SI7021_HUMIDITIES = [("7c8297", 54.79), ("f1f20c", 100.0), ("020ec6", 0.0)]
SLOW_TEMPERATURES = [("683a7c", 24.69), ("2c4c28", -16.44), ("68745e", 24.85)]
SLOW_HUMIDITIES = [("4e856b", 32.34), ("9e3643", 71.25), ("635264", 42.49), ("5a06af", 37.95)]


SI = "15ffb5ffffcb"  # electronic identity of a Si7021
HTU = "3200e70000e7"


@pytest.mark.parametrize(("answer", "celsius"), SI7021_TEMPERATURES)
def test_temperature_vectors(node, answer, celsius):
    node.attach(Script(_fcc9=SI, _f5=None, _f3=answer))
    assert node.value(READ, "si7021")[0].temperature == celsius


@pytest.mark.parametrize(("answer", "celsius"), SI7021_TEMPERATURES)
def test_temperature_vectors_after_a_humidity_conversion(node, answer, celsius):
    node.attach(Script(_fcc9=SI, _f5="7c8297", _e0=answer[:4]))
    assert node.value(READ, "si7021") == ((celsius, 54.79), None)


@pytest.mark.parametrize(("answer", "percent"), SI7021_HUMIDITIES)
def test_humidity_vectors(node, answer, percent):
    node.attach(Script(_fcc9=SI, _f5=answer, _e0="678c"))
    assert node.value(READ, "si7021")[0].humidity == percent


@pytest.mark.parametrize(("answer", "celsius"), SLOW_TEMPERATURES)
def test_temperature_vectors_of_the_slow_kinds(node, answer, celsius):
    node.attach(Script(_fcc9=HTU, _e7="02", _f5="4e856b", _f3=answer))
    assert node.value(READ, "si7021") == ((celsius, 32.34), None)


@pytest.mark.parametrize(("answer", "percent"), SLOW_HUMIDITIES)
def test_humidity_vectors_of_the_slow_kinds(node, answer, percent):
    node.attach(Script(_fcc9=HTU, _e7="02", _f5=answer, _f3="683a7c"))
    assert node.value(READ, "si7021")[0].humidity == percent


@pytest.mark.parametrize("late", [0, 1], ids=["typical", "greatest"])
@pytest.mark.parametrize("model", ["si7021", "htu21d", "sht20"])
def test_each_kind_is_read_at_typical_and_at_greatest_times(node, model, late):
    chip = node.si7021(model=model, vcc_pin="P11")
    chip.lateness = late
    reading, cause = node.value(READ_SWITCHED, "si7021")
    assert cause is None
    assert reading == (pytest.approx(24.23, abs=0.01), pytest.approx(54.79, abs=0.03))


def test_the_temperature_of_the_humidity_conversion_is_used(node):
    node.si7021()
    node.value(READ, "si7021")
    writes = [text[11:] for text in node.transfers() if text.startswith("write")]
    assert writes == ["fc c9", "e7", "f5", *["e0"] * 4]


@pytest.mark.both_runtimes(every=4)
@pytest.mark.parametrize("register", ["02", "3a"])
@pytest.mark.parametrize("identity", [None, "", "ffffffffffff", "0100e70000e7"])
def test_a_part_whose_identity_is_unknown_goes_by_its_user_register(
    node, runtime, identity, register
):
    node.attach(Script(_fcc9=identity, _e7=register, _f5="4e856b", _f3="683a7c"))
    shown = node.ask("from sensors import si7021\nshow(si7021.get_reading('P9', 'P10'))")
    assert shown == [[24.69, 32.34]]


@pytest.mark.parametrize("model", ["si7021", "htu21d", "sht21"])
@pytest.mark.parametrize(("left", "first"), [(0x05, ((None, None), "not_ready")), (0x01, None)])
def test_a_heater_and_a_resolution_of_another_program_are_taken_back(node, model, left, first):
    chip = node.si7021(model=model)
    usual = chip._register()
    chip.write(bytes((0xE6, usual | left)))
    good = (24.23, pytest.approx(54.79, abs=0.03)), None
    assert [node.value(READ, "si7021") for _ in range(2)] == [first or good, good]
    assert chip._register() == usual


def test_a_conversion_is_asked_for_no_earlier_than_its_typical_time(node):
    node.si7021()
    node.value(READ, "si7021")
    assert "read 0x40 no acknowledge" not in node.transfers()


def test_a_differing_temperature_without_checksum_is_measured_anew(node):
    node.attach(Script(_fcc9=SI, _f5="7c8297", _e0=["678c", "278c"], _f3="678cfc"))
    assert node.value(READ, "si7021") == ((24.23, 54.79), None)


def test_a_missing_temperature_of_the_humidity_is_measured_anew(node):
    node.attach(Script(_fcc9=SI, _f5="7c8297", _e0=None, _f3="678cfc"))
    assert node.value(READ, "si7021") == ((24.23, 54.79), None)


def test_one_wrong_checksum_costs_a_repetition(node):
    node.attach(Script(_fcc9=SI, _f5=["7c8296", "7c8297"], _e0="678c"))
    assert node.value(READ, "si7021") == ((24.23, 54.79), None)


def test_one_garbled_identity_costs_a_repetition(node):
    node.attach(Script(_fcc9=["55ffb5ffffcb", SI], _e7="3a", _f5="7c8297", _e0="678c"))
    assert node.value(READ, "si7021") == ((24.23, 54.79), None)


@pytest.mark.parametrize(
    ("answers", "reading", "cause"),
    [
        ({"_fcc9": None}, (None, None), "absent"),
        ({"_fcc9": ""}, (None, None), "absent"),
        ({"_fcc9": "399f399f399f", "_e7": "39"}, (None, None), "wrong_part"),
        ({"_fcc9": "399f399f399f", "_e7": None}, (None, None), "wrong_part"),
        ({"_fcc9": "000000000000", "_e7": "00"}, (None, None), "stuck"),
        ({"_fcc9": SI, "_f5": "7c8296", "_e0": "678c", "_f3": "678cfc"}, (24.23, None), "crc"),
        ({"_fcc9": SI, "_f5": "ffffff", "_f3": "678cfc"}, (24.23, None), "crc"),
        ({"_fcc9": SI, "_f5": None, "_f3": "678cfc"}, (24.23, None), "absent"),
        ({"_fcc9": SI, "_f5": "", "_f3": "678cfc"}, (24.23, None), "busy"),
        ({"_fcc9": SI, "_f5": "7c8297", "_e0": None, "_f3": ""}, (None, 54.79), "busy"),
        ({"_fcc9": SI, "_f5": "7c8297", "_e0": None, "_f3": "678cfd"}, (None, 54.79), "crc"),
        ({"_fcc9": SI, "_f5": "7c8297", "_e0": None, "_f3": None}, (None, 54.79), "absent"),
        ({"_fcc9": SI, "_f5": "000000", "_f3": "000000"}, (None, None), "stuck"),
        ({"_fcc9": SI, "_f5": "7c8297", "_e0": "0004"}, (None, 54.79), "implausible"),
        ({"_fcc9": HTU, "_e7": "02", "_f5": "", "_f3": "683a7c"}, (24.69, None), "busy"),
    ],
)  # fmt: skip
def test_trouble_gives_no_value_and_a_cause_and_one_log_line(node, answers, reading, cause):
    node.attach(Script(**answers))
    assert node.value(READ, "si7021") == (reading, cause)
    assert len(node.log) == 1
    assert cause in node.log[0]


def test_the_cause_of_an_earlier_reading_does_not_stay(node):
    chip = node.si7021()
    chip.absent = True
    program = (
        "from sensors import si7021\nsi7021.get_reading('P9', 'P10')\n"
        "first = si7021.last_cause\n{}si7021.get_reading('P9', 'P10')\nsecond = si7021.last_cause"
    )
    chip.power(True)
    result = node.variables(program.format(""))
    assert (result["first"], result["second"]) == ("absent", "absent")
    chip.absent = False
    assert node.variables(program.format(""))["second"] is None


@pytest.mark.parametrize("celsius", [-40, -10.01, 0, 24.23, 85, 124.9])
@pytest.mark.parametrize("percent", [0, 3.5, 50, 100])
def test_values_over_the_whole_range(node, celsius, percent):
    node.si7021(celsius, percent)
    reading, cause = node.value(READ, "si7021")
    assert cause is None
    assert reading.temperature == pytest.approx(celsius, abs=0.011)
    assert reading.humidity == pytest.approx(percent, abs=0.03)


@pytest.mark.parametrize("_e0", [["278c", "278c", "678c"], ["678c", "678c", "678c", "278c"]])
def test_a_wrong_temperature_without_checksum_may_come_twice(node, _e0):
    node.attach(Script(_fcc9=SI, _f5="7c8297", _e0=_e0, _f3="678cfc"))
    assert node.value(READ, "si7021") == ((24.23, 54.79), None)


@pytest.mark.parametrize("start_ms", [18, 25, 79])
def test_a_supply_that_broke_down_costs_a_repetition(node, start_ms):
    chip = node.si7021()
    chip.power_up_ms = (start_ms, start_ms)
    chip.brown_out = 1
    assert node.value(READ, "si7021") == ((24.23, pytest.approx(54.79, abs=0.03)), None)


def test_the_supply_of_a_slow_starter_is_waited_for(node):
    chip = node.si7021(vcc_pin="P11")
    chip.power_up_ms = (79, 79)  # at the ends of the temperature range; 80 at most
    assert node.value(READ_SWITCHED, "si7021")[1] is None


def test_a_chip_that_never_starts_is_absent(node):
    chip = node.si7021(vcc_pin="P11")
    chip.power_up_ms = (200, 200)
    assert node.value(READ_SWITCHED, "si7021") == ((None, None), "absent")


def test_a_chip_that_resets_is_waited_for(node):
    chip = node.si7021()
    chip.lateness = 1
    chip.write(b"\xfe")
    assert node.value(READ, "si7021")[1] is None


def test_the_identity_is_asked_for_once(node):
    node.si7021()
    node.variables(
        "from machine import I2C\nfrom sensors.si7021 import Si7021\n"
        "chip = Si7021(I2C(0, I2C.MASTER, pins=('P9', 'P10')))\nchip.read()\nchip.read()\n"
    )
    assert [text for text in node.transfers() if "fc c9" in text] == ["write 0x40 fc c9"]
