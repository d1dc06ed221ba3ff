"""What becomes of measurements that wait, by what the server says to each datagram."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from collector.decode.senml import decode

BN = "kCsQxGOU:"
VALUES = [("t", 2423, -2, "Cel"), ("v", 3784, -3, "V")]
LONG = [(f"t{number}", 2423, -2, None) for number in range(30)]  # for several datagrams
LIMIT = 104  # holds three of these measurements


@pytest.fixture(scope="module", params=["one by one", "several under way"])
def parts(load, request):
    """The modules, and whether the session takes datagrams before the first has its outcome."""
    several = request.param == "several under way"
    return load("protocols.drain"), load("protocols.senml_batch"), several


class Journal:
    def __init__(self, numbers):
        self.waiting = list(numbers)
        self.lost = []

    def done(self, keys):
        for key in keys:
            self.waiting.remove(key)

    def give_up(self, key, why):
        self.lost.append((key, why))
        self.waiting.remove(key)


class Server:
    """`answer` says what it makes of the numbers in a datagram: an outcome, and if it is final."""

    def __init__(self, answer, confirms=True):
        self.answer = answer
        self.confirms = confirms
        self.final = False
        self.asked = []

    def deliver(self, payload):
        numbers = [each.value for each in decode(payload) if each.name == BN]
        self.asked.append(numbers)
        outcome, self.final = self.answer(numbers)
        return outcome


class Several(Server):
    """With one datagram under way, then three, once one was confirmed."""

    def __init__(self, server):
        super().__init__(server.answer, server.confirms)
        self.asked = server.asked
        self.at_once = 1
        self.under_way = []

    def begin(self, payload):
        self.under_way.append(payload)
        assert len(self.under_way) <= self.at_once

    def outcome(self):
        outcome = self.deliver(self.under_way.pop(0))
        if outcome == "delivered":
            self.at_once = 3
        return outcome


def ok(numbers):
    return "delivered", False


def refuses(*poison, final=False):
    return lambda numbers: (
        ("refused", final) if set(poison) & set(numbers) else ("delivered", False)
    )


def session(parts, journal, server, held=(), most_ms=30000, records=None):
    drain, batch, several = parts
    if several:
        server = Several(server)
    groups = [batch.Group(n, None, (records or {}).get(n, VALUES), [], n) for n in journal.waiting]

    def packs(groups, unfit):
        return batch.packs(BN, groups, LIMIT, unfit)

    one = drain.Drain(server, journal, packs, held)
    one.run(iter(groups), most_ms)
    return one


def test_what_is_delivered_leaves_the_journal_and_shares_datagrams(parts):
    journal, server = Journal(range(8)), Server(ok)
    one = session(parts, journal, server)
    assert journal.waiting == [] and journal.lost == []
    assert one.accepted == one.delivered == len(server.asked) <= 4 and one.outcome is None


def test_a_server_that_is_silent_is_asked_once(parts):
    journal, server = Journal(range(8)), Server(lambda numbers: ("unknown", False))
    one = session(parts, journal, server)
    assert (len(server.asked), one.outcome, one.delivered) == (1, "server_silent", 0)
    assert journal.waiting == list(range(8))


def test_a_measurement_is_done_when_all_its_datagrams_are(parts):
    journal, answers = Journal(range(2)), iter(["delivered", "unknown", "delivered", "delivered"])
    server = Server(lambda numbers: (next(answers), False))
    one = session(parts, journal, server, records={1: LONG})
    assert (one.outcome, journal.waiting) == ("server_silent", [1])


@pytest.mark.parametrize("left, waiting", [(True, []), (None, []), (False, [0, 1, 2, 3])])
def test_what_is_not_confirmed_is_done_unless_it_certainly_has_not_left(parts, left, waiting):
    journal = Journal(range(4))
    one = session(parts, journal, Server(lambda numbers: ("unknown", False), confirms=False))
    assert journal.waiting == [0, 1, 2, 3] and one.accepted == 2
    one.hand_over(left)
    assert journal.waiting == waiting
    one.hand_over(left)
    assert journal.waiting == waiting


def test_what_is_refused_for_its_content_is_given_up_and_holds_up_nothing(parts):
    journal, server = Journal(range(8)), Server(refuses(0, 3, final=True))
    one = session(parts, journal, server)
    assert journal.lost == [(0, "refused"), (3, "refused")] and journal.waiting == []
    assert one.outcome is None and one.held == []


def test_another_refusal_keeps_everything_and_ends_the_session(parts):
    journal, server = Journal(range(8)), Server(lambda numbers: ("refused", False))
    held = []
    for _ in range(10):
        server.asked = []
        one = session(parts, journal, server, held)
        held = one.held
        assert one.outcome == "refused" and len(server.asked) <= 2
    assert journal.waiting == list(range(8)) and journal.lost == []


def test_what_is_refused_while_others_are_taken_is_given_up_at_the_third_time(parts):
    journal, server = Journal(range(8)), Server(refuses(1, 2))
    held = []
    waiting = []
    for number in range(8, 14):
        one = session(parts, journal, server, held)
        held = one.held
        waiting.append(list(journal.waiting))
        journal.waiting.append(number)  # what is measured before the next session
    assert waiting[0] == [1, 2, 3, 4, 5, 6, 7]
    assert waiting[1] == [1, 2, 3, 4, 5, 6, 7, 8]  # the second one is known now
    assert waiting[2:] == [[1, 2], [], [], []]
    assert [why for _, why in journal.lost] == ["refused"] * 2 and held == []


def test_what_no_datagram_holds_is_given_up(parts):
    journal, server = Journal(range(3)), Server(ok)
    long = {1: [("long", "x" * 200, None, None)], 2: [*VALUES, ("long", "x" * 200, None, None)]}
    session(parts, journal, server, records=long)
    assert journal.lost == [(1, "too long")] and journal.waiting == []


@pytest.mark.parametrize("first", [VALUES, LONG])
def test_one_measurement_at_least_is_sent_when_there_is_no_time(parts, first):
    journal, server = Journal(range(8)), Server(ok)
    session(parts, journal, server, most_ms=0, records={0: first})
    assert 0 not in journal.waiting and server.asked[-1] != [7]


def test_a_datagram_is_not_taken_apart_without_end(parts, monkeypatch):
    journal, server = Journal(range(3)), Server(refuses(*range(3), final=True))
    monkeypatch.setattr(parts[0].timing, "Deadline", lambda ms: SimpleNamespace(expired=lambda: 1))
    session(parts, journal, server)
    assert (server.asked, journal.waiting) == ([[0, 1, 2], [0]], [1, 2])


def test_what_is_said_of_one_datagram_is_not_meant_for_another(parts):
    """Each holds one measurement."""
    answers = {1: ("refused", False), 2: ("refused", True)}
    journal, server = Journal(range(3)), Server(lambda n: answers.get(n[0], ("delivered", False)))
    session(parts, journal, server, records={n: [("x", "x" * 80, None, None)] for n in range(3)})
    assert 1 in journal.waiting and (1, "refused") not in journal.lost


@pytest.mark.parametrize("held", [None, 5, [5], [[1]], [["x", 1]], [[1, 2, 3]], {"a": 1}])
def test_a_damaged_account_of_refusals_does_no_harm(parts, held):
    journal = Journal(range(3))
    session(parts, journal, Server(ok), held)
    assert journal.waiting == []


def test_a_session_without_a_journal_still_sends(parts):
    drain, batch, _ = parts
    server = Server(refuses(2, final=True))
    one = drain.Drain(
        server, None, lambda groups, unfit: batch.packs(BN, groups, LIMIT, unfit), ()
    )
    noted = []
    one.on_sent = lambda group, confirmed: noted.append((group.seq, confirmed))
    one.run([batch.Group(n, None, VALUES, [], SimpleNamespace()) for n in (1, 2)], 1000)
    assert noted == [(1, True)]
