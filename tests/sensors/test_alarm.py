"""The "alarm" of a line: its bounds are those that somebody wrote, to the last digit."""

from __future__ import annotations

import pytest

from tests.single_precision import SinglePrecisionVm

pytestmark = pytest.mark.both_runtimes(every=4)


def written(alarm, more=""):
    return f'("si7021", dict({{"sda_pin": "P9", "scl_pin": "P10"}}, alarm={alarm}{more}))'


@pytest.mark.parametrize(
    ("alarm", "expected"),
    [
        ("5", "alarm = 5; allowed: {label: (low, high)}"),
        ("{}", "alarm = {}; allowed: {label: (low, high)}"),
        ("(1, 2)", "alarm = (1, 2); allowed: {label: (low, high)}"),
        ("{'x': (1, 2)}", "alarm: 'x' is unknown; allowed: t, h"),
        ("{None: (1, 2)}", "alarm: None is unknown; allowed: t, h"),
        ("{'t': 30}", "alarm: 't' = 30; allowed: (low, high)"),
        ("{'t': (30,)}", "alarm: 't' = (30,); allowed: (low, high)"),
        ("{'t': (30, 20)}", "alarm: 't' = (30, 20); allowed: (low, high)"),
        ("{'t': (None, None)}", "alarm: 't' = (None, None); allowed: (low, high)"),
        ("{'t': (None, '30')}", "alarm: 't' = (None, '30'); allowed: (low, high)"),
        ("{'t': (True, 30)}", "alarm: 't' = (True, 30); allowed: (low, high)"),
        ("{'t': (0, float('nan'))}", "alarm: 't' = (0, nan); allowed: (low, high)"),
        ("{'t': (0, float('inf'))}", "alarm: 't' = (0, inf); allowed: (low, high)"),
    ],
)
def test_a_mistake_is_told(node, alarm, expected):
    problems = node.value(f"sensors.check(({written(alarm)},))", "si7021\nimport sensors")
    [problem] = problems
    assert problem.startswith("sensor 1 (si7021): " + expected)


def test_a_value_cannot_have_two_alarms(node):
    line = written("{'t': (0, 1), 'a.t': (0, 1)}", ", name='a'")
    [problem] = node.value(f"sensors.check(({line},))", "si7021\nimport sensors")
    assert problem == "sensor 1 (si7021): alarm: 't' is also named 'a.t'; allowed: one of them"


@pytest.mark.parametrize(
    ("more", "key", "name"),
    [
        ("", "t", "t"),
        (", name='roof'", "t", "roof.t"),
        (", name='roof'", "roof.t", "roof.t"),
    ],
)
def test_a_key_is_a_label_or_a_name_in_the_report(node, more, key, name):
    node.si7021()
    line = written(f"{{{key!r}: (0, 20)}}", more)
    found = node.value(f"sensors.measure(({line},))", "si7021\nimport sensors")
    assert {item.name: item.outside for item in found} == {name: True, name[:-1] + "h": None}


def test_a_label_means_the_own_value_of_each_line(node):
    node.si7021()
    line = written("{'t': (0, 20)}")
    found = node.value(f"sensors.measure(({line}, {line}))", "si7021\nimport sensors")
    assert [(item.name, item.outside) for item in found] == [
        ("t", True), ("h", None), ("t2", True), ("h2", None)
    ]  # fmt: skip


def test_a_failed_reading_is_neither_inside_nor_outside(node):
    line = written("{'t': (0, 20)}")
    found = node.value(f"sensors.measure(({line},))", "si7021\nimport sensors")
    assert [(item.value, item.outside) for item in found] == [(None, None)] * 2


# value, exponent -> the step below a bound, the bound, the step above
BOUNDS = [
    ("30.1", -2, (3009, 3010, 3011)),
    ("30.1", -1, (300, 301, 302)),
    ("-0.05", -2, (-6, -5, -4)),
    ("1013.25", -2, (101324, 101325, 101326)),
    ("25", -3, (24999, 25000, 25001)),
    ("3.3", -3, (3299, 3300, 3301)),
    ("1000000000", -6, (999999999999999, 10**15, 10**15 + 1)),
    ("100000.5", -2, (10000049, 10000050, 10000051)),
    ("500", 2, (4, 5, 6)),
    ("0.0", -2, (-1, 0, 1)),
]


def outside(node, bound, exponent, value):
    return node.value(
        f"[_alarm.is_outside({value}, {exponent}, bounds)"
        f" for bounds in (({bound}, None), (None, {bound}))]",
        "_alarm",
    )


@pytest.fixture
def single(node, runtime):
    if runtime == "cpython":  # another VM has the floats that it has
        node.vm = SinglePrecisionVm(node.board, node.flash, node.printed.append, install="frozen")
    return node


@pytest.mark.parametrize(("bound", "exponent", "values"), BOUNDS)
def test_a_value_at_its_bound_is_inside_and_the_next_step_outside(single, bound, exponent, values):
    below, at, above = (outside(single, bound, exponent, value) for value in values)
    assert below == [True, False]
    assert at == [False, False]
    assert above == [False, True]


@pytest.mark.parametrize(
    ("bound", "exponent", "below"),
    [("30.105", -2, 3010), ("-30.105", -2, -3011), ("0.5", 0, 0), ("1.5", 0, 1), ("-0.5", 0, -1),
     ("2500", 3, 2)],
)  # fmt: skip
def test_a_bound_between_two_steps_has_both_on_its_sides(single, bound, exponent, below):
    assert outside(single, bound, exponent, below) == [True, False]
    assert outside(single, bound, exponent, below + 1) == [False, True]
