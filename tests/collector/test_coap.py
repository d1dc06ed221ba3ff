"""CoAP with another program's client, and plain SenML on the same port."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import Any

import aiocoap
import cbor2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.intake import coap
from collector.program import Collector
from tests.collector.rig import names, port_of, refused, report, rows, wait_until

PATH = "channels/1/messages/gate?authorization=secret"
NOT_UTF8 = b"\x50\x02\x00\x07\xb1\xb1"  # Uri-Path of one byte
LONG = cbor2.dumps(report(1, **{f"value{number}": number for number in range(300)}))
JSON = json.dumps([{"bn": "g:", "n": "t", "v": 21.5}]).encode()


@pytest.fixture
def stranger(
    start: Any, send: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Any:
    """A collector that is the same afterwards, and has said nothing."""
    collector = start()
    capfd.readouterr()
    yield collector, send
    send(collector, NOT_UTF8)
    assert ask(collector, [(aiocoap.POST, 110, JSON)])[0][0] == "2.04"
    assert wait_until(lambda: "g:t" in names(collector))
    assert wait_until(lambda: "UnicodeDecodeError" in refused(collector))
    assert capfd.readouterr().err == ""
    assert [record for record in caplog.get_records("call") if "coap" in record.name] == []


def ask(
    collector: Collector, requests: list[tuple[Any, int | None, bytes]], path: str = PATH
) -> list[tuple[str, bytes]]:
    """What is answered to (code, content format, payload), one after the other."""

    async def all_of_them() -> list[tuple[str, bytes]]:
        context = await aiocoap.Context.create_client_context(transports=["udp6"])
        answers = []
        for code, form, payload in requests:
            uri = f"coap://127.0.0.1:{port_of(collector, 'coap')}/{path}"
            message = aiocoap.Message(code=code, uri=uri, payload=payload)
            if form is not None:
                message.opt.content_format = form
            answer = await context.request(message).response
            answers.append((answer.code.dotted, answer.payload))
        await context.shutdown()
        return answers

    return asyncio.run(all_of_them())


def test_senml_is_taken_and_anything_else_refused_with_the_reason(start: Any) -> None:
    collector = start()
    post, put = aiocoap.POST, aiocoap.PUT
    answers = ask(
        collector,
        [
            (post, 112, cbor2.dumps(report(1))), (put, 112, cbor2.dumps(report(2))),
            (post, 110, JSON), (post, None, JSON), (post, None, LONG),
            (post, 112, b"\xff"), (post, 110, b"[1]"), (post, 50, JSON),
            (post, 112, bytes(70_000)), (aiocoap.GET, None, b""),
        ],
    )  # fmt: skip
    assert [code for code, _ in answers] == [
        "2.04", "2.04", "2.04", "2.04", "2.04", "4.00", "4.00", "4.15", "4.13", "4.05",
    ]  # fmt: skip
    assert b"no CBOR" in answers[5][1] and b"a map is needed" in answers[6][1]
    assert answers[7][1] == b"allowed: 110, 112, both SenML"
    assert wait_until(lambda: collector.queue.messages == 8)
    assert collector.queue.refused == 3
    [(protocol, source)] = rows(collector.store.where, "protocol, source", "name = 'value299'")
    assert protocol == "coap" and source.startswith("127.0.0.1:")
    assert "secret" not in json.dumps(collector.status()) + collector.summary()


def test_a_report_in_blocks_is_answered_with_the_time_too(start: Any) -> None:
    [(code, payload)] = ask(start(), [(aiocoap.POST, 112, LONG)], "r?c")
    assert code == "2.04" and abs(cbor2.loads(payload)[1] - time.time()) < 60


def test_plain_datagrams_and_coap_share_a_port(start: Any, send: Any) -> None:
    collector = start()
    assert port_of(collector, "udp") == port_of(collector, "coap")
    for data in (report(1), JSON, b" \n" + JSON, b"", b"\x00", b"[", bytes(5_000)):
        send(collector, data)
    assert [code for code, _ in ask(collector, [(aiocoap.POST, 110, JSON)])] == ["2.04"]
    assert wait_until(lambda: collector.queue.messages == 8)
    assert names(collector) == ["g:t", "gate:seq", "gate:t"]
    assert collector.queue.refused == 4
    assert wait_until(lambda: "longer than 4096 bytes" in refused(collector))


@pytest.mark.parametrize(
    ("begin", "coap_message"),
    [
        (b"\x40\x02\x00\x01", True), (b"\x58\x02\x00\x01", True), (b"\x7f\x02\x00\x01", False),
        (b"[{}]", False), (b"\x40", False), (b"\x81\xa2\x00\x61", False), (b"\x9f\xff..", False),
        (b" [{}", False), (b"\xd9\xd9\xf7\x81", False), (b"", False),
    ],
)  # fmt: skip
def test_the_first_byte_tells_coap_from_senml(begin: bytes, coap_message: bool) -> None:
    assert coap.is_coap(begin) is coap_message


def test_a_flood_of_coap_is_throttled_and_plain_udp_goes_on(
    start: Any, send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coap, "BURST", 20.0)
    monkeypatch.setattr(coap, "RATE", 1.0)
    collector = start()
    [server] = collector._listeners
    for number in range(500):
        send(collector, b"\x50\x02" + number.to_bytes(2, "big") + b"\xff" + JSON)
    send(collector, report(1))
    assert wait_until(lambda: len(names(collector)) == 3)
    assert server.throttled + server.lost >= 470
    assert {name: count for name, count, _ in collector.counters()}["dropped"] >= 470


def test_a_flood_costs_no_memory_and_what_is_dropped_is_counted(start: Any, send: Any) -> None:
    collector = start()
    sent = 3_000
    for number in range(sent):
        send(collector, report(number, base=f"n{number}:"))
    [server] = collector._listeners
    queue = collector.queue
    assert wait_until(lambda: queue.messages + queue.dropped + server.lost >= sent, 60)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.tuples(
        st.sampled_from([b"\x40", b"\x41", b"\x50", b"\x60", b"\x70", b"\x48"]),
        st.sampled_from([b"\x00", b"\x02", b"\x03", b"\x45", b"\xff", b"\xa0"]),
        st.binary(max_size=80),
    )
)
def test_malformed_messages_are_refused_in_silence(
    stranger: tuple[Collector, Any], parts: tuple[bytes, bytes, bytes]
) -> None:
    collector, send = stranger
    send(collector, b"".join(parts))


def test_a_second_collector_does_not_take_half_of_the_datagrams(start: Any) -> None:
    collector = start()
    with pytest.raises(OSError, match="in use"):
        coap.CoapServer("127.0.0.1", port_of(collector, "coap"), collector.queue)


def test_ipv6(start: Any) -> None:
    collector = start("--host", "::1")
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        sender.sendto(cbor2.dumps(report(1)), ("::1", port_of(collector, "udp")))
    assert collector.queue.wait_for(1, 5)
    assert rows(collector.store.where, "source")[0][0].startswith("[::1]:")
