"""What hangs on the emulated board: by default a Si7021 and a battery, else as a scenario says.

[chips.si7021]              # a free name; `kind` tells what it is, by default the name itself
kind = "si7021"             # or model = "htu21d", "sht20"
sda_pin = "P9"
scl_pin = "P10"
address = 0x40
supply_pin = "P11"          # a load switch that is on until the pin is driven; "" for always on
temperature_c = 21.4        # the physical truth; also over time (emulator/chips/plugging.py)
humidity_rh = 54.8
absent = false              # and the other faults of emulator/chips/part.py

[chips.battery]
kind = "battery"
pin = "P16"
open_mv = 3900
ohm = 0.25
capacity_mah = 1200         # leave out for a battery that never runs down
top_ohm = 100000            # of the divider to the pin
bottom_ohm = 100000

[chips.tank]
kind = "voltage"            # a plain voltage at a pin
pin = "P18"
level_mv = 640

[chips.si7021]
kind = "none"               # takes away a default one, or that of a line of config.py

`./dev demo`, and `./dev run main.py`, plug what the lines of config.py read instead of the default
chips, as far as the scenario does not say otherwise (emulator/chips/of_lines.py).

A kind is a file in this folder. Its `plug(board, name, table)` takes its keys out of `table`,
makes the chip and hangs it on its bus or pin. A file that says `BEARER = "name"` is the radio of
that bearer: `./dev demo --bearer name` puts it on the board.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulator.board.board import Board
from emulator.board.standard import plug_standard
from emulator.chips.plugging import Plug

_HERE = Path(__file__).parent
_PLUG = re.compile(r"^(def plug\(|plug = )", re.MULTILINE)

DEFAULT: dict[str, dict[str, Any]] = {
    "si7021": {"supply_pin": "P11"},
    "battery": {"pin": "P16"},
}


class WiringError(ValueError):
    """A table of a scenario that cannot be; one line that says what can."""


class _Table(dict[str, Any]):
    """The table of a chip; it keeps the keys that were looked for."""

    def __init__(self, *given: dict[str, Any]) -> None:
        super().__init__(*given)
        self.asked: set[str] = set()

    def pop(self, key: str, *default: Any) -> Any:
        self.asked.add(key)
        return super().pop(key, *default)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)


def wire(
    board: Board,
    chips: dict[str, dict[str, Any]],
    besides: Mapping[str, dict[str, Any]] | None = None,
) -> None:
    """Attach the default chips overlaid by `chips`. WiringError names key, value, what may be.

    besides: more tables, treated like the default ones.
    """
    tables = {name: _Table(table) for name, table in {**DEFAULT, **(besides or {})}.items()}
    for name, table in chips.items():
        if not isinstance(table, dict):
            raise WiringError(f"chips.{name} = {table!r}; a table [chips.{name}] is needed")
        tables.setdefault(name, _Table()).update(table)
    for name, table in tables.items():
        kind = table.pop("kind", name)
        kind = "voltage" if kind == "level" else kind  # its name in scenarios until 0.1
        if kind == "none":
            continue
        try:
            _plug_of(kind, name)(board, name, table)
        except ValueError as error:
            raise WiringError(*error.args) from error
        except TypeError as error:  # a list where a text stands, and the like
            raise WiringError(
                f"chips.{name}: {error}; allowed: what emulator/chips/{kind}.py says"
            ) from error
        if table:
            raise WiringError(
                f"chips.{name}: unknown key {next(iter(table))!r} for a {kind}; allowed: "
                + ", ".join(sorted(table.asked))
            )


def check(
    chips: dict[str, dict[str, Any]], besides: Mapping[str, dict[str, Any]] | None = None
) -> None:
    """Raise the WiringError of `wire` without a board to wire them to."""
    board = Board()
    plug_standard(board, _HERE)  # no chip writes to the flash
    wire(board, chips, besides)


def _plug_of(kind: str, name: str) -> Plug:
    if not isinstance(kind, str) or kind not in kinds():
        listed = ", ".join(["none", *kinds()])
        raise ValueError(f"chips.{name}: kind = {kind!r}; allowed: {listed}")
    plug: Plug = importlib.import_module(f"emulator.chips.{kind}").plug
    return plug


@functools.cache
def kinds() -> tuple[str, ...]:
    """The files with a `plug`. Once: each start of a board asks for each of its chips."""
    files = sorted(_HERE.glob("[a-z]*.py"))
    return tuple(path.stem for path in files if _PLUG.search(path.read_text("utf-8")))


def text_of(kind: str) -> str:
    """The source of a kind."""
    return (_HERE / f"{kind}.py").read_text("utf-8")
