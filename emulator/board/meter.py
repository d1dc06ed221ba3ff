"""The energy meter: one battery rail, additive domains, each in one named state at a time.

A domain is a consumer ("esp", "modem", "si7021"); a state is a name and a current. Energy is
integrated exactly between state changes, and the timeline of changes is kept for plots.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from emulator.board.clock import Clock

RAIL_VOLT = 3.7  # the rail on which every current of the model is stated


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

    def set(self, domain: str, state: str, milliamps: float) -> None:
        """Put `domain` into `state`; it draws `milliamps` until the next call."""
        entry = self._domains.setdefault(domain, _Domain(since_us=self._clock.now_us))
        if (entry.state, entry.milliamps) == (state, milliamps):
            return
        self._settle(entry)
        entry.state, entry.milliamps = state, milliamps
        self.timeline.append(Change(self._clock.now_us, domain, state, milliamps))

    def state(self, domain: str) -> str:
        entry = self._domains.get(domain)
        return entry.state if entry else "off"

    def milliamps(self, domain: str | None = None) -> float:
        """Current drawn now by one domain, or by all."""
        if domain is not None:
            entry = self._domains.get(domain)
            return entry.milliamps if entry else 0.0
        return sum(entry.milliamps for entry in self._domains.values())

    def energy_mj(self, domain: str | None = None) -> float:
        """Energy drawn since the start by one domain, or by all."""
        names = [domain] if domain is not None else list(self._domains)
        total = 0.0
        for name in names:
            entry = self._domains.get(name)
            if entry is not None:
                self._settle(entry)
                total += entry.energy_mj
        return total

    def time_ms(self, domain: str, state: str) -> int:
        """Time that `domain` has spent in `state` since the start."""
        entry = self._domains.get(domain)
        if entry is None:
            return 0
        self._settle(entry)
        return entry.time_us.get(state, 0) // 1000

    def _settle(self, entry: _Domain) -> None:
        elapsed_us = self._clock.now_us - entry.since_us
        if elapsed_us:
            entry.energy_mj += entry.milliamps * RAIL_VOLT * elapsed_us / 1e6
            entry.time_us[entry.state] = entry.time_us.get(entry.state, 0) + elapsed_us
            entry.since_us = self._clock.now_us
