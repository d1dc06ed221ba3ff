"""The table of the fleet: what reports, offers and confirmations write, and what is offered."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.storage import database
from collector.storage.store import Outcome, Store
from collector.storage.writer import Written
from collector.updates import fleet, releases
from collector.updates.fleet import Fleet, Offer
from collector.updates.questions import Ask
from collector.updates.releases import Releases
from tests.collector.releases_rig import Folder, answer, ask, envelope
from tests.collector.rig import message, readings, report, rows, wait_until

NOW = 1_772_366_400.0


class Rig:
    """A store with its fleet, which can begin again on the same files."""

    def __init__(self, path: Path, where: str) -> None:
        self.folder = Folder(path / "RELEASES", *(f"n{number}" for number in range(30)))
        self.where = where
        self.said: list[tuple[str, bool]] = []
        self.now_s = NOW
        self.seq = 0
        self.serves = True
        self.begin()

    def begin(self) -> None:
        tell = lambda text, ok: self.said.append((text, ok))  # noqa: E731
        found = Releases(self.folder.path, tell) if self.serves else None
        self.fleet = Fleet(found, tell)
        self.store = Store(self.where, fleet=self.fleet)

    def restart(self) -> None:
        self.store.close()
        self.begin()

    def outcome(self, messages: Any, **more: Any) -> Outcome:
        outcomes: list[Outcome] = []
        assert self.store.put(messages, outcomes.append, **more)
        assert wait_until(lambda: bool(outcomes))
        return outcomes[0]

    def report(
        self, node: str, protocol: str = "coap", seq: int | None = None, **figures: Any
    ) -> Any:
        """The offer in the answer to a report with these figures; its release, if there is one."""
        self.seq += 1
        records: list[dict[int, Any]] = report(seq or self.seq, node + ":")
        records += [
            {0: name, 3: value} if isinstance(value, str) else {0: name, 2: value}
            for name, value in figures.items()
        ]
        offer = self.outcome([message(records, self.now_s, protocol)]).result
        if offer is None:
            return None
        assert isinstance(offer, Offer)
        base = self.row(node)["release"]
        assert offer.digest == hashlib.sha256(envelope(offer.seq, base)).digest()[:8]
        return offer.seq

    def ask(self, *what: Any, **more: Any) -> bytes | None:
        found = Ask.read(ask(*what, **more))
        assert found is not None
        result = self.outcome([], work=functools.partial(self.fleet.answer, ask=found)).result
        assert result is None or isinstance(result, bytes)
        return result

    def row(self, node: str) -> dict[str, Any]:
        [found] = [each for each in fleet.status_of(self.where) if each["node"] == node]
        return found

    def shown(self, node: str) -> dict[str, Any]:
        """What is known of a node, without its name and when it was seen."""
        row = self.row(node)
        return {name: value for name, value in row.items()
                if name not in ("node", "last_seen") and value is not None}  # fmt: skip


@pytest.fixture
def rig(tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr(releases, "REREAD_S", 0.0)
    rig = Rig(tmp_path, where)
    monkeypatch.setattr(fleet.time, "time", lambda: rig.now_s)
    yield rig
    rig.store.close()


def test_an_update_from_the_offer_to_the_confirmation(rig: Rig) -> None:
    rig.folder.release(6)
    assert rig.report("n1", rl=6) is None
    assert rig.shown("n1") == {"release": 6}

    rig.folder.release(7, 6)
    assert rig.report("n1") == 7  # it named its release before
    assert rig.shown("n1") == {"release": 6, "offered": 7}
    assert rig.ask("n1") == answer("n1", 1, 7, envelope(7, 6))
    rig.now_s += 900
    assert rig.report("n1", up=40) == 7
    assert rig.shown("n1") == {"release": 6, "offered": 7, "progress": 40}
    assert rig.report("n1") == 7
    assert rig.shown("n1")["progress"] == 40
    rig.now_s += 900
    assert rig.report("n1", up=100) == 7

    rig.now_s += 900
    assert rig.report("n1", rl=7) is None  # on trial
    assert rig.shown("n1") == {"release": 7}
    assert rig.ask("n1", kind=2, running=7, wanted=7) == answer("n1", 2, 7)
    assert rig.shown("n1") == {"release": 7, "confirmed": 7}
    assert rig.row("n1")["last_seen"] == round(rig.now_s * 1000)


def test_a_rejected_release_is_not_offered_again(rig: Rig) -> None:
    rig.folder.release(7, 6)
    rig.folder.roll_out("stop_above = 1")
    assert rig.report("n1", rl=6) == 7
    assert rig.report("n1", rl=6, rj=7, rc="crashed") is None
    assert rig.shown("n1") == {"release": 6, "rejected": 7, "cause": "crashed"}
    assert rig.report("n1") is None
    assert rig.ask("n1") is None
    rig.folder.release(8, 6)
    assert rig.report("n1") == 8
    assert rig.shown("n1") == {"release": 6, "offered": 8, "rejected": 7, "cause": "crashed"}


def test_without_a_cause_the_last_one_does_not_stay(rig: Rig) -> None:
    rig.report("n1", rl=6, rj=7, rc="crashed")
    rig.report("n1", rj=8)
    assert rig.shown("n1") == {"release": 6, "rejected": 8}


def test_a_newer_release_takes_the_place_of_the_one_on_offer(rig: Rig) -> None:
    rig.folder.release(7, 6)
    rig.report("n1", rl=6)
    rig.report("n1", up=80)
    rig.folder.release(8, 6)
    assert rig.report("n1") == 8
    assert rig.shown("n1") == {"release": 6, "offered": 8}
    assert rig.report("n1", up=10) == 8
    assert rig.shown("n1")["progress"] == 10


def test_progress_is_told_also_with_the_first_report_that_we_know(rig: Rig) -> None:
    """The database is new, and the node is in the middle of an update."""
    rig.folder.release(7, 6)
    assert rig.report("n1", rl=6, up=60) == 7
    assert rig.shown("n1") == {"release": 6, "offered": 7, "progress": 60}


@pytest.mark.parametrize("protocol", ["udp", "mqtt"])
def test_what_gets_no_answer_gets_no_offer(rig: Rig, protocol: str) -> None:
    rig.folder.release(7, 6)
    assert rig.report("n1", protocol, rl=6) is None
    assert rig.shown("n1") == {"release": 6}


@pytest.mark.parametrize(
    ("node", "figures"),
    [
        ("n1", {}),  # it never named a release
        ("n1", {"rl": 5}),  # from which none leads to the newest
        ("n1", {"rl": 7}),
        ("n1", {"rl": 8}),  # newer than ours
        ("stranger", {"rl": 6}),
        ("n1", {"up": 50}),
    ],
)
def test_who_gets_no_offer(rig: Rig, node: str, figures: dict[str, Any]) -> None:
    rig.folder.release(7, 6)
    assert rig.report(node, **figures) is None
    assert "offered" not in rig.shown(node)


def test_a_node_that_names_its_release_no_more_gets_no_offer(rig: Rig) -> None:
    """It has been given files that no update replaces."""
    rig.folder.release(7, 6)
    assert rig.report("n1", rl=6) == 7
    rig.now_s += fleet.NAMED_MAX_S - 1
    assert rig.report("n1") == 7
    rig.now_s += 2
    assert rig.report("n1") is None
    assert rig.report("n1", rl=6) == 7


HOSTILE: dict[str, Any] = {
    "a text": {"rl": "6"},
    "a fraction": {"rl": 6.5},
    "negative": {"rl": -6},
    "too high": {"rl": 262_144},
    "huge": {"rl": 10**299},
    "0": {"rl": 0},
    "a percentage above 100": {"up": 101},
    "a rejected text": {"rj": "7"},
    "a cause alone": {"rc": "crashed"},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_figures_that_are_none_are_not_taken(rig: Rig, case: str) -> None:
    rig.folder.release(7, 6)
    assert rig.report("n1", **HOSTILE[case]) is None
    assert rig.shown("n1") == {}


def test_a_long_cause_is_cut_and_cannot_control_a_terminal(rig: Rig) -> None:
    rig.report("n1", rj=7, rc="\x1b[2J" + "x" * 1_000)
    cause = rig.shown("n1")["cause"]
    assert len(cause) <= 40 and cause.isprintable()


def test_a_report_that_comes_again_tells_nothing(rig: Rig) -> None:
    """The network may repeat a datagram when the node runs another release already."""
    rig.folder.release(7, 6)
    rig.report("n1", seq=100, rl=6)
    rig.report("n1", seq=101, rl=7)
    assert rig.report("n1", seq=100, rl=6) is None
    assert rig.shown("n1")["release"] == 7


def test_the_repetition_of_a_report_whose_answer_was_lost_gets_the_offer(rig: Rig) -> None:
    rig.folder.release(7, 6)
    assert rig.report("n1", seq=100, rl=6) == 7
    assert rig.report("n1", seq=100, rl=6) == 7


def test_figures_do_not_make_a_known_report_another(rig: Rig) -> None:
    """It is sent again in a later cycle, which runs another release: the same measurement."""
    rig.report("n1", seq=100, rl=6, up=90)
    rig.report("n1", seq=100, rl=7, rj=5)
    assert rows(rig.where, "DISTINCT boot") == [(0,)]


def test_a_restart_keeps_the_state(rig: Rig) -> None:
    rig.folder.release(7, 6)
    rig.folder.roll_out("stop_above = 1")
    rig.report("n1", rl=6)
    rig.report("n1", up=40)
    rig.report("n2", rl=6, rj=7, rc="undelivered")
    before = fleet.status_of(rig.where)
    rig.restart()
    assert fleet.status_of(rig.where) == before and len(before) == 2
    assert rig.report("n1") == 7 and rig.report("n2") is None
    assert rig.ask("n1", kind=2, running=7, wanted=7) == answer("n1", 2, 7)
    rig.restart()
    assert rig.shown("n1")["confirmed"] == 7


def test_without_releases_the_reports_are_still_kept(rig: Rig) -> None:
    rig.folder.release(7, 6)
    rig.report("n1", rl=6)
    rig.serves = False
    rig.restart()
    assert rig.report("n1", up=40) is None and rig.ask("n1") is None
    assert rig.shown("n1") == {"release": 6, "offered": 7, "progress": 40}
    rig.report("n1", rl=7)
    assert rig.shown("n1") == {"release": 7}


# Questions


def test_an_authorization_is_for_that_node_nonce_and_release(rig: Rig) -> None:
    rig.folder.release(7, 6)
    rig.report("n1", rl=6)
    first = rig.ask("n1", nonce=b"nonce of 12b")
    assert first == answer("n1", 1, 7, envelope(7, 6), nonce=b"nonce of 12b")
    second = rig.ask("n1", nonce=b"nonce no. 12")
    assert second == answer("n1", 1, 7, envelope(7, 6), nonce=b"nonce no. 12")
    assert first[-32:] != second[-32:] and first[:-32] == second[:-32]


def test_a_newer_key_file_comes_first(rig: Rig) -> None:
    rig.folder.release(7, 6)
    rig.report("n1", rl=6)
    keys = rig.folder.keys(3)
    assert rig.ask("n1", keys=2) == answer("n1", 3, 7, keys)
    for version in (3, 4):
        assert rig.ask("n1", keys=version) == answer("n1", 1, 7, envelope(7, 6))


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "a node without a key": ("stranger", {}),
    "a node that never reported": ("n2", {}),
    "another release": ("n1", {"wanted": 8}),
    "an older release": ("n1", {"wanted": 6}),
    "what it runs is not known": ("n1", {"running": 5}),
    "it runs it already": ("n1", {"running": 7}),
    "confirmation of a release that is not ours": ("n1", {"kind": 2, "running": 8}),
    "confirmation for a node that never reported": ("n2", {"kind": 2, "running": 7}),
    "confirmation for a stranger": ("stranger", {"kind": 2, "running": 7}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_questions_that_are_refused_change_nothing(rig: Rig, case: str) -> None:
    node, more = REFUSED[case]
    rig.folder.release(7, 6)
    rig.report("n1", rl=6)
    rig.report("stranger", rl=6)
    before = fleet.status_of(rig.where)
    assert rig.ask(node, **more) is None
    assert fleet.status_of(rig.where) == before


@pytest.mark.parametrize(("later_s", "confirms"), [(0, True), (900, True), (901, False)])
def test_a_confirmation_needs_a_report_of_the_last_minutes(
    rig: Rig, later_s: int, confirms: bool
) -> None:
    rig.folder.release(7, 6)
    rig.report("n1", rl=7)
    rig.now_s += later_s
    found = rig.ask("n1", kind=2, running=7, wanted=7)
    assert found == (answer("n1", 2, 7) if confirms else None)
    assert rig.shown("n1").get("confirmed") == (7 if confirms else None)


def test_a_confirmation_comes_even_when_nothing_is_offered_any_more(rig: Rig) -> None:
    """A set on trial that cannot be confirmed is left again, however good it is."""
    rig.folder.release(7, 6)
    rig.report("n1", rl=7)
    rig.folder.roll_out("share = 0")
    assert rig.ask("n1", kind=2, running=7, wanted=7) == answer("n1", 2, 7)


MALFORMED = {
    "nothing": b"",
    "another format": b"\x02" + ask("n1")[1:],
    "another kind": ask("n1", kind=3),
    "kind 0": ask("n1", kind=0),
    "no node": ask(""),
    "cut": ask("n1")[:20],
    "a path": ask("../n1"),
    "a long name": ask("n" * 65),
    "a blank": ask("n 1"),
    "a line": ask("n1\n"),
    "no text": ask("n1") + b"\xff",
    "a NUL": ask("n1\0"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_questions_are_none(case: str) -> None:
    assert Ask.read(MALFORMED[case]) is None
    assert Ask.read(ask("n1")) is not None


@given(st.binary(max_size=100), st.integers(0, 22))
def test_no_question_raises(data: bytes, cut: int) -> None:
    for question in (data, ask("n1")[:cut] + data):
        found = Ask.read(question)
        assert found is None or (found.kind in (1, 2) and len(found.nonce) == 12 and found.node)


# Roll-outs

ROLL_OUTS: dict[str, tuple[str, int, int, bool]] = {
    # rollout.toml, confirmed, rejected: is it still offered?
    "nobody has tried": ("stop_above = 0.1", 0, 0, True),
    "the first rejects": ("stop_above = 0.1", 0, 1, False),
    "1 of 10": ("stop_above = 0.1", 9, 1, True),
    "1 of 9": ("stop_above = 0.1", 8, 1, False),
    "2 of 20": ("stop_above = 0.1", 18, 2, True),
    "3 of 20": ("stop_above = 0.1", 17, 3, False),
    "the default": ("", 8, 1, False),
    "none may": ("stop_above = 0", 20, 1, False),
    "none has": ("stop_above = 0", 20, 0, True),
    "all may": ("stop_above = 1", 0, 20, True),
    "no share": ("share = 0", 0, 0, False),
}


@pytest.mark.parametrize("case", ROLL_OUTS)
def test_a_roll_out_stops_when_too_many_reject(rig: Rig, case: str) -> None:
    text, confirmed, rejected, goes_on = ROLL_OUTS[case]
    rig.folder.release(7, 6)
    rig.folder.roll_out("stop_above = 1")
    for number in range(confirmed):
        rig.report(f"n{number}", rl=7)
        assert rig.ask(f"n{number}", kind=2, running=7)
    for number in range(confirmed, confirmed + rejected):
        rig.report(f"n{number}", rl=6, rj=7, rc="crashed")
    rig.folder.roll_out(text)
    assert rig.report("n29", rl=6) == (7 if goes_on else None)
    assert (rig.ask("n29") is not None) == goes_on


def test_a_stop_is_told_once_and_ends_when_the_limit_is_raised(rig: Rig) -> None:
    rig.folder.release(7, 6)
    assert rig.report("n1", rl=6) == 7
    rig.report("n2", rl=6, rj=7, rc="crashed")
    assert rig.report("n1") is None and rig.report("n3", rl=6) is None
    about = "release 7: 1 of 1 nodes that tried it rejected it"
    assert rig.said == [(f"{about}; it is offered to no node", False)]
    rig.folder.roll_out("stop_above = 1")
    assert rig.report("n1") == 7
    assert rig.said[1:] == [(f"{about}; it is offered again", True)]


def test_an_earlier_stop_does_not_stop_the_next_release(rig: Rig) -> None:
    rig.folder.release(7, 6)
    rig.report("n2", rl=6, rj=7, rc="crashed")
    rig.folder.release(8, 6)
    assert rig.report("n1", rl=6) == 8


def test_a_share_of_the_nodes_is_offered_a_release(rig: Rig) -> None:
    rig.folder.release(7, 6)
    offered = []
    for share in (0, 30, 60, 100):
        rig.folder.roll_out(f"share = {share}")
        offered.append({number for number in range(30) if rig.report(f"n{number}", rl=6)})
    assert offered[0] == set() and offered[3] == set(range(30))
    assert offered[1] < offered[2] and 2 <= len(offered[1]) <= 18


def test_a_rollback_of_the_database_is_not_counted(rig: Rig) -> None:
    """The transaction with a rejection fails: what was counted in it is counted anew."""
    rig.folder.release(7, 6)
    rig.report("n1", rl=6)
    rig.report("n2", rl=6)

    def fails(connection: database.Connection) -> None:
        ids = dict[str, int](connection.execute("SELECT base, id FROM node"))  # type: ignore[arg-type]
        rejects = [*report(900, "n2:"), {0: "rj", 2: 7}]
        sent = [message(rejects, NOW, "coap"), message(report(901, "n1:"), NOW, "coap")]
        written = [Written(ids["n2:"], readings(rejects, NOW), 0), Written(ids["n1:"], [], 0)]
        assert rig.fleet.note(connection, sent, written) == [None, None]
        raise database.Unusable("disk I/O error")

    assert not rig.outcome([], work=fails).stored
    assert rig.store.problem
    rig.outcome([], work=lambda database: None, keep=True)  # writing works again
    assert rig.report("n1") == 7


# What is shown


def test_what_was_changed_by_hand_is_shown_until_a_report_of_the_release_is_without(
    rig: Rig,
) -> None:
    rig.report("n1", rl=6, ch="node 2")
    assert rig.shown("n1") == {"release": 6, "changed": "node 2"}
    rig.report("n1")
    assert rig.shown("n1") == {"release": 6, "changed": "node 2"}
    rig.report("n1", rl=6, ch="\x1b[2J" + "x" * 100)
    changed = rig.shown("n1")["changed"]
    assert len(changed) <= 40 and changed.isprintable()
    rig.report("n1", rl=6)
    assert rig.shown("n1") == {"release": 6}


def test_a_report_without_news_writes_no_row(rig: Rig) -> None:
    rig.folder.release(7, 6)
    rig.report("n1")
    with database.connect(rig.where) as reader:
        assert reader.execute("SELECT count(*) FROM fleet") == [(0,)]


def test_thousands_of_nodes_do_not_slow_the_answers(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One count of those that tried serves all answers until somebody else has."""
    rig.folder.release(7, 6)
    counted: list[str] = []
    kind = database.Postgres if database.is_server(rig.where) else database.Sqlite

    def execute(self: Any, sql: str, values: Any = (), real: Any = kind.execute) -> Any:
        counted.append(sql)
        return real(self, sql, values)

    monkeypatch.setattr(kind, "execute", execute)
    monkeypatch.setattr(fleet, "TRIED_S", 3_600.0)
    for number in range(20):
        assert rig.report(f"n{number}", rl=6) == 7
    assert counted.count(fleet._TRIED) == 1
