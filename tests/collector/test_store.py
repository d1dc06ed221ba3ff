"""Every record is in the database once, whatever becomes of the disk or the program."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from collector.storage import database, store, tables
from collector.storage.store import FAILED, Store
from collector.storage.writer import Writer
from devkit.servers.postgres import PostgresServer
from tests.collector.rig import message, report, rows, stored, wait_until

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_800_000_000.0
BT, BN, N, U, V, VS, VB, T = -3, -2, 0, 1, 2, 3, 4, 6


def measurement(seq: int, t: Any = 21, age_s: int = 0, **marks: Any) -> list[dict[int, Any]]:
    """A measurement as nodes with a journal send it; bo, tu, gu are marks."""
    records = [{N: name, VB if value is True else V: value} for name, value in marks.items()]
    return [{BN: "gate:", BT: -age_s, V: seq}, *records, {N: "t", U: "Cel", V: t}]


def test_each_kind_of_value_is_kept(where: str) -> None:
    pack = [
        {BN: "g:", N: "seq", V: 7}, {N: "t", U: "Cel", V: Decimal("21.54")}, {N: "s", 3: "x\x00y"},
        {N: "o", 4: False}, {N: "b", 8: b"\x00\xff"}, {N: "e", 5: 2.5}, {N: "i", V: 2**70},
        {N: "w", T: NOW - 60, V: 1}, {N: "w", T: NOW - 30, V: 2}, {N: "h", V: 2**53 + 1},
    ]  # fmt: skip
    with Store(where) as opened:
        assert stored(opened, message(pack, NOW, "coap")) == (10, 0)
        assert stored(opened, message(pack, NOW + 1, "coap")) == (0, 10)
    columns = "node, boot, seq, measured, received, protocol, source"
    assert rows(where, columns, "name = 't'") == [("g:", 0, 7, NOW, NOW, "coap", "[::1]:5")]
    assert rows(where, "name, text", "text IS NOT NULL") == [("b", "00ff"), ("s", "x\ufffdy")]
    # The columns of a file take numbers and texts
    b, s = (None, None) if database.is_server(where) else ("00ff", "x\ufffdy")
    assert rows(where, "name, value, unit, measured - received") == [
        ("b", b, None, 0), ("e", 2.5, None, 0), ("h", 2**53 + 1, None, 0),
        ("i", float(2**70), None, 0), ("o", 0, None, 0), ("s", s, None, 0),
        ("seq", 7, None, 0), ("t", 21.54, "Cel", 0), ("w", 1, None, -60), ("w", 2, None, -30),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "again", "expected"),
    [
        (report(7, t=Decimal("21.50")), report(7, t=21.5), (0, 2)),
        (report(7, t=Decimal("21.54")), report(7, t=Decimal("21.540")), (0, 2)),
        (report(7, t=21), report(7, t=Decimal("21.0")), (0, 2)),
        (report(7), report(7)[::-1][:1] + report(7)[:1], (2, 0)),  # has no number in front
        (report(7), report(7, base="door:"), (2, 0)),
        (report(7), report(7, att=3578), (1, 1)),  # the second datagram of a report
        (report(7, t=2**60), report(7, t=2**60 + 1), (2, 0)),
        (measurement(7, age_s=900), measurement(7, age_s=960), (0, 2)),
        (measurement(7), [*measurement(7), {N: "rp", V: -90}], (1, 2)),
        (measurement(7, rp=-90), measurement(7, rp=-95), (0, 3)),
        (measurement(7, gu=1), measurement(7, gu=2), (0, 3)),
        (measurement(7), measurement(7, bo=0), (0, 2)),
        (measurement(7), [*measurement(7), *measurement(8)], (2, 2)),
        ([{BN: "x:", N: "t", V: 5}], [{BN: "x:", N: "t", V: 5}], (1, 0)),
    ],
)  # fmt: skip
def test_what_is_sent_again_is_stored_once(
    where: str, first: Any, again: Any, expected: Any
) -> None:
    with Store(where) as opened:
        stored(opened, message(first, NOW))
        assert stored(opened, message(again, NOW + 5)) == expected


def test_a_fleet_that_sends_all_again_adds_nothing(where: str) -> None:
    """With ages, in another order, over a restart, with more nodes than any memory would hold."""
    packs = [
        [{BN: f"n{node}:", BT: -900, V: 5}, {N: "t", V: node}, {BT: 0, V: 6}, {N: "t", V: 1}]
        for node in range(3_000)
    ]
    with Store(where) as opened:
        assert stored(opened, *(message(pack, NOW) for pack in packs)) == (12_000, 0)
        again = [message(pack, NOW + 77) for pack in packs[::-1]]
        assert stored(opened, *again) == (0, 12_000)
    with Store(where) as opened:
        assert stored(opened, *again) == (0, 12_000)
        assert opened.counters()["duplicates"] == 24_000
    assert rows(where, "count(*), min(received), max(received)") == [(12_000, NOW, NOW)]


def boots(where: str) -> list[tuple[int, int, Any]]:
    return [
        (boot, seq, value) for boot, seq, value in rows(where, "boot, seq, value", "name = 't'")
    ]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([(0, 20), (1, 21), (0, 30), (1, 31), (1, 31)],
         [(0, 0, 20), (0, 1, 21), (1, 0, 30), (1, 1, 31)]),
        ([(5, 20), (6, 21, 900), (4, 19)], [(0, 4, 19), (0, 5, 20), (0, 6, 21)]),
    ],
    ids=["a restart without a number", "late"],
)  # fmt: skip
def test_boots(where: str, sent: list[Any], expected: Any) -> None:
    with Store(where) as opened:
        for number, (seq, t, *age) in enumerate(sent):
            stored(opened, message(measurement(seq, t, *age), NOW + number))
    assert boots(where) == expected


def test_a_restart_that_the_node_declares(where: str) -> None:
    sent = [
        measurement(7, 1), measurement(8, 2, -7_200),  # its clock is two hours ahead
        measurement(0, 3, bo=500),  # NVS erased
        measurement(1, 4), measurement(1, 4, bo=500),
        measurement(9, 5, 7_200, bo=0),  # late, of the boot before
        measurement(2, 6), measurement(0, 7, bo=600), measurement(1, 8),
        measurement(3, 9, 7_200, bo=500),  # late again
        measurement(4, 10, bo=400, tu=True),  # of a boot that nothing was heard of
        measurement(2, 11), measurement(2, 12, bo=600),  # not what the same node would say
    ]  # fmt: skip
    with Store(where) as opened:
        for number, pack in enumerate(sent):
            stored(opened, message(pack, NOW + 900 * number))
    assert boots(where) == [
        (0, 7, 1), (0, 8, 2), (0, 9, 5), (400, 4, 10), (500, 0, 3), (500, 1, 4), (500, 2, 6),
        (500, 3, 9), (600, 0, 7), (600, 1, 8), (600, 2, 11), (600 + 2**16, 2, 12),
    ]  # fmt: skip
    assert rows(where, "measured - received", "seq = 9") == [(-7_200,), (-7_200,)]
    assert rows(where, "measured", "seq = 4") == [(None,), (None,)]


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_lost_or_repeated_each_measurement_is_stored_once(
    where: str, seed: int, newest_first: bool
) -> None:
    """A node with a journal that loses its number, its clock and what it sends, at random."""
    chance, now, seq, told = random.Random(seed), int(NOW), -1, False
    boot, journal, delivered = chance.randint(1, 65_535), list[dict[str, Any]](), dict[int, Any]()
    with database.connect(where) as base:
        tables.prepare(base)
        writer = Writer(base)
        for number in range(80):
            now += chance.choice([60, 900, 3_600])
            if chance.random() < 0.04:  # NVS erased
                boot, seq, told = chance.randint(1, 65_535), -1, False
            if chance.random() < 0.03:  # power lost
                journal = [{**each, "known": False} for each in journal]
            seq += 1
            journal.append({"key": (boot, seq), "n": number, "at": now, "known": True})
            chosen = journal[:: -1 if newest_first else 1][: chance.randint(1, 6)]
            received, pack = now + chance.randint(0, 20), []
            for each in chosen:
                marks = [{N: "tu", VB: True}] * (not each["known"])
                if each["key"][0] != boot or not told:
                    marks.append({N: "bo", V: each["key"][0]})
                time_s = chance.choice([each["at"], each["at"] - received]) * each["known"]
                pack += [{BN: "n:", BT: time_s, V: each["key"][1]}, *marks]
                pack += [{N: "n", V: each["n"]}, {N: "rp", V: -chance.randint(80, 99)}]
            fate = chance.choice(["confirmed", "confirmed", "unconfirmed", "lost"])
            for again in range(fate != "lost" and chance.choice([1, 1, 2])):
                sent = [message(pack, received + 3 * again)]
                writer.name(sent)
                writer.write(sent)
            if fate != "lost":
                for each in chosen:
                    delivered.setdefault(each["n"], each)
            if fate == "confirmed":
                told = told or any(each["n"] == number for each in chosen)
                journal = [each for each in journal if each not in chosen]
        stored = base.execute("SELECT boot, seq, value, measured FROM readings WHERE name = 'n'")
        assert sorted(stored, key=lambda row: row[2]) == [
            (*each["key"], n, each["at"] if each["known"] else None)
            for n, each in sorted(delivered.items())
        ]


def test_a_number_of_16_bits_counts_on(where: str) -> None:
    sent = [0, 1, 2, 65_533, 65_535, 1, 0, 65_534, 3, 30_000, 60_000, 65_535, 0, 2]
    kept = [0, 1, 2, *range(65_533, 65_538), 65_539, 95_536, 125_536, 131_071, 131_072, 131_074]
    with Store(where) as opened:
        for number, seq in enumerate(sent):
            stored(opened, message(measurement(seq, number), NOW + number))
    assert [(boot, seq) for boot, seq, _ in boots(where)] == [(0, each) for each in kept]


def test_a_number_of_31_bits_is_not_taken_for_one_of_16(where: str) -> None:
    numbers = [*range(65_530, 65_545), 60_000, 65_531, 2**31 - 1, 5]
    with Store(where) as opened:
        for number in numbers:
            stored(opened, message(measurement(number, number), NOW))
    assert [(boot, seq) for boot, seq, _ in boots(where)] == [
        (0, number) for number in sorted(set(numbers))
    ]


def test_counters_go_on_in_a_later_run(where: str) -> None:
    with Store(where) as opened:
        stored(opened, message(report(3), NOW))
        opened.count("refused", 3)
    with Store(where) as opened:
        stored(opened, message(report(3), NOW), message([{N: "x", V: 1}], NOW))
        counters = opened.counters()
    assert list(counters.items()) == [
        ("messages", 3), ("records", 3), ("duplicates", 2), ("refused", 3), ("dropped", 0),
        ("acknowledged", 0),
    ]  # fmt: skip
    with database.connect(where) as base:
        assert dict(base.execute("SELECT name, value FROM counters")) == counters


def test_nothing_is_told_as_stored_before_it_is_in_the_file(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: who repeats is not answered; the rest waits until there is room."""
    said: list[tuple[str, bool]] = []
    full = True

    def write(self: Writer, each: Any, real: Any = Writer.write) -> Any:
        result = real(self, each)
        if full:
            raise database.Unusable("database or disk is full")
        return result

    monkeypatch.setattr(Writer, "write", write)
    monkeypatch.setattr(store, "RETRY_S", 0.01)
    outcomes: list[Any] = []
    with Store(where, lambda text, well: said.append((text, well))) as opened:
        assert opened.put([message(report(1), NOW)], lambda each: outcomes.append((1, each)))
        assert wait_until(lambda: outcomes == [(1, FAILED)])
        opened.put([message(report(2), NOW)], lambda each: outcomes.append((2, each)), keep=True)
        assert not opened.put([message(report(3), NOW)], lambda each: outcomes.append((3, each)))
        assert rows(where) == [] and len(outcomes) == 1
        full = False
        assert wait_until(lambda: len(outcomes) == 2)
        assert [row[2] for row in rows(where)] == [2, 2]
        assert (opened.problem, opened.unwritten, opened.counters()["dropped"]) == ("", 2, 2)
    assert outcomes[1][0] == 2 and outcomes[1][1].stored
    assert [well for _, well in said] == [False, True]
    assert "disk is full" in said[0][0]


