"""Mistakes in a configuration and in a driver: what is told of them, and what they do not cost."""

from __future__ import annotations

import re

import pytest

from collector.decode.report import UNITS
from devkit.sensors.catalogue import drivers, entries
from emulator.device_files import config_file

from .family import plug

DHT = '{"data_pin": "P3", "dht_model": "DHT22"}'
OWNED = dict.fromkeys(("P0", "P1"), "the console") | {"P2": "the LED", "P12": "safe boot"}
OWNED |= dict.fromkeys(("P5", "P7"), "the modem")
PINS = '{"sda_pin": "P9", "scl_pin": "P10"}'
ON_THE_SAME = '{"sda_pin": "P9", "scl_pin": "P10", "vcc_pin": "P8"}'
A_BUS_MORE = ", ".join(
    f'("sht4x", {{"sda_pin": "{sda}", "scl_pin": "{scl}"}})'
    for sda, scl in (("P9", "P10"), ("P3", "P4"), ("P6", "P8"), ("P22", "P23"))
)


def check(node, lines):
    return node.variables(f"import sensors\nresult = sensors.check({lines})\n")["result"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("None", "sensors = None; allowed: a tuple of lines"),
        ("5", "sensors = 5; allowed: a tuple of lines"),
        ("'si7021'", "sensors = 'si7021'; allowed: a tuple of lines"),
        ("{'si7021': {}}", "sensors = {'si7021': {}}; allowed: a tuple of lines"),
        (f"('si7021', {PINS})", "is a line itself; allowed: a tuple of lines, ((kind, "),
        ("(('analog_generic', {'data_pin': 'P16', 5: 1}),)", "5 is unknown; allowed: data_pin"),
        ("(('analog_generic', {'data_pin': 'P16', None: 1}),)", "None is unknown; allowed: data_"),
        (f"(('sht4x', dict({PINS}, address=68.0)),)", "address = 68.0; allowed: 0x44, 0x45"),
        (f"(('sht4x', dict({PINS}, address=0x40)),)", "address = 0x40; allowed: 0x44, 0x45"),
        ("(('analog_generic', {'data_pin': ['P16']}),)", "data_pin = ['P16']; allowed: 'P13'"),
        (f"(('si7021', dict({PINS}, name='\u212a')),)", "allowed: 1 to 20 letters, digits"),
        (f"(('si7021', {PINS}), ('analog_generic', {{'data_pin': 'P16', 'name': 't_e'}}))",
         "sensor 2 (analog_generic): name = 't_e'; allowed: "),
        ("(('analog_generic', {'data_pin': 'P16', 'name': 'rp'}),)", "name 'rp' is a figure of"),
        (f"(('si7021', {PINS}), ('si7021', {ON_THE_SAME}))",
         "sensor 2 (si7021): address 0x40 is that of sensor 1 (si7021) on the same pins; allowed"),
        (f"({A_BUS_MORE})", "sensor 4 (sht4x): P22, P23 are the pins of one more bus; allowed: 3"),
        (f"(('dht', {DHT}), ('dht', dict({DHT}, name='b')))",
         "sensor 2 (dht): data_pin = 'P3' is data_pin of sensor 1 (dht); allowed: another pin"),
        (f"(('dht', {DHT}), ('ds18x20', {{'data_pin': 'P3'}}))",
         "sensor 2 (ds18x20): data_pin = 'P3' is data_pin of sensor 1 (dht); allowed: "),
        *[(f"(('dht', dict({DHT}, vcc_pin='{pin}')),)", f"; {pin} is that of {who}")
          for pin, who in OWNED.items()],
        ("(('unfinished', {}),)", "'unfinished' cannot be used, ImportError("),
        ("(('damaged', {}),)", "'damaged' cannot be used, SyntaxError("),
        ("(('empty', {}),)", "'empty' cannot be used, AttributeError("),
    ],
)  # fmt: skip
def test_a_mistake_is_told_and_is_the_only_one(node, lines, expected):
    for name, text in (
        ("unfinished", "import nothing_here\n"),
        ("damaged", "def (:\n"),
        ("empty", "FIELDS = ()\ndef get_reading(): pass\n"),
    ):
        (node.flash / "sensors" / f"{name}.py").write_text(text, encoding="utf-8")
    (problem,) = check(node, lines)
    assert expected in problem
    assert "allowed: " in problem


