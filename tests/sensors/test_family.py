"""What holds for every driver of sensors/: a new one is tried by being there."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from devkit.sensors.catalogue import Entry, drivers, entries
from tests.device import Node

from .family import ON_I2C, SUPPLY, Member, plug

PINS = [f"P{number}" for number in (*range(2, 5), *range(6, 13), *range(19, 24))]  # outputs
# A transfer waits up to 5 s for a held line. The first two read many bytes, each of which waits;
# the others measure for 2 to 10 s besides.
HELD_S = {"bme280": 40, "bme680": 40, "scd30": 20, "scd4x": 20}
HALVES = ("si7021",)  # one of its two conversions may be over and kept


def wired(node: Node, entry: Entry) -> dict[str, Any]:
    """Plug the driver's chip as it is by default, its supply at P11; its arguments."""
    supply = {"supply_pin": SUPPLY} if entry.interface == "I2C" else {}
    plug(node, entry, **supply)
    return entry.arguments | ({"vcc_pin": SUPPLY} if supply else {})


@contextmanager
def untouched(node: Node) -> Iterator[None]:
    """Nothing is driven, asked or powered meanwhile."""
    changes: list[tuple[str, int]] = []
    for pin in PINS:
        node.pins.on_change(pin, lambda level, pin=pin: changes.append((pin, level)))
    asked = len(node.transfers())
    yield
    assert changes == []
    assert len(node.transfers()) == asked


