"""Forty measurements of six values wait, and one cycle sends them all, attach included.

They are taken by cycles that only measure (`_SEND_EVERY`), which leaves the journal as an outage
does, and the modem as after a sleep. Six values: temperature and humidity twice, a pressure, a
voltage. `values` counts those that arrived with their sequence number and a time.
"""

from __future__ import annotations

import dataclasses
import functools
import tempfile
from pathlib import Path
from typing import Any

from collector.decode import packs, report
from devkit import application
from devkit.application import REFERENCE
from devkit.bench.cases import COLD, COVERAGES, ONE_REPORT
from devkit.bench.runs import Conditions
from devkit.servers.receiver import Receiver
from devkit.servers.server import Received
from emulator.board.board import DEEPSLEEP_RESET
from emulator.cycle import Cycle
from emulator.device_files import configured, copy_device_files
from emulator.emulator import Emulator

NAME = "backlog of 40"
COUNT = 40
PERIOD_S = 900  # of the template
PROTOCOLS = ("udp", "coap")
BEARER, LINK = "nbiot", "lte"
SENSORS = (
    ("si7021", {"sda_pin": "P9", "scl_pin": "P10", "vcc_pin": "P11"}),
    ("analog_generic", {"data_pin": "P16", "divider": 2}),
    ("bme280", {"sda_pin": "P9", "scl_pin": "P10"}),
)
VALUES = ("t", "h", "v", "t2", "h2", "p2")
ARRIVAL_S = 30.0  # of real time


@functools.cache  # the documents and the bench ask for the same
def row(protocol: str, conditions: Conditions) -> dict[str, Any]:
    """One row, with the names of the JSON shape and three of its own."""
    runs = [run(protocol, conditions, seed) for seed in conditions.all_seeds]
    cycles = [cycle for cycle, _ in runs]

    def mean(name: str) -> int:
        return round(sum(getattr(cycle, name) for cycle in cycles) / len(runs))

    payloads = [sum(len(each.data) for each in received) for _, received in runs]
    return {
        "scenario": NAME,
        "bearer": BEARER,
        "protocol": protocol,
        "link": LINK,
        "start": COLD.name,
        "coverage": COVERAGES[0],
        "send_every": 1,
        "awake_ms": mean("awake_ms"),
        "floor_awake_ms": None,
        "awake_ratio": None,
        "radio_on_ms": mean("radio_on_ms"),
        "at_exchanges": max(cycle.at_exchanges for cycle in cycles),
        "uart_bytes": mean("uart_bytes"),
        "air_bytes": mean("air_bytes"),
        "payload_bytes": round(sum(payloads) / len(runs)),
        "energy_mj": mean("energy_mj"),
        "floor_energy_mj": None,
        "energy_ratio": None,
        "seeds": len(runs),
        "sent": sum(cycle.on_air for cycle in cycles),
        "delivered": sum(cycle.delivered for cycle in cycles),
        "reference": None,
        "beaten_seeds": None,
        "datagrams": round(sum(cycle.accepted or 0 for cycle in cycles) / len(runs), 1),
        "values": min(len(values(received)) for _, received in runs),
        "waiting": max(cycle.waiting or 0 for cycle in cycles),
    }


def run(protocol: str, conditions: Conditions, seed: int) -> tuple[Cycle, list[Received]]:
    """The cycle that sends, and what the server received."""
    fields = {
        **application.settings(BEARER, protocol), **ONE_REPORT,
        "_MODEM_LINK": LINK, "_SENSORS": SENSORS,
    }  # fmt: skip
    host, port = application.endpoint(BEARER, protocol)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Receiver(protocol) as receiver:
        flash = Path(folder)
        with configured(REFERENCE):
            copy_device_files(flash)
        application.configure(flash, {**fields, "_SEND_EVERY": 1000})
        with Emulator(
            seed=seed,
            firmware=conditions.firmware,
            flash=flash,
            routes=[receiver.route(host, port)],
            install=conditions.install,
            max_hours=24,
            config={**fields, "_BATTERY_PIN": "P16", "_BATTERY_DIVIDER": 2},
        ) as emulator:
            receiver.attend(emulator)
            emulator.run(cycles=COUNT)  # the first one, after power-on, sends
            receiver.received.clear()
            application.configure(flash, {"_SEND_EVERY": 1})
            [cycle] = emulator.run(cycles=1, cause=DEEPSLEEP_RESET)
            # of the board's world; the cycle slept for the rest of its period
            sent_s = emulator.utc_s() - PERIOD_S + cycle.awake_ms // 1000
        receiver.wait_for(cycle.confirmed or cycle.delivered, ARRIVAL_S)
        return cycle, [dataclasses.replace(each, at_s=sent_s) for each in receiver.received]


def values(received: list[Received]) -> dict[tuple[int, str], tuple[float, float | None]]:
    """(sequence number, name): (value, time) of what was measured, each once; None for now."""
    found = {}
    for datagram in received:
        base, measured = report.measurements(packs.read(datagram.data, datagram.at_s))
        for each in measured:
            for record in each.records[1:]:
                name = record.name.removeprefix(base)
                if name in VALUES and each.timed and each.seq is not None:
                    time = float(record.time) or None
                    found[each.seq, name] = (float(record.value), time)  # type: ignore[arg-type]
    return found
