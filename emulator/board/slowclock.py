"""The slow clock of the ESP32: a resistor and a capacitor, by which the chip times its deep sleep.

It runs fast or slow by some percent, and wanders with the temperature. While the chip is awake the
firmware counts by the crystal: newlib takes the time from esp_timer, to which it adds what the
slow clock has measured in deep sleep (ESP-IDF, CONFIG_ESP32_TIME_SYSCALL_USE_RTC_FRC1).
"""

from __future__ import annotations

import math

from emulator.board.board import Board
from emulator.board.constants import ESTIMATE, constant

DRIFT = constant((-0.03, 0.03), "share", ESTIMATE, "ESP-IDF guide: the RC clock is within 5 %")
# half of it in a day, half in a few days
WANDER = constant(0.005, "share", ESTIMATE, "with the temperature of the place")
DRAWN = 99.0  # of the option: the drift of this board is drawn


class SlowClock:
    """Seconds of the slow clock as a function of true seconds."""

    def __init__(self, board: Board, drift_percent: float = 0.0) -> None:
        rng = board.rng("rtc/drift")
        drawn = rng.uniform(*DRIFT)
        self.drift = drawn if drift_percent == DRAWN else drift_percent / 100
        self._waves = [
            (WANDER / 2, 2 * math.pi / (days * 86_400), rng.uniform(0, 2 * math.pi))
            for days in (1.0, rng.uniform(2.0, 10.0))
        ]
        self.exact = self.drift == 0.0  # then it does not wander either

    def rate(self, true_s: float) -> float:
        """By what share it runs fast at this time."""
        if self.exact:
            return 0.0
        waves = (height * math.cos(speed * true_s + start) for height, speed, start in self._waves)
        return self.drift + sum(waves)

    def gained_us(self, from_us: int, to_us: int) -> int:
        """What it shows more than what has passed."""
        if self.exact:
            return 0
        return round(self._gained(to_us / 1e6) * 1e6 - self._gained(from_us / 1e6) * 1e6)

    def end_us(self, from_us: int, shown_us: int) -> int:
        """When it will have counted `shown_us` from then on."""
        end_us = from_us + shown_us
        for _ in range(0 if self.exact else 12):  # each step is ten times as close at least
            end_us = from_us + shown_us - self.gained_us(from_us, end_us)
        return end_us

    def _gained(self, true_s: float) -> float:
        waves = (
            height / speed * math.sin(speed * true_s + start)
            for height, speed, start in self._waves
        )
        return self.drift * true_s + sum(waves)
