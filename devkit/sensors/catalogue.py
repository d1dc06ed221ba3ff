"""Which drivers there are, and the emulated chip and line of config.py that belong to each.

A file of emulator/chips that says `LINE = (driver, arguments)` is the chip of that driver; the
line reads it as its `plug` wires it by default. `INTERFACE` says what it hangs on, where that is
not I2C; `WIRING` are keys of its table in a scenario that the line needs.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.device_files import ROOT

CHIPS = ROOT / "emulator" / "chips"
DRIVERS = ROOT / "sensors"


@dataclass(frozen=True)
class Entry:
    """One driver with what is needed to try it."""

    name: str
    kind: str  # of the chip
    interface: str
    arguments: dict[str, Any]
    wiring: dict[str, Any] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """As it stands in _SENSORS."""
        text = f"{(self.name, self.arguments)!r}".replace("'", '"')
        return re.sub(r'"address": (\d+)', lambda found: f'"address": {int(found[1]):#04x}', text)


def drivers(folder: Path = DRIVERS) -> list[str]:
    return sorted(path.stem for path in folder.glob("[a-z]*.py"))


def entries() -> dict[str, Entry]:
    """By the name of the driver; one without a chip is missing."""
    found: dict[str, Entry] = {}
    for path in sorted(CHIPS.glob("[a-z]*.py")):
        if "\nLINE = " not in path.read_text("utf-8"):
            continue
        chip = importlib.import_module(f"emulator.chips.{path.stem}")
        name, arguments = chip.LINE
        wiring = dict(getattr(chip, "WIRING", {}))
        if arguments.get("vcc_pin"):
            wiring.setdefault("supply_pin", arguments["vcc_pin"])
        interface = getattr(chip, "INTERFACE", "I2C")
        found[name] = Entry(name, path.stem, interface, dict(arguments), wiring)
    return dict(sorted(found.items()))
