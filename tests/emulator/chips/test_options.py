"""What a scenario may say about each kind of chip, as its fields declare it."""

from __future__ import annotations

import importlib
from dataclasses import fields
from pathlib import Path

import pytest

from emulator import chips
from emulator.board.adc import Adc
from emulator.board.board import Board
from emulator.board.serial import Serial
from emulator.chips.part import Part
from emulator.chips.wiring import wire

NOTHING = {"si7021": {"kind": "none"}, "battery": {"kind": "none"}}
WRONG = {bool: 1, int: 0.5, float: "much", str: 5}


def kinds() -> dict[str, type[Part]]:
    """The class of each file of emulator/chips that plugs in one of its own, by the file."""
    found = {}
    for path in sorted(Path(chips.__path__[0]).glob("[a-z]*.py")):
        module = importlib.import_module(f"emulator.chips.{path.stem}")
        classes = [each for each in vars(module).values() if isinstance(each, type)]
        own = [
            each
            for each in classes
            if issubclass(each, Part) and each.__module__ == module.__name__
        ]
        if hasattr(module, "plug") and len(own) == 1:
            found[path.stem] = own[0]
    return found


KINDS = kinds()
KEYS = [
    (kind, each.name)
    for kind, part in KINDS.items()
    for each in fields(part)
    if {"truth", "option"} & set(each.metadata)
]


def field_of(kind: str, key: str):
    return next(each for each in fields(KINDS[kind]) if each.name == key)


@pytest.fixture
def board(wired: Board) -> Board:
    wired.plug("adc", Adc(wired))
    wired.plug("serial", Serial(wired))
    return wired


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Part]:
    """The parts that are made meanwhile."""
    parts: list[Part] = []
    prepare = Part.__post_init__
    monkeypatch.setattr(Part, "__post_init__", lambda part: (prepare(part), parts.append(part)))
    return parts


def test_the_kinds_are_found():
    assert {"bme680", "dht", "ds18x20", "gl55", "hx711", "scd30"} <= set(KINDS)
    assert ("scd30", "zero_first") in KEYS
    assert ("veml7700", "light_lx") in KEYS


@pytest.mark.parametrize(("kind", "key"), KEYS)
def test_a_value_of_another_kind_is_refused_with_what_is_allowed(board, kind, key):
    limits = field_of(kind, key).metadata.get("option")
    value = "much" if limits is None else WRONG[limits.kind]
    allowed = "a number" if limits is None else str(limits)
    with pytest.raises(ValueError, match="allowed") as caught:
        wire(board, {**NOTHING, "here": {"kind": kind, key: value}})
    assert f"chips.here: {key} = {value!r}; allowed: {allowed}" in str(caught.value)


@pytest.mark.parametrize(("kind", "key"), KEYS)
def test_a_value_beyond_its_limits_is_refused(board, kind, key):
    limits = field_of(kind, key).metadata.get("option")
    if limits is None or limits.kind in (bool, str) or limits.allowed:
        return  # no limits
    beyond = [limits.kind(limits.most) + 1] if limits.most < float("inf") else []
    for value in [*beyond, 0 if limits.positive else limits.kind(limits.least) - 1]:
        with pytest.raises(ValueError, match=f"chips.here: {key} = "):
            wire(board, {**NOTHING, "here": {"kind": kind, key: value}})


def another_value(kind: str, key: str):
    """One that is allowed and not the default."""
    field = field_of(kind, key)
    limits = field.metadata["option"]
    if limits.allowed is not None:
        return list(limits.allowed)[-1]
    if limits.kind in (bool, str):
        return not field.default if limits.kind is bool else "abc"
    return limits.kind(limits.most if limits.most < float("inf") else (field.default or 0) + 1)


@pytest.mark.parametrize(("kind", "key"), KEYS)
def test_a_value_reaches_the_chip(board, made, kind, key):
    is_truth = "truth" in field_of(kind, key).metadata
    still = {"mean": 25, "swing": 0, "noise": 0}
    value = still if is_truth else another_value(kind, key)
    wire(board, {**NOTHING, "here": {"kind": kind, key: value}})
    [chip] = made
    assert chip.name == "here"
    found = getattr(chip, key)
    assert found(50) == 25 if is_truth else found == value


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"battery"}))  # that has an enable_pin
def test_a_chip_is_supplied_until_its_supply_pin_is_low(board, made, kind):
    wire(board, {**NOTHING, "here": {"kind": kind, "supply_pin": "P11"}})
    [chip] = made
    assert chip.powered
    for level in (1, 0):
        board.call("pins.init", "P11", 2, None, level)
    assert not chip.powered


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_is_none_is_refused(board, kind):
    with pytest.raises(ValueError, match="chips.here") as caught:
        wire(board, {**NOTHING, "here": {"kind": kind, "colour": 1}})
    said, _, allowed = str(caught.value).partition("; allowed: ")
    assert said == f"chips.here: unknown key 'colour' for a {kind}"
    assert {key for each, key in KEYS if each == kind} <= set(allowed.split(", "))
