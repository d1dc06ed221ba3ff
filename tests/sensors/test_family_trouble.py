"""What holds for every driver in trouble: truth or a cause, in time, and all is off afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.sensors.catalogue import drivers, entries
from emulator.board.faults import Fault
from tests.device import Node

from .family import ON_I2C, SUPPLY, Member, values_of

NEVER = 1_000_000_000  # as `nth` of a fault: so many transfers there are none
LASTING = {"absent": True, "stuck": True, "corrupt": 10_000, "brown_out": 10_000,
           "extra_ms": 60_000}  # fmt: skip
# The causes of lasting faults, where they are not absent and stuck alone
AIR = {"corrupt": "crc wrong_part", "brown_out": "not_ready absent", "extra_ms": "busy"}
ADC = {"absent": "under_range", "stuck": "under_range", "corrupt": "saturated",
       "brown_out": "not_ready"}  # fmt: skip
CAUSES = {
    "ads1115": {"corrupt": "wrong_part", "brown_out": "busy", "extra_ms": "busy"},
    "analog_generic": ADC,
    "battery": ADC,
    "bh1750": {"corrupt": "wrong_part"},
    "bme280": AIR,
    "bme680": AIR,
    "dht": {"corrupt": "crc"},
    "ds18x20": {"corrupt": "crc", "brown_out": "implausible", "extra_ms": "busy"},
    "gl55": ADC,
    "hx711": {"brown_out": "busy", "extra_ms": "busy"},
    "ina219": {"corrupt": "crc", "brown_out": "busy", "extra_ms": "busy"},
    "scd30": {"corrupt": "crc", "brown_out": "absent", "extra_ms": "not_ready"},
    "scd4x": {"corrupt": "crc", "brown_out": "not_ready", "extra_ms": "busy"},
    "sdi12": {"corrupt": "crc", "brown_out": "not_ready", "extra_ms": "not_ready"},
    "sht4x": {"corrupt": "crc", "brown_out": "busy", "extra_ms": "busy"},
    "si7021": {"corrupt": "crc", "brown_out": "busy", "extra_ms": "absent"},
    "tsl2561": {"corrupt": "wrong_part crc", "brown_out": "not_ready"},
    "veml7700": {"corrupt": "crc wrong_part", "brown_out": "not_ready"},
}
# Until they are told; elsewhere 250 ms
LONGEST_MS = {"sht4x": 70, "dht": 6500, "ds18x20": 1000, "hx711": 1300, "analog_generic": 600,
              "scd30": 14_000, "scd4x": 14_000, "sdi12": 8000}  # fmt: skip


def causes(driver: str) -> dict[str, str]:
    return {"absent": "absent", "stuck": "stuck"} | CAUSES.get(driver, {})


@pytest.mark.parametrize(
    ("driver", "fault"), [(driver, fault) for driver in drivers() for fault in causes(driver)]
)
def test_a_lasting_fault_gives_no_value_a_cause_and_one_log_line_in_time(
    node: Node, driver: str, fault: str
) -> None:
    member = Member(node, driver, **{fault: LASTING[fault]})
    switched: list[int] = []
    node.pins.on_change(SUPPLY, switched.append)
    [(values, cause)] = member.read()
    assert set(values) == {None}
    assert cause in causes(driver)[fault].split()
    [line] = node.log
    assert cause in line
    assert member.took_ms < LONGEST_MS.get(driver, 250)
    assert switched == [1, 0]
    member.assert_off()


# ms at most: of a supply at typical and at greatest times, and of a reading that switches none
MOST_MS = {
    "ads1115": (23, 23, 21),
    "analog_generic": (510, 510, 10),
    "battery": (110, 110, 10),
    "bh1750": (140, 200, 200),
    "bme280": (25, 25, 25),
    "bme680": (232, 232, 232),
    "dht": (4300, 4300, 2200),
    "ds18x20": (690, 830, 830),
    "gl55": (12, 12, 10),
    "hx711": (630, 700, 700),
    "ina219": (40, 40, 40),
    "scd30": (4300, 4300, 2200),
    "scd4x": (11_400, 11_400, 5200),
    "sdi12": (1400, 1400, 1400),
    "sht4x": (13, 13, 13),
    "si7021": (46, 57, 41),
    "tsl2561": (470, 470, 470),
    "veml7700": (220, 220, 220),
}
NAMELESS = ("battery", "sdi12")  # their readings are tuples: the arguments say of what


@pytest.mark.parametrize(
    ("switched", "lateness"), [(True, 0), (True, 1), (False, 1)],
    ids=["typical", "greatest", "always on"],
)  # fmt: skip
@pytest.mark.parametrize("driver", drivers())
def test_a_reading_and_its_supply_take_no_longer_than_needed(
    node: Node, driver: str, switched: bool, lateness: int
) -> None:
    member = Member(node, driver, switched=switched, lateness=float(lateness))
    *on_ms, alone_ms = MOST_MS.get(driver, (1000, 1000, 1000))
    on_us: list[int] = []
    node.pins.on_change(SUPPLY, lambda level: on_us.append(node.board.clock.now_us))
    first, second = member.read(2)  # what has to be imported is there for the second
    assert first == (member.like(second[0]), None)
    assert second[1] is None
    assert node.log == []
    if switched:
        assert len(on_us) == 4
        assert on_us[3] - on_us[2] < on_ms[lateness] * 1000
        member.assert_off()
    else:
        assert member.took_ms < alone_ms
        assert on_us == []


@pytest.mark.parametrize("driver", drivers())
def test_a_reading_has_its_values_by_name_and_by_position(node: Node, driver: str) -> None:
    arguments = Member(node, driver, switched=False).arguments
    found = node.variables(
        f"from sensors import {driver} as driver, _lines\n"
        f"arguments = {arguments!r}\nreading = driver.get_reading(**arguments)\n"
        "names = [field[1] for field in _lines.fields_of(driver, arguments)]\n"
        "named = [getattr(reading, name, None) for name in names]\n"
    )
    values = values_of(found["reading"])
    assert len(found["names"]) == len(values)
    assert None not in values
    if len(values) > 1 and driver not in NAMELESS:
        assert tuple(found["named"]) == values


# What happens once


ONE_REPETITION = ("ds18x20", "sht4x")  # two wrong answers are too much


@pytest.mark.parametrize(("fault", "times"), [("corrupt", 1), ("corrupt", 2), ("brown_out", 1)])
@pytest.mark.parametrize("driver", drivers())
def test_a_fault_that_passes_costs_no_value(
    node: Node, driver: str, fault: str, times: int
) -> None:
    if times == 2 and driver in ONE_REPETITION:
        times = 1
    member = Member(node, driver, **{fault: times})
    (values, cause), (good, _) = member.read(2)
    assert (values, cause) == (member.like(good), None)
    assert node.log == []


@pytest.mark.parametrize("do", ["nack", "corrupt"])
@pytest.mark.parametrize("driver", ON_I2C)
def test_a_disturbed_transfer_costs_no_value_whichever_it_is(
    tmp_path: Path, runtime: str, driver: str, do: str
) -> None:
    fault = Fault("i2c", do, match="read" if do == "corrupt" else "", nth=NEVER)
    node = Node(tmp_path, [fault], runtime)
    member = Member(node, driver)
    good = member.good()
    count, struck = fault.seen, 0

    def next_reading(level: int) -> None:
        nonlocal struck
        struck += level
        fault.nth = fault.seen + struck

    node.pins.on_change(SUPPLY, next_reading)
    for values, cause in member.read(count):
        assert (values, cause) == (good, None)
    assert struck == count
    node.close()


# Answers of which this share is wrong, of how many readings at least these many are good
RATES = {
    "ads1115": [(0.1, 0.85)],
    "bh1750": [(0.1, 1), (0.3, 0)],
    "bme280": [(0.2, 0.5)],
    "bme680": [(0.15, 0.5)],
    "dht": [(0.4, 0.1)],
    "ds18x20": [(0.5, 0.1)],
    "hx711": [],  # a median, no checksum
    "ina219": [(0.1, 0.85)],
    "scd30": [(0.3, 0.1)],
    "scd4x": [(0.3, 0.5)],
    "sdi12": [(0.4, 0.4)],
    "sht4x": [(0.5, 0.1)],
    "tsl2561": [(0.1, 1), (0.3, 0)],
    "veml7700": [(0.1, 1), (0.3, 0)],
}


@pytest.mark.parametrize(
    ("driver", "rate", "good"),
    [(driver, *row) for driver in drivers() for row in RATES.get(driver, [(0.1, 0)])],
)
def test_answers_that_are_often_wrong_never_become_another_value(
    node: Node, driver: str, rate: float, good: float
) -> None:
    """Without a checksum, two wrong answers that are alike pass: they are rare."""
    expected = Member(node, driver).good()
    member = Member(node, driver, corrupt_rate=rate)
    found = member.read(20)
    for values, cause in found:
        assert (None in values) == (cause is not None)
        for value, truth in zip(values, expected, strict=True):
            assert value is None or value == truth
    assert sum(cause is None for _, cause in found) >= good * len(found)


# On a bus of the caller


@pytest.mark.parametrize("driver", ON_I2C)
def test_the_class_reads_on_a_bus_of_the_caller(node: Node, driver: str) -> None:
    member = Member(node, driver, switched=False)
    good = member.good()
    address = entries()[driver].arguments.get("address")
    arguments = f"I2C(0, I2C.MASTER, pins=('P9', 'P10')){f', {address}' * bool(address)}"
    program = (
        f"from machine import I2C\nfrom sensors.{driver} import {driver.capitalize()}\n"
        f"sensor = {driver.capitalize()}({arguments})\n"
        "readings = sensor.read(), sensor.read()\ncause = sensor.cause\n"
    )
    found = node.variables(program)
    assert found["readings"] == (good, good)
    assert found["cause"] is None
    member.chip.absent = True
    found = node.variables(program)
    assert found["readings"] == (None, None)
    assert found["cause"] == "absent"
