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
from collections.abc import Callable, Iterable, Mapping
from math import inf
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from emulator.board.board import Board
from emulator.chips.part import FAULTS, Part, Truth

SDA_PIN, SCL_PIN = "P9", "P10"
_DAY_S = 86_400
_KEYS = ("mean", "swing", "period_s", "noise", "file")


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


def i2c(board: Board, name: str, table: dict[str, Any], chip: Any, address: int) -> None:
    """Hang a chip on its bus: sda_pin and scl_pin, or `bus` for a bus on any pins; address;
    supply_pin; and the faults."""
    faults(name, table, chip)
    address = table.pop("address", address)
    if type(address) is not int or not 0x08 <= address <= 0x77:
        refuse(name, "address", address, "0x08 to 0x77")
    pins = table.pop("sda_pin", SDA_PIN), table.pop("scl_pin", SCL_PIN)
    bus = table.pop("bus", None)
    service: Any = board.services["i2c"]
    service.attach(bus, address, chip, pins if bus is None else None)
    supply(board, name, table, chip.power)


def faults(name: str, table: dict[str, Any], part: Part) -> None:
    """Take the faults of emulator/chips/part.py out of the table."""
    own(name, table, part, FAULTS, {"corrupt_rate": 1, "lateness": 1, "extra_ms": 60_000})


def own(
    name: str,
    table: dict[str, Any],
    part: Any,
    keys: Iterable[str],
    most: Mapping[str, float] = MappingProxyType({}),
) -> None:
    """Set attributes of the part from the table: each of the type that it has, numbers from 0 up,
    to the greatest in `most` where there is one."""
    for key in keys:
        if key in table:
            setattr(part, key, _like(name, table, key, getattr(part, key), most.get(key, inf)))


def _like(name: str, table: dict[str, Any], key: str, now: Any, most: float) -> Any:
    if isinstance(now, bool):
        return flag(name, table, key)
    if isinstance(now, int):
        return whole(name, table, key, now, 0, most)
    if isinstance(now, float):
        return number(name, table, key, now, 0, most)
    if not isinstance(table[key], str):
        refuse(name, key, table[key], "a text")
    return table.pop(key)


def flag(name: str, table: dict[str, Any], key: str, default: bool = False) -> bool:
    value = table.pop(key, default)
    if not isinstance(value, bool):
        refuse(name, key, value, "true, false")
    return value


def whole(
    name: str, table: dict[str, Any], key: str, default: int, least: int = 0, most: float = inf
) -> int:
    value = table.pop(key, default)
    if type(value) is not int or not least <= value <= most:
        refuse(name, key, value, _range("a whole number", least, most))
    return int(value)


def number(
    name: str, table: dict[str, Any], key: str, default: float, least: float = 0, most: float = inf
) -> float:
    value = table.pop(key, default)
    if not _is_number(value) or not least <= value <= most:
        refuse(name, key, value, _range("a number", least, most))
    return float(value)


def positive(name: str, table: dict[str, Any], key: str, default: float) -> float:
    value = table.pop(key, default)
    if not _is_number(value) or value <= 0:
        refuse(name, key, value, "more than 0")
    return float(value)


def choice(
    name: str, table: dict[str, Any], key: str, default: str, allowed: Iterable[str]
) -> str:
    value = table.pop(key, default)
    if value not in tuple(allowed):
        refuse(name, key, value, ", ".join(allowed))
    return str(value)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _range(what: str, least: float, most: float) -> str:
    return f"{what} from {least:g} up" if most == inf else f"{least:g} to {most:g}"


def supply(board: Board, name: str, table: dict[str, Any], power: Callable[[bool], None]) -> None:
    """supply_pin: a load switch that is on until the pin is driven; "" for always on."""
    pin = table.pop("supply_pin", "")
    power(True)
    if pin:
        pin_of(board, name, "supply_pin", pin)
        pins: Any = board.services["pins"]
        pins.on_change(pin, lambda level: power(bool(level)))


def pin_of(board: Board, name: str, key: str, pin: Any) -> str:
    """A pin of the board by its name; ValueError says which there are."""
    pins: Any = board.services["pins"]
    names = pins.do_names()
    if pin not in names:
        refuse(name, key, pin, f"{names[0]} to {names[-1]}")
    return str(pin)


def refuse(name: str, key: str, value: Any, allowed: str) -> NoReturn:
    """Raise the ValueError of a key that cannot be."""
    raise ValueError(f"chips.{name}: {key} = {value!r}; allowed: {allowed}")


def _number(name: str, key: str, value: Any) -> float:
    if not _is_number(value):
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