# What a driver refuses, beside what is refused to all: (arguments, what is said of them)
REFUSED = {
    "ads1115": [
        ("'P13', 'P10'", "sda_pin = 'P13'"),
        ("'P9', 'P9'", "P9 is used twice"),
        ("'P9', 'P10', address=0x47", "address = 0x47"),
        ("'P9', 'P10', channel=4", "channel = 4"),
        ("'P9', 'P10', channel='1-2'", "channel = '1-2'"),
        ("'P9', 'P10', full_scale_mv=3300", "full_scale_mv = 3300"),
        ("'P9', 'P10', divider=0.5", "divider = 0.5"),
        ("'P9', 'P10', model='ads1110'", "model = 'ads1110'"),
        ("'P9', 'P10', settle_ms=-1", "settle_ms = -1"),
    ],
    "analog_generic": [
        ("'P9'", "data_pin = 'P9'"),
        ("16", "data_pin = 16"),
        ("'P16', 'P13'", "vcc_pin = 'P13'"),
        ("'P19', 'P19'", "P19 is used twice"),
        ("'P16', divider=0", "divider = 0"),
        ("'P16', divider='2'", "divider = '2'"),
        ("'P16', divider=True", "divider = True"),
        ("'P16', divider=float('nan')", "divider = nan"),
        ("'P16', settle_ms=-1", "settle_ms = -1"),
        ("'P16', settle_ms=0.5", "settle_ms = 0.5"),
        ("'P16', attenuation_db=3", "attenuation_db = 3; allowed: 0, 2.5, 6, 11"),
    ],
    "battery": [
        ("'P9'", "data_pin = 'P9'"),
        ("'P16', 'P13'", "vcc_pin = 'P13'"),
        ("'P16', divider=0.5", "divider = 0.5"),
        ("'P16', cell='nimh'", "cell = 'nimh'; allowed: 'li-ion'"),
        ("'P16', attenuation_db=3", "attenuation_db = 3; allowed: 0, 2.5, 6, 11"),
        ("'P16', current_pin='P16'", "P16 is used twice"),
        ("'P16', 'P23', charger_off_pin='P23'", "P23 is used twice"),
        ("'P16', current_ohm=0", "current_ohm = 0"),
    ],
    "bh1750": [
        ("'P13', 'P10'", "sda_pin = 'P13'"),
        ("'P9', 'P9'", "P9 is used twice"),
        ("'P9', 'P10', None, 0x24", "address = 0x24"),
        ("'P9', 'P10', 'P16'", "vcc_pin = 'P16'"),
    ],
    "bme280": [
        ("'P13', 'P10'", "sda_pin = 'P13'"),
        ("'P9', 'P9'", "P9 is used twice"),
        ("'P9', 'P10', 'P16'", "vcc_pin = 'P16'"),
        ("'P9', 'P10', address=0x78", "address = 0x78"),
        ("'P9', 'P10', address=None", "address = None"),
    ],
    "bme680": [
        ("'P13', 'P10'", "sda_pin = 'P13'"),
        ("'P9', 'P10', 'P16'", "vcc_pin = 'P16'"),
        ("'P9', 'P10', address=0x61", "address = 0x61"),
        ("'P9', 'P10', heater_c=401", "heater_c = 401"),
        ("'P9', 'P10', heater_c=199", "heater_c = 199"),
        ("'P9', 'P10', heater_ms=19", "heater_ms = 19"),
        ("'P9', 'P10', heater_ms=4033", "heater_ms = 4033"),
        ("'P9', 'P10', heater_ms=150.5", "heater_ms = 150.5"),
    ],
    "dht": [
        ("'P9', 'dht22'", "dht_model = 'dht22'; allowed: 'DHT11', 'DHT22'"),
        ("'P9', 'AM2302'", "dht_model = 'AM2302'"),
        ("'P9', 22", "dht_model = 22"),
        ("'P16', 'DHT22'", "data_pin = 'P16'"),
        ("'P9', 'DHT22', 'P9'", "P9 is used twice"),
    ],
    "ds18x20": [
        ("'P13'", "data_pin = 'P13'; allowed: 'P3'"),
        ("'P3', vcc_pin='P3'", "P3 is used twice; allowed: different pins"),
        ("'P3', rom='28ac'", "rom = '28ac'; allowed: 16 to 16"),
        ("'P3', rom='28ac410e07000075'", "rom = '28ac410e07000075'; allowed: 16 hex digits"),
        ("'P3', rom='xxxxxxxxxxxxxxxx'", "rom = 'xxxxxxxxxxxxxxxx'; allowed: 16 hex digits"),
        ("'P3', rom='021cb801000000a2'", "allowed: 16 hex digits that begin with 28, 10, 22"),
    ],
    "gl55": [
        ("'P9'", "data_pin = 'P9'"),
        ("'P15', r10_kohm=0", "r10_kohm = 0"),
        ("'P15', gamma=2", "gamma = 2; allowed: a number 0.3 to 1.5"),
        ("'P15', fixed_ohm=10", "fixed_ohm = 10"),
        ("'P15', supply_mv=3.3", "supply_mv = 3.3"),
    ],
    "hx711": [
        ("'P9', 'P9'", "P9 is used twice"),
        ("'P13', 'P10'", "data_pin = 'P13'"),
        ("'P9', 'P10', gain=100", "gain = 100"),
        ("'P9', 'P10', tare=1.5", "tare = 1.5"),
        ("'P9', 'P10', scale='1'", "scale = '1'"),
        ("'P9', 'P10', scale=float('nan')", "scale = nan"),
        ("'P9', 'P10', samples=0", "samples = 0"),
    ],
    "ina219": [
        ("'P13', 'P10'", "sda_pin = 'P13'"),
        ("'P9', 'P9'", "P9 is used twice"),
        ("'P9', 'P10', address=0x50", "address = 0x50"),
        ("'P9', 'P10', shunt_mohm=0", "shunt_mohm = 0"),
        ("'P9', 'P10', shunt_mohm=None", "shunt_mohm = None"),
        ("'P9', 'P10', averages=3", "averages = 3"),
    ],
    "scd30": [
        ("'P9', 'P9'", "P9 is used twice"),
        ("'P9', 'P10', pressure_hpa=699", "pressure_hpa = 699"),
        ("'P9', 'P10', pressure_hpa=1013.25", "pressure_hpa = 1013.25"),
        ("'P9', 'P10', interval_s=1", "interval_s = 1"),
        ("'P9', 'P10', interval_s=1801", "interval_s = 1801"),
    ],
    "scd4x": [
        ("'P9', 'P9'", "P9 is used twice"),
        ("'P9', 'P10', model='SCD41'", "model = 'SCD41'"),
        ("'P9', 'P10', mode='fast'", "mode = 'fast'"),
        ("'P9', 'P10', pressure_hpa=1201", "pressure_hpa = 1201"),
    ],
    "sdi12": [
        ("'P13', 'P4', 'P8', probe='teros12'", "drv_in_pin = 'P13'"),
        ("'P3', 'P3', 'P8', probe='teros12'", "P3 is used twice"),
        ("'P3', 'P4', 'P8'", "probe = None"),
        ("'P3', 'P4', 'P8', probe='teros12', values='t:Cel'", "probe = 'teros12'"),
        ("'P3', 'P4', 'P8', probe='teros13'", "probe = 'teros13'"),
        ("'P3', 'P4', 'P8', values='tCel'", "values = 'tCel'"),
        ("'P3', 'P4', 'P8', values='t:Cel:9'", "values = 't:Cel:9'"),
        ("'P3', 'P4', 'P8', values='t:Cel:'", "values = 't:Cel:'"),
        ("'P3', 'P4', 'P8', values='t t:Cel:1'", "values = 't t:Cel:1'"),
        ("'P3', 'P4', 'P8', values='t$:Cel:1'", "values = 't$:Cel:1'"),
        ("'P3', 'P4', 'P8', address=0, probe='teros12'", "address = 0"),
        ("'P3', 'P4', 'P8', address='01', probe='teros12'", "address = '01'"),
        ("'P3', 'P4', 'P8', command='D0', probe='teros12'", "command = 'D0'"),
        ("'P3', 'P4', 'P8', timeout_s=0, probe='teros12'", "timeout_s = 0"),
    ],
    "sht4x": [
        ("'P13', 'P10'", "sda_pin = 'P13'"),
        ("'P9', 'P10', 'P9'", "P9 is used twice"),
        ("'P9', 'P10', None, 0x40", "address = 0x40"),
        ("'P9', 'P10', address='0x44'", "address = '0x44'"),
    ],
    "si7021": [
        ("'P13', 'P10'", "sda_pin = 'P13'"),
        ("'P9', 'P24'", "scl_pin = 'P24'"),
        ("'P9', 10", "scl_pin = 10"),
        ("'P9', 'P10', 'P16'", "vcc_pin = 'P16'"),
        ("'P9', 'P9'", "P9 is used twice"),
        ("'P9', 'P10', 'P9'", "P9 is used twice"),
        ("None, 'P10'", "sda_pin = None"),
    ],
    "tsl2561": [
        ("'P13', 'P10'", "sda_pin = 'P13'"),
        ("'P9', 'P9'", "P9 is used twice"),
        ("'P9', 'P10', None, 0x38", "address = 0x38"),
        ("'P9', 'P10', 'P16'", "vcc_pin = 'P16'"),
    ],
    "veml7700": [
        ("'P13', 'P10'", "sda_pin = 'P13'"),
        ("'P9', 'P10', None, 0x11", "address = 0x11"),
        ("'P9', 'P10', None, 0x10, 'yes'", "correction = 'yes'"),
    ],
}


