"""A GL55 photoresistor to the supply, with a fixed resistor to ground.

[chips.gl55]
pin = "P15"
lux = 200                   # the physical truth, see emulator/chips/plugging.py
r10_kohm = 14               # of this very part: at 10 lx
gamma = 0.65
dark_mohm = 1.0
fixed_ohm = 10000
supply_mv = 3300
supply_pin = ""             # a load switch that is on until the pin is driven; "" for always on
noise_mv = 1
absent = false              # and the other faults of Tap in emulator/chips/analog.py

Source: data sheets of the GL55 series (a GL5528 if nothing is said). They give 20 to 30 ms for the
response; that it is a plain delay is an assumption.
"""

from __future__ import annotations

import math
from typing import Any

from emulator.board.board import Board
from emulator.chips import plugging
from emulator.chips.analog import Tap, hang
from emulator.chips.part import Truth

LINE = ("gl55", {"data_pin": "P15"})
INTERFACE = "ADC"
RESPONSE_S = 0.025
FARAD = 100e-9  # at the pin


class Gl55(Tap):
    """The photoresistor; `lux` is a function of virtual time in seconds."""

    def __init__(
        self,
        board: Board,
        lux: Truth,
        r10_kohm: float = 14,
        gamma: float = 0.65,
        dark_mohm: float = 1.0,
        fixed_ohm: float = 10_000,
        supply_mv: float = 3300,
        noise_mv: float = 1.0,
        name: str = "gl55",
    ) -> None:
        super().__init__(board, name, self.pin_mv)
        self.lux = lux
        self.r10_kohm = r10_kohm
        self.gamma = gamma
        self.dark_mohm = dark_mohm
        self.fixed_ohm = fixed_ohm
        self.supply_mv = supply_mv
        self.noise_mv = noise_mv
        self._on_since_us = 0

    def power(self, on: bool) -> None:
        self._on_since_us = self.board.clock.now_us
        super().power(on)

    def rest(self) -> None:
        self.draw("on", self.supply_mv / (self.ohm() + self.fixed_ohm))

    def ohm(self) -> float:
        """In decades: one of illuminance is `gamma` ones of resistance; darkness ends it."""
        lux = self.lux(max(0.0, self.seconds() - RESPONSE_S))
        dark_ohm = self.dark_mohm * 1e6
        if lux <= 0:
            return dark_ohm
        decades = math.log10(self.r10_kohm) + 3 - self.gamma * (math.log10(lux) - 1)
        return 1 / (1 / dark_ohm + 10**-decades)

    def pin_mv(self) -> float:
        ohm = self.ohm()
        both_ohm = ohm + self.fixed_ohm
        passed_s = (self.board.clock.now_us - self._on_since_us) / 1e6
        charged = 1 - math.exp(-passed_s / (ohm * self.fixed_ohm / both_ohm * FARAD))
        value = self.supply_mv * self.fixed_ohm / both_ohm * charged
        return value + (self.rng.gauss(0, self.noise_mv) if self.noise_mv else 0.0)


def plug(board: Board, name: str, table: dict[str, Any]) -> None:
    """See the top of this file."""
    lux = plugging.truth(board, name, table, "lux", 200)
    options = {
        key: plugging.number(name, table, key, 0)
        for key in ("r10_kohm", "gamma", "dark_mohm", "fixed_ohm", "supply_mv", "noise_mv")
        if key in table
    }
    chip = Gl55(board, lux, name=name, **options)
    hang(board, name, table, chip, "P15")
    plugging.supply(board, name, table, chip.power)
