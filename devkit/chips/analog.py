"""What hangs on the pins of the converter: a battery, dividers, a plain voltage.

Each is called without arguments and says how many millivolts stand at the pin now. Behind it comes
the model of the converter itself, which is the board's. Sources: the usual network formulas; cell
data as of a lithium-ion 18650 (3.0 to 4.2 V, 0.1 to 0.3 Ohm with its protection and wiring).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from devkit.board.board import Board

Source = Callable[[], float]  # mV now


class Battery:
    """A cell that sags under what the board draws at the moment, and runs down by what it drew.

    open_mv     without load and full
    ohm         inner resistance with wiring
    capacity_mah and end_mv   the voltage falls in a straight line to `end_mv` over the capacity;
                without a capacity it stays
    """

    def __init__(
        self,
        board: Board,
        open_mv: float = 3900,
        ohm: float = 0.25,
        capacity_mah: float | None = None,
        end_mv: float = 3000,
    ) -> None:
        self.open_mv = open_mv
        self.ohm = ohm
        self.capacity_mah = capacity_mah
        self.end_mv = end_mv
        self._board = board

    def __call__(self) -> float:
        return max(0.0, self.unloaded_mv() - self._board.meter.milliamps() * self.ohm)

    def unloaded_mv(self) -> float:
        if self.capacity_mah is None:
            return self.open_mv
        # the meter states energy on a rail of 3.7 V: mJ / V = mC, 3600 C to the Ah
        drawn_mah = self._board.meter.energy_mj() / 3.7 / 3600
        used = min(1.0, drawn_mah / self.capacity_mah)
        return self.open_mv - (self.open_mv - self.end_mv) * used


class Level:
    """A voltage that is given: a number of mV, or a function of virtual time in seconds."""

    def __init__(
        self,
        board: Board,
        level_mv: float | Callable[[float], float],
        noise_mv: float = 0.0,
        name: str = "level",
    ) -> None:
        self.level_mv = level_mv
        self.noise_mv = noise_mv
        self._board = board
        self._rng = board.rng("analog " + name)

    def __call__(self) -> float:
        level = self.level_mv
        value = level if isinstance(level, (int, float)) else level(self._board.clock.now_us / 1e6)
        return value + (self._rng.gauss(0, self.noise_mv) if self.noise_mv else 0.0)


class Divider:
    """Two resistors from a source to ground, with a capacitor at the tap, and a switch if need be.

    A divider without a switch is always on. With one, the tap is at 0 mV while it is off, and
    charges with R * C, where R is both resistors in parallel, once `power(True)` was called: an
    impatient reader sees too little. `noise_mv` is the standard deviation at the tap.
    """

    def __init__(
        self,
        board: Board,
        source: Source,
        top_ohm: float = 100_000,
        bottom_ohm: float = 100_000,
        farad: float = 100e-9,
        switched: bool = False,
        noise_mv: float = 2.0,
        name: str = "divider",
    ) -> None:
        if top_ohm < 0 or bottom_ohm <= 0:
            raise ValueError(
                f"divider: top_ohm = {top_ohm}, bottom_ohm = {bottom_ohm}; "
                "allowed: 0 or more, more than 0"
            )
        self.source = source
        self.ratio = (top_ohm + bottom_ohm) / bottom_ohm
        self.time_constant_s = top_ohm * bottom_ohm / (top_ohm + bottom_ohm) * farad
        self.noise_mv = noise_mv
        self._board = board
        self._rng = board.rng("analog " + name)
        self._switched = switched
        self._on_since_us: int | None = None

    def power(self, on: bool) -> None:
        """The switch in the foot of the divider, or in its feed."""
        if not on:
            self._on_since_us = None
        elif self._on_since_us is None:
            self._on_since_us = self._board.clock.now_us

    def __call__(self) -> float:
        value = self.source() / self.ratio * self._settled()
        if value <= 0:
            return 0.0
        return max(0.0, value + (self._rng.gauss(0, self.noise_mv) if self.noise_mv else 0.0))

    def _settled(self) -> float:
        """How far the capacitor is charged, 0 to 1."""
        if not self._switched:
            return 1.0
        if self._on_since_us is None:
            return 0.0
        if not self.time_constant_s:
            return 1.0
        passed_s = (self._board.clock.now_us - self._on_since_us) / 1e6
        return 1 - math.exp(-passed_s / self.time_constant_s)
