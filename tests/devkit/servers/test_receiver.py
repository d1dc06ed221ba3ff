"""The server of the demo: the same for each protocol, and a table of what came."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from decimal import Decimal

import aiocoap
import cbor2
import pytest
from paho.mqtt import publish

from devkit.servers.receiver import Receiver, decoded, records
from devkit.servers.server import Received

BN, BT, N, U, V, VB = -2, -3, 0, 1, 2, 4
PACK = cbor2.dumps(
    [{BN: "dev:", BT: 1_276_020_076, N: "t", U: "Cel", V: Decimal("24.20")}, {N: "on", VB: True}]
)


def send_udp(host: str, port: int, data: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(data, (host, port))


def send_coap(host: str, port: int, data: bytes) -> None:
    async def post() -> None:
        context = await aiocoap.Context.create_client_context(transports=["simple6"])
        message = aiocoap.Message(code=aiocoap.POST, uri=f"coap://{host}:{port}/r", payload=data)
        assert (await context.request(message).response).code == aiocoap.CHANGED
        await context.shutdown()

    asyncio.run(post())


def send_mqtt(host: str, port: int, data: bytes) -> None:
    publish.single("r", data, 1, hostname=host, port=port)


SEND: dict[str, Callable[[str, int, bytes], None]] = {
    "udp": send_udp, "coap": send_coap, "mqtt": send_mqtt,
}  # fmt: skip


@pytest.mark.parametrize("protocol", SEND)
def test_payloads_arrive_as_they_were_sent(protocol: str) -> None:
    with Receiver(protocol) as receiver:
        for data in (PACK, b"\xff\x00"):
            SEND[protocol](receiver.host, receiver.port, data)
        assert receiver.wait_for(2, 5) and not receiver.wait_for(3, 0.01)
        assert [each.data for each in receiver.received] == [PACK, b"\xff\x00"]
        assert [each.name for each in records(receiver.received[0])] == ["dev:t", "dev:on"]


def test_the_table_shows_every_digit_and_what_could_not_be_read() -> None:
    payloads = [Received(0, ("::1", 5), data) for data in (PACK, b"\xff\x00")]
    lines = [line.split() for line in decoded(payloads).splitlines()]
    size = str(len(PACK))
    assert lines[2:4] == [
        ["1", size, "dev:t", "24.20", "Cel", "2010-06-08T18:01:16Z"],
        ["1", size, "dev:on", "true", "-", "2010-06-08T18:01:16Z"],
    ]
    assert lines[4][:5] == ["2", "2", "not", "SenML:", "no"] and "ff00" in lines[4]


def test_an_age_is_shown_as_one() -> None:
    aged = cbor2.dumps([{-2: "dev:", -3: -12, 0: "t", 2: 24.2}])
    assert decoded([Received(1_800_000_000, ("::1", 5), aged)]).splitlines()[2].endswith("-12 s")
