"""MQTT as a node speaks it: on the emulated board, over a TCP socket of the data state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.device import Device

MakeDevice = Callable[..., Device]
HOST, PORT = "192.0.2.1", 1883
NAME = "broker.example"

# given(): fields of the configuration, payloads. Shows each outcome with the time it took, in ms
DELIVER = """
from networking import nbiot
from protocols import mqtt
from utils import timing
import usocket

fields, payloads = given()
nbiot.connect(configured(_IP_VERSION="IP"), True)
fields.setdefault("_HOST", "192.0.2.1")
session = mqtt.open(usocket.socket(), configured(_PORT=1883, **fields))
for payload in payloads:
    watch = timing.Stopwatch()
    outcome = session.deliver(payload)
    show([outcome, watch.elapsed_ms()])
watch = timing.Stopwatch()
session.close()
show(watch.elapsed_ms())
timing.sleep_ms(3000)
"""


def route(port: int) -> list[str]:
    return [f"{name}:{PORT}=127.0.0.1:{port}" for name in (HOST, NAME)]


def deliver(
    make_device: MakeDevice, port: int, *payloads: bytes, **fields: Any
) -> tuple[Device, list[tuple[str, int]], int]:
    """The board, (outcome, ms) of each payload, and how long closing took in ms."""
    device = make_device("good", routes=route(port))
    *outcomes, closed_ms = device.run(DELIVER, [fields, list(payloads)])
    return device, [(outcome, took) for outcome, took in outcomes], closed_ms
