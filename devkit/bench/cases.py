"""The cases of the bench: what is run, on which network, with which settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ONE_REPORT: dict[str, object] = {"_PHASES_EVERY": 0}
# An association that needs no scan, as a node with an access point of its own has it
ONE_NETWORK: dict[str, object] = {"_WIFI_FORCE_NO_SCAN": True}


@dataclass(frozen=True)
class Case:
    """One row. `settings` are appended to config.py; the script takes the place of main.py."""

    name: str
    scenario: str = "good"
    bearer: str = "nbiot"
    protocol: str = "udp"  # of the server, too
    script: Path | None = None
    settings: dict[str, object] = field(default_factory=dict)

    @property
    def data_state(self) -> bool:
        return self.script is not None

    @property
    def shown_protocol(self) -> str:
        return f"{self.protocol} in data state" if self.data_state else self.protocol


# What trouble costs, over NB-IoT
CYCLES = (
    Case("cold attach, good", "good"),
    Case("cold attach, fair", "fair"),
    Case("cold attach, edge", "edge"),
    Case("cold attach, data state", "good", script=HERE / "data_state.py"),
    Case("registration denied", "denied"),
    Case("no SIM", "no_sim"),
    Case("no cell", "no_cell"),
)
# One report of six measurements, by every bearer and protocol that go together
REPORTS = (
    Case("report"),
    Case("report", protocol="coap"),
    Case("report", protocol="mqtt"),
    Case("report", bearer="wifi", settings=ONE_NETWORK),
    Case("report", bearer="wifi", protocol="coap", settings=ONE_NETWORK),
    Case("report", bearer="wifi", protocol="mqtt", settings=ONE_NETWORK),
    Case("report", bearer="lora"),
    Case("report, confirmed", bearer="lora", settings={"_LORA_CONFIRMED": True}),
)
CASES = CYCLES + REPORTS