def test_a_message_that_cannot_be_written_holds_up_no_other(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(self: Writer, each: Any, real: Any = Writer.write) -> Any:
        result = real(self, each)
        if any(message.base == "bad:" for message in each):
            raise database.Unwritable("UNIQUE constraint failed")
        return result

    monkeypatch.setattr(Writer, "write", write)
    outcomes = dict[int, bool]()
    with Store(where) as opened:
        for seq, base in enumerate(["a:", "b:", "bad:", "c:", "d:"]):
            opened.put(
                [message(report(seq, base), NOW)],
                lambda each, seq=seq: outcomes.update({seq: each.stored}), keep=True,
            )  # fmt: skip
        assert wait_until(lambda: len(outcomes) == 5)
        assert outcomes == {seq: seq != 2 for seq in range(5)}
        assert opened.unwritten == opened.counters()["dropped"] == 1
    assert {node for (node,) in rows(where, "node")} == {"a:", "b:", "c:", "d:"}


def test_a_disk_that_stays_full_costs_records_and_no_memory(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(self: Writer, each: Any) -> Any:
        raise database.Unusable("full")

    monkeypatch.setattr(Writer, "write", write)
    monkeypatch.setattr(store, "QUEUE_MAX", 50)
    outcomes: list[Any] = []
    opened = Store(where)
    taken = [opened.put([message(report(seq), NOW)], outcomes.append) for seq in range(100)]
    opened.close()
    assert outcomes == [FAILED] * taken.count(True) and len(outcomes) < 100
    assert opened.unwritten + opened.counters()["dropped"] >= 100


KILLED = """
import sys; sys.path.insert(0, sys.argv[2])
from tests.collector.rig import message
from collector.storage.store import Store
opened = Store(sys.argv[1])
for number in range(10 ** 9):
    pack = [{-2: "n:", 2: number}, {0: "t", 2: number}]
    opened.put([message(pack, 1.8e9)], lambda _, n=number: print(n, flush=True), keep=True)
"""


def test_a_killed_collector_has_all_that_was_told_as_stored(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), str(ROOT)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(2_000)]
        os.kill(process.pid, signal.SIGKILL)
        told += process.stdout.readlines()
    last = int([line for line in told if line.endswith(b"\n")][-1])
    with contextlib.closing(sqlite3.connect(path)) as base:
        assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        [(messages,)] = base.execute("SELECT value FROM counters WHERE name = 'messages'")
    numbers = [number for (number,) in rows(str(path), "value", "name = 't'")]
    assert numbers == list(range(len(numbers))) and len(numbers) > last
    assert messages == len(numbers)


# Makes a file of the version before of one of this version
BEFORE = """
DROP TABLE fleet; DROP TABLE watch; DROP TABLE alarm; DROP TABLE notice; DROP TABLE refused;
DROP VIEW readings; CREATE VIEW readings AS SELECT 1;
UPDATE record SET other = x'00ff' WHERE other = '00ff'; PRAGMA user_version=2;
"""


def test_a_file_of_the_version_before_keeps_what_it_has(tmp_path: Path) -> None:
    path, pack = tmp_path / "a.db", [*measurement(1), {N: "b", 8: b"\x00\xff"}]
    with Store(str(path)) as opened:
        stored(opened, message(pack, NOW))
    with contextlib.closing(sqlite3.connect(path)) as base:
        base.executescript(BEFORE)
    with Store(str(path)) as opened:
        assert stored(opened, message(pack, NOW + 9)) == (0, 3)
    assert rows(str(path), "name, value, text") == [
        ("", 1, None), ("b", "00ff", "00ff"), ("t", 21, None),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["text", "folder", "nowhere", "newer", "another", "damaged"])
def test_what_cannot_be_such_a_database_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.db"
    if kind == "text":
        path.write_text("no database " * 100)
    elif kind == "folder":
        path.mkdir()
    elif kind == "nowhere":
        path = tmp_path / "b" / "a.db"
    else:
        with contextlib.closing(sqlite3.connect(path)) as base:
            made = {"newer": "PRAGMA user_version=99", "damaged": "PRAGMA user_version=2"}
            base.execute(made.get(kind, "CREATE TABLE mine (a)"))
    with pytest.raises(OSError, match=r".+"):
        Store(str(path))


def test_a_file_that_was_removed_takes_nothing_until_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "RETRY_S", 0.01)
    path, said, outcomes = tmp_path / "a.db", list[str](), list[Any]()
    with Store(str(path), lambda text, well: said.append(text)) as opened:
        stored(opened, message(report(1), NOW))
        path.rename(tmp_path / "b.db")
        opened.put([message(report(2), NOW)], outcomes.append)
        assert wait_until(lambda: outcomes == [FAILED]) and "removed or replaced" in said[0]
        (tmp_path / "b.db").rename(path)
        assert wait_until(lambda: not opened.problem)
        assert stored(opened, message(report(2), NOW)) == (2, 0)
    assert rows(str(path), "seq", "name = 't'") == [(1,), (2,)]


