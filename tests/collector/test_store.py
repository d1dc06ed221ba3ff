"""Every record reaches SQLite, whatever becomes of the disk or the program."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import cbor2
import pytest

from collector import packs, store
from collector.readings import Reading, Readings
from collector.store import Store
from tests.collector.rig import report, wait_until

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_800_000_000.0


def entries(pack: Any) -> list[Reading]:
    return Readings().add(packs.read(cbor2.dumps(pack), NOW), "coap", "[::1]:5", NOW)


def rows(path: Path, columns: str = "*") -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(path)) as base:
        return base.execute(f"SELECT {columns} FROM records ORDER BY id").fetchall()


def test_each_kind_of_value_has_its_column(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    pack = [
        {-2: "g:", 0: "seq", 2: 7}, {0: "t", 1: "Cel", 2: Decimal("21.54")}, {0: "s", 3: "x\x00y"},
        {0: "o", 4: False}, {0: "b", 8: b"\x00\xff"}, {0: "e", 5: 2.5}, {0: "i", 2: 2**70},
        {0: "w", 6: NOW - 60, 2: 1},
    ]  # fmt: skip
    with Store(str(path)) as opened:
        opened.put(entries(pack))
    columns = "received, measured, protocol, source, name, base, seq"
    assert rows(path, columns)[0] == (NOW, NOW, "coap", "[::1]:5", "g:seq", "g:", 7)
    assert rows(path, "measured")[7] == (NOW - 60,)
    assert rows(path, "number, text, bool, bytes, sum, unit") == [
        (7, None, None, None, None, None), (21.54, None, None, None, None, "Cel"),
        (None, "x\x00y", None, None, None, None), (None, None, 0, None, None, None),
        (None, None, None, b"\x00\xff", None, None), (None, None, None, None, 2.5, None),
        (float(2**70), None, None, None, None, None), (1, None, None, None, None, None),
    ]  # fmt: skip


def test_a_later_run_goes_on_where_the_earlier_ended(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    with Store(path) as opened:
        opened.put(entries([*report(3), {0: "open", 4: True}, {0: "raw", 8: b"\x01"}]))
    with Store(path) as opened:
        readings = Readings()
        readings.restore(opened.last_readings(100))
        again = readings.add(packs.read(cbor2.dumps(report(3)), NOW + 5), "udp", "::1", NOW + 5)
        assert again == [] and readings.duplicates == 2
    shown = {reading.name: reading.shown for reading, _ in readings.latest()}
    assert shown == {"gate:seq": "3", "gate:t": "21.5", "gate:open": "true", "gate:raw": "01"}


def test_a_full_disk_delays_and_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, bool]] = []
    full = True

    def write(base: sqlite3.Connection, batch: list[Any], real: Any = store._write) -> None:
        if full:
            raise sqlite3.OperationalError("database or disk is full")
        real(base, batch)

    monkeypatch.setattr(store, "_write", write)
    monkeypatch.setattr(store, "RETRY_S", 0.01)
    with Store(str(tmp_path / "a.db"), lambda text, well: said.append((text, well))) as opened:
        opened.put(entries(report(1)))
        assert wait_until(lambda: bool(opened.problem))
        opened.put(entries(report(2)))
        full = False
        assert wait_until(lambda: opened.written == 4)
        assert (opened.problem, opened.dropped) == ("", 0)
    assert [well for _, well in said] == [False, True]
    assert "disk is full" in said[0][0]


def test_a_disk_that_stays_full_costs_records_and_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(base: sqlite3.Connection, batch: list[Any]) -> None:
        raise sqlite3.OperationalError("full")

    monkeypatch.setattr(store, "_write", write)
    monkeypatch.setattr(store, "QUEUE_MAX", 50)
    opened = Store(str(tmp_path / "a.db"))
    for seq in range(100):
        opened.put(entries(report(seq)))
    assert len(opened._queue) <= 50
    opened.close()
    assert opened.dropped == 200


def test_a_killed_collector_leaves_a_whole_database(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    program = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from collector.readings import Reading\n"
        "from collector.store import Store\n"
        "opened = Store(sys.argv[1])\n"
        "number = 0\n"
        "while True:\n"
        "    if len(opened._queue) < 1000:\n"
        "        opened.put([Reading(1, 1, 'udp', 's', 'n', '', number, '1', None, None, None)])\n"
        "        number += 1\n"
        "    if opened.written > 2000: print('go', flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path), str(ROOT)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"go\n"
        os.kill(process.pid, signal.SIGKILL)
        process.stdout.close()
    with contextlib.closing(sqlite3.connect(path)) as base:
        assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    numbers = [number for (number,) in rows(path, "number")]
    assert len(numbers) > 2000 and numbers == list(range(len(numbers)))


@pytest.mark.parametrize("kind", ["text", "folder", "nowhere", "newer"])
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
            base.execute("PRAGMA user_version=99")
    with pytest.raises(OSError, match=r".+"):
        Store(str(path))


def test_queries_of_the_documentation_run(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "collect.md").read_text(encoding="utf-8")
    queries = re.findall(r"^```sql\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    path = tmp_path / "a.db"
    now = time.time()
    with Store(str(path)) as opened:
        for seq in (1, 2, 5):
            records = packs.read(cbor2.dumps(report(seq)), now)
            opened.put(Readings().add(records, "udp", "::1", now))
    with contextlib.closing(sqlite3.connect(path)) as base:
        schema, hourly, missing = [base.execute(query).fetchall() for query in queries]
    assert "measured REAL NOT NULL" in schema[0][1]
    assert [row[1:] for row in hourly] == [
        ("gate:seq", 2.67, 1, 5, None), ("gate:t", 21.5, 21.5, 21.5, "Cel"),
    ]  # fmt: skip
    assert missing == [("gate:", 3, 4)]
