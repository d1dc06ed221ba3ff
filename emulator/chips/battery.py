"""A battery behind a divider, with the switch of the divider and a charger if need be.

[chips.battery]
pin = "P16"
open_mv = 3900              # without load, the physical truth, see emulator/chips/plugging.py
ohm = 0.25
capacity_mah = 1200         # leave out for a battery that never runs down
end_mv = 3000               # where it is when that is drawn
top_ohm = 100000            # of the divider to the pin
bottom_ohm = 100000
farad = 100e-9              # at its tap
enable_pin = "P23"          # the divider is off until this pin is high; "" for always on
charger_mv = 4200           # a charger that holds the cell there; leave out for none
charger_off_pin = "P22"     # it stops while this pin is high
current_pin = "P14"         # an amplifier at a shunt: current_ohm volt to the ampere
current_ohm = 8
noise_mv = 2                # standard deviation of single samples
absent = false              # and the other faults of emulator/chips/analog.py

Sources: the usual network formulas; cell data as of a lithium-ion 18650 (3.0 to 4.2 V, 0.1 to
0.3 Ohm with its protection and wiring). What a divider that is always on draws is not counted.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import Any

from emulator.board.board import Board
from emulator.board.meter import RAIL_VOLT
from emulator.chips import plugging
from emulator.chips.analog import AnalogPart, adc_pin, hang
from emulator.chips.options import Truth, option, truth

LINE = ("battery", {"data_pin": "P16", "cell": "li-ion"})
INTERFACE = "ADC"
KEYS = {"data_pin": "pin", "vcc_pin": "enable_pin"}


@dataclass(eq=False)
class Battery(AnalogPart):
    """A cell that sags under what the board draws at the moment, and runs down by what it drew: in
    a straight line to `end_mv` over its capacity.

    A divider that is not `switched` is always on. With a switch, the tap is at 0 mV while it is
    off, and charges with R * C, where R is both resistors in parallel, once `power(True)` was
    called: an impatient reader sees too little. It draws what flows through both resistors."""

    open_mv: Truth = truth(3900)
    ohm: float = option(0.25)
    capacity_mah: float | None = option(None, kind=float, positive=True)
    end_mv: float = option(3000.0)
    charger_mv: float | None = option(None, kind=float, positive=True)
    top_ohm: float = option(100e3)
    bottom_ohm: float = option(100e3, positive=True)
    farad: float = option(100e-9)
    current_ohm: float = option(8.0)
    switched: bool = False
    _: KW_ONLY
    noise_mv: float = option(2.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.charging = self.charger_mv is not None

    def source(self) -> float:
        """At the tap of the divider."""
        both_ohm = self.top_ohm + self.bottom_ohm
        passed_s = (self.board.clock.now_us - self.powered_us) / 1e6
        time_constant_s = self.top_ohm * self.bottom_ohm / both_ohm * self.farad
        charged = 1.0
        if self.switched and time_constant_s:
            charged -= math.exp(-passed_s / time_constant_s)
        return self.cell_mv() * self.bottom_ohm / both_ohm * charged

    def cell_mv(self) -> float:
        """At the poles, which are those of the charger while it works."""
        if self.charging and self.charger_mv is not None:
            return self.charger_mv
        return max(0.0, self._unloaded_mv() - self.board.meter.milliamps() * self.ohm)

    def _unloaded_mv(self) -> float:
        full_mv = self.open_mv(self.seconds())
        if self.capacity_mah is None:
            return full_mv
        drawn_mc = self.board.meter.energy_mj() / RAIL_VOLT
        drawn_mah = drawn_mc / 3600  # 3600 C to the Ah
        used = min(1.0, drawn_mah / self.capacity_mah)
        return full_mv - (full_mv - self.end_mv) * used

    def stop_charger(self, on: bool) -> None:
        self.charging = self.charger_mv is not None and not on

    def rest(self) -> None:
        if self.switched:
            self.draw("on", self.cell_mv() / (self.top_ohm + self.bottom_ohm))


def plug(board: Board, name: str, table: dict[str, Any]) -> None:
    """See the top of this file."""
    switched = bool(table.get("enable_pin"))
    battery = plugging.made(Battery, board, name, table, switched=switched)
    hang(board, name, table, battery, "P16")
    if not plugging.watch(board, name, table, "enable_pin", battery.power):
        battery.power(True)
    plugging.watch(board, name, table, "charger_off_pin", battery.stop_charger)
    if "current_pin" in table:
        adc: Any = board.services["adc"]
        pin = adc_pin(name, table, "current_pin", "")
        adc.sources[pin] = lambda: board.meter.milliamps() * battery.current_ohm
