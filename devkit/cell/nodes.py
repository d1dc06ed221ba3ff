"""A node of the cell: its clock, its place and its back-off are those of the device files.

What the device decides with utils/place.py and utils/backoff.py it decides here with the same
functions. Times of the node are those of its own clock, which drifts.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from emulator.board.draws import drawn
from emulator.emulator import BOOT_S
from emulator.network.cell import _TABLE
from utils import backoff, place

# The clock of the ESP32 in deep sleep: off by 3 % at most, and by another 0.5 % in each sleep
DRIFT = 0.03
WANDER = 0.005
START_S = (2.3, 3.5, 6.0)  # modem and search until the first preamble
ATTACH_LIMIT_MS = 90_000  # _MAX_ATTACHMENT_ATTEMPT_TIME_SEC
CEILINGS = (10, 96)  # _MAX_ATTACHES_PER_HOUR, _MAX_ATTACHES_PER_DAY


_MAKER = bytes.fromhex("240ac4")


@dataclass
class Node:
    period_s: int
    rng: random.Random
    woken_ms: float = 0.0  # true time of the last start
    run_ms: int = 0  # time since power-on by its clock, at that start
    at_place: bool = False
    attach_until_ms: float = 0.0
    delivered_ms: float | None = None  # its first report

    def __post_init__(self) -> None:
        identity = _MAKER + self.rng.randbytes(3)  # as of machine.unique_id()
        self.offset_ms = place.offset_ms(identity, self.period_s)
        self._drift = self.rng.uniform(-DRIFT, DRIFT)
        self.backoff = backoff.Backoff("", 0, CEILINGS, 0, self.random)

    def random(self, n: int) -> int:
        return self.rng.randrange(n) if n else 0

    def now_ms(self, true_ms: float) -> int:
        """Time since power-on, by its clock; awake the clock has the crystal's rate."""
        return self.run_ms + round(true_ms - self.woken_ms)

    def sleep(self, true_ms: float, until_run_ms: int, at_place: bool) -> None:
        """Sleep to an instant of its clock: `woken_ms` is when that is."""
        asked_ms = max(1000, until_run_ms - self.now_ms(true_ms))
        rate = 1 + self._drift + self.rng.uniform(-WANDER, WANDER)
        self.run_ms = self.now_ms(true_ms) + asked_ms
        self.woken_ms = true_ms + asked_ms * rate
        self.at_place = at_place

    def sleep_spread(self) -> None:
        """Power has returned: the radio is not used at once."""
        self.sleep(self.woken_ms + self.boot_ms(), place.spread_ms(self.random), False)

    def sleep_to_place(self, true_ms: float) -> None:
        began_ms = None if self.at_place else self.run_ms
        wake_ms = place.wake_ms(
            self.now_ms(true_ms), self.period_s, self.offset_ms, self.random, began_ms
        )
        self.sleep(true_ms, wake_ms, True)

    def boot_ms(self) -> float:
        return 1000 * drawn(self.rng, BOOT_S)

    def connects(self) -> bool:
        """Whether its back-off lets it use the radio in this cycle."""
        now_s = self.run_ms // 1000
        if self.backoff.wait_s(now_s):
            return False
        self.backoff.begin(now_s)
        return True

    def first_access_ms(self) -> float:
        started_ms = self.woken_ms + self.boot_ms()
        self.attach_until_ms = started_ms + ATTACH_LIMIT_MS
        return started_ms + 1000 * drawn(self.rng, START_S)

    def attach_ms(self) -> float:
        """From the access to the answer of the server."""
        attach, turn = _TABLE["attach"]["good"][0], _TABLE["turn"]["good"][0]
        return 1000 * (drawn(self.rng, attach) + drawn(self.rng, turn))

    def deliver(self, true_ms: float) -> None:
        self.backoff.delivered()
        if self.delivered_ms is None:
            self.delivered_ms = true_ms

    def fail(self, true_ms: float) -> None:
        self.backoff.failed(self.now_ms(true_ms) // 1000, "attach_timeout")
