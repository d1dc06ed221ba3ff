"""The tables and views of the database (docs/collect.md), and how an older file gets them.

    prepare(connection)         # in a transaction; OSError for a file of another program

Source: sqlite.org, withoutrowid.html, lang_upsert.html, pragma.html (user_version is part of the
transaction that sets it).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from collector import packs
from collector.readings import Reading

VERSION = 2  # of the schema, in user_version
COUNTERS = ("messages", "records", "duplicates", "refused", "dropped", "acknowledged")
ARRIVALS = -1  # boot of what has no sequence number; its seq counts the arrivals of the node

SCHEMA = """
CREATE TABLE node (
    id INTEGER PRIMARY KEY,
    base TEXT NOT NULL UNIQUE,           -- base name
    boot INTEGER NOT NULL DEFAULT 0,     -- the one that reports without a boot number belong to
    seq INTEGER NOT NULL DEFAULT -1,     -- the highest of that boot
    shift INTEGER NOT NULL DEFAULT 0,    -- what is added to its numbers, after 65535 became 0
    wide INTEGER NOT NULL DEFAULT 0,     -- 1: it counts beyond 65535
    arrivals INTEGER NOT NULL DEFAULT 0, -- packs without a sequence number
    measured REAL,                       -- the newest known time
    seen REAL NOT NULL,                  -- the last reception, how and from where
    protocol TEXT NOT NULL,
    source TEXT NOT NULL
);
CREATE TABLE name (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,                  -- without the base name
    unit TEXT NOT NULL,                  -- '' for none
    kind TEXT NOT NULL,                  -- number, bool, text, bytes, sum
    nth INTEGER NOT NULL,                -- 0, or 1, 2, ... for a name again in one measurement
    UNIQUE (name, unit, kind, nth)
);
CREATE TABLE report (
    node INTEGER NOT NULL,
    boot INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    part INTEGER NOT NULL,               -- 0, 1, ...: the messages that brought records of it
    received REAL NOT NULL,
    protocol TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (node, boot, seq, part)
) WITHOUT ROWID;
CREATE TABLE record (
    node INTEGER NOT NULL,
    boot INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    name INTEGER NOT NULL,
    part INTEGER NOT NULL,
    measured,                            -- 0: when it was received; NULL: unknown
    value,                               -- a number, or a truth value as 0 or 1
    other,                               -- a text, or bytes
    sum REAL,
    PRIMARY KEY (node, boot, seq, name)
) WITHOUT ROWID;
CREATE TABLE latest (
    node INTEGER NOT NULL,
    name INTEGER NOT NULL,
    newest NOT NULL,                     -- what decides; `measured`, unless that is unknown
    seq INTEGER,
    measured,
    received REAL NOT NULL,
    value,
    other,
    sum REAL,
    count INTEGER NOT NULL,              -- of its records in all
    PRIMARY KEY (node, name)
) WITHOUT ROWID;
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE VIEW readings AS
    SELECT node.base AS node, CASE WHEN record.boot >= 0 THEN record.boot END AS boot,
           CASE WHEN record.boot >= 0 THEN record.seq END AS seq, name.name AS name,
           nullif(name.unit, '') AS unit,
           CASE record.measured WHEN 0 THEN report.received ELSE record.measured END AS measured,
           report.received AS received,
           coalesce(record.value, record.other, record.sum) AS value,
           report.protocol AS protocol, report.source AS source
    FROM record JOIN node ON node.id = record.node JOIN name ON name.id = record.name
         JOIN report USING (node, boot, seq, part);
CREATE VIEW counters AS SELECT name, value FROM counter;
"""
# Of any version: a collector that does not know it leaves it alone
FLEET = """
CREATE TABLE IF NOT EXISTS fleet (
    node INTEGER PRIMARY KEY,
    release INTEGER,                     -- that it runs, as it said last
    named REAL,                          -- when it said anything of updates
    offered INTEGER,                     -- release that the answers to its reports offer
    progress INTEGER,                    -- percent of it that the node has fetched
    confirmed INTEGER,                   -- the last release that it was told to keep
    rejected INTEGER,                    -- the last release that it has left again, and why
    cause TEXT
)
"""


def prepare(connection: sqlite3.Connection) -> Iterator[list[Reading]] | None:
    """Create the tables, unless they are there. Call it in a transaction.

    Returns the messages of a file of version 1, oldest first; None for any other file. `drop_old`
    removes them when they are written.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == VERSION:
        connection.execute(FLEET)
        return None
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if version not in (0, 1) or (version == 0 and tables):
        raise OSError(f"its schema is version {version}; allowed: 1, {VERSION}")
    for statement in (*SCHEMA.split(";\n"), FLEET):
        connection.execute(statement)
    connection.executemany("INSERT INTO counter VALUES (?, 0)", [(name,) for name in COUNTERS])
    connection.execute(f"PRAGMA user_version={VERSION}")
    return _old_messages(connection) if version else None


def drop_old(connection: sqlite3.Connection) -> None:
    connection.execute("DROP TABLE records")


def _old_messages(connection: sqlite3.Connection) -> Iterator[list[Reading]]:
    message: list[Reading] = []
    for row in connection.execute(
        "SELECT received, measured, protocol, source, name, base, seq, number, text, bool, bytes,"
        " sum, unit FROM records ORDER BY id"
    ):
        reading = _old_reading(row)
        if message and _origin(message[0]) != _origin(reading):
            yield message
            message = []
        message.append(reading)
    if message:
        yield message


def _origin(reading: Reading) -> tuple[Any, ...]:
    return reading.received_s, reading.protocol, reading.source, reading.base, reading.seq


def _old_reading(row: tuple[Any, ...]) -> Reading:
    received, at, protocol, source, name, base, seq, number, text, flag, blob, total, unit = row
    kind, value = "", number if number is not None else text if text is not None else blob
    if flag is not None:
        kind, value = "bool", flag
    origin = (at, received, protocol, source)
    return stored_reading(*origin, name, base, value, unit, seq, total, kind, at)


def stored_reading(
    measured: float | None, received: float, protocol: str, source: str, name: str, base: str,
    value: Any, unit: str | None, seq: int | None, total: float | None, kind: str,
    order_s: float = 0.0,
) -> Reading:  # fmt: skip
    """Return a reading of the database, whose value is shown as it is kept there."""
    if kind == "bool":
        value = bool(value)
    if isinstance(value, bytes):
        shown = value.hex()
    elif isinstance(value, bool):
        shown = "true" if value else "false"
    else:
        shown = f"sum {total}" if value is None else str(value)
    return Reading(
        measured, received, protocol, source, name, base, value, packs.printable(shown), unit,
        seq, total, order_s,
    )  # fmt: skip
