"""protocols.coap: timers of RFC 7252, outcomes, forged and malformed datagrams."""

from __future__ import annotations

import gc
import re
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.device_files import ROOT
from tests.protocols.coap_rig import ACK, CON, HOST, NON, PORT, POST, RST, loaded, rig

__all__ = ["loaded", "rig"]

OTHER = "198.51.100.7"


def config(**fields):
    return SimpleNamespace(_HOST=HOST, _PORT=PORT, **fields)


# Outcomes


def test_a_post_that_the_server_acknowledges_is_delivered(rig) -> None:
    rig.answer = lambda seen: [(900, rig.ack(seen))]
    session = rig.session(_TOPIC="a/b", _TOKEN="secret", _COAP_CONTENT_FORMAT=0)
    assert session.confirms and session.deliver(b"payload") == "delivered"
    assert rig.ms == 900
    [(_, (kind, code, _, token, options, payload))] = rig.sent
    assert (kind, code, len(token), payload) == (CON, POST, 4, b"payload")
    assert options == [(11, b"a"), (11, b"b"), (12, b""), (15, b"authorization=secret")]
    session.close()
    assert rig.closed


ANSWERS = {
    "2.01": (0x41, "delivered"),
    "2.04": (0x44, "delivered"),
    "2.05": (0x45, "delivered"),
    "4.00": (0x80, "refused"),
    "4.01": (0x81, "refused"),
    "4.13": (0x8D, "refused"),
    "5.00": (0xA0, "refused"),
    "5.03": (0xA3, "refused"),
    "5.31, unheard of": (0xBF, "refused"),
    "2.31 without blocks": (0x5F, "unknown"),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("kind", [ACK, CON, NON])
def test_outcome_by_the_code_of_the_response(rig, kind, name) -> None:
    code, outcome = ANSWERS[name]

    def answer(seen):
        if seen[1] != POST:
            return []
        if kind == ACK:
            return [(800, rig.ack(seen, code))]
        return [(800, rig.message(kind, code, 7, seen[3]))]

    rig.answer = answer
    assert rig.session().deliver(b"x") == outcome
    assert rig.ms == 800
    assert rig.kinds() == ([CON, ACK] if kind == CON else [CON])


def test_503_says_when_to_come_again(rig, capsys) -> None:
    rig.answer = lambda seen: [(800, rig.ack(seen, 0xA3, options=[(14, b"\x3c")]))]
    assert rig.session().deliver(b"x") == "refused"
    assert "5.03" in capsys.readouterr().out


def test_no_server_is_unknown_after_the_times_of_the_rfc(rig) -> None:
    assert rig.session().deliver(b"x") == "unknown"
    times = [ms for ms, _ in rig.sent]
    assert len(times) == 5 and len(set(rig.raw)) == 1  # same message id and token
    first = times[1]
    assert 2000 <= first <= 3000
    waits = [end - start for start, end in zip(times, [*times[1:], rig.ms], strict=True)]
    assert waits == pytest.approx([first * 2**count for count in range(5)], abs=1)
    assert rig.ms <= 93_000  # MAX_TRANSMIT_WAIT


def test_the_first_wait_is_random(rig) -> None:
    firsts = []
    for seed in range(200):
        rig.reset(rig.style)
        rig.random.seed(seed)
        client = rig.client(max_retransmit=0, ack_timeout_ms=2000)
        assert client.request(POST) is None
        firsts.append(rig.ms)
    assert 2000 <= min(firsts) < 2200 and 2800 < max(firsts) <= 3000


def test_other_timers_by_configuration(rig) -> None:
    session = rig.session(_COAP_ACK_TIMEOUT_SEC=10, _COAP_MAX_RETRANSMIT=1)
    assert session.deliver(b"x") == "unknown"
    assert len(rig.sent) == 2 and 30_000 <= rig.ms <= 45_000


@pytest.mark.parametrize("lost", [1, 2, 4])
def test_a_lost_datagram_is_sent_again(rig, lost) -> None:
    rig.answer = lambda seen: [(900, rig.ack(seen))] if len(rig.sent) > lost else []
    client = rig.client()
    assert client.request(POST, "r").code == 0x44
    assert (len(rig.sent), client.retransmissions) == (lost + 1, lost)


def test_a_lost_datagram_is_not_sent_more_often_than_allowed(rig) -> None:
    rig.answer = lambda seen: [(900, rig.ack(seen))] if len(rig.sent) > 5 else []
    assert rig.session().deliver(b"x") == "unknown"


def test_reset_is_refused_at_once(rig) -> None:
    rig.answer = lambda seen: [(700, rig.message(RST, 0, seen[2], b""))]
    client = rig.client()
    assert (client.request(POST), client.cause, rig.ms) == (None, "reset", 700)
    assert rig.session().deliver(b"x") == "refused"


REFUSALS = [0, -1, OSError(118)]


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_what_the_transport_does_not_take_is_refused_at_once(rig, refusal) -> None:
    rig.accepts = lambda number: refusal
    assert rig.session().deliver(b"x") == "refused"
    assert rig.ms == 0 and len(rig.sent) == 1


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_link_that_breaks_later_leaves_it_unknown(rig, refusal) -> None:
    rig.accepts = lambda number: refusal if number else True
    assert rig.session().deliver(b"x") == "unknown"


def test_a_socket_that_fails_in_vain_does_not_spin(rig, monkeypatch) -> None:
    calls = []

    def broken(size):
        calls.append(rig.ms)
        rig.pass_ms(1)
        raise OSError(128)

    monkeypatch.setattr(rig, "recvfrom", broken)
    assert rig.session().deliver(b"x") == "unknown"
    assert len(calls) < 2000 and 60_000 < rig.ms < 95_000


def test_not_confirmable_is_sent_once_and_waits_for_nothing(rig) -> None:
    rig.answer = lambda seen: [(900, rig.message(NON, 0x44, 9, seen[3]))]
    session = rig.session(_COAP_CONFIRMABLE=False)
    assert not session.confirms
    assert [session.deliver(b"x"), session.deliver(b"y")] == ["unknown"] * 2
    assert rig.ms == 0 and rig.kinds() == [NON, NON]
    rig.accepts = lambda number: 0
    assert session.deliver(b"x") == "refused"


def test_what_nobody_waits_for_takes_no_memory(rig) -> None:
    session = rig.session(_COAP_CONFIRMABLE=False)
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(100):
        session.deliver(b"x")
    rig.reset(rig.style)
    gc.collect()
    assert len(gc.get_objects()) < before + 50


def test_a_response_to_a_request_that_is_not_confirmable(rig) -> None:
    rig.answer = lambda seen: [(900, rig.message(NON, 0x45, 9, seen[3], payload=b"21"))]
    response = rig.client(confirmable=False).request(1, "t")
    assert (response.code, response.payload, rig.ms) == (0x45, b"21", 900)
    rig.answer = lambda seen: []
    client = rig.client(confirmable=False, response_timeout_ms=4000)
    assert client.request(1, "t") is None and client.cause == "no_answer"
    assert rig.ms == 4900


# Separate responses


def separate(rig, ms, kind=CON, acked=True):
    def answer(seen):
        if seen[1] != POST:
            return []
        response = rig.message(kind, 0x44, 0xBEEF, seen[3])
        return ([(700, rig.ack(seen, 0))] if acked else []) + [(ms, response)]

    return answer


@pytest.mark.parametrize("kind", [CON, NON])
def test_a_separate_response(rig, kind) -> None:
    rig.answer = separate(rig, 20_000, kind)
    assert rig.session().deliver(b"x") == "delivered"
    assert rig.ms == 20_000
    assert len([1 for _, seen in rig.sent if seen[1] == POST]) == 1  # no retransmission
    if kind == CON:
        assert rig.sent[-1][1] == (ACK, 0, 0xBEEF, b"", [], b"")


def test_a_separate_response_whose_acknowledgement_was_lost(rig) -> None:
    rig.answer = separate(rig, 1500, acked=False)
    assert rig.session().deliver(b"x") == "delivered"
    assert rig.kinds() == [CON, ACK]


def test_an_acknowledgement_alone_is_unknown_after_a_bounded_wait(rig) -> None:
    rig.answer = lambda seen: [(700, rig.ack(seen, 0))]
    assert rig.session(_COAP_RESPONSE_TIMEOUT_SEC=9).deliver(b"x") == "unknown"
    assert len(rig.sent) == 1 and rig.ms == 9700


def test_a_repeated_response_is_acknowledged_again_and_counts_once(rig) -> None:
    """F20, F21: our acknowledgement was lost, the server repeats its confirmable response."""
    repeated = []

    def answer(seen):
        if seen[1] != POST:
            return []
        if not repeated:
            repeated.append(rig.message(CON, 0x44, 0xBEEF, seen[3]))
            return [(700, repeated[0])]
        return [(100, repeated[0]), (200, repeated[0]), (900, rig.ack(seen, 0x80))]

    rig.answer = answer
    session = rig.session()
    assert session.deliver(b"first") == "delivered"
    assert session.deliver(b"second") == "refused"  # by its own answer only
    replies = [seen for _, seen in rig.sent if seen[1] == 0]
    assert replies == [(ACK, 0, 0xBEEF, b"", [], b"")] * 3


# Strangers, forgeries, noise


def noise(rig, seen):
    """Datagrams that must not be taken for an answer, and what the node may reply to each."""
    token, message_id = seen[3], seen[2]
    wrong = bytes((token[0] ^ 1,)) + token[1:]
    return {
        "ACK with another token": (rig.message(ACK, 0x44, message_id, wrong), None),
        "ACK with another message id": (rig.message(ACK, 0x44, message_id ^ 1, token), None),
        "empty ACK of another message": (rig.message(ACK, 0, message_id ^ 1, b""), None),
        "reset of another message": (rig.message(RST, 0, message_id ^ 1, b""), None),
        "reset with a code": (rig.message(RST, 0x44, message_id, token), None),
        "NON with another token": (rig.message(NON, 0x44, 5, wrong), None),
        "NON without a token": (rig.message(NON, 0x44, 5, b""), None),
        "CON with another token": (rig.message(CON, 0x44, 5, wrong), RST),
        "a ping": (rig.message(CON, 0, 5, b""), RST),
        "an empty NON": (rig.message(NON, 0, 5, b""), None),
        "a request": (rig.message(CON, 1, 5, token), RST),
        "a request, NON": (rig.message(NON, 2, 5, token), None),
        "a reserved class": (rig.message(ACK, 0x64, message_id, token), None),
        "class 7": (rig.message(NON, 0xE1, 5, token), None),
        "no CoAP": (b"\x80" + rig.ack(seen)[1:], None),
        "cut": (rig.ack(seen)[:7], None),
        "empty datagram": (b"", None),
        "text": (b"HTTP/1.1 200 OK\r\n\r\n", None),
        "longer than allowed": (rig.ack(seen, payload=bytes(1200)), None),
    }


NAMES = [
    "ACK with another token", "ACK with another message id", "empty ACK of another message",
    "reset of another message", "reset with a code", "NON with another token",
    "NON without a token", "CON with another token", "a ping", "an empty NON", "a request",
    "a request, NON", "a reserved class", "class 7", "no CoAP", "cut", "empty datagram", "text",
    "longer than allowed",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_answer_of_ours_is_ignored_and_counted(rig, name) -> None:
    def answer(seen):
        if seen[1] != POST:
            return []
        table = noise(rig, seen)
        assert list(table) == NAMES
        return [(500, table[name][0]), (900, rig.ack(seen, 0x44))]

    rig.answer = answer
    client = rig.client()
    assert client.request(POST).code == 0x44
    assert (rig.ms, client.ignored) == (900, 1)
    assert (rig.kinds() == [CON, RST]) == (noise(rig, rig.sent[0][1])[name][1] == RST)


SENDERS = {
    "other host": (OTHER, PORT),
    "other port": (HOST, PORT + 1),
    "no address": ("", PORT),
    "no port": (HOST, None),
}


@pytest.mark.parametrize("name", SENDERS)
def test_an_answer_from_elsewhere_is_ignored(rig, name) -> None:
    """F24: even with the right message id and token."""

    def answer(seen):
        for data in (rig.ack(seen), rig.message(CON, 0x44, 1, seen[3])):
            rig.give(500, data, SENDERS[name])
        return []

    rig.answer = answer
    session = rig.session(_COAP_MAX_RETRANSMIT=0)
    assert session.deliver(b"x") == "unknown"
    assert session._client.ignored == 2 and len(rig.sent) == 1


STREAMS = {
    "another token": (NON, b"none", (HOST, PORT)),
    "pings": (CON, b"", (HOST, PORT)),
    "another sender": (NON, b"none", (OTHER, PORT)),
}
# the request: fields, whether it is acknowledged at once, ms for which it waits at most. The first
# time-out is 2 to 3 s
HELD = {
    "no answer": ({"_COAP_MAX_RETRANSMIT": 0}, False, 3000),
    "one retransmission": ({"_COAP_MAX_RETRANSMIT": 1}, False, 9000),
    "acknowledged": ({"_COAP_MAX_RETRANSMIT": 0}, True, 30_010),
}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("name", HELD)
def test_a_stream_of_datagrams_that_do_not_belong_extends_no_wait(rig, name, stream) -> None:
    fields, acknowledged, most_ms = HELD[name]
    kind, token, sender = STREAMS[stream]
    rig.stream = (rig.message(kind, 0x44 if token else 0, 7, token), sender)
    rig.answer = lambda seen: [(0, rig.ack(seen, 0))] if acknowledged and seen[1] else []
    session = rig.session(**fields)
    assert session.deliver(b"x") == "unknown"
    assert most_ms * 0.6 <= rig.ms <= most_ms + 50
    assert session._client.ignored >= 300


def test_poll_and_loop_end_in_a_stream_too(rig) -> None:
    rig.stream = (rig.message(NON, 0x44, 7, b"none"), (HOST, PORT))
    client = rig.client(confirmable=False)
    client.send(POST, [], b"x", wait=False)
    for timeout_ms in (0, 2000):
        before_ms = rig.ms
        assert client.wait_response(timeout_ms) is None
        assert rig.ms - before_ms <= timeout_ms + 50


def test_a_late_answer_behind_others_is_still_found_without_a_wait(rig) -> None:
    client = rig.client(confirmable=False)
    client.send(POST, [], b"x", wait=False)
    rig.give(0, rig.message(NON, 0x44, 7, b"none"))
    rig.give(0, rig.message(NON, 0x44, 8, rig.sent[0][1][3]))
    assert client.wait_response(0).code == 0x44


def test_answers_from_elsewhere_are_told_in_one_line_with_their_count(rig, capsys) -> None:
    def answer(seen):
        for _ in range(3):
            rig.give(500, rig.ack(seen), (OTHER, PORT))
        return []

    rig.answer = answer
    session = rig.session(_COAP_MAX_RETRANSMIT=0)
    assert session.deliver(b"x") == "unknown"
    assert session._client.foreign == 3
    [line] = [each for each in capsys.readouterr().out.splitlines() if "ignored" in each]
    assert "3 datagrams ignored" in line and OTHER in line and HOST in line


def test_a_flood_of_pings_is_not_answered_without_end(rig) -> None:
    rig.answer = lambda seen: [
        (count, rig.message(CON, 0, count, b"")) for count in range(1000) if seen[1]
    ]
    session = rig.session(_COAP_MAX_RETRANSMIT=0)
    assert session.deliver(b"x") == "unknown"
    assert len(rig.sent) == 1 + 8
    assert session._client.ignored == 1000


def test_critical_options_that_nobody_knows(rig) -> None:
    """RFC 7252 5.4.1: the response is rejected; elective ones are ignored."""
    for options, good in (
        ([(9, b"")], False),
        ([(65001, b"x")], False),
        ([(27, b"\x06"), (27, b"\x06")], False),
        ([(4, b"tag"), (14, b""), (60, b"\1"), (65000, b"x")], True),
    ):
        for kind in (ACK, CON):
            rig.reset(rig.style)

            def answer(seen, kind=kind, options=options):
                message_id = seen[2] if kind == ACK else 5
                data = rig.message(kind, 0x44, message_id, seen[3], options=options)
                return [(500, data)] if seen[1] else []

            rig.answer = answer
            assert rig.session().deliver(b"x") == ("delivered" if good else "unknown")
            replies = {ACK: [], CON: [ACK if good else RST]}[kind]
            assert rig.kinds() == [CON, *replies] and rig.ms == 500


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(st.binary(max_size=40), max_size=6),
    st.lists(
        st.tuples(st.integers(0, 255), st.integers(0, 3), st.binary(max_size=12)), max_size=4
    ),
)
def test_no_datagram_raises_or_holds_the_node_up(rig, anything, nearly) -> None:
    """F26: noise, and messages that have the right id and token."""
    rig.reset(rig.style)

    def answer(seen):
        found = [(50, data) for data in anything]
        for code, kind, tail in nearly:
            head = bytes((0x44 | kind << 4, code)) + seen[2].to_bytes(2, "big") + seen[3]
            found.append((60, head + tail))
        return found if seen[1] == POST else []

    rig.answer = answer
    assert rig.session(_COAP_MAX_RETRANSMIT=1).deliver(bytes(40)) in (
        "delivered", "refused", "unknown",
    )  # fmt: skip
    assert rig.ms <= 120_000 and len(rig.sent) <= 40


@pytest.mark.parametrize("loss", [30, 60, 90])
def test_loss_costs_time_but_never_the_truth(rig, loss) -> None:
    """F23: delivered only if the server has it."""
    had = set()

    def answer(seen):
        if rig.random.random() * 100 < loss:
            return []
        had.add(seen[5])
        return [(900, rig.ack(seen))] if rig.random.random() * 100 >= loss else []

    rig.answer = answer
    session = rig.session()
    outcomes = {}
    for number in range(30):
        payload = b"%d" % number
        start = rig.ms
        outcomes[payload] = session.deliver(payload)
        assert rig.ms - start <= 93_000
    assert {key for key, value in outcomes.items() if value == "delivered"} <= had
    assert set(outcomes.values()) <= {"delivered", "unknown"}
    if loss == 30:
        assert list(outcomes.values()).count("delivered") >= 25


def test_reordered_answers_go_to_their_requests(rig) -> None:
    """F22: the answer to the first comes while the second is under way."""
    late = []

    def answer(seen):
        late.append(seen)
        if len(late) == 1:
            return []
        return [(100, rig.ack(late[0], 0x44)), (900, rig.ack(seen, 0x80))]

    rig.answer = answer
    session = rig.session(_COAP_MAX_RETRANSMIT=0)
    assert [session.deliver(b"1"), session.deliver(b"2")] == ["unknown", "refused"]


def test_several_are_under_way_once_the_server_has_answered(rig) -> None:
    """Answers out of order, one of them lost; outcomes come in the order of the payloads."""
    delays = {b"1": [900], b"2": [1500], b"3": [], b"4": [200], b"5": [100]}

    def answer(seen):
        code = 0x80 if seen[5] == b"4" else 0x44
        waits, delays[seen[5]] = delays[seen[5]], [300]
        return [(ms, rig.ack(seen, code)) for ms in waits]

    rig.answer = answer
    session = rig.session()
    assert session.at_once == 1 and session.deliver(b"1") == "delivered"
    assert session.at_once == 3
    start = rig.ms
    for payload in (b"2", b"3", b"4")[: session.at_once]:
        session.begin(payload)
    assert rig.ms == start
    assert [session.outcome() for _ in range(3)] == ["delivered", "delivered", "refused"]
    assert 2000 < rig.ms - start < 4400 and [seen[5] for _, seen in rig.sent].count(b"3") == 2
    assert session.deliver(b"5") == "delivered"


def test_a_session_told_that_the_server_answered_last_time_sends_several_at_once(rig) -> None:
    """Its silence costs no more than that of one: only the oldest is repeated."""
    rig.answer = lambda seen: []
    session = rig.session(_COAP_MAX_RETRANSMIT=2)
    session.is_known = True
    start = rig.ms
    for payload in (b"1", b"2", b"3")[: session.at_once]:
        session.begin(payload)
    assert [session.outcome() for _ in range(3)] == ["unknown"] * 3
    assert [seen[5] for _, seen in rig.sent] == [b"1", b"2", b"3", b"1", b"1"]
    assert 14_000 <= rig.ms - start <= 21_000


def test_an_answer_gives_those_behind_it_their_whole_time(rig) -> None:
    """The radio sends one after the other: what was begun at once leaves seconds later."""
    rig.answer = lambda seen: [(1800 * int(seen[5]), rig.ack(seen))]
    session = rig.session()
    session.is_known = True
    for payload in (b"1", b"2", b"3"):
        session.begin(payload)
    assert [session.outcome() for _ in range(3)] == ["delivered"] * 3
    assert len(rig.sent) == 3


def test_one_that_is_not_confirmable_ends_when_another_begins(rig) -> None:
    rig.answer = lambda seen: [(500, rig.ack(seen))] if seen[0] == CON else []
    client = rig.client()
    first = client.begin(POST, [], b"1", confirmable=False)
    second = client.begin(POST, [], b"2")
    assert client.finish(first) is None and client.cause == "no_answer" and rig.ms == 0
    assert client.finish(second).code == 0x44 and rig.ms == 500


def test_a_reset_behind_a_copy_or_an_acknowledgement_is_no_refusal(rig) -> None:
    """The server may have taken the first, and have started anew."""
    for codes, outcome in (([RST], "refused"), ([None, RST], "unknown"), ([ACK, RST], "unknown")):
        waits = list(codes)

        def answer(seen, waits=waits):
            found = [(100 * n, kind) for n, kind in enumerate(waits[: 1 + (waits[0] == ACK)])]
            del waits[: len(found)]
            return [(ms, rig.message(kind, 0, seen[2], b"")) for ms, kind in found if kind]

        rig.answer = answer
        assert rig.session().deliver(b"x") == outcome, codes


# Numbers nobody can guess


def test_message_ids_follow_each_other_and_tokens_are_random(rig) -> None:
    rig.answer = lambda seen: [(1, rig.ack(seen))]
    session = rig.session()
    for _ in range(50):
        assert session.deliver(b"x") == "delivered"
    ids = [seen[2] for _, seen in rig.sent]
    assert len(set(ids)) == 50 and all(ids)
    assert len({seen[3] for _, seen in rig.sent}) == 50


def test_message_ids_start_anywhere_after_each_start_of_the_board(rig) -> None:
    firsts = set()
    for _ in range(20):
        rig.coap._message_id = 0  # RAM is lost
        rig.client(max_retransmit=0, ack_timeout_ms=1).request(POST)
        firsts.add(rig.sent[-1][1][2])
    assert len(firsts) == 20 and max(firsts) > 256


# Configuration and arguments


def test_overhead_is_exact(rig) -> None:
    rig.answer = lambda seen: [(1, rig.ack(seen))]
    for fields, most in (
        ({}, 15),
        ({"_TOPIC": "channels/1/messages/" + "x" * 36, "_TOKEN": "t" * 240}, 400),
        ({"_COAP_CONTENT_FORMAT": 0}, 14),
        ({"_COAP_CONTENT_FORMAT": 65535}, 16),
    ):
        session = rig.session(**fields)
        session.ask_time = True  # the longest message
        session.deliver(b"12345")
        overhead = rig.coap.overhead(config(**fields))
        assert len(rig.raw[-1]) == overhead + 5 and overhead <= most


WRONG = [
    {"_TOPIC": ""},
    {"_TOPIC": "x" * 121},
    {"_TOPIC": "gr\u00fcn"},
    {"_TOKEN": "x" * 241},
    {"_COAP_CONFIRMABLE": "yes"},
    {"_COAP_ACK_TIMEOUT_SEC": 0},
    {"_COAP_ACK_TIMEOUT_SEC": 61},
    {"_COAP_MAX_RETRANSMIT": 11},
    {"_COAP_RESPONSE_TIMEOUT_SEC": 0},
    {"_COAP_CONTENT_FORMAT": 65536},
    {"_COAP_BLOCK_SIZE": 100},
    {"_COAP_ACK_TIMEOUT_SEC": 10, "_COAP_MAX_RETRANSMIT": 6},
]


@pytest.mark.parametrize("fields", WRONG, ids=str)
def test_wrong_configuration_is_named_with_what_is_allowed(rig, fields) -> None:
    [problem] = rig.coap.problems(config(**fields))
    assert all(name in problem for name in fields) and "allowed" in problem


@pytest.mark.parametrize(
    "arguments",
    [("", 5683), (None, 5683), (HOST, 0), (HOST, 65536), (HOST, True), (HOST, "5683")],
    ids=str,
)
def test_wrong_arguments_are_refused_before_anything_is_sent(rig, arguments) -> None:
    with pytest.raises(ValueError, match="allowed"):
        rig.coap.Client(rig, *arguments)
    with pytest.raises(ValueError, match="allowed"):
        rig.coap.uri_options("x" * 256)
    assert rig.sent == []


def test_deliver_by_itself(rig) -> None:
    rig.answer = lambda seen: [(900, rig.ack(seen))]
    outcome = rig.coap.deliver(rig, "grün", HOST, PORT, "a/b", ("k=1", "k=2"), None)
    assert outcome == "delivered"
    assert rig.sent[0][1][4:] == (
        [(11, b"a"), (11, b"b"), (15, b"k=1"), (15, b"k=2")],
        "grün".encode(),
    )
    assert rig.coap.deliver(rig, b"x", HOST, PORT, confirmable=False) == "unknown"


def test_a_name_is_resolved_or_the_payload_refused(rig, monkeypatch) -> None:
    rig.answer = lambda seen: [(900, rig.ack(seen))]
    found = [(2, 2, 0, "", (HOST, PORT))]
    monkeypatch.setattr(type(rig), "getaddrinfo", lambda *_: found, raising=False)
    assert rig.coap.deliver(rig, b"x", "server.example", PORT) == "delivered"
    found.clear()
    assert rig.coap.deliver(rig, b"x", "server.example", PORT) == "refused"
    assert len(rig.sent) == 1


def test_text_from_a_socket_in_its_ascii_format(rig, monkeypatch) -> None:
    """microATsocket gives str for what is UTF-8."""
    rig.answer = lambda seen: [(900, rig.ack(seen))]
    receive = rig.recvfrom

    def as_text(size):
        data, sender = receive(size)
        try:
            return data.decode() if data else data, sender
        except UnicodeError:
            return data, sender

    monkeypatch.setattr(rig, "recvfrom", as_text)
    session = rig.session()
    assert [session.deliver(b"x") for _ in range(20)] == ["delivered"] * 20


def test_closing_never_raises(rig, monkeypatch) -> None:
    def close():
        raise OSError(9)

    monkeypatch.setattr(rig, "close", close)
    rig.session().close()


def test_codes_are_written_as_people_do(rig) -> None:
    assert [rig.coap.code_text(code) for code in (0x45, 0x8D, 0)] == ["2.05", "4.13", "0.00"]


def test_every_cause_is_explained() -> None:
    text = (ROOT / "docs" / "coap.md").read_text(encoding="utf-8")
    table = text.split("| cause |")[1].split("\n\n")[0]
    explained = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    raised: set[str] = set()
    for name in ("coap.py", "coap_blocks.py"):
        source = (ROOT / "protocols" / name).read_text(encoding="utf-8")
        raised |= set(re.findall(r'cause = "(\w+)"', source)) - {"none"}
        for words in re.findall(r"_end\((.*)\)", source):
            raised |= set(re.findall(r'"(\w+)"', words))
    assert explained == raised