def test_a_missing_pin_is_told_with_those_that_are_free(node):
    [said] = check(node, "(('si7021', {'sda_pin': 'P9'}),)")
    assert said.startswith(
        "sensor 1 (si7021): scl_pin is missing; allowed: 'P3', 'P4', 'P6', 'P8'"
    )


def test_a_required_number_is_asked_for(node):
    driver = "FIELDS = ()\nARGUMENTS = (('ohm', 'number', (1, 9)),)\ndef get_reading(ohm): pass\n"
    (node.flash / "sensors" / "odd.py").write_text(driver, encoding="utf-8")
    assert check(node, "(('odd', {}),)") == [
        "sensor 1 (odd): ohm is missing; allowed: a number 1 to 9"
    ]


def test_figures_of_the_node_are_those_that_a_receiver_knows(node):
    program = "from sensors import _check\nresult = _check._OF_THE_NODE\n"
    assert set(node.variables(program)["result"]) == set(UNITS)


def test_hundreds_of_wrong_lines_are_all_told(node):
    assert len(check(node, "(('si7021', {'sda_pin': 'P9'}),) * 300")) == 300


# What anybody could write behind an argument, of any type
_ANYTHING = """
POOL = (None, True, False, 0, 1, -1, 2, 64, 0x44, 68.0, 1.5, float("nan"), float("inf"), 10 ** 30,
        "", "P9", "P10", "P16", "a", "t:Cel:2", "t:Cel:0 t:Cel:0", "rp:Cel:1", ":::", " ", "t::",
        "\\u00fc", "x" * 200, (), [], ("a",), [1, 2], {}, b"x", "teros12", "C", "0-1", "single")
"""


@pytest.mark.parametrize("kind", drivers())
def test_whatever_stands_behind_an_argument_is_accepted_or_told(node, kind):
    base = entries()[kind].arguments
    found = node.variables(
        f"{_ANYTHING}\nimport sensors\nfrom sensors import {kind} as driver\nresult = []\n"
        "for field in driver.ARGUMENTS:\n    for value in POOL:\n"
        f"        given = dict({base!r})\n        given[field[0]] = value\n"
        f"        lines = (({kind!r}, given),)\n"
        "        problems = sensors.check(lines)\n"
        "        named = not problems and bool(sensors.records(lines))\n"
        "        result.append((field[0], value, problems, named))\n"
    )["result"]
    assert len(found) > 70
    for name, value, problems, named in found:
        assert all("allowed: " in text for text in problems), (name, value)
        assert named or problems, (name, value)


@pytest.mark.parametrize("kind", [kind for kind in drivers() if kind != "dht"])  # it is no bus
def test_one_chip_in_two_lines_is_measured_twice(node, kind):
    """One after the other: a TSL2561 that two start at once gave a third of the light."""
    entry = entries()[kind]
    plug(node, entry)
    line = (entry.name, entry.arguments)
    results = node.value(f"sensors.measure(({line!r}, {line!r}))", f"{kind}\nimport sensors")
    half = len(results) // 2
    for first, second in zip(results[:half], results[half:], strict=True):
        assert (first.cause, second.cause) == (None, None)
        assert second.value == pytest.approx(first.value, rel=0.01)


DRIVER = """
from sensors import Sensor, SensorError

FIELDS = (("x", "something", "V", -1, 10), ("y", "other", "V", 0, 1))
ARGUMENTS = ()
LONGEST_S = 5
last_cause = None


def get_reading():
    raise RuntimeError("not called in a run")


def build(rig):
    rig.share(("odd",), Odd)
    return Odd()


class Odd(Sensor):
    def steps(self):
        {}

    def deinit(self):
        {}
"""
FAILED = [(None, "failed"), (None, "failed")]
GOOD = [(10, None), (2, None)]


