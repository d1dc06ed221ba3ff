"""The product of 2021 that the API of nbiot comes from, measured on the emulated board.

    row(CASES[0], Path("insighioNode"), Conditions(1, "1.20.2.r4", "py"))  # one of docs/bench.md

The folder is a checkout of github.com/insighio/insighioNode at 385e30d with its submodules. None
of its files is changed: the board's flash is its src/, with links followed, and demo_config.py,
which its web page writes from its templates. Server and broker are real ones on loopback.

The counted cycle is the first one after a deep sleep. The first start is another: there is no
report to send before somebody has opened the web page, or the watchdog ends it.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.bench.runs import Conditions
from devkit.servers.receiver import PATIENCE_S, Receiver
from emulator import scenario
from emulator.cycle import Cycle
from emulator.emulator import Emulator

COMMIT = "385e30d"
SERVERS = {"IPV6": "2001:41d0:701:1100:0:0:0:2060", "IP": "51.75.72.81"}  # of its template
PORTS = {"coap": 5683, "mqtt": 1884}
_APP = Path("apps/demo_console")
_TEMPLATES = ("device_config", "device_i2c_analog_config", "nbiot_config", "protocol_config")
_MOST_CYCLES = 4
# what people choose on its page: everything that the board measures by itself, no further sensors
_ON = ("battery-stat", "board-sense", "board-stat", "network-stat", "temp-unit")
_CHOSEN = {
    **{f"meas-{name}": "True" for name in _ON},
    "selected-board": "default",
    "period": "900",
    "nbiot-apn": "iot.example",
    "nbiot-band": "20",
    "insighio-channel": "channel",
    "insighio-id": "node",
    "insighio-key": "0123456789abcdef",
}
_OTHER_SENSOR = "disabled"
_CHIPS: dict[str, dict[str, Any]] = {
    "si7021": {"kind": "si7021", "supply_pin": "P11"},
    "battery": {"kind": "battery", "pin": "P13", "top_ohm": 100_000, "bottom_ohm": 10_000},
}
COLUMNS = {
    "case": "2021",
    "scenario": "network",
    "awake_s": "awake s",
    "energy_j": "energy J",
    "at_exchanges": "AT",
    "air_bytes": "air bytes",
    "sending_s": "sending s",
    "ending_s": "ending s",
    "delivered": "delivered",
    "resets": "ended by the watchdog",
}


class NoProduct(ValueError):
    """The folder is not such a checkout; the text says what is missing."""


@dataclass(frozen=True)
class Case:
    ip: str  # a key of SERVERS
    protocol: str  # a key of PORTS
    scenario: str = "good"

    @property
    def name(self) -> str:
        return f"{'IPv6' if self.ip == 'IPV6' else 'IPv4'}, {self.protocol}"


CASES = (
    Case("IPV6", "coap"),
    Case("IP", "coap"),
    Case("IP", "mqtt"),
    Case("IPV6", "coap", "denied"),
)


@dataclass
class Run:
    """One seed."""

    cycle: Cycle
    said: list[tuple[int, str]]  # microseconds, text

    @property
    def sending_s(self) -> float:
        """From the report to the end of its client; 0 if it did not get there."""
        begun, done = self._at("About to send"), self._at("Disconnected")
        return (done - begun) / 1e6 if begun and done else 0.0

    @property
    def ending_s(self) -> float:
        """Of its deactivate(), as it says itself."""
        found = re.search(
            r"Deactivate NB-IOT: \(\w+, (\d+)\)", "".join(text for _, text in self.said)
        )
        return int(found[1]) / 1000 if found else 0.0

    def _at(self, line: str) -> int:
        return next((at for at, text in self.said if line in text), 0)


def row(case: Case, folder: Path, conditions: Conditions) -> dict[str, Any]:
    """Means over the seeds, with the range of what varies most. NoProduct without the product."""
    runs = measured(case, folder, conditions)

    def mean(values: Iterable[float]) -> int:
        return round(sum(numbers := list(values)) / len(numbers))

    return {
        "case": case.name,
        "scenario": case.scenario,
        "awake_s": _range(run.cycle.awake_ms / 1000 for run in runs),
        "energy_j": _range(run.cycle.energy_mj / 1000 for run in runs),
        "at_exchanges": mean(run.cycle.at_exchanges for run in runs),
        "air_bytes": mean(run.cycle.air_bytes for run in runs),
        "sending_s": _range(run.sending_s for run in runs if run.sending_s),
        "ending_s": _range(run.ending_s for run in runs if run.ending_s),
        "delivered": sum(run.cycle.delivered > 0 for run in runs),
        "resets": sum(run.cycle.ended == "reset" for run in runs),
    }


def _range(values: Iterable[float]) -> str:
    """The mean, and from the least to the most; "-" for none."""
    numbers = list(values)
    if not numbers:
        return "-"
    return f"{sum(numbers) / len(numbers):.1f} ({min(numbers):.1f} to {max(numbers):.1f})"


def measured(case: Case, folder: Path, conditions: Conditions) -> list[Run]:
    """All seeds of a case, with one server."""
    with tempfile.TemporaryDirectory(prefix="product-") as name, Receiver(case.protocol) as server:
        route = server.route(SERVERS[case.ip], PORTS[case.protocol])
        found = []
        for seed in conditions.all_seeds:
            flash = Path(name) / str(seed)
            prepare(case, folder, flash)
            found.append(_run(case, flash, conditions, seed, route))
        return found


def prepare(case: Case, folder: Path, flash: Path) -> None:
    """Put the product on a flash, configured as its page does it. NoProduct without it."""
    source = folder / "src"
    if not (source / _APP).is_dir():
        raise NoProduct(f"{folder}: no {source.name}/{_APP}; needed: insighioNode at {COMMIT}")
    try:
        shutil.copytree(source, flash, ignore=shutil.ignore_patterns("www", ".git"))
    except shutil.Error:  # links into submodules that are not there
        raise NoProduct(
            f"{folder}: without its submodules; git submodule update --init --recursive"
        ) from None
    templates = flash / _APP / "templ"
    text = "\n".join((templates / f"{name}_templ.py").read_text("utf-8") for name in _TEMPLATES)
    chosen = {**_CHOSEN, "ipversion": case.ip, "protocol": case.protocol}
    text = re.sub(r"<([a-z0-9-]+)>", lambda mark: chosen.get(mark[1], _OTHER_SENSOR), text)
    (flash / _APP / "demo_config.py").write_text(text, encoding="utf-8")


def _run(case: Case, flash: Path, conditions: Conditions, seed: int, route: str) -> Run:
    said: list[tuple[int, str]] = []
    # the build for which its IPv6 sockets were written: their lines do not fit into 124 bytes
    table = {"like": case.scenario, "board": {"long_commands": case.ip == "IPV6"}, "chips": _CHIPS}
    with Emulator(
        scenario=scenario.from_table(table, case.scenario),
        seed=seed,
        firmware=conditions.firmware,
        install=conditions.install,
        flash=flash,
        routes=[route],
        console=lambda text: said.append((emulator.board.clock.now_us, text)),
    ) as emulator:
        emulator.routes.patience.rely(PATIENCE_S)
        cycles = emulator.run(cycles=1)
        while cycles[-1].reset_cause != "deepsleep" and len(cycles) < _MOST_CYCLES:
            del said[:]
            assert emulator.next_cause is not None
            cycles += emulator.run(cycles=1, cause=emulator.next_cause)
    return Run(cycles[-1], said)
