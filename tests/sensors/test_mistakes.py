"""Mistakes in a configuration: what is told of them, and what they do not cost."""

from __future__ import annotations

import pytest

from devkit.collector.report import UNITS
from devkit.sensors.catalogue import drivers, entries

PINS = '{"sda_pin": "P9", "scl_pin": "P10"}'
ON_THE_SAME = '{"sda_pin": "P9", "scl_pin": "P10", "vcc_pin": "P12"}'
A_BUS_MORE = ", ".join(
    f'("sht4x", {{"sda_pin": "{sda}", "scl_pin": "{scl}"}})'
    for sda, scl in (("P9", "P10"), ("P3", "P4"), ("P6", "P8"), ("P22", "P23"))
)


def check(node, lines):
    return node.run(f"import sensors\nresult = sensors.check({lines})\n")["result"]


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


def test_a_required_number_is_asked_for(node):
    driver = "FIELDS = ()\nARGUMENTS = (('ohm', 'number', (1, 9)),)\ndef get_reading(ohm): pass\n"
    (node.flash / "sensors" / "odd.py").write_text(driver, encoding="utf-8")
    assert check(node, "(('odd', {}),)") == [
        "sensor 1 (odd): ohm = None; allowed: a number 1 to 9"
    ]


def test_figures_of_the_node_are_those_that_a_receiver_knows(node):
    program = "from sensors import _lines\nresult = _lines._OF_THE_NODE\n"
    assert set(node.run(program)["result"]) == set(UNITS)


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
    found = node.run(
        f"{_ANYTHING}\nfrom sensors import _lines, {kind} as driver\nresult = []\n"
        "for field in driver.ARGUMENTS:\n    for value in POOL:\n"
        f"        given = dict({base!r})\n        given[field[0]] = value\n"
        f"        result.append((given, _lines.plan((({kind!r}, given),))))\n"
    )["result"]
    assert len(found) > 70
    for given, (problems, (line,)) in found:
        assert all("allowed: " in text for text in problems), given
        assert bool(line.names) or problems, given