def run_odd(node, body, deinit="pass"):
    """[(value, cause)] of the odd sensor and of an analog one, statuses, the log, the time."""
    node.adc.sources["P16"] = lambda: 1792
    driver = DRIVER.format(body, deinit)
    (node.flash / "sensors" / "odd.py").write_text(driver, encoding="utf-8")
    found = node.variables(
        "import sensors\nfrom utils import timing\nwatch = timing.Stopwatch()\n"
        "results = sensors.measure((('odd', {}), ('analog_generic', {'data_pin': 'P16'})))\n"
        "statuses = sensors.statuses(results)\ntook_ms = watch.elapsed_ms()\n"
    )
    log = [line for line in "".join(node.printed).splitlines() if " sensors: " in line]
    values = [(item.value, item.cause) for item in found["results"]]
    assert values[2] == (pytest.approx(1792, abs=3), None)
    return values[:2], found["statuses"], log, found["took_ms"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return (1, 2)", FAILED),
        ("yield 1; return ('abc', 2)", [(None, "implausible"), (2, None)]),
        ("yield 1; return (1, [])", [(10, None), (None, "implausible")]),
        ("yield 1; return (10 ** 30, 2)", [(None, "implausible"), (2, None)]),
        ("yield 1; return (1, -1e38)", [(10, None), (None, "implausible")]),
        ("yield 1; return (1, 2, 3)", GOOD),
        ("yield None; return (1, 2)", GOOD),
        ("yield 0.5; yield 7.25; return (1, 2)", GOOD),
        ("yield -5; return (1, 2)", GOOD),
        ("yield 'abc'", FAILED),
        ("yield float('nan')", FAILED),
        ("yield 1; raise SensorError", FAILED),
        ("yield 1; raise SensorError(5)", FAILED),
        ("yield 1; raise SensorError('x' * 300)", FAILED),
        ("yield 1; self.cause = ['a']; return (None, 2)", [(None, "failed"), (2, None)]),
        ("yield 1; raise MemoryError", FAILED),
    ],
)
def test_rubbish_of_a_driver_costs_its_own_values_only(node, body, expected):
    values, statuses, log, _ = run_odd(node, body)
    assert values == expected
    causes = [cause for _, cause in expected if cause is not None]
    assert [record[1] for record in statuses] == causes[:1]
    assert len(log) == len(causes[:1])


@pytest.mark.parametrize(
    "body",
    ["while True: yield 10", "while True: yield 0", "yield 10 ** 9", "yield 2000; yield 2000000"],
)
def test_a_sensor_that_never_ends_is_ended(node, body):
    values, _, log, took_ms = run_odd(node, body)
    assert values == [(None, "busy"), (None, "busy")]
    assert len(log) == 1
    assert 5000 <= took_ms <= 5100


def test_an_end_that_fails_costs_nothing_else(node):
    body = "try:\n            while True: yield 10\n        finally:\n            open('/nothing')"
    values, _, log, _ = run_odd(node, body, deinit="raise KeyError('a mistake')")
    assert values == [(None, "busy"), (None, "busy")]
    assert [line.split(": ", 1)[1] for line in log] == [
        "odd (x, y): not ended", "odd (x, y): busy", "odd: not given back"
    ]  # fmt: skip


def test_lines_offered_in_the_configuration_can_be_used_as_they_are(node):
    text = config_file().read_text(encoding="utf-8")
    offered = re.findall(r"^    # (\(.*\),)$", text, re.MULTILINE)
    assert len(offered) >= 3
    lines = re.search(r"^_SENSORS = (\(.*?^\))$", text.replace("    # (", "    ("), re.M | re.S)
    assert lines is not None
    assert check(node, lines[1]) == []
