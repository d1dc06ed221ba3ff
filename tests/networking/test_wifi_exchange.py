"""Real servers on loopback, reached over Wi-Fi by the transports of networking.wifi."""

from __future__ import annotations

import socket
from collections.abc import Callable

from devkit.servers.udp import UdpServer
from tests.device import Device
from tests.emulator.modem.socket_rig import TcpServer

MakeDevice = Callable[..., Device]
UP = """
from networking import wifi

class Config:
    _WIFI_NETS = {"field-ap": {"pwd": "for-documentation"}}
    _MAX_CONNECTION_ATTEMPT_TIME_SEC = 20
    _HOST = "192.0.2.1"

assert wifi.up(Config, given())
transport = wifi.transport(given())
"""


def test_a_datagram_and_its_answer(make_device: MakeDevice) -> None:
    server = UdpServer(reply=lambda data: data[::-1])
    try:
        device = make_device(routes=[f"192.0.2.1:5683=127.0.0.1:{server.port}"])
        sent, answer, took_ms = device.run(
            UP
            + """
from utils import timing
watch = timing.Stopwatch()
show(transport.sendto(b"hello", ("192.0.2.1", 5683)))
show(list(transport.recvfrom(100)))
show(watch.elapsed_ms())
transport.close()
wifi.down()
            """,
            "datagram",
        )
        assert sent == 5 and answer == [b"olleh", ["192.0.2.1", 5683]]
        assert 2 <= took_ms < 200
        assert device.cycle is not None
        assert device.cycle.air_bytes == 2 * (28 + 5)
        assert device.cycle.delivered == 1
        assert 3000 < device.cycle.radio_on_ms < device.cycle.awake_ms
    finally:
        server.close()


def test_what_was_sent_last_is_gone_before_the_radio_is(make_device: MakeDevice) -> None:
    server = UdpServer()
    try:
        for seed in range(1, 6):
            device = make_device(routes=[f"192.0.2.1:5683=127.0.0.1:{server.port}"], seed=seed)
            device.run(
                UP + 'transport.sendto(b"last", ("192.0.2.1", 5683))\nwifi.down()', "message"
            )
            device.board.clock.advance(1_000_000)
            assert [each.delivered for each in device.emulator.routes.sent] == [True]
    finally:
        server.close()


def test_nothing_comes_and_that_takes_its_timeout(make_device: MakeDevice) -> None:
    error, took_ms = make_device().run(
        UP
        + """
from utils import timing
watch = timing.Stopwatch()
transport.sendto(b"hello", ("192.0.2.1", 5683))
transport.settimeout(0.5)
show(raised(transport.recvfrom, 100))
show(watch.elapsed_ms())
        """,
        "datagram",
    )
    assert error[0] in ("OSError", "TimeoutError") and 500 <= took_ms < 520


def test_a_stream(make_device: MakeDevice) -> None:
    def echo(connection: socket.socket) -> None:
        while data := connection.recv(4096):
            connection.sendall(data)

    server = TcpServer(echo)
    try:
        device = make_device(routes=[f"192.0.2.1:1883=127.0.0.1:{server.port}"])
        [answer] = device.run(
            UP
            + """
transport.connect(("192.0.2.1", 1883))
transport.write(b"x" * 3000)
show(len(transport.read(3000)))
transport.close()
wifi.down()
            """,
            "stream",
        )
        assert answer == 3000
    finally:
        server.close()


def test_after_the_link_is_lost_nothing_leaves(make_device: MakeDevice) -> None:
    scenario = {"fault": [{"point": "time", "at_ms": 10_000, "do": "ap_gone"}]}
    server = UdpServer()
    try:
        device = make_device(scenario, routes=[f"192.0.2.1:5683=127.0.0.1:{server.port}"])
        before, error = device.run(
            UP
            + """
import utime
show(transport.sendto(b"one", ("192.0.2.1", 5683)))
utime.sleep(20)
show(raised(transport.sendto, b"two", ("192.0.2.1", 5683)))
            """,
            "datagram",
        )
        assert before == 3 and error[0] == "OSError" and "118" in error[1]
        assert server.received and len(server.received) == 1
    finally:
        server.close()
