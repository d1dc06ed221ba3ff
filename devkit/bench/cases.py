"""The cases of the bench: what is run, on which network, with which settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from devkit import application
from devkit.application import PUBLISHED
from devkit.bench.floor import floor

# The template's, with its own bearer
PROTOCOL = application.resolved(PUBLISHED["_BEARER"], PUBLISHED["_PROTOCOL"])
HERE = Path(__file__).parent
ONE_REPORT: dict[str, object] = {"_PHASES_EVERY": 0}
# The floor of NB-IoT is that of the firmware's driver, and so are the rows beside it
BY_LTE: dict[str, object] = {"_MODEM_LINK": "lte"}


@dataclass(frozen=True)
class Case:
    """One row. `settings` are appended to config.py; the script takes the place of main.py."""

    name: str
    scenario: str = "good"
    bearer: str = PUBLISHED["_BEARER"]
    protocol: str = PROTOCOL  # of the server, too
    script: Path | None = None
    settings: dict[str, object] = field(default_factory=BY_LTE.copy)

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
        Case(what, bearer=bearer, protocol=protocol, settings=settings)
        for bearer in sorted(floors, key=lambda name: -len(floors[name].KINDS))
        for protocol in application.protocols()
        if application.transport(protocol) in floors[bearer].KINDS
        for what, settings in floors[bearer].REPORTS.items()
    )


CASES = CYCLES + reports()
