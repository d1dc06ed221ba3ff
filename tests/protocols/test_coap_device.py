"""protocols.coap on the emulated board: over the modem's own sockets and over usocket (PPP)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiocoap import Code

from devkit.servers.coap import CoapServer
from devkit.servers.udp import UdpServer
from tests.device import Device

V4, V6 = "192.0.2.1", "2001:db8::1"
PROGRAM = """
import utime
from networking import nbiot
from network import LTE
from protocols import coap

class Settings:
    _PORT = 5683

def took_ms(action, *args):
    start_us = utime.ticks_cpu()
    result = action(*args)
    return [result, utime.ticks_diff(utime.ticks_cpu(), start_us) // 1000]

job = given()
for name, value in job["config"].items():
    setattr(Settings, name, value)
assert nbiot.connect(configured(), job["way"] == "ppp").status == (2 if job["way"] == "ppp" else 1)
if job["way"] == "ppp":
    import usocket as socket
    Settings._HOST = "192.0.2.1"
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
else:
    import microATsocket as socket
    Settings._HOST = job["host"]
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setModemInstance(LTE())
    sock.setMessageFormat(job["way"] == "hex")
assert coap.problems(Settings) == []
session = coap.open(sock, Settings)
for payload in job["payloads"]:
    show(took_ms(session.deliver, payload))
show([session._client.cause, session._client.retransmissions, session._client.ignored])
session.close()
nbiot.deactivate()
"""
RADIO = {"loss": 0.0, "downlink_loss": 0.0, "attach_ms": 2500, "outliers": False,
         "uplink_ms": 800, "turn_ms": 200}  # fmt: skip


@pytest.fixture
def server() -> Iterator[CoapServer]:
    with CoapServer() as running:
        yield running


@pytest.fixture
def run(make_device: Callable[..., Device]) -> Callable[..., Any]:
    def run(
        port: int,
        way: str,
        payloads: list[bytes],
        *,
        host: str = V6,
        radio: dict[str, Any] | None = None,
        **config: Any,
    ) -> Any:
        target = f"127.0.0.1:{port}"
        routes = [f"{each}:5683={target}" for each in (V4, f"[{V6}]", "coap.example")]
        device = make_device({"radio": {**RADIO, **(radio or {})}}, routes=routes)
        # a server that answers does so before virtual time passes, on a busy machine as well
        device.emulator.routes.patience.rely(0.5)
        run.device = device
        job = {"way": way, "host": host, "payloads": payloads, "config": config}
        *outcomes, last = device.run(PROGRAM, job)
        assert device.modem_rests()
        return outcomes, last

    return run


Run = Callable[..., Any]
WAYS = ("text", "hex", "ppp")


@pytest.mark.both_runtimes
@pytest.mark.parametrize("way", WAYS)
def test_delivered_and_refused(run: Run, server: CoapServer, way: str) -> None:
    payloads = [bytes(range(40)), bytes(150), b"\r\nOK\r\n\0"]
    outcomes, last = run(server.port, way, payloads, _TOPIC="a/b", _TOKEN="t")
    assert [outcome for outcome, _ in outcomes] == ["delivered"] * 3
    assert [post.data for post in server.received] == payloads
    assert {(post.path, post.query) for post in server.received} == {("a/b", ("authorization=t",))}
    assert last == ["answered", 0, 0]
    server.behaviour.code = Code.UNAUTHORIZED
    outcomes, _ = run(server.port, way, [b"x"])
    assert outcomes[0][0] == "refused"


@pytest.mark.parametrize("way", ["text", "ppp"])
def test_no_server(run: Run, way: str) -> None:
    """F19: nobody is there; the node goes on after the times of the RFC, the modem is well."""
    with UdpServer() as silent:
        [[outcome, ms]], last = run(silent.port, way, [b"x"])
        assert outcome == "unknown" and 60_000 < ms < 100_000 and last == ["no_answer", 4, 0]
        assert len(silent.received) == 5 and len({each.data for each in silent.received}) == 1


@pytest.mark.parametrize("way", ["text", "ppp"])
def test_lost_datagrams(run: Run, server: CoapServer, way: str) -> None:
    server.behaviour.drop_in = server.behaviour.drop_out = 1
    [[outcome, ms]], last = run(server.port, way, [b"x"])
    assert outcome == "delivered" and last == ["answered", 2, 0] and len(server.received) == 1
    assert 5_000 < ms < 15_000


@pytest.mark.parametrize("way", ["text", "hex", "ppp"])
def test_a_separate_response_and_forgeries(run: Run, way: str) -> None:
    def reply(data: bytes) -> list[bytes]:
        if data[1] != 2:
            return []
        return [
            b"\x60\x00" + data[2:4],  # empty acknowledgement
            b"\x44\x44\xbe\xee" + bytes([data[4] ^ 1]) + data[5:8],
            b"\x44\x44\xbe\xef" + data[4:8],
        ]

    with UdpServer(reply=reply) as peer:
        [[outcome, ms]], last = run(peer.port, way, [b"x"])
        assert outcome == "delivered" and last == ["answered", 0, 1] and ms < 8000
        assert peer.wait_for(3)
        assert sorted(each.data[:4] for each in peer.received[1:]) == [
            b"\x60\x00\xbe\xef",
            b"\x70\x00\xbe\xee",
        ]


@pytest.mark.parametrize("host", ["2001:DB8:0:0:0:0:0:1", "coap.example"])
def test_other_spellings_of_the_server(run: Run, server: CoapServer, host: str) -> None:
    [[outcome, _]], _ = run(server.port, "text", [b"x"], host=host)
    assert outcome == "delivered"


def test_an_answer_over_nb_iot_is_noticed_soon(run: Run, server: CoapServer) -> None:
    """1.05 s to send, 1.0 s on the air; to listen for the announcement of the answer would cost
    the firmware's second on top."""
    outcomes, _ = run(server.port, "text", [bytes(80)] * 5)
    for outcome, ms in outcomes[1:]:
        assert outcome == "delivered" and ms < 2500
    commands = run.device.commands  # type: ignore[attr-defined]
    sends = [at for at, line in enumerate(commands) if "SQNSSENDEXT" in line]
    assert max(end - start for start, end in zip(sends, sends[1:], strict=False)) <= 12
