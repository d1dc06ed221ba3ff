"""What hangs on the pins of the converter: dividers, a plain voltage, the wire with its faults.

Each is called without arguments and says how many millivolts stand there now. Behind it comes
the model of the converter itself, which is the board's. Sources: the usual network formulas.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

from emulator.board.adc import PINS
from emulator.board.board import Board
from emulator.chips import plugging
from emulator.chips.options import option
from emulator.chips.part import Part

FULL_SCALE_MV = 5000.0  # more than the converter can tell at any attenuation
# A measurement is a burst of samples; after such a pause without one the next begins.
BURST_GAP_US = 10_000
DIP_AFTER_US = 1_000

Source = Callable[[], float]  # mV now


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
        self.switched = switched
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
        if not self.switched:
            return 1.0
        if self._on_since_us is None:
            return 0.0
        if not self.time_constant_s:
            return 1.0
        passed_s = (self._board.clock.now_us - self._on_since_us) / 1e6
        return 1 - math.exp(-passed_s / self.time_constant_s)


@dataclass(eq=False)
class AnalogPart(Part):
    """What puts a voltage on a pin of the converter, unless something is wrong.

    Of the faults of a Part mean here:
    absent          the wire is open, which the converter sees as 0 mV
    stuck           it is shorted to ground
    corrupt, corrupt_rate   so many samples, or such a share of them, are hit by a disturbance
    brown_out       so many of the next measurements lose the voltage 1 ms after their first sample

    and besides
    shorted_mv      it is shorted to such a voltage; None: it is not
    """

    _: KW_ONLY
    shorted_mv: float | None = option(None, kind=float)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._last_us = -BURST_GAP_US
        self._began_us = 0
        self._dips = False

    def source(self) -> float:
        """The voltage now, in mV."""
        raise NotImplementedError

    def rest(self) -> None:
        """What it draws is told by its source, if at all."""

    def __call__(self) -> float:
        dipped = self._dipped()
        if self._hit():
            return FULL_SCALE_MV
        if self.shorted_mv is not None:
            return self.shorted_mv
        if not self.here() or self.stuck or dipped:
            return 0.0
        return max(0.0, self.source())

    def _dipped(self) -> bool:
        now_us = self.board.clock.now_us
        if now_us - self._last_us >= BURST_GAP_US:
            self._began_us = now_us
            self._dips = self.brown_out > 0
            self.brown_out -= self._dips
        self._last_us = now_us
        return self._dips and now_us - self._began_us >= DIP_AFTER_US

    def _hit(self) -> bool:
        if self.corrupt > 0:
            self.corrupt -= 1
            return True
        return self.corrupt_rate > 0 and self.rng.random() < self.corrupt_rate


class Tap(AnalogPart):
    """A pin on which `source` puts a voltage."""

    def __init__(self, board: Board, name: str, source: Source, **faults: Any) -> None:
        super().__init__(board, name=name, **faults)
        self._source = source

    def source(self) -> float:
        return self._source()


def hang(board: Board, name: str, table: dict[str, Any], part: AnalogPart, pin: str) -> None:
    """Hang it on the pin that the table says."""
    adc: Any = board.services["adc"]
    adc.sources[adc_pin(name, table, "pin", pin)] = part


def adc_pin(name: str, table: dict[str, Any], key: str, default: str) -> str:
    """Take a pin of the converter out of the table; ValueError says which there are."""
    return str(plugging.value(name, table, key, default, allowed=sorted(PINS)))
