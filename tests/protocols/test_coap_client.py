"""The face of the parent API on protocols.coap."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from tests.protocols.coap_rig import CON, HOST, NON, PORT, POST, RST, loaded, rig

__all__ = ["loaded", "rig"]


@pytest.fixture
def face(rig, load):
    """The module, whose sockets of the firmware are the rig."""
    module = load("protocols.coap_client")
    opened = []
    usocket = SimpleNamespace(
        AF_INET=2, SOCK_DGRAM=2, socket=lambda *kind: opened.append(kind) or rig
    )
    module.opened = opened
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "usocket", usocket)
        yield module


def configured(face, **fields):
    config = face.CoAPConfig()
    values = {"server_ip": HOST, "server_port": PORT, "message_channel_id": "12",
              "thing_id": "34", "thing_token": "secret", **fields}  # fmt: skip
    for name, value in values.items():
        setattr(config, name, value)
    return config


@pytest.fixture
def client(face):
    made = face.CoAPClient(configured(face))
    assert made.start() and made.is_connected()
    return made


def test_a_message_goes_to_the_channel_of_the_thing(rig, face, client) -> None:
    assert face.opened == [(2, 2)]
    assert client.postMessage("[1]") == 1 and client.outcome == "unknown"
    [(ms, (kind, code, _, _, options, payload))] = rig.sent
    assert (ms, kind, code, payload) == (0, NON, POST, b"[1]")
    assert options == [
        (11, b"channels"), (11, b"12"), (11, b"messages"), (11, b"34"), (12, b"2"),
        (15, b"authorization=secret"),
    ]  # fmt: skip


@pytest.mark.parametrize(("code", "outcome"), [(0x44, "delivered"), (0x81, "refused")])
def test_poll_brings_the_answer(rig, client, code, outcome) -> None:
    rig.answer = lambda seen: [(900, rig.message(NON, code, 5, seen[3], payload=b"ok"))]
    assert client.postMessage(bytearray(b"x")) == 1
    assert client.poll(500) is False and client.outcome == "unknown"
    assert client.poll(5000) is True and client.outcome == outcome
    assert rig.ms == 900
    [message] = client.bufferedIncomingMessages
    assert (message.code, message.payload) == (code, b"ok")
    assert client.poll(5000) is False and rig.ms == 900  # it is answered
    for _ in range(20):
        client.postMessage(b"x")
        client.poll()
    assert len(client.bufferedIncomingMessages) == 8


def test_poll_without_an_answer_is_bounded(rig, client) -> None:
    client.postMessage(b"x")
    assert client.poll(3000) is False and rig.ms == 3000
    assert client.loop() is False and rig.ms == 3000
    assert client.poll(-1) is False and rig.ms == 603_000


def test_a_reset_is_refused(rig, client) -> None:
    rig.answer = lambda seen: [(700, rig.message(RST, 0, seen[2], b""))]
    client.postMessage(b"x")
    assert client.poll() is False and client.outcome == "refused"


def test_what_was_not_taken_is_zero(rig, client) -> None:
    rig.accepts = lambda number: 0
    assert client.postMessage(b"x") == 0 and client.outcome == "refused"
    rig.accepts = lambda number: OSError(118)
    assert client.postMessage(b"x") == 0


def test_confirmable_waits_for_the_server(rig, face) -> None:
    client = face.CoAPClient(configured(face, confirmable=True))
    client.start()
    rig.answer = lambda seen: [(900, rig.ack(seen))]
    assert client.postMessage(b"x") == 2 and client.outcome == "delivered"
    assert rig.kinds() == [CON]
    rig.answer = lambda seen: [(900, rig.ack(seen, 0x81))]
    assert client.postMessage(b"x") == 0 and client.outcome == "refused"
    rig.answer = lambda seen: [] if rig.pending else [(94_000, rig.ack(seen))]
    assert client.postMessage(b"x") == 1 and client.outcome == "unknown"
    assert client.poll(60_000) and client.outcome == "delivered"


def test_a_socket_of_the_caller_is_used_and_left_open(rig, face) -> None:
    config = configured(face, use_custom_socket=True)
    client = face.CoAPClient(config)
    assert client.start() is False and not client.is_connected()
    config.custom_socket = rig  # the parent's programs set it behind the constructor
    assert client.start() and face.opened == []
    assert client.postMessage(b"x") == 1
    assert client.stop() is True and not rig.closed
    assert client.stop() is False


def test_before_start_and_behind_stop_nothing_is_sent(rig, face, client) -> None:
    assert client.stop() is True and rig.closed and not client.is_connected()
    for each in (client, face.CoAPClient(configured(face))):
        assert each.postMessage(b"x") == 0 and each.outcome == "refused"
        assert each.poll() is False
    assert rig.sent == []


def test_no_socket_to_be_had(face, rig) -> None:
    def none(*kind):
        raise OSError("Network card not available")

    sys.modules["usocket"].socket = none
    client = face.CoAPClient(configured(face))
    assert client.start() is False and client.postMessage(b"x") == 0


WRONG = [
    {"server_ip": None},
    {"server_port": 0},
    {"server_port": "5683"},
    {"message_channel_id": None},
    {"thing_id": ""},
    {"thing_id": "a/b"},
    {"thing_token": None},
    {"thing_token": "t" * 250},
]


@pytest.mark.parametrize("fields", WRONG, ids=str)
def test_wrong_configuration_is_refused(face, fields) -> None:
    with pytest.raises(ValueError, match="allowed"):
        face.CoAPClient(configured(face, **fields))


def test_any_object_with_the_fields_of_the_parent_will_do(rig, face) -> None:
    config = SimpleNamespace(
        server_ip=HOST, server_port=PORT, message_channel_id="1", thing_id="2", thing_token="3",
        control_channel_id="", client_name="", custom_socket=rig, use_custom_socket=True,
    )  # fmt: skip
    client = face.CoAPClient(config)
    assert client.start() and client.postMessage(b"x") == 1