@pytest.mark.parametrize(
    ("driver", "arguments", "words"),
    [(driver, *row) for driver, rows in REFUSED.items() for row in rows],
)
def test_bad_arguments_are_refused_before_anything_is_powered(
    node: Node, driver: str, arguments: str, words: str
) -> None:
    wired(node, entries()[driver])
    with untouched(node):
        text = node.refusal(f"{driver}.get_reading({arguments})", driver)
    assert words in text
    assert "allowed: " in text


@pytest.mark.parametrize("driver", drivers())
def test_a_value_of_the_wrong_kind_is_refused_whatever_the_argument(
    node: Node, driver: str
) -> None:
    """No argument of any driver is a tuple."""
    good = wired(node, entries()[driver])
    program = (
        "import sensors\n"
        f"from sensors import {driver} as driver\nsaid = []\n"
        "for field in driver.ARGUMENTS:\n"
        f"    given = dict({good!r})\n    given[field[0]] = ()\n"
        "    try:\n        driver.get_reading(**given)\n"
        "        said.append((field[0], ''))\n"
        "    except ValueError as error:\n        said.append((field[0], str(error)))\n"
    )
    with untouched(node):
        said = node.variables(program)["said"]
    assert said
    for name, text in said:
        assert f"{name} = ()" in text
        assert "allowed: " in text


READ = """
from sensors import {driver}
reading = {driver}.get_reading(**{arguments!r})
cause = {driver}.last_cause
"""


LATE = """
import sensors
from utils import timing

def work():
    for _ in range(300):
        timing.sleep_ms(90)
        yield

lines = (({driver!r}, {arguments!r}),)
plain, late = [
    [(item.value, item.cause) for item in sensors.measure(lines, meanwhile=meanwhile)]
    for meanwhile in (None, work())
]
"""


@pytest.mark.parametrize("driver", drivers())
def test_a_reading_does_not_mind_that_its_steps_come_late(node: Node, driver: str) -> None:
    arguments = wired(node, entries()[driver])
    found = node.variables(LATE.format(driver=driver, arguments=arguments))
    assert len(found["plain"]) == len(found["late"]) > 0
    for (value, cause), (expected, none) in zip(found["late"], found["plain"], strict=True):
        assert (cause, none) == (None, None)
        assert value == pytest.approx(expected, rel=0.03, abs=2)


@functools.cache
def transfers_of(driver: str) -> int:
    """How many times a reading without trouble uses the bus, on CPython."""
    from devkit.sensors.trial import Bench

    entry = entries()[driver]
    with Bench([entry]) as bench:
        bench.run(READ.format(driver=driver, arguments=entry.arguments))
        return len(list(bench.board.trace.of("i2c")))


