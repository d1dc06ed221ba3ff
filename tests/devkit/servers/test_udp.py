"""The UDP server: it keeps what it receives, and answers."""

from __future__ import annotations

import socket

import pytest

from devkit.servers.udp import UdpServer


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_datagrams_are_received_and_answered(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with UdpServer(host, reply=lambda data: [data[::-1], b"!"]) as server:
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.bind((host, 0))
            sender.settimeout(2)
            sender.sendto(b"abc", (server.host, server.port))
            assert [sender.recv(10), sender.recv(10)] == [b"cba", b"!"]
            assert server.wait_for(1)
            received = server.received[0]
            assert (received.data, received.source) == (b"abc", sender.getsockname()[:2])
        assert not server.wait_for(2, timeout_s=0.01)


def test_what_came_before_the_end_is_not_lost() -> None:
    server = UdpServer()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(50):
            sender.sendto(b"%d" % number, (server.host, server.port))
    server.close()
    server.close()
    assert [each.data for each in server.received] == [b"%d" % each for each in range(50)]
