"""The cases of the bench: what is run, on which network, with which settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
SERVER = ("192.0.2.1", 5683)  # _HOST and _PORT of config.py


@dataclass(frozen=True)
class Case:
    """One row. `settings` are appended to config.py; the script takes the place of main.py."""

    name: str
    scenario: str
    protocol: str = "udp"
    script: Path | None = None
    server: tuple[str, int] = SERVER
    settings: dict[str, object] = field(default_factory=lambda: dict(ONE_DATAGRAM))

    @property
    def data_state(self) -> bool:
        return self.script is not None


ONE_DATAGRAM: dict[str, object] = {"_PHASES_EVERY": 0}

CASES = (
    Case("cold attach, good", "good"),
    Case("cold attach, fair", "fair"),
    Case("cold attach, edge", "edge"),
    Case(
        "cold attach, data state",
        "good",
        "udp in data state",
        HERE / "data_state.py",
        settings={},
    ),
    Case("registration denied", "denied"),
    Case("no SIM", "no_sim"),
    Case("no cell", "no_cell"),
)
