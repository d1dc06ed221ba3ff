"""protocols.coap and aiocoap over real sockets in real time: times are short here."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator

import pytest
from aiocoap import Code

from devkit.servers.coap import CoapServer
from tests.protocols.coap_rig import Rig, loaded

__all__ = ["loaded"]

TIMES = {"ack_timeout_ms": 60, "max_retransmit": 4, "response_timeout_ms": 2000}


@pytest.fixture
def server() -> Iterator[CoapServer]:
    with CoapServer() as running:
        yield running


@pytest.fixture
def sock():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        yield opened


@pytest.fixture
def client(loaded: Rig, server, sock, monkeypatch):
    from types import SimpleNamespace

    monkeypatch.setitem(sys.modules, "ucrypto", SimpleNamespace(getrandbits=loaded.bits))
    utime = loaded.timing.utime
    monkeypatch.setattr(utime, "ticks_cpu", lambda: time.monotonic_ns() // 1000 & 0xFFFFFFFF)
    monkeypatch.setattr(utime, "sleep_ms", lambda ms: time.sleep(ms / 1000))
    return loaded.coap.Client(sock, server.host, server.port, **TIMES)


POST = (2, "a/b", ("k=v",), b"hello", 112)


def test_a_post(client, server) -> None:
    assert client.request(*POST).code == Code.CHANGED
    [post] = server.received
    assert (post.path, post.query, post.data, post.content_format) == (
        "a/b",
        ("k=v",),
        b"hello",
        112,
    )
    assert len(server.datagrams) == 2


def kinds(server, inbound):
    return [(each.data[0] >> 4 & 3, each.data[1]) for each in list(server.datagrams)
            if each.inbound == inbound]  # fmt: skip


def test_a_separate_response_is_acknowledged(client, server) -> None:
    server.behaviour.delay_s = 0.15
    assert client.request(*POST).code == Code.CHANGED
    end = time.monotonic() + 5
    while time.monotonic() < end and (2, 0) not in kinds(server, inbound=True):
        time.sleep(0.005)
    # our first times are over before aiocoap's empty acknowledgement comes
    assert kinds(server, inbound=False)[:2] == [(2, 0), (0, Code.CHANGED)]
    assert kinds(server, inbound=True)[-1] == (2, 0) and len(server.received) == 1


@pytest.mark.parametrize("fault", ["drop_in", "drop_out"])
def test_lost_datagrams_are_repeated_and_served_once(client, server, fault) -> None:
    """F20: the server knows a message id again."""
    setattr(server.behaviour, fault, 2)
    assert client.request(*POST).code == Code.CHANGED
    assert client.retransmissions == 2 and len(server.received) == 1


def test_answers_that_arrive_twice(client, server) -> None:
    server.behaviour.twice = True
    assert [client.request(*POST).code for _ in range(5)] == [Code.CHANGED] * 5
    assert client.ignored == 4 and len(server.received) == 5


def test_reset(client, server) -> None:
    server.behaviour.reset = True
    assert client.request(*POST) is None and client.cause == "reset"


def test_an_error_and_when_to_come_again(client, server) -> None:
    server.behaviour.code, server.behaviour.max_age = Code.SERVICE_UNAVAILABLE, 300
    response = client.request(*POST)
    assert response.code == Code.SERVICE_UNAVAILABLE and (14, b"\x01\x2c") in response.options


@pytest.mark.parametrize("size", [16, 64, 1024])
def test_long_payloads_and_contents(client, server, size) -> None:
    body = bytes(range(256)) * 8
    client.block_size = size
    assert client.request(2, "r", (), body).code == Code.CHANGED
    assert [post.data for post in server.received] == [body]
    server.content["t"] = body
    assert client.request(1, "t").payload == body
    assert client.request(4, "t").code == Code.DELETED
    assert client.request(1, "t").code == Code.NOT_FOUND


def test_long_payloads_through_losses(client, server) -> None:
    body = bytes(range(256)) * 2
    client.block_size = 128
    server.behaviour.drop_out = 1
    server.behaviour.twice = True
    assert client.request(2, "r", (), body).code == Code.CHANGED
    assert [post.data for post in server.received] == [body]
