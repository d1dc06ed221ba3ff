"""Plain UDP on a port of its own."""

from __future__ import annotations

import socket
import sys
import threading
from typing import Any

import cbor2
import pytest

from collector.intake import decode_queue, udp
from collector.intake.udp import UdpListener
from collector.load import UdpLoad, keys
from tests.collector.rig import port_of, report, rows, wait_until


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_reports_are_received_at_a_port_beside_that_of_coap(start: Any, host: str) -> None:
    collector = start("--host", host, "--coap", "off")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.bind((host, 0))
        sender.sendto(cbor2.dumps(report(1)), (host, port_of(collector, "udp")))
        assert collector.queue.wait_for(1, 5)
        [(source,)] = rows(collector.store.where, "DISTINCT source")
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


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not count")
def test_what_the_system_dropped_is_counted_without_a_further_datagram(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(udp, "BUFFER_BYTES", 100_000)
    received: list[bytes] = []
    busy = threading.Event()

    def on_datagram(data: bytes, source: Any) -> None:
        busy.wait(5)
        received.append(data)

    listener = UdpListener("127.0.0.1", 0, on_datagram)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(2_000):
            sender.sendto(bytes(1_000), (listener.host, listener.port))
    lost = listener.lost
    assert lost
    busy.set()
    assert wait_until(lambda: len(received) + lost == 2_000)
    listener.close()
    assert listener.lost in (lost, lost + 1)  # the datagram that ends the thread


@pytest.mark.parametrize("words", [(), ("--coap", "off")], ids=["port of CoAP", "own port"])
@pytest.mark.parametrize("patience_s", [30.0, 0.0], ids=["at leisure", "in a hurry"])
def test_a_burst_before_the_end_is_stored_or_counted(
    start: Any, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], patience_s: float
) -> None:
    monkeypatch.setattr(udp, "BUFFER_BYTES", 200_000)
    monkeypatch.setattr(decode_queue, "CLOSE_S", patience_s)
    collector = start(*words)
    load = UdpLoad("127.0.0.1", port_of(collector, "udp"), keys(100, 2_000), 1e9)
    assert load.run().sent == 2_000
    collector._stack.close()

    def counted() -> int:
        counts = {name: count for name, count, _ in collector.counters()}
        return counts["messages"] + counts["dropped"]

    # one more may be the datagram that ends the thread
    assert wait_until(lambda: counted() in (2_000, 2_001)), counted()


def test_a_system_that_does_not_count_is_named(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(udp, "drop_count", lambda bound: None)
    said = start().summary()
    assert "0 dropped (without the system's, which are unknown)" in said
