"""How a chip's keys are taken out of its table of a scenario: the truth, the wiring, the faults.

A truth is what a sensor would measure if it were perfect:

    temperature_c = 21.4                        # varies slowly, once a day
    temperature_c = {mean = 21.4, swing = 0}    # also period_s, noise (standard deviation)
    temperature_c = [[0, 21.4], [600, 25.0]]    # seconds since power-on, values; straight between
    temperature_c = {file = "truth.csv"}        # the same in lines "seconds,value"; also noise
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from emulator.board.board import Board
from emulator.chips.options import Limits, Truth, is_number, refuse
from emulator.chips.part import I2cPart, Part
from emulator.chips.shield_lines import lines_of

SDA_PIN, SCL_PIN = "P9", "P10"
_DAY_S = 86_400
_KEYS = ("mean", "swing", "period_s", "noise", "file")
_P = TypeVar("_P", bound=Part)
Plug = Callable[[Board, str, dict[str, Any]], None]


def made(kind: type[_P], board: Board, name: str, table: dict[str, Any], **given: Any) -> _P:
    """Make a part from its table: take out its truths and options, the faults among them.

    given: fields that are not keys of the table as they stand.
    """
    for each in fields(kind):
        if each.name in given:
            continue
        if "truth" in each.metadata:
            given[each.name] = truth(board, name, table, each.name, *each.metadata["truth"])
        elif "option" in each.metadata and each.name in table:
            given[each.name] = table.pop(each.name)
    return kind(board, name=name, **given)


def truth(
    board: Board,
    name: str,
    table: dict[str, Any],
    key: str,
    default: float,
    swing: float = 0.0,
    noise: float = 0.0,
) -> Truth:
    """Take `key` out of the table as a function of virtual seconds.

    swing: amplitude around a mean, once a day, so that reports differ. noise: standard deviation
    of single looks. ValueError names key, value and what may be.
    """
    given = table.pop(key, default)
    options = dict(given) if isinstance(given, dict) else {}
    unknown = [option for option in options if option not in _KEYS]
    if unknown:
        refuse(name, f"{key}.{unknown[0]}", options[unknown[0]], ", ".join(_KEYS))
    noise = _number(name, f"{key}.noise", options.get("noise", noise))
    if isinstance(given, list):
        course = _course(name, key, given)
    elif "file" in options:
        course = _course(name, key, _points(name, key, options["file"]))
    else:
        mean = _number(name, key, options.get("mean", default) if options else given)
        height = _number(name, f"{key}.swing", options.get("swing", swing))
        period_s = _number(name, f"{key}.period_s", options.get("period_s", _DAY_S))
        if period_s <= 0:
            refuse(name, f"{key}.period_s", period_s, "more than 0")

        def course(seconds: float) -> float:
            return mean + height * math.sin(2 * math.pi * seconds / period_s)

    if not noise:
        return course
    rng = board.rng(f"truth {name} {key}")
    return lambda seconds: course(seconds) + rng.gauss(0, noise)


def on_i2c(
    kind: type[I2cPart],
    usual_address: int,
    besides: Callable[[Any, Board, dict[str, Any]], None] | None = None,
) -> Plug:
    """The `plug` of a chip that its fields describe. It takes sda_pin and scl_pin, or `bus` for a
    bus on any pins; address; supply_pin or rail. besides: called with the chip before it gets its
    supply, for what else it is connected to; takes the keys for that out of the table."""

    def plug(board: Board, name: str, table: dict[str, Any]) -> None:
        address = table.pop("address", usual_address)
        if type(address) is not int or not 0x08 <= address <= 0x77:
            refuse(name, "address", address, "0x08 to 0x77")
        chip = made(kind, board, name, table, address=address)
        pins = table.pop("sda_pin", SDA_PIN), table.pop("scl_pin", SCL_PIN)
        bus = table.pop("bus", None)
        service: Any = board.services["i2c"]
        service.attach(bus, address, chip, pins if bus is None else None)
        if besides is not None:
            besides(chip, board, table)
        supply(board, name, table, chip.power)

    return plug


def value(name: str, table: dict[str, Any], key: str, default: Any, **limits: Any) -> Any:
    """Take a key out of the table that is no field of a part. Its kind is that of the default."""
    limits.setdefault("kind", type(default))
    return Limits(**limits).checked(name, key, table.pop(key, default))


def supply(board: Board, name: str, table: dict[str, Any], power: Callable[[bool], None]) -> None:
    """supply_pin: a load switch that is on until the pin is driven; "" for always on. rail: the
    line of a shield that switches the supply instead."""
    rail = table.pop("rail", "")
    if rail:
        lines_of(board).watch(rail, power)
        return
    power(True)
    watch(board, name, table, "supply_pin", power)


def watch(
    board: Board, name: str, table: dict[str, Any], key: str, call: Callable[[bool], None]
) -> bool:
    """Call with each level that the board puts on the pin of this key; False if there is none."""
    pin = table.pop(key, "")
    if pin:
        pins: Any = board.services["pins"]
        pins.on_change(check_pin(board, name, key, pin), lambda level: call(bool(level)))
    return bool(pin)


def pin(board: Board, name: str, table: dict[str, Any], key: str, default: str) -> str:
    """Take a pin of the board out of the table."""
    return check_pin(board, name, key, table.pop(key, default))


def check_pin(board: Board, name: str, key: str, pin: Any) -> str:
    """The pin; ValueError says which there are."""
    pins: Any = board.services["pins"]
    names = pins.do_names()
    if pin not in names:
        refuse(name, key, pin, f"{names[0]} to {names[-1]}")
    return str(pin)


def _number(name: str, key: str, value: Any) -> float:
    if not is_number(value):
        refuse(name, key, value, "a number, {mean, swing, period_s, noise}, {file}, [[s, value]]")
    return float(value)


def _points(name: str, key: str, file: str) -> list[list[float]]:
    try:
        lines = Path(file).read_text("utf-8").split()
        return [[float(part) for part in line.split(",")] for line in lines]
    except (OSError, ValueError) as error:
        raise ValueError(
            f"chips.{name}: {key}.file = {file!r}: {error}; allowed: lines of seconds,value"
        ) from error


def _course(name: str, key: str, points: list[Any]) -> Truth:
    """Straight lines between points; before the first and behind the last the value stays."""
    good = all(isinstance(point, (list, tuple)) and len(point) == 2 for point in points)
    if not points or not good:
        refuse(name, key, points, "points [seconds, value], at least one")
    times = [_number(name, key, point[0]) for point in points]
    values = [_number(name, key, point[1]) for point in points]
    if times != sorted(times):
        refuse(name, key, points, "points in the order of time")

    def course(seconds: float) -> float:
        place = bisect_right(times, seconds)
        if place == 0:
            return values[0]
        if place == len(times):
            return values[-1]
        share = (seconds - times[place - 1]) / (times[place] - times[place - 1])
        return values[place - 1] + (values[place] - values[place - 1]) * share

    return course
