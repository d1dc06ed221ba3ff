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
absent = false              # and the other faults of Tap in emulator/chips/analog.py

Sources: the usual network formulas; cell data as of a lithium-ion 18650 (3.0 to 4.2 V, 0.1 to
0.3 Ohm with its protection and wiring). What a divider that is always on draws is not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.board.board import Board
from emulator.chips import plugging
from emulator.chips.analog import Divider, Tap, adc_pin, hang

LINE = ("battery", {"data_pin": "P16", "cell": "li-ion"})
INTERFACE = "ADC"
RAIL_VOLT = 3.7  # on which the meter states energy: mJ / V = mC


class Battery:
    """A cell that sags under what the board draws at the moment, and runs down by what it drew.

    open_mv     without load and full: a number, or a function of virtual time in seconds
    ohm         inner resistance with wiring
    capacity_mah and end_mv   the voltage falls in a straight line to `end_mv` over the capacity;
                without a capacity it stays
    charger_mv  what a charger holds it at while `charging`
    """

    def __init__(
        self,
        board: Board,
        open_mv: float | Callable[[float], float] = 3900,
        ohm: float = 0.25,
        capacity_mah: float | None = None,
        end_mv: float = 3000,
        charger_mv: float | None = None,
    ) -> None:
        self.open_mv = open_mv
        self.ohm = ohm
        self.capacity_mah = capacity_mah
        self.end_mv = end_mv
        self.charger_mv = charger_mv
        self.charging = charger_mv is not None
        self._board = board

    def __call__(self) -> float:
        if self.charging and self.charger_mv is not None:
            return self.charger_mv
        return max(0.0, self.unloaded_mv() - self._board.meter.milliamps() * self.ohm)

    def unloaded_mv(self) -> float:
        given = self.open_mv
        full_mv = given(self._board.clock.now_us / 1e6) if callable(given) else given
        if self.capacity_mah is None:
            return full_mv
        drawn_mah = self._board.meter.energy_mj() / RAIL_VOLT / 3600  # 3600 C to the Ah
        used = min(1.0, drawn_mah / self.capacity_mah)
        return full_mv - (full_mv - self.end_mv) * used

    def stop_charger(self, on: bool) -> None:
        self.charging = self.charger_mv is not None and not on


class BatteryTap(Tap):
    """The tap of the divider; a switched one draws what flows through both resistors."""

    def __init__(
        self, board: Board, name: str, divider: Divider, ohm: float, **faults: Any
    ) -> None:
        super().__init__(board, name, divider, **faults)
        self._divider = divider
        self._ohm = ohm

    def power(self, on: bool) -> None:
        self._divider.power(on)
        super().power(on)

    def rest(self) -> None:
        if self._divider.switched:
            self.draw("on", self._divider.source() / self._ohm)


def plug(board: Board, name: str, table: dict[str, Any]) -> None:
    """See the top of this file."""
    battery = Battery(
        board,
        open_mv=plugging.truth(board, name, table, "open_mv", 3900),
        ohm=plugging.value(name, table, "ohm", 0.25),
        capacity_mah=_optional(name, table, "capacity_mah"),
        end_mv=plugging.value(name, table, "end_mv", 3000.0),
        charger_mv=_optional(name, table, "charger_mv"),
    )
    top_ohm = plugging.value(name, table, "top_ohm", 100e3)
    bottom_ohm = plugging.value(name, table, "bottom_ohm", 100e3, positive=True)
    enable_pin = table.pop("enable_pin", "")
    divider = Divider(
        board,
        battery,
        top_ohm=top_ohm,
        bottom_ohm=bottom_ohm,
        farad=plugging.value(name, table, "farad", 100e-9),
        switched=bool(enable_pin),
        noise_mv=plugging.value(name, table, "noise_mv", 2.0),
        name=name,
    )
    tap = plugging.made(BatteryTap, board, name, table, divider=divider, ohm=top_ohm + bottom_ohm)
    hang(board, name, table, tap, "P16")
    if enable_pin:
        _watch(board, name, "enable_pin", enable_pin, tap.power)
    else:
        tap.power(True)
    charger_off_pin = table.pop("charger_off_pin", "")
    if charger_off_pin:
        _watch(board, name, "charger_off_pin", charger_off_pin, battery.stop_charger)
    current_ohm = plugging.value(name, table, "current_ohm", 8.0)
    if "current_pin" in table:
        adc: Any = board.services["adc"]
        pin = adc_pin(name, table, "current_pin", "")
        adc.sources[pin] = lambda: board.meter.milliamps() * current_ohm


def _optional(name: str, table: dict[str, Any], key: str) -> float | None:
    return plugging.value(name, table, key, 1.0, positive=True) if key in table else None


def _watch(board: Board, name: str, key: str, pin: str, call: Callable[[bool], None]) -> None:
    pins: Any = board.services["pins"]
    pins.on_change(plugging.pin_of(board, name, key, pin), lambda level: call(bool(level)))