def test_after_a_clock_that_was_ahead_what_comes_is_the_latest_again(where: str) -> None:
    with Store(where) as opened:
        for seq, at in ((1, NOW + 9e8), (2, NOW), (3, NOW - 30)):
            stored(opened, message(report(seq, t=seq), at))
    with database.connect(where) as base:
        assert base.execute("SELECT seen FROM node") == [(NOW,)]
        found = base.execute("SELECT max(value) FROM latest")
    assert found == [(2,)]


def test_queries_of_the_documentation_run(where: str) -> None:
    text = (ROOT / "docs" / "collect.md").read_text(encoding="utf-8")
    queries = re.findall(r"^```sql\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    with Store(where) as opened:
        for seq in (1, 2, 5):
            stored(opened, message([*measurement(seq, age_s=900), {N: "s", 3: "x"}], NOW))
        stored(opened, message([{BN: "door:", V: 1}, {N: "t", U: "Cel", V: 3}], NOW - 90_000))
    with database.connect(where, read_only=True) as base:
        hourly, late, missing, silent, counted = [base.execute(query) for query in queries]
    assert hourly == [(NOW - 3_600, "gate:", "t", 21, 21, 21, "Cel")]
    assert late == [("gate:", 0, seq, 15, 900) for seq in (5, 2, 1)]
    assert missing == [("gate:", 0, 3, 4)]
    assert silent == [("door:", NOW - 90_000)]
    assert ("records", 11) in counted


def test_processes_with_one_database_store_each_record_once(where: str) -> None:
    """The same fleet, new to both, in another order, in transactions of many messages."""
    packs = [message(measurement(seq, seq, bo=7), NOW + seq) for seq in range(40)]
    packs += [
        message([{BN: f"n{node}:", V: seq}, {N: f"x{node % 9}", V: 1}], NOW + seq)
        for seq in range(10)
        for node in range(60)
    ]
    said, outcomes = list[str](), list[Any]()
    with Store(where, lambda text, ok: said.append(text)) as one, Store(where) as two:
        for opened, order in ((one, packs), (two, packs[::-1])):
            for start in range(0, len(order), 16):
                assert opened.put(order[start : start + 16], outcomes.append, keep=True)
        assert wait_until(lambda: len(outcomes) == 2 * len(range(0, len(packs), 16)), 60)
        counters = one.counters()
    assert said == [] and all(each.stored for each in outcomes)
    assert (counters["records"], counters["duplicates"]) == (1_280, 1_280)
    assert counters["messages"] == 2 * len(packs)
    assert rows(where, "count(*)") == [(1_280,)]
    assert len(rows(where, "seq", "name = 't'")) == 40


def test_a_server_that_goes_away_and_comes_back(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "RETRY_S", 0.05)
    monkeypatch.setattr(store, "RETRY_MAX_S", 0.2)
    where, said, outcomes = postgres.create(), list[bool](), dict[int, bool]()
    with Store(where, lambda text, well: said.append(well)) as opened:
        assert stored(opened, message(report(1), NOW)) == (2, 0)
        assert opened.counters()["messages"] == 1
        postgres.kill()
        try:
            for seq, keep in ((2, False), (3, True)):
                done = lambda each, seq=seq: outcomes.update({seq: each.stored})  # noqa: E731
                opened.put([message(report(seq), NOW)], done, keep=keep)
            assert wait_until(lambda: outcomes == {2: False} and bool(opened.problem))
            assert opened.counters()["messages"] == 1  # the last that it knows
        finally:
            postgres.start()
        assert wait_until(lambda: outcomes == {2: False, 3: True}, 20)
        assert opened.counters()["dropped"] == 1 and said == [False, True]
    assert rows(where, "seq", "name = 't'") == [(1,), (3,)]
