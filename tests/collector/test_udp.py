"""Plain UDP on a port of its own."""

from __future__ import annotations

import socket
import threading
from typing import Any

import cbor2
import pytest

from collector.udp import UdpListener
from tests.collector.rig import port_of, report


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_reports_are_received_at_a_port_beside_that_of_coap(start: Any, host: str) -> None:
    collector = start("--host", host, "--coap", "off")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.bind((host, 0))
        sender.sendto(cbor2.dumps(report(1)), (host, port_of(collector, "udp")))
        assert collector.queue.wait_for(1, 5)
        [source, _] = [reading.source for reading, _ in collector.readings.latest()]
        shown = f"[{host}]" if ":" in host else host
        assert source == f"{shown}:{sender.getsockname()[1]}"


def test_datagrams_that_arrived_before_the_end_are_handed_on() -> None:
    received: list[bytes] = []
    busy = threading.Event()

    def on_datagram(data: bytes, source: Any) -> None:
        busy.wait(5)
        received.append(data)

    listener = UdpListener("127.0.0.1", 0, on_datagram)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(50):
            sender.sendto(b"%d" % number, (listener.host, listener.port))
    threading.Timer(0.05, busy.set).start()
    listener.close()
    listener.close()
    assert received == [b"%d" % number for number in range(50)]


def test_what_the_system_dropped_is_counted() -> None:
    received: list[bytes] = []
    busy = threading.Event()

    def on_datagram(data: bytes, source: Any) -> None:
        busy.wait(5)
        received.append(data)

    listener = UdpListener("127.0.0.1", 0, on_datagram)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sent = 20_000
        for _ in range(sent):
            sender.sendto(bytes(1_000), (listener.host, listener.port))
        busy.set()
        for _ in range(500):
            if received and listener.lost and len(received) + listener.lost >= sent:
                break
            threading.Event().wait(0.02)
            sender.sendto(b"", (listener.host, listener.port))  # tells the count
            sent += 1
    listener.close()
    assert listener.lost > 0 and len(received) + listener.lost == sent
