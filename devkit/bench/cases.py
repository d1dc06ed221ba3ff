"""The cases of the bench: what is run, on which network, with which settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ONE_REPORT: dict[str, object] = {"_PHASES_EVERY": 0}
_TEMPLATE = (
    ("si7021", {"sda_pin": "P9", "scl_pin": "P10", "vcc_pin": "P11"}),
    ("analog_generic", {"data_pin": "P16", "divider": 2}),
)
# The template's three measurements, and three figures of NB-IoT: signal, quality, attachment. The
# other bearers have two and one of their own: voltages, measured once more, make up for those.
_FIVE = (*_TEMPLATE, *[("analog_generic", {"name": name, "data_pin": "P16"}) for name in "ab"])
WIFI: dict[str, object] = {
    "_SENSORS": _FIVE[:3],
    "_WIFI_FORCE_NO_SCAN": True,  # a node with an access point of its own needs none
}
LORA: dict[str, object] = {"_SENSORS": _FIVE}


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


# What a cycle with faults costs, over NB-IoT
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
    Case("report", bearer="wifi", settings=WIFI),
    Case("report", bearer="wifi", protocol="coap", settings=WIFI),
    Case("report", bearer="wifi", protocol="mqtt", settings=WIFI),
    Case("report", bearer="lora", settings=LORA),
    Case("report, confirmed", bearer="lora", settings={**LORA, "_LORA_CONFIRMED": True}),
)
CASES = CYCLES + REPORTS
