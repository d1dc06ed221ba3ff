"""The cases of the bench: what is run, on which network, with which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devkit import application
from devkit.application import PUBLISHED
from devkit.bench.floor import floor

# The template's, with its own bearer
PROTOCOL = application.resolved(PUBLISHED["_BEARER"], PUBLISHED["_PROTOCOL"])
HERE = Path(__file__).parent
ONE_REPORT: dict[str, object] = {"_PHASES_EVERY": 0}
COVERAGES = ("good", "fair", "edge")
LINKED = "nbiot"  # the bearer with a choice of links

COUNTED_CYCLE = 2
# Of the rows by link: what modem and network can do is known by then
KNOWING_CYCLE = 3
# and the rate of the node's clock, where no server tells the time: before, a node attaches for it
DATED_CYCLE = 7
TELL_TIME = ("coap",)


@dataclass(frozen=True)
class Start:
    """How a cycle begins, and what makes it so."""

    name: str  # of the JSON shape
    shown: str
    settings: Mapping[str, object] = field(default_factory=dict)  # lines of config.py
    world: Mapping[str, dict[str, Any]] = field(default_factory=dict)  # keys of the scenario

    @property
    def resumes(self) -> bool:
        return self.name.startswith("resumed")


_PSM: dict[str, object] = {"_PSM": "auto"}
COLD = Start("cold", "cold")
RESUMED = Start("resumed", "resumed", _PSM)
STARTS = (
    COLD,
    RESUMED,
    Start("resumed_rai", "resumed, RAI", _PSM, {"modem": {"rai": "accepted"}}),
    Start("psm_denied", "PSM denied", _PSM, {"network": {"psm": "denied_absent", "edrx": False}}),
    # found out each time, since the modem comes out of each sleep without its registration
    Start("lost", "registration lost", _PSM, {"modem": {"psm_registration": "0"}}),
)


@dataclass(frozen=True)
class Case:
    """One row. `settings` are appended to config.py; the script takes the place of main.py."""

    name: str
    scenario: str = "good"
    bearer: str = PUBLISHED["_BEARER"]
    protocol: str = PROTOCOL  # of the server, too
    script: Path | None = None
    own: Mapping[str, object] = field(default_factory=dict)
    by: str = "lte"  # link, where there is a choice
    begins: Start = COLD
    lead: int = COUNTED_CYCLE - 1  # cycles before those that count
    count: int = 1  # cycles that count
    sleeps: bool = False  # what the board draws asleep counts as well

    @property
    def settings(self) -> dict[str, object]:
        link = {"_MODEM_LINK": self.by} if self.link else {}
        return {**link, **self.begins.settings, **self.own}

    @property
    def world(self) -> Mapping[str, dict[str, Any]]:
        return self.begins.world

    @property
    def link(self) -> str | None:
        return self.by if self.bearer == LINKED else None

    @property
    def start(self) -> str | None:
        return self.begins.name if self.link else None

    @property
    def coverage(self) -> str | None:
        if not self.link:
            return None
        return self.scenario if self.scenario in COVERAGES else COVERAGES[0]

    @property
    def send_every(self) -> int:
        return int(str(self.own.get("_SEND_EVERY", 1)))

    @property
    def data_state(self) -> bool:
        return self.script is not None

    @property
    def shown_protocol(self) -> str:
        return f"{self.protocol} in data state" if self.data_state else self.protocol


# What a cycle costs where the network of the template's bearer is good, poor, or refuses
CYCLES = (
    Case("cold attach, good", "good"),
    Case("cold attach, fair", "fair"),
    Case("cold attach, edge", "edge"),
    Case("cold attach, data state", "good", protocol="udp", script=HERE / "data_state.py"),
    Case("registration denied", "denied"),
    Case("no SIM", "no_sim"),
    Case("no cell", "no_cell"),
)


def reports() -> tuple[Case, ...]:
    """One report of six measurements, by every bearer and protocol that go together.

    A bearer is measured once it has a floor. Those that carry most come first.
    """
    names = [path.stem.removeprefix("floor_") for path in HERE.glob("floor_*.py")]
    floors = {name: floor(name) for name in application.bearers() if name in names}
    return tuple(
        Case(what, bearer=bearer, protocol=protocol, own=settings)
        for bearer in sorted(floors, key=lambda name: -len(floors[name].KINDS))
        for protocol in application.protocols()
        if application.transport(protocol) in floors[bearer].KINDS
        for what, settings in floors[bearer].REPORTS.items()
    )


def by_link() -> tuple[Case, ...]:
    """One report over NB-IoT by each link, however its cycle begins, in each coverage.

    By the firmware's driver only a cold attach is possible. CoAP waits for an answer, UDP does
    not; what a stream costs more is shown in good coverage alone.
    """
    return tuple(
        Case(
            f"report, {coverage}",
            coverage,
            LINKED,
            protocol,
            by=link,
            begins=start,
            lead=_lead(protocol),
        )
        for link, starts in (("lte", STARTS[:1]), ("uart", STARTS))
        for start in starts
        for protocol in application.protocols()
        for coverage in COVERAGES
        if coverage == COVERAGES[0] or application.transport(protocol) != "stream"
    )


def _lead(protocol: str) -> int:
    return (KNOWING_CYCLE if protocol in TELL_TIME else DATED_CYCLE) - 1


CASES = CYCLES + reports()
LINKS = by_link()
