"""What hangs on the emulated board: by default a Si7021 and a battery, else as a scenario says.

[chips.si7021]              # a free name; `kind` tells what it is, by default the name itself
kind = "si7021"             # or model = "htu21d", "sht20"
bus = 0
address = 0x40
supply_pin = "P11"          # a load switch that is on until the pin is driven; "" for always on
temperature_c = 21.4        # the physical truth
humidity_rh = 54.8
absent = false              # also: stuck, corrupt = 1, extra_ms = 5.0, lateness = 0.5

[chips.battery]
kind = "battery"
pin = "P16"
open_mv = 3900
ohm = 0.25
capacity_mah = 1200         # leave out for a battery that never runs down
top_ohm = 100000            # of the divider to the pin
bottom_ohm = 100000

[chips.tank]
kind = "level"              # a plain voltage at a pin
pin = "P18"
level_mv = 640

[chips.si7021]
kind = "none"               # takes a default one away

A kind is a row of KINDS below, or a file of its own in this folder with

    def plug(board, name, table): ...

which takes its keys out of `table`, makes the chip and hangs it on its bus or pin.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devkit.board.board import Board
from devkit.chips.analog import Battery, Divider, Level
from devkit.chips.si7021 import MODELS, Si7021

Plug = Callable[[Board, str, dict[str, Any]], None]
_HERE = Path(__file__).parent

DEFAULT: dict[str, dict[str, Any]] = {
    "si7021": {"bus": 0, "address": 0x40, "supply_pin": "P11"},
    "battery": {"pin": "P16"},
}


def wire(board: Board, chips: dict[str, dict[str, Any]]) -> None:
    """Attach the default chips overlaid by `chips`. ValueError names key, value, what may be."""
    tables = {name: dict(table) for name, table in DEFAULT.items()}
    for name, table in chips.items():
        if not isinstance(table, dict):
            raise ValueError(f"chips.{name} = {table!r}; a table [chips.{name}] is needed")
        tables.setdefault(name, {}).update(table)
    for name, table in tables.items():
        kind = table.pop("kind", name)
        _plug_of(kind, name)(board, name, table)
        if table:
            raise ValueError(f"chips.{name}: unknown key {next(iter(table))!r} for a {kind}")


def _plug_of(kind: str, name: str) -> Plug:
    if kind in KINDS:
        return KINDS[kind]
    files = {path.stem for path in _HERE.glob("[a-z]*.py")}
    plugs = {each for each in files if "\ndef plug(" in (_HERE / f"{each}.py").read_text("utf-8")}
    if kind not in plugs:
        listed = ", ".join([*KINDS, *sorted(plugs)])
        raise ValueError(f"chips.{name}: kind = {kind!r}; allowed: {listed}")
    plug: Plug = importlib.import_module(f"devkit.chips.{kind}").plug
    return plug


def _si7021(board: Board, name: str, table: dict[str, Any]) -> None:
    temperature_c = float(table.pop("temperature_c", 21.4))
    humidity_rh = float(table.pop("humidity_rh", 54.8))
    model = table.pop("model", "si7021")
    if model not in MODELS:
        raise ValueError(f"chips.{name}: model = {model!r}; allowed: {', '.join(MODELS)}")
    chip = Si7021(
        board, _daily(temperature_c, 2.0), _daily(humidity_rh, -4.0), model=model, name=name
    )
    for key in ("absent", "stuck", "corrupt", "extra_ms", "lateness"):
        if key in table:
            setattr(chip, key, table.pop(key))
    i2c: Any = board.services["i2c"]
    i2c.attach(table.pop("bus", 0), table.pop("address", 0x40), chip)
    _supply(board, table.pop("supply_pin", ""), chip.power)


def _daily(mean: float, swing: float) -> Callable[[float], float]:
    """A truth that moves slowly, once a day around its mean, so that reports differ."""
    return lambda seconds: mean + swing * math.sin(2 * math.pi * seconds / 86_400)


def _supply(board: Board, pin: str, power: Callable[[bool], None]) -> None:
    power(True)
    if pin:
        pins: Any = board.services["pins"]
        pins.on_change(pin, lambda level: power(bool(level)))


def _battery(board: Board, name: str, table: dict[str, Any]) -> None:
    battery = Battery(
        board,
        open_mv=float(table.pop("open_mv", 3900)),
        ohm=float(table.pop("ohm", 0.25)),
        capacity_mah=table.pop("capacity_mah", None),
        end_mv=float(table.pop("end_mv", 3000)),
    )
    divider = Divider(
        board,
        battery,
        top_ohm=float(table.pop("top_ohm", 100_000)),
        bottom_ohm=float(table.pop("bottom_ohm", 100_000)),
        name=name,
    )
    adc: Any = board.services["adc"]
    adc.sources[table.pop("pin", "P16")] = divider


def _level(board: Board, name: str, table: dict[str, Any]) -> None:
    adc: Any = board.services["adc"]
    level = Level(board, float(table.pop("level_mv", 0)), float(table.pop("noise_mv", 1)), name)
    adc.sources[table.pop("pin", "P18")] = level


def _nothing(board: Board, name: str, table: dict[str, Any]) -> None:
    table.clear()


KINDS: dict[str, Plug] = {
    "si7021": _si7021,
    "battery": _battery,
    "level": _level,
    "none": _nothing,
}
