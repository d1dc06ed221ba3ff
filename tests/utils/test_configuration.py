"""utils.configuration: fields checked, all problems in one message."""

from __future__ import annotations

import pytest

from tests.device import Device

pytestmark = pytest.mark.both_runtimes

CHECK = """
from utils import configuration

def settings(values):
    made = Settings()
    for name in values:
        setattr(made, name, values[name])
    return made

def fields(table):
    return tuple(tuple(tuple(item) if isinstance(item, list) else item for item in field)
                 for field in table)
"""
TEXT = ["name", "text", [2, 5]]
SECRET = ["token", "secret", [2, 5]]
DIGITS = ["operator", "digits", [2, 3]]
CHOICE = ["kind", "choice", ["IP", "IPV6"]]
NUMBER = ["count", "integer", [1, 8]]
NUMBERS = ["bands", "integers", [1, 85], None]

# field, value, and whether it is right
VALUES = [
    (TEXT, "ab", True), (TEXT, "abcde", True), (TEXT, "a", False), (TEXT, "abcdef", False),
    (TEXT, "", False), (TEXT, 'a"b', False), (TEXT, "a\\b", False), (TEXT, "a\rb", False),
    (TEXT, "a\0b", False), (TEXT, "a\x7fb", False), (TEXT, "aé", False), (TEXT, 12, False),
    (TEXT, b"ab", False), (TEXT, None, False), (TEXT, " ~", True), (TEXT, ["a", "b"], False),
    (SECRET, "ab", True), (SECRET, "abcdef", False), (SECRET, 'a"b', False), (SECRET, 123, False),
    (DIGITS, "01", True), (DIGITS, "0123", False), (DIGITS, "1x", False), (DIGITS, 12, False),
    (CHOICE, "IP", True), (CHOICE, "IPV6", True), (CHOICE, "ip", False), (CHOICE, "", False),
    (CHOICE, None, False), (CHOICE, 6, False), (CHOICE, ["IP"], False),
    (NUMBER, 1, True), (NUMBER, 8, True), (NUMBER, 0, False), (NUMBER, 9, False),
    (NUMBER, True, False), (NUMBER, "5", False), (NUMBER, 1.0, False), (NUMBER, None, False),
    (NUMBER, [1], False),
    (NUMBERS, 1, True), (NUMBERS, [1, 85], True), (NUMBERS, [], False), (NUMBERS, [0], False),
    (NUMBERS, [1, True], False), (NUMBERS, ["1"], False), (NUMBERS, 86, False),
    (NUMBERS, "20", False), (NUMBERS, None, True), (NUMBERS, [1, None], False),
]  # fmt: skip


@pytest.mark.parametrize("field, value, right", VALUES, ids=lambda value: repr(value)[:20])
def test_values_of_each_kind(device: Device, field: list, value: object, right: bool) -> None:
    [[values, problems]] = device.run(
        CHECK
        + "field, value = given()\n"
        + "show(configuration.problems(settings({field[0]: value}), fields([field])))",
        [field, value],
    )
    if right:
        assert (values, problems) == ({field[0]: value}, [])
    else:
        assert len(problems) == 1
        assert problems[0].startswith(field[0]) and "allowed: " in problems[0]


def test_a_missing_field_takes_its_default_or_is_a_problem(device: Device) -> None:
    [[values, problems]] = device.run(
        CHECK + "show(configuration.problems(settings({}), fields(given())))",
        [TEXT, NUMBER, NUMBERS, [*CHOICE, "IP"]],
    )
    assert values == {"bands": None, "kind": "IP"}
    assert len(problems) == 2
    assert "name" in problems[0] and "2 to 5" in problems[0]
    assert "count" in problems[1] and "1 to 8" in problems[1]


def test_all_problems_are_in_one_message(device: Device) -> None:
    [[kind, text]] = device.run(
        CHECK
        + "show(raised(configuration.check, settings({'name': 5, 'kind': 'X', 'bands': 99}),"
        + " fields(given())))",
        [TEXT, CHOICE, NUMBER, NUMBERS],
    )
    assert kind == "ValueError"
    for part in ("name = 5", "kind = 'X'", "'IP'", "'IPV6'", "count", "bands = 99", "1 to 85"):
        assert part in text


@pytest.mark.parametrize("value", ["swordfish", 'sw"rd', 46368, ["swordfish"], b"swordfish"])
def test_a_wrong_secret_is_named_and_not_shown(device: Device, value: object) -> None:
    [[kind, text]] = device.run(
        CHECK
        + "value, field = given()\n"
        + "show(raised(configuration.check, settings({'token': value}), fields([field])))",
        [value, SECRET],
    )
    assert kind == "ValueError"
    assert text == "token = '***'; allowed: 2 to 5 printable ASCII characters, no \" or \\"


def test_check_returns_the_values(device: Device) -> None:
    assert device.run(
        CHECK
        + "values = {'name': 'abc', 'count': 3}\n"
        + "show(configuration.check(settings(values), fields(given())))",
        [TEXT, NUMBER, NUMBERS],
    ) == [{"name": "abc", "count": 3, "bands": None}]


def test_any_object_with_attributes_will_do(device: Device) -> None:
    device.put("settings_module.py", "name = 'abc'\n")
    shown = device.run(
        CHECK
        + """
class Inside:
    name = "abc"

import settings_module
for cfg in (Inside, Inside(), settings_module):
    show(configuration.check(cfg, fields([given()])))
""",
        TEXT,
    )
    assert shown == [{"name": "abc"}] * 3
