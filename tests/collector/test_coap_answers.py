"""When a report by CoAP is answered, and how: after the commit, once, with the time if it asks."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import aiocoap
import cbor2
import pytest

from collector.intake import coap_report
from collector.intake.coap import CoapServer
from collector.intake.decode_queue import DecodeQueue
from collector.storage.store import FAILED, Outcome, Stored
from collector.storage.writer import Message as Pack
from tests.collector.rig import report, wait_until

CHANGED, BAD_REQUEST, UNAVAILABLE = "2.04", "4.00", "5.03"


class SlowStore:
    """Takes messages, and commits them when a test says so."""

    def __init__(self) -> None:
        self.waiting: list[Stored] = []
        self.counted: list[str] = []
        self.has_room = True

    def put(self, packs: list[Pack], stored: Stored, keep: bool = False) -> bool:
        if self.has_room:
            self.waiting.append(stored)
        return self.has_room

    def count(self, name: str, number: int = 1) -> None:
        self.counted += [name] * number

    def refuse(self, protocol: str, source: str, reason: str) -> None:
        self.counted += ["messages", "refused"]

    def commit(self, outcome: Outcome = Outcome(True, [], 0)) -> None:  # noqa: B008
        while self.waiting:
            self.waiting.pop()(outcome)


class Node:
    """Sends messages as they are, and takes the answers."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))

    def send(self, message_id: int, pack: Any = None, query: str = "", kind: int = 0) -> None:
        message = aiocoap.Message(
            code=aiocoap.POST, _mtype=kind, _mid=message_id, _token=b"tk",
            payload=cbor2.dumps(report(1) if pack is None else pack),
        )  # fmt: skip
        message.opt.uri_path = ["r"]
        if query:
            message.opt.uri_query = [query]
        self.socket.send(message.encode())

    def answer(self, timeout_s: float = 5.0) -> aiocoap.Message | None:
        self.socket.settimeout(timeout_s)
        with contextlib.suppress(TimeoutError):
            found = aiocoap.Message.decode(self.socket.recv(2_000))
            assert found.token == b"tk"
            return found
        return None

    def code(self, message_id: int) -> str:
        """The code of the next answer, which is an acknowledgement of that message."""
        found = self.answer()
        assert found is not None and (found.mtype, found.mid) == (aiocoap.ACK, message_id)
        return str(found.code.dotted)


@pytest.fixture
def store() -> SlowStore:
    return SlowStore()


@pytest.fixture
def node(store: SlowStore) -> Iterator[Node]:
    queue = DecodeQueue(store, [])  # type: ignore[arg-type]
    with CoapServer("127.0.0.1", 0, queue) as server:
        node = Node(server.port)
        yield node
        node.socket.close()
    queue.close()


def test_a_report_is_answered_when_it_is_committed_and_not_before(
    node: Node, store: SlowStore
) -> None:
    node.send(7)
    assert wait_until(lambda: len(store.waiting) == 1)
    assert node.answer(0.3) is None  # no empty acknowledgement, either
    store.commit()
    assert node.code(7) == CHANGED
    assert wait_until(lambda: store.counted == ["acknowledged"])


def test_a_repetition_is_not_taken_again(node: Node, store: SlowStore) -> None:
    node.send(7)
    assert wait_until(lambda: len(store.waiting) == 1)
    node.send(7)  # while the first waits for the commit
    assert node.answer(0.2) is None and len(store.waiting) == 1
    store.commit()
    assert node.code(7) == CHANGED
    node.send(7)  # its answer was lost
    assert node.code(7) == CHANGED
    assert store.waiting == [] and store.counted == ["acknowledged"]


def test_another_report_with_the_same_number_is_no_repetition(
    node: Node, store: SlowStore
) -> None:
    """Of the next node behind an address that many share."""
    for seq in (1, 2):
        node.send(7, report(seq))
        assert wait_until(lambda: len(store.waiting) == 1)
        store.commit()
        assert node.code(7) == CHANGED
    assert wait_until(lambda: store.counted == ["acknowledged"] * 2)


