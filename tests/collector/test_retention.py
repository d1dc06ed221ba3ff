"""What is deleted after a time, and what a copy of the database has."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

import pytest

from collector import __main__
from collector.storage import database, retention
from collector.storage.retention import Retention
from collector.storage.store import Store
from tests.collector.rig import message, report, rows, stored, wait_until

DAY = 86_400.0


def seqs(where: str) -> list[int]:
    return [seq for (seq,) in rows(where, "seq", "name = 't'")]


def test_old_reports_go_from_the_first_on(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to one that came late, because what is missing behind it would look lost."""
    now = time.time()
    days = {1: 50, 2: 49, 3: 10, 4: 47, 5: 9, 6: 8, 7: 7}
    with Store(where) as opened:
        for seq, ago in days.items():
            stored(opened, message(report(seq, t=seq), now - ago * DAY))
        stored(
            opened, *(message(report(n, "door:", t=n), now - 40 * DAY) for n in range(250))
        )  # fmt: skip
        stored(opened, message([{0: "x", 2: 1}], now - 40 * DAY))
    old = Retention(30)
    with database.connect(where) as connection:
        while old.is_due:
            old.step(connection)
        assert rows(where, "seq", "name = 't'") == [(seq,) for seq in range(3, 8)]
        assert connection.execute("SELECT count(*) FROM report") == [(5,)]
        assert connection.execute("SELECT count(*) FROM node") == [(3,)]
        assert connection.execute("SELECT sum(count) FROM latest") == [(257 * 2 + 1,)]
        assert ("messages", 258) in connection.execute("SELECT name, value FROM counters")


def test_a_clock_that_jumps_deletes_nothing_for_a_day(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, old = time.time(), Retention(30)
    with Store(where) as opened:
        stored(opened, message(report(1, t=1), now))
    monkeypatch.setattr(time, "time", lambda: now + 300 * DAY)
    with database.connect(where) as connection:
        old.step(connection)
        assert seqs(where) == [1] and not old.is_due


def test_a_collector_deletes_while_it_stores(where: str) -> None:
    now = time.time()
    with Store(where) as opened:
        stored(opened, *(message(report(seq, t=seq), now - 40 * DAY) for seq in range(300)))
    with Store(where, keep_days=30) as opened:
        stored(opened, *(message(report(seq, t=seq), now) for seq in range(300, 330)))
        assert wait_until(lambda: len(seqs(where)) == 30)
        assert stored(opened, message(report(329, t=329), now)) == (0, 2)
    assert seqs(where) == [*range(300, 330)]


def test_a_step_is_short(where: str) -> None:
    """It looks at many nodes of which nothing is old, and stops in between."""
    with Store(where) as opened:
        pack = [message(report(1, f"n{number}:"), time.time()) for number in range(2_000)]
        stored(opened, *pack)
    none, steps = Retention(30), 0
    with database.connect(where) as connection:
        while none.is_due:
            none.step(connection)
            steps += 1
    assert steps > 2_000 * 2e-6 / retention.LOOK_S


def test_a_node_is_forgotten_and_may_begin_anew(where: str) -> None:
    both = [message(report(seq, base), 1e9) for base in ("a:", "gone:") for seq in range(300)]
    with Store(where) as opened:
        stored(opened, *both)
        assert __main__.main(["--db", where, "--forget", "gone"]) == 0
        left = set(rows(where, "node")), len(rows(where, "seq", "name = 'seq'"))
        assert left == ({("a:",)}, 300)
        assert stored(opened, message(report(7, "gone:"), 1e9)) == (2, 0)
    with database.connect(where) as connection:
        assert connection.execute("SELECT count(*) FROM latest") == [(4,)]


def test_a_copy_of_a_live_database(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.db", tmp_path / "copy.db"
    with Store(str(path)) as opened:
        stored(opened, message(report(1), 1e9))
        assert __main__.main(["--db", str(path), "--backup", str(copy)]) == 0
        stored(opened, message(report(2), 1e9))
        assert seqs(str(path)) == [1, 2]
    with contextlib.closing(sqlite3.connect(copy)) as base:
        assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with Store(str(copy)) as opened:  # works like the other
        assert stored(opened, message(report(1), 1e9)) == (0, 2)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.db", "copy.db"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--db", "a.db", "--backup", "a.db"], "a name that is free"),
        (["--db", "none.db", "--backup", "b.db"], "--db none.db, --backup b.db: unable to open"),
        (["--db", "text", "--backup", "b.db"], "--db text, --backup b.db: file is not a database"),
        (["--db", "postgresql://h/d", "--backup", "b.db"], "pg_dump"),
        (["--backup", "b.db"], "needs --db FILE"),
        (["--db", "none.db", "--forget", "gate"], "--db none.db: unable to open"),
        (["--forget", "gate"], "--forget gate: needs --db"),
    ],
)
def test_what_cannot_be_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    words: list[str], said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("a.db").touch()
    Path("text").write_text("no database " * 100)
    with pytest.raises(SystemExit) as ended:
        __main__.main(words)
    assert ended.value.code == 2 and said in capsys.readouterr().err
    assert not Path("b.db").exists()