@pytest.mark.parametrize("driver", [*entries()])
def test_nothing_is_loaded_while_the_supply_is_on(node: Node, driver: str) -> None:
    """One that is installed as source takes 36 ms per KB, in which a probe draws its current."""
    member = Member(node, driver)
    loaded: list[set[str]] = []
    node.pins.on_change(
        SUPPLY, lambda level: loaded.append(set(node.vm.importer.device_paths.values()))
    )
    assert member.read()[0][1] is None
    on, off = loaded
    assert off - on == set()


@pytest.mark.parametrize("eighth", range(8))
@pytest.mark.parametrize("driver", ON_I2C)
def test_a_held_bus_costs_no_second_wait(
    make_node: Callable[..., Node], driver: str, eighth: int
) -> None:
    """Whenever the line is held for good: no value, the cause, the supply off, and in time."""
    nth = 1 + eighth * (transfers_of(driver) - 1) // 8  # the last one may put the chip to sleep
    node = make_node({"point": "i2c", "do": "stuck", "nth": nth})
    arguments = wired(node, entries()[driver])
    begin_us = node.board.clock.now_us
    found = node.variables(READ.format(driver=driver, arguments=arguments))
    reading = found["reading"]
    values = reading if isinstance(reading, tuple) else (reading,)
    assert set(values) == {None} or (driver in HALVES and values[0] is None)
    assert found["cause"] == "stuck"
    assert node.board.clock.now_us - begin_us < HELD_S.get(driver, 12) * 1_000_000
    assert node.pins.level(SUPPLY) == 0


# What an example prints of the default chip. The numbers may differ by noise.
PRINTED = {
    "ads1115": "1250.00 mV",
    "battery": "3901 mV, 63 % (34 to 78)",
    "bh1750": "320.0 lx",
    "bme280": "1013.2 hPa, 21.40 Cel, 54.8 %RH",
    "bme680": "1013.2 hPa, 21.40 Cel, 54.8 %RH",
    "dht": "21.4 Cel, 54.8 %RH",
    "ds18x20": "28aad4b657000055: 21.44 Cel",
    "gl55": "200.9 lx (72.7 to 468.3)",
    "hx711": "1164000 counts",
    "ina219": "3700 mV, 120.0 mA, 444.0 mW",
    "scd30": "640 ppm, 21.4 Cel, 55 %RH",
    "scd4x": "640 ppm, 21.4 Cel, 55 %RH",
    "sdi12": "24.5 %, 14.6 Cel, 134 uS/cm",
    "sht4x": "21.40 Cel, 54.8 %RH",
    "si7021": "21.40 Cel, 54.8 %RH",
    "tsl2561": "318.0 lx",
    "veml7700": "320.0 lx",
}
WIRED_OTHERWISE = {"ina219": {"address": 0x40}, "analog_generic": {"pin": "P16"}}
NUMBER = re.compile(r"(?<![\w.])-?\d+\.?\d*(?!\w)")


def parts(line: str) -> tuple[str, list[str]]:
    """The text of a line, and its numbers."""
    return NUMBER.sub("#", line), NUMBER.findall(line)


@pytest.mark.parametrize("driver", drivers())
def test_an_example_prints_readings(node: Node, driver: str) -> None:
    entry = entries()[driver]
    wired(node, replace(entry, wiring=entry.wiring | WIRED_OTHERWISE.get(driver, {})))
    printed = node.example(f"{driver}_simple.py", seconds=45)
    lines = [line for line in printed if "gas: " not in line]
    assert len(lines) >= 3
    assert not any(line.startswith("no reading") for line in lines[:3])
    text, numbers = parts(PRINTED.get(driver, lines[0]))
    for line in lines[:3]:
        found_text, found = parts(line)
        assert found_text == text
        for one, other in zip(found, numbers, strict=True):
            assert len(one.partition(".")[2]) == len(other.partition(".")[2])  # digits
            assert float(one) == pytest.approx(float(other), rel=0.03)  # a percent of 34


@pytest.mark.parametrize("driver", drivers())
def test_an_example_says_why_there_is_no_reading(node: Node, driver: str) -> None:
    if entries()[driver].interface == "1-Wire":
        node.pins.pull_up(entries()[driver].arguments["data_pin"])
    [line] = set(node.example(f"{driver}_simple.py", seconds=45))
    on_adc = entries()[driver].interface == "ADC"
    assert line == "no reading: " + ("under_range" if on_adc else "absent")
