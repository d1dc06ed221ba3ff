"""What a session does for updates: the offer in an answer, questions, and single blocks."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import cbor2
import pytest

from tests.protocols.coap_rig import ACK, CON, Rig, loaded, rig

__all__ = ["loaded", "rig"]

NOW = 1772366400
CONTENT = bytes(range(256)) * 10
DIGEST = hashlib.sha256(CONTENT).digest()
PATH = "u/" + base64.urlsafe_b64encode(DIGEST[:6]).decode()
GET, POST = 1, 2
FOUND, CHANGED, NOT_FOUND = 0x45, 0x44, 0x84

OFFERS: dict[str, tuple[Any, Any]] = {
    "an offer": ({2: [7, b"8 bytes."]}, (7, b"8 bytes.")),
    "with the time": ({1: NOW, 2: [262143, b"8 bytes."]}, (262143, b"8 bytes.")),
    "none": ({1: NOW}, None),
    "a release too high": ({2: [262144, b"8 bytes."]}, None),
    "release 0": ({2: [0, b"8 bytes."]}, None),
    "a release that is a text": ({2: ["7", b"8 bytes."]}, None),
    "a short digest": ({2: [7, b"7 bytes"]}, None),
    "a long digest": ({2: [7, b"9 bytes.."]}, None),
    "a digest that is a text": ({2: [7, "8 bytes."]}, None),
    "three parts": ({2: [7, b"8 bytes.", 1]}, None),
    "no list": ({2: 7}, None),
    "no map": ([2, [7, b"8 bytes."]], None),
}


@pytest.mark.parametrize("case", OFFERS)
def test_an_offer_comes_with_the_answer_to_a_report(rig: Rig, case: str) -> None:
    answer, expected = OFFERS[case]
    rig.answer = lambda seen: [(50, rig.ack(seen, payload=cbor2.dumps(answer)))]
    session = rig.session()
    assert session.offer is None
    assert session.deliver(b"report") == "delivered"
    assert session.offer == expected


@pytest.mark.parametrize("code", [0x80, 0xA3])
def test_an_error_offers_nothing(rig: Rig, code: int) -> None:
    payload = cbor2.dumps({2: [7, b"8 bytes."]})
    rig.answer = lambda seen: [(50, rig.ack(seen, code, payload=payload))]
    session = rig.session()
    assert session.deliver(b"report") == "refused" and session.offer is None


def test_an_offer_stays_when_a_later_answer_has_none(rig: Rig) -> None:
    answers = [cbor2.dumps({2: [7, b"8 bytes."]}), b""]
    rig.answer = lambda seen: [(50, rig.ack(seen, payload=answers.pop(0)))]
    session = rig.session()
    session.deliver(b"one")
    session.deliver(b"two")
    assert session.offer == (7, b"8 bytes.")


@pytest.mark.parametrize("code", [CHANGED, FOUND])
def test_a_question_is_posted_and_its_answer_returned(rig: Rig, code: int) -> None:
    rig.answer = lambda seen: [(300, rig.ack(seen, code, payload=b"\x01answer"))]
    assert rig.session(_TOKEN="t").ask("u", b"\x01question") == b"\x01answer"
    [(_, sent)] = rig.sent
    assert (sent[0], sent[1], sent[4], sent[5]) == (CON, POST, [(11, b"u")], b"\x01question")


@pytest.mark.parametrize("code", [NOT_FOUND, 0x85, 0xA3])
def test_a_question_that_is_refused_has_no_answer(rig: Rig, code: int) -> None:
    rig.answer = lambda seen: [(300, rig.ack(seen, code, payload=b"text"))]
    assert rig.session().ask("u", b"\x01") is None


def serve(rig: Rig, content: bytes = CONTENT, etag: bytes = DIGEST[:8]) -> None:
    def answer(seen: Any) -> Any:
        [block] = [int.from_bytes(value, "big") for number, value in seen[4] if number == 23]
        size, start = 16 << (block & 7), (block >> 4) * (16 << (block & 7))
        more = start + size < len(content)
        options = [(4, etag), (23, (block | more << 3).to_bytes(2, "big").lstrip(b"\0"))]
        payload = content[start : start + size]
        return [(300, rig.ack(seen, FOUND, options=options, payload=payload))]

    rig.answer = answer


@pytest.mark.parametrize("size", [16, 512, 1024])
@pytest.mark.parametrize("first", [0, 2])
def test_a_download_begins_at_any_block(rig: Rig, size: int, first: int) -> None:
    serve(rig)
    session, number, found = rig.session(), first, b""
    while True:
        data, is_last, etag = session.block(PATH, number, size)
        assert etag == DIGEST[:8] and (is_last or len(data) == size)
        found += data
        number += 1
        if is_last:
            break
    assert found == CONTENT[first * size :]
    paths = {tuple(value for number, value in each[4] if number == 11) for _, each in rig.sent}
    assert paths == {(b"u", PATH[2:].encode())}
    assert {(each[0], each[1]) for _, each in rig.sent} == {(CON, GET)}


def test_the_first_block_may_be_all(rig: Rig) -> None:
    """A server may leave the option out of what fits into one message (RFC 7959 2.4)."""
    digest = hashlib.sha256(b"small").digest()
    path = "u/" + base64.urlsafe_b64encode(digest[:6]).decode()
    options = [(4, digest[:8])]
    rig.answer = lambda seen: [(9, rig.ack(seen, FOUND, options=options, payload=b"small"))]
    session = rig.session()
    assert session.block(path, 0, 64) == (b"small", True, digest[:8])
    assert session.block(path, 1, 64) is None


def block(number: int, more: bool, size: int) -> tuple[int, bytes]:
    value = number << 4 | more << 3 | (size.bit_length() - 5)
    return 23, value.to_bytes(3, "big").lstrip(b"\0")


TAG = (4, DIGEST[:8])
WRONG: dict[str, tuple[int, Any, bytes]] = {
    "another number": (FOUND, [TAG, block(4, True, 64)], bytes(64)),
    "another size": (FOUND, [TAG, block(3, True, 32)], bytes(32)),
    "no number": (FOUND, [TAG], bytes(64)),
    "more than a block": (FOUND, [TAG, block(3, True, 64)], bytes(65)),
    "more than the last block": (FOUND, [TAG, block(3, False, 64)], bytes(65)),
    "less than a block, and not the last": (FOUND, [TAG, block(3, True, 64)], bytes(63)),
    "nothing": (FOUND, [TAG, block(3, False, 64)], b""),
    "no ETag": (FOUND, [block(3, True, 64)], bytes(64)),
    "an ETag of another content": (FOUND, [(4, bytes(8)), block(3, True, 64)], bytes(64)),
    "a long ETag": (FOUND, [(4, DIGEST[:9]), block(3, True, 64)], bytes(64)),
    "a reserved size": (FOUND, [TAG, (23, b"\x3f")], bytes(64)),
    "an option of 8 bytes": (FOUND, [TAG, (23, b"\x3a" * 8)], bytes(64)),
    "valid": (0x43, [TAG, block(3, True, 64)], bytes(64)),
    "not found": (NOT_FOUND, [], b""),
    "a block for an upload": (FOUND, [TAG, (27, b"\x3a")], bytes(64)),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_block_that_does_not_fit_is_refused(rig: Rig, case: str) -> None:
    code, options, payload = WRONG[case]
    rig.answer = lambda seen: [(50, rig.ack(seen, code, options=options, payload=payload))]
    assert rig.session().block(PATH, 3, 64) is None
    assert len(rig.sent) == 1


def test_the_block_of_the_table_above_is_taken_without_its_fault(rig: Rig) -> None:
    options = [TAG, block(3, True, 64)]
    rig.answer = lambda seen: [(50, rig.ack(seen, FOUND, options=options, payload=bytes(64)))]
    assert rig.session().block(PATH, 3, 64) == (bytes(64), False, DIGEST[:8])


@pytest.mark.parametrize("what", ["ask", "block"])
def test_without_a_server_it_ends_after_two_repetitions(
    rig: Rig, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[float] = []
    monkeypatch.setattr(rig.timing, "feed", lambda: fed.append(rig.ms))
    session = rig.session()
    answer = session.ask("u", b"\x01") if what == "ask" else session.block(PATH, 0, 1024)
    assert answer is None
    assert len(rig.sent) == 3 and rig.ms <= 21_000
    times = [0.0, *fed, rig.ms]
    assert max(b - a for a, b in zip(times, times[1:], strict=False)) <= 10_000


def test_a_transport_that_fails_is_an_answer_that_did_not_come(rig: Rig) -> None:
    rig.accepts = lambda count: OSError(118)
    assert rig.session().ask("u", b"\x01") is None
    assert rig.session().block(PATH, 0, 1024) is None


def test_the_network_is_not_told_that_nothing_follows(rig: Rig) -> None:
    """The report before may have been the last; the radio must stay for these answers."""
    told: list[Any] = []
    rig.follows = told.append  # type: ignore[attr-defined]
    try:
        serve(rig)
        session = rig.session()
        session.is_last = True
        session.deliver(b"report")
        session.block(PATH, 0, 1024)
        session.ask("u", b"\x01")
    finally:
        del rig.follows  # type: ignore[attr-defined]
    assert told == [1, None, None]


@pytest.mark.parametrize(
    ("number", "size", "said"),
    [
        (0, 100, "size = 100"), (0, 2048, "size = 2048"), (0, 8, "size = 8"),
        (-1, 64, "number = -1"), (1 << 20, 64, "number = 1048576"), (None, 64, "number = None"),
    ],
)  # fmt: skip
def test_a_wrong_number_or_size_is_a_mistake_of_the_program(
    rig: Rig, number: Any, size: int, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        rig.session().block(PATH, number, size)
    assert rig.sent == []


def test_a_repeated_answer_is_no_answer_to_the_next_block(rig: Rig) -> None:
    serve(rig)
    plain = rig.answer
    rig.answer = lambda seen: [plain(seen)[0], (320, plain(seen)[0][1])]
    session = rig.session()
    assert [session.block(PATH, number, 64)[0] for number in (5, 6)] == [
        CONTENT[320:384],
        CONTENT[384:448],
    ]
    assert all(kind != ACK for kind in rig.kinds())
