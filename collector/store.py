"""Write every record to SQLite, in a thread, so that a slow disk delays no receiver.

    with Store("reports.db") as store:
        store.put(readings)             # never waits

One table, `records` (docs/collect.md has it and queries). With a write-ahead log readers do not
wait, and a killed collector leaves an intact database without the last BATCH_S at most. After an
error, such as a full disk, writing is tried again; records that do not fit into the queue are
dropped and counted.

Source: sqlite.org, wal.html, lang_transaction.html (what rolls back by itself).
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

from collector import packs
from collector.readings import Reading

VERSION = 1  # of the schema, in user_version
QUEUE_MAX = 20_000  # records
BATCH_MAX = 2_000
BATCH_S = 0.25
RETRY_S, RETRY_MAX_S = 0.5, 30.0
INTEGER_MAX = 2**63  # of SQLite

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY,
    received REAL NOT NULL,     -- seconds since 1970, by this computer's clock
    measured REAL NOT NULL,     -- the same, as the sender says; `received` if it says nothing
    protocol TEXT NOT NULL,     -- udp, coap, mqtt
    source TEXT NOT NULL,       -- address and port of the sender; for MQTT the topic
    name TEXT NOT NULL,         -- base name and name
    base TEXT NOT NULL,         -- base name, of packs with a sequence number
    seq INTEGER,                -- sequence number
    number NUMERIC,             -- the value is one of these four; none if there is only a sum
    text TEXT,
    bool INTEGER,
    bytes BLOB,
    sum REAL,
    unit TEXT
);
CREATE INDEX IF NOT EXISTS records_by_name ON records (name, measured);
"""
COLUMNS = (
    "received", "measured", "protocol", "source", "name", "base", "seq", "number", "text", "bool",
    "bytes", "sum", "unit",
)  # fmt: skip
_INSERT = f"INSERT INTO records ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"


class Store(AbstractContextManager["Store"]):
    """OSError if the file cannot be such a database."""

    def __init__(
        self, path: str, report: Callable[[str, bool], None] = lambda text, ok: None
    ) -> None:
        """report(text, ok): called once when writing fails, and once when it works again."""
        self.written = 0
        self.dropped = 0
        self.problem = ""
        self._path, self._report = path, report
        self._queue: deque[tuple[Any, ...]] = deque()
        self._changed = threading.Condition()
        self._closing = False
        with contextlib.closing(self._connect()):
            pass
        self._thread = threading.Thread(target=self._work, name="store", daemon=True)
        self._thread.start()

    def put(self, readings: Sequence[Reading]) -> None:
        with self._changed:
            for reading in readings:
                if len(self._queue) < QUEUE_MAX:
                    self._queue.append(_row(reading))
                else:
                    self.dropped += 1
            self._changed.notify_all()

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Write the queued records, if that works, then stop."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout=15)

    def last_readings(self, count: int) -> list[Reading]:
        """Return those of earlier runs, oldest first."""
        with contextlib.closing(self._connect()) as connection:
            rows = connection.execute(
                f"SELECT {', '.join(COLUMNS)} FROM records ORDER BY id DESC LIMIT ?", (count,)
            ).fetchall()
        return [_reading(row) for row in reversed(rows)]

    def _connect(self) -> sqlite3.Connection:
        connection = None
        try:
            connection = sqlite3.connect(self._path, timeout=2.0, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, VERSION):
                raise OSError(f"its schema is version {version}; allowed: {VERSION}")
            connection.executescript(SCHEMA)
            connection.execute(f"PRAGMA user_version={VERSION}")
        except (sqlite3.Error, OSError) as problem:
            if connection is not None:
                connection.close()
            raise OSError(str(problem)) from None
        return connection

    def _work(self) -> None:
        connection: sqlite3.Connection | None = None
        pause_s = RETRY_S
        while batch := self._next_batch():
            try:
                connection = connection or self._connect()
                _write(connection, batch)
            except (sqlite3.Error, OSError) as problem:
                self._requeue(batch, problem)
                if connection is not None:
                    connection.close()
                    connection = None
                if self._closing:
                    break
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)
                continue
            self.written += len(batch)
            pause_s = RETRY_S
            if self.problem:
                self.problem = ""
                self._report(f"{self._path}: writing again", True)
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _next_batch(self) -> list[tuple[Any, ...]]:
        """Return the rows that come next; [] at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            waiting = len(self._queue) < BATCH_MAX and not self._closing
        if waiting:
            time.sleep(BATCH_S)  # one transaction for records that come together
        with self._changed:
            return [self._queue.popleft() for _ in range(min(BATCH_MAX, len(self._queue)))]

    def _requeue(self, batch: list[tuple[Any, ...]], problem: Exception) -> None:
        with self._changed:
            room = QUEUE_MAX - len(self._queue)
            if self._closing:
                room = 0
            self._queue.extendleft(reversed(batch[:room]))
            self.dropped += len(batch[room:])
            if self._closing:
                self.dropped += len(self._queue)
                self._queue.clear()
        if not self.problem:
            self._report(
                f"{self._path}: {problem}; collecting goes on, writing is tried again", False
            )
        self.problem = str(problem)


def _write(connection: sqlite3.Connection, batch: list[tuple[Any, ...]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany(_INSERT, batch)
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _row(reading: Reading) -> tuple[Any, ...]:
    number: int | float | None = None
    text = flag = blob = None
    value = reading.value
    if isinstance(value, bool):
        flag = int(value)
    elif isinstance(value, int) and -INTEGER_MAX <= value < INTEGER_MAX:
        number = value
    elif isinstance(value, (int, float, Decimal)):
        number = float(value)
    elif isinstance(value, str):
        text = value.encode("utf-8", "replace").decode()  # a lone surrogate cannot be written
    elif isinstance(value, bytes):
        blob = value
    return (
        reading.received_s, reading.at_s, reading.protocol, reading.source, reading.name,
        reading.base, reading.seq, number, text, flag, blob, reading.sum, reading.unit,
    )  # fmt: skip


def _reading(row: tuple[Any, ...]) -> Reading:
    received, at, protocol, source, name, base, seq, number, text, flag, blob, total, unit = row
    value = number if number is not None else text if text is not None else blob
    if flag is not None:
        value = bool(flag)
    shown = blob.hex() if blob is not None else str(value)
    if flag is not None:
        shown = "true" if flag else "false"
    elif value is None:
        shown = f"sum {total}"
    return Reading(
        at, received, protocol, source, name, base, value, packs.printable(shown), unit, seq, total
    )