@pytest.mark.parametrize("why", ["no room", "writing fails", "the disk is slow"])
def test_a_report_that_is_not_stored_may_come_again(
    node: Node, store: SlowStore, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if why == "the disk is slow":
        monkeypatch.setattr(coap_report, "ANSWER_S", 0.1)
    store.has_room = why != "no room"
    node.send(7)
    if why == "writing fails":
        assert wait_until(lambda: len(store.waiting) == 1)
        store.commit(FAILED)
    found = node.answer()
    assert found is not None and (found.code.dotted, found.opt.max_age) == (UNAVAILABLE, 60)
    store.commit()  # too late
    assert node.answer(0.2) is None and store.counted.count("acknowledged") == 0
    store.has_room = True
    node.send(8)
    assert wait_until(lambda: len(store.waiting) == 1)
    store.commit()
    assert node.code(8) == CHANGED


def test_a_report_of_an_overload_is_taken_when_it_is_repeated(
    node: Node, store: SlowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short one: a node without an answer repeats it. In a long one it hears that at once."""
    monkeypatch.setattr(coap_report, "BUSY_S", 0.05)
    node.send(7)
    assert wait_until(lambda: len(store.waiting) == 1)
    time.sleep(0.1)
    node.send(8)
    assert wait_until(lambda: store.counted == ["dropped"])
    store.commit()
    assert node.code(7) == CHANGED
    node.send(8)
    assert wait_until(lambda: len(store.waiting) == 1)
    time.sleep(0.1)
    monkeypatch.setattr(coap_report, "PATIENCE_S", 0.0)
    node.send(9)
    assert node.code(9) == UNAVAILABLE and len(store.waiting) == 1


def test_a_report_that_can_never_be_decoded_is_refused_at_once(
    node: Node, store: SlowStore
) -> None:
    node.send(7, pack=[17])
    assert node.code(7) == BAD_REQUEST
    node.send(7, pack=[17])
    assert node.code(7) == BAD_REQUEST
    assert store.counted == ["messages", "refused"]


@pytest.mark.parametrize("query", ["c", "", "authorization=c"])
def test_the_answer_tells_the_time_to_a_node_that_asks(
    node: Node, store: SlowStore, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coap_report.time, "time", lambda: 1_772_366_400.9)
    for repetition in range(2):
        node.send(7, query=query)
        if not repetition:
            assert wait_until(lambda: len(store.waiting) == 1)
            store.commit()
        found = node.answer()
        assert found is not None and found.code == aiocoap.CHANGED
        if query == "c":
            assert found.opt.content_format == 60
            assert cbor2.loads(found.payload) == {1: 1_772_366_400 + repetition * 5}
        else:
            assert (found.opt.content_format, found.payload) == (None, b"")
        monkeypatch.setattr(coap_report.time, "time", lambda: 1_772_366_405.9)


def test_a_message_that_is_not_confirmable_is_answered_with_one(
    node: Node, store: SlowStore
) -> None:
    node.send(7, kind=1)
    assert wait_until(lambda: len(store.waiting) == 1)
    store.commit()
    found = node.answer()
    assert found is not None and (found.mtype, found.code) == (aiocoap.NON, aiocoap.CHANGED)


def test_message_ids_are_forgotten_when_they_are_many_or_old(
    node: Node, store: SlowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coap_report, "MEMORY_MAX", 2)
    for message_id in (1, 2, 3, 1):
        node.send(message_id)
        assert wait_until(lambda: len(store.waiting) == 1)  # taken, and not only answered
        store.commit()
        assert node.code(message_id) == CHANGED
    monkeypatch.setattr(coap_report, "LIFETIME_S", 0.0)
    node.send(1)
    assert wait_until(lambda: len(store.waiting) == 1)


def test_the_end_waits_for_what_has_been_taken(store: SlowStore) -> None:
    queue = DecodeQueue(store, [])  # type: ignore[arg-type]
    server = CoapServer("127.0.0.1", 0, queue)
    node = Node(server.port)
    node.send(7)
    assert wait_until(lambda: len(store.waiting) == 1)
    end = threading.Timer(0, server.close)
    end.start()
    assert node.answer(0.2) is None
    node.send(8)  # for the next collector
    store.commit()
    assert node.code(7) == CHANGED
    end.join()
    assert node.answer(0.1) is None and store.waiting == []
    node.socket.close()
    queue.close()
