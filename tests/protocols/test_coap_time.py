"""The time in the server's answer: asked for when wanted, taken from whatever comes with care."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocols.coap_rig import Rig, loaded, rig

__all__ = ["loaded", "rig"]

NOW = 1772366400


def answers(loaded: Rig) -> Any:
    return loaded.load("protocols._coap_answer")


def told(rig: Rig, payload: bytes, *, ms: float = 500, code: int = 0x44) -> Any:
    """What a session tells after one delivery that was answered so."""
    rig.answer = lambda seen: [(ms, rig.ack(seen, code, options=[(12, b"\x3c")], payload=payload))]
    session = rig.session()
    session.ask_time = True
    session.deliver(b"report")
    return session.server_time


def test_the_question_is_asked_when_it_is_wanted(rig: Rig) -> None:
    rig.answer = lambda seen: [(50, rig.ack(seen))]
    session = rig.session(_TOKEN="t")
    session.deliver(b"one")
    session.ask_time = True
    session.deliver(b"two")
    queries = [[value for number, value in each[4] if number == 15] for _, each in rig.sent]
    assert queries == [[b"authorization=t"], [b"authorization=t", b"c"]]
    assert session.server_time is None


@pytest.mark.parametrize("length", [16, 17])
@pytest.mark.parametrize(
    ("ms", "expected"), [(100, 0), (1100, 1), (3900, 2), (9900, 5), (10100, None)]
)
def test_the_time_is_of_the_middle_of_the_last_exchange(
    rig: Rig, ms: int, expected: int | None, length: int
) -> None:
    """17 bytes are two blocks."""

    def answer(seen: Any) -> Any:
        block = [option for option in seen[4] if option[0] == 27]
        if block and block[0][1][-1] & 8:
            return [(10, rig.ack(seen, 0x5F, options=block))]
        return [(ms, rig.ack(seen, payload=cbor2.dumps({1: NOW})))]

    rig.answer = answer
    session = rig.session(_COAP_ACK_TIMEOUT_SEC=30, _COAP_MAX_RETRANSMIT=0, _COAP_BLOCK_SIZE=16)
    session.ask_time = True
    session.deliver(bytes(length))
    found = None if session.server_time is None else session.server_time - NOW
    assert found == expected
    if found is not None:
        assert session.server_time_error_s >= max(found, ms / 1000 - found)


ANSWERS: dict[str, tuple[bytes, Any]] = {
    "a time": (cbor2.dumps({1: NOW}), NOW + 0),
    "more labels": (cbor2.dumps({2: "r17", 3: [1, {"a": b"x"}], 1: NOW}), NOW + 0),
    "other labels": (cbor2.dumps({2: NOW}), None),
    "a text": (cbor2.dumps({1: str(NOW)}), None),
    "a float": (cbor2.dumps({1: 1772366400.5}), None),
    "no map": (cbor2.dumps([1, NOW]), None),
    "nothing": (b"", None),
    "cut": (cbor2.dumps({1: NOW})[:-1], None),
    "JSON": (b'{"1": 1772366400}', None),
    "longer than any answer": (cbor2.dumps({1: NOW, 2: b"x" * 300}), None),
    "the same label twice": (b"\xa2\x01\x1a\x69\xa4\x2c\x40\x01\x00", None),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_what_an_answer_can_hold(rig: Rig, case: str) -> None:
    payload, expected = ANSWERS[case]
    assert told(rig, payload, ms=400) == expected


def test_an_error_has_no_time(rig: Rig) -> None:
    assert told(rig, cbor2.dumps({1: NOW}), code=0x80) is None


@given(st.one_of(st.binary(max_size=300), st.integers(0, 2**64 - 1)))
def test_no_answer_raises(loaded: Rig, payload: Any) -> None:
    """Random bytes, and maps that are damaged in one place."""
    if isinstance(payload, int):
        source = random.Random(payload)
        damaged = bytearray(cbor2.dumps({1: NOW, 2: [7, b"digest 8"], 4: -5}))
        damaged[source.randrange(len(damaged))] = source.randrange(256)
        payload = bytes(damaged)
    session = SimpleNamespace(server_time=None, offer=None)
    answers(loaded).note(session, payload, 100)
    assert session.server_time is None or isinstance(session.server_time, int)
    assert session.offer is None or len(session.offer) == 2


@pytest.mark.parametrize("payload", [b"\x81" * 200, b"\xa1\x01" * 100, b"\xdb" * 200, b"\x9f" * 9])
def test_nesting_costs_no_stack(loaded: Rig, payload: bytes) -> None:
    assert answers(loaded).read(payload) == {}
