"""The energy meter: one battery rail, additive domains, each in one named state at a time.

A domain is a consumer ("esp", "modem", "si7021"); a state is a name and a current. Energy is
integrated exactly between state changes, and the timeline of changes is kept for plots.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from emulator.board.clock import Clock
from emulator.board.constants import ESTIMATE, constant

# the rail on which every current of the model is stated
RAIL_VOLT = constant(3.7, "V", ESTIMATE, "a lithium cell at half charge")


@dataclass
class Change:
    """From `at_us` on, `domain` is in `state` and draws `milliamps`."""

    at_us: int
    domain: str
    state: str
    milliamps: float


@dataclass
class _Domain:
    state: str = "off"
    milliamps: float = 0.0
    since_us: int = 0
    energy_mj: float = 0.0
    time_us: dict[str, int] = field(default_factory=dict)


class Meter:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._domains: dict[str, _Domain] = {}
        self.timeline: list[Change] = []
        self.watchers: list[Callable[[], object]] = []  # told of each change

    def set(self, domain: str, state: str, milliamps: float) -> None:
        """Put `domain` into `state`; it draws `milliamps` until the next call."""
        entry = self._domains.setdefault(domain, _Domain(since_us=self._clock.now_us))
        if (entry.state, entry.milliamps) == (state, milliamps):
            return
        self._settled(entry)
        entry.state, entry.milliamps = state, milliamps
        self.timeline.append(Change(self._clock.now_us, domain, state, milliamps))
        for watcher in self.watchers:
            watcher()

    def state(self, domain: str) -> str:
        [entry] = self._entries(domain)
        return entry.state

    def milliamps(self, domain: str | None = None) -> float:
        """Current drawn now by one domain, or by all."""
        return sum(entry.milliamps for entry in self._entries(domain))

    def energy_mj(self, domain: str | None = None) -> float:
        """Energy drawn since the start by one domain, or by all."""
        return sum(self._settled(entry).energy_mj for entry in self._entries(domain))

    def time_ms(self, domain: str, state: str) -> int:
        """Time that `domain` has spent in `state` since the start."""
        [entry] = self._entries(domain)
        return self._settled(entry).time_us.get(state, 0) // 1000

    def _entries(self, domain: str | None) -> list[_Domain]:
        """One domain, off if nothing was ever told of it, or all."""
        if domain is None:
            return list(self._domains.values())
        return [self._domains.get(domain) or _Domain(since_us=self._clock.now_us)]

    def _settled(self, entry: _Domain) -> _Domain:
        """The entry with time and energy up to now."""
        elapsed_us = self._clock.now_us - entry.since_us
        if elapsed_us:
            entry.energy_mj += entry.milliamps * RAIL_VOLT * elapsed_us / 1e6
            entry.time_us[entry.state] = entry.time_us.get(entry.state, 0) + elapsed_us
            entry.since_us = self._clock.now_us
        return entry
