"""The server's adaptive data rate: the margin over the last uplinks decides rate and power.

Source: the algorithm that Semtech recommends and public network servers use: the best signal to
noise ratio of 20 uplinks, less what the rate needs, less 10 dB, in steps of 3 dB. Here four
uplinks do, so that tests and demonstrations see it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from emulator.lorawan.regions import LEAST_SNR_DB, Region

HISTORY = 4
MARGIN_DB = 10.0
STEP_DB = 3.0
MOST_POWER_INDEX = 5


@dataclass
class Adr:
    history: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))
    power: int = 0
    asked: tuple[int, int] | None = None

    def heard(self, region: Region, rate: int, snr_db: float) -> tuple[int, int] | None:
        """(data rate, power index) to command now, or None."""
        self.history.append(snr_db)
        found = region.rate(rate)
        if len(self.history) < HISTORY or found is None:
            return None
        steps = int((max(self.history) - LEAST_SNR_DB[found[0]] - MARGIN_DB) // STEP_DB)
        new_rate, power = rate, self.power
        while steps > 0 and new_rate < region.fastest:
            new_rate, steps = new_rate + 1, steps - 1
        while steps > 0 and power < MOST_POWER_INDEX:
            power, steps = power + 1, steps - 1
        while steps < 0 and power > 0:
            power, steps = power - 1, steps + 1
        if (new_rate, power) == (rate, self.power):
            return None
        self.asked = (new_rate, power)
        return self.asked

    def answered(self, yes: bool) -> None:
        if yes and self.asked is not None:
            self.power = self.asked[1]
            self.history.clear()
        self.asked = None
