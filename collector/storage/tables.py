"""The tables and views of the database (docs/collect.md), and how an older file gets them.

    with connection.transaction():
        tables.prepare(connection)          # OSError for a database of another program or version

Source: sqlite.org, withoutrowid.html, lang_upsert.html, pragma.html (user_version is part of the
transaction that sets it).
"""

from __future__ import annotations

from collector.storage.database import Connection

VERSION, BEFORE = 3, 2  # of the schema; the one that becomes it when it is opened
COUNTERS = ("messages", "records", "duplicates", "refused", "dropped", "acknowledged")
ARRIVALS = -1  # boot of what has no sequence number; its seq counts the arrivals of the node

# Types in braces are those of each engine. A text is in `other`; bytes are there in hex
REPORTS = """
CREATE TABLE node (
    id {serial},
    base TEXT NOT NULL UNIQUE,           -- base name
    boot {integer} NOT NULL DEFAULT 0,   -- the one that reports without a boot number belong to
    seq {integer} NOT NULL DEFAULT -1,   -- the highest of that boot
    shift {integer} NOT NULL DEFAULT 0,  -- what is added to its numbers, after 65535 became 0
    wide INTEGER NOT NULL DEFAULT 0,     -- 1: it counts beyond 65535
    arrivals {integer} NOT NULL DEFAULT 0, -- packs without a sequence number
    measured {time},                     -- the newest known time
    seen {time} NOT NULL,                -- the last reception, how and from where; 0: none yet
    protocol TEXT NOT NULL,
    source TEXT NOT NULL
);
CREATE TABLE name (
    id {serial},
    name TEXT NOT NULL,                  -- without the base name
    unit TEXT NOT NULL,                  -- '' for none
    kind TEXT NOT NULL,                  -- number, bool, text, bytes, sum
    nth INTEGER NOT NULL,                -- 0, or 1, 2, ... for a name again in one measurement
    UNIQUE (name, unit, kind, nth)
);
CREATE TABLE report (
    node {integer} NOT NULL,
    boot {integer} NOT NULL,
    seq {integer} NOT NULL,
    part INTEGER NOT NULL,               -- 0, 1, ...: the messages that brought records of it
    received {time} NOT NULL,
    protocol TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (node, boot, seq, part){with_report}
){clustered};
CREATE TABLE record (
    node {integer} NOT NULL,
    boot {integer} NOT NULL,
    seq {integer} NOT NULL,
    name {integer} NOT NULL,
    part INTEGER NOT NULL,
    measured {time},                     -- 0: when it was received; NULL: unknown
    value {number},                      -- a number, or a truth value as 0 or 1
    other TEXT,                          -- a text, or bytes in hex
    sum {number},
    PRIMARY KEY (node, boot, seq, name){with_record}
){clustered};
CREATE TABLE latest (
    node {integer} NOT NULL,
    name {integer} NOT NULL,
    newest {time} NOT NULL,              -- what decides; `measured`, unless that is unknown
    seq {integer},
    measured {time},
    received {time} NOT NULL,
    value {number},
    other TEXT,
    sum {number},
    count {integer} NOT NULL,            -- of its records in all
    PRIMARY KEY (node, name)
){clustered};
CREATE TABLE counter (name TEXT PRIMARY KEY, value {integer} NOT NULL){clustered};
CREATE VIEW counters AS SELECT name, value FROM counter;
"""
# Since version 3; `fleet` may be in a file of version 2
ADDED = """
CREATE TABLE IF NOT EXISTS fleet (
    node {integer} PRIMARY KEY,
    release {integer},                   -- that it runs, as it said last
    named {time},                        -- when it said anything of updates
    offered {integer},                   -- release that the answers to its reports offer
    progress INTEGER,                    -- percent of it that the node has fetched
    confirmed {integer},                 -- the last release that it was told to keep
    rejected {integer},                  -- the last release that it has left again, and why
    cause TEXT
);
CREATE VIEW readings AS
    SELECT node.base AS node, CASE WHEN record.boot >= 0 THEN record.boot END AS boot,
           CASE WHEN record.boot >= 0 THEN record.seq END AS seq, name.name AS name,
           nullif(name.unit, '') AS unit,
           CASE record.measured WHEN 0 THEN report.received ELSE record.measured END AS measured,
           report.received AS received, coalesce(record.value, record.sum{or_text}) AS value,
           report.protocol AS protocol, report.source AS source, record.other AS text
    FROM record JOIN report USING (node, boot, seq, part)
         JOIN node ON node.id = record.node JOIN name ON name.id = record.name;
-- What is known of the nodes beyond their reports: collector/alarms/watch.py
CREATE TABLE watch (
    node {integer} PRIMARY KEY,
    checked {time} NOT NULL,             -- `seen` of the node, when the figures were made
    period {time},                       -- seconds between its reports; NULL: not known yet
    lost {integer},                      -- reports that are missing of the 24 h before
    battery {time},                      -- V
    trend {time},                        -- V a day, over 7 days
    pending {integer},                   -- release that is offered to it, and since when
    pending_since {time},
    muted {time}                         -- no alarms of it until then
){clustered};
CREATE TABLE alarm (
    id {serial},
    node {integer},                      -- NULL: of the whole fleet
    kind TEXT NOT NULL,                  -- silent, battery, falling, gaps, cause, release, nothing
    text TEXT NOT NULL,
    since {time} NOT NULL,
    until {time},                        -- when it ended; NULL: it goes on
    told {time}                          -- when the last notice of it was written
);
CREATE INDEX alarm_open ON alarm (node, kind) WHERE until IS NULL;
-- A notice is sent to `target` until that takes it
CREATE TABLE notice (
    id {serial},
    created {time} NOT NULL,
    target TEXT NOT NULL,                -- webhook, email
    body TEXT NOT NULL,                  -- JSON
    tries INTEGER NOT NULL,
    due {time} NOT NULL,                 -- the next trial
    sent {time}                          -- NULL: not yet
);
CREATE INDEX notice_due ON notice (due) WHERE sent IS NULL;
-- The last messages that could not be decoded
CREATE TABLE refused (
    id {serial},
    received {time} NOT NULL,
    protocol TEXT NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL
);
"""
UPGRADE = """
DROP VIEW readings;
UPDATE record SET other = lower(hex(other)) WHERE typeof(other) = 'blob';
UPDATE latest SET other = lower(hex(other)) WHERE typeof(other) = 'blob';
"""


def prepare(connection: Connection) -> None:
    """Create the tables, unless they are there. Call it in a transaction."""
    version = connection.version()
    if version == VERSION:
        return
    if version not in (None, BEFORE):
        raise OSError(f"its schema is version {version}; allowed: {BEFORE}, {VERSION}")
    for script in (REPORTS if version is None else UPGRADE, ADDED):
        for statement in script.format(**connection.types).split(";\n"):
            if statement.strip():
                connection.execute(statement)
    if version is None:
        rows = [(name, 0) for name in COUNTERS]
        connection.many("INSERT INTO counter (name, value) VALUES (?, ?)", rows)
    connection.set_version(VERSION)
