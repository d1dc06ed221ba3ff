"""What hangs on the pins of the converter, and the wire there with its faults.

Each is called without arguments and says how many millivolts stand there now. Behind it comes
the model of the converter itself, which is the board's.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

from emulator.board.adc import PINS
from emulator.board.board import Board
from emulator.chips import plugging
from emulator.chips.options import option
from emulator.chips.part import Part
from emulator.chips.plugging import Plug

FULL_SCALE_MV = 5000.0  # more than the converter can tell at any attenuation
# A measurement is a burst of samples; after such a pause without one the next begins.
BURST_GAP_US = 10_000
DIP_AFTER_US = 1_000


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
    noise_mv        standard deviation of single samples
    """

    _: KW_ONLY
    shorted_mv: float | None = option(None, kind=float)
    noise_mv: float = option(1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._last_us = -BURST_GAP_US
        self._began_us = 0
        self._dips = False
        self._noise = self.board.rng("analog " + self.name)

    def source(self) -> float:
        """The voltage now, in mV, without noise."""
        raise NotImplementedError

    def rest(self) -> None:
        """What it draws is told by its source, if at all."""

    def __call__(self) -> float:
        dipped = self._dipped()
        if self.hit():
            return FULL_SCALE_MV
        if self.shorted_mv is not None:
            return self.shorted_mv
        if not self.here() or self.stuck or dipped:
            return 0.0
        level_mv = self.source()
        if level_mv > 0 and self.noise_mv:
            level_mv += self._noise.gauss(0, self.noise_mv)
        return max(0.0, level_mv)

    def _dipped(self) -> bool:
        now_us = self.board.clock.now_us
        if now_us - self._last_us >= BURST_GAP_US:
            self._began_us = now_us
            self._dips = self.brown_out > 0
            self.brown_out -= self._dips
        self._last_us = now_us
        return self._dips and now_us - self._began_us >= DIP_AFTER_US


def on_adc(kind: type[AnalogPart], pin: str) -> Plug:
    """The `plug` of a part that its fields describe, on this pin by default."""

    def plug(board: Board, name: str, table: dict[str, Any]) -> None:
        part = plugging.made(kind, board, name, table)
        hang(board, name, table, part, pin)
        plugging.supply(board, name, table, part.power)

    return plug


def hang(board: Board, name: str, table: dict[str, Any], part: AnalogPart, pin: str) -> None:
    """Hang it on the pin that the table says."""
    adc: Any = board.services["adc"]
    adc.sources[adc_pin(name, table, "pin", pin)] = part


def adc_pin(name: str, table: dict[str, Any], key: str, default: str) -> str:
    """Take a pin of the converter out of the table; ValueError says which there are."""
    return str(plugging.value(name, table, key, default, allowed=sorted(PINS)))
