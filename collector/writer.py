"""One message after the other into the database: what is new, what is known, which boot it is of.

    writer = Writer(connection)
    new, duplicates = writer.write(message_of(records, "coap", "192.0.2.7:5683", time.time()))

Call it in a transaction, and `forget` after a rollback. The key of a record is (node, boot, seq,
name), never a time. A record whose key is known is compared: with the same value it is a
duplicate; with another the board has begun again at 0, and the measurement belongs to a new boot.

Boots. A node that lost its sequence number counts from 0 with a random boot number, and says it
until the server confirms one that it has just measured. A measurement without one belongs to
`node.boot`, which such a fresh measurement moves; a late one does not, nor one of an unknown time.
If values differ under a boot number, the number plus LAYER is taken; without a boot number the
next one that is free.

Sequence numbers of older nodes have 16 bits. From NEAR the end of them to NEAR 0 they are taken
as counted on, and from then on by serial number arithmetic (RFC 1982) against `node.seq`. A node
that has sent a number beyond 65535, a boot number, or several measurements in one pack counts
further by itself. A wrong guess costs a wrong number and no record: the key decides what is new.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from collector.readings import Reading, new_reading
from collector.report import UNITS, measurements
from collector.senml import Record
from collector.tables import ARRIVALS

INTEGER_END = 2**63  # of SQLite
LAYER = WRAP = 2**16
NEAR = 4_096  # reports that may be lost around 65535
FRESH_S = 60  # between measuring and reception of what a node sends at once
NAMES_MAX = 10_000  # in memory
# The node's own figures: it may add them when it sends, so that a repetition has others
FIGURES = frozenset(UNITS)

_NODE = """
INSERT INTO node (base, seen, protocol, source) VALUES (?, ?, ?, ?)
ON CONFLICT (base) DO UPDATE SET seen = max(seen, excluded.seen), protocol = excluded.protocol,
    source = excluded.source
RETURNING id, base, boot, seq, shift, wide, arrivals, measured
"""
_KEEP_NODE = """
UPDATE node SET boot = ?, seq = ?, shift = ?, wide = ?, arrivals = ?, measured = ? WHERE id = ?
"""
_NAME = """
INSERT INTO name (name, unit, kind, nth) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET name = name RETURNING id
"""
_REPORT = "INSERT INTO report VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_KNOWN = """
SELECT name.name, nth, kind, part, value, other, sum FROM record JOIN name ON name.id = record.name
WHERE node = ? AND boot = ? AND seq = ?
"""
_RECORD = "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_NEWER = "CASE WHEN excluded.newest >= newest THEN excluded.{0} ELSE {0} END"
_CHANGED = ("seq", "measured", "received", "value", "other", "sum", "newest")  # that last
_LATEST = (
    "INSERT INTO latest VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)"
    " ON CONFLICT DO UPDATE SET count = count + 1, "
    + ", ".join(f"{column} = {_NEWER.format(column)}" for column in _CHANGED)
)


@dataclass(frozen=True)
class Row:
    """A record as the database has it."""

    reading: Reading
    name: str
    nth: int
    measured: float | None
    value: int | float | None
    other: str | None
    sum: float | None

    @property
    def content(self) -> tuple[Any, ...]:
        return self.reading.kind, self.value, self.other, self.sum


@dataclass(frozen=True)
class Part:
    """The records of one measurement in a message."""

    seq: int | None
    boot: int | None
    timed: bool
    rows: list[Row]


@dataclass(frozen=True)
class Message:
    base: str
    protocol: str
    source: str
    received_s: float
    parts: list[Part]

    @property
    def records(self) -> int:
        return sum(len(part.rows) for part in self.parts)


@dataclass
class _Node:
    id: int
    base: str
    boot: int
    seq: int
    shift: int
    wide: bool
    arrivals: int
    measured: float | None

    @property
    def state(self) -> tuple[Any, ...]:
        return self.boot, self.seq, self.shift, int(self.wide), self.arrivals, self.measured


def message_of(
    records: Sequence[Record], protocol: str, source: str, received_s: float
) -> Message:
    """Return the records of a pack as they will be written."""
    base, found = measurements(records)
    parts = []
    for each in found:
        readings = [
            new_reading(record, protocol, source, received_s, base, each.seq, each.timed)
            for record in each.records
        ]
        parts.append(Part(each.seq, each.boot, each.timed, rows_of(base, readings)))
    return Message(base, protocol, source, received_s, parts)


def rows_of(base: str, readings: Sequence[Reading]) -> list[Row]:
    count: Counter[str] = Counter()
    rows = []
    for reading in readings:
        name = reading.name[len(base) :]
        rows.append(_row(reading, name, count[name]))
        count[name] += 1
    return rows


def _row(reading: Reading, name: str, nth: int) -> Row:
    number: int | float | None = None
    other: str | None = None
    value = reading.value
    if isinstance(value, (int, float, Decimal)):
        number = value if isinstance(value, int) else float(value)
        if number == int(number) and -INTEGER_END <= number < INTEGER_END:
            number = int(number)  # of a float, too: the file keeps it in fewer bytes
        else:
            number = float(number)
    elif isinstance(value, str):
        # neither a lone surrogate nor (PostgreSQL) the character 0 can be written
        other = value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    elif isinstance(value, bytes):
        other = value.hex()
    measured = reading.measured_s
    if measured is not None and measured == int(measured):
        measured = int(measured)
    return Row(reading, name, nth, measured, number, other, reading.sum)


class Writer:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._database = connection
        self._names: dict[tuple[str, str, str, int], int] = {}

    def forget(self) -> None:
        """Forget what a rollback may have taken back."""
        self._names.clear()

    def write(self, message: Message) -> tuple[list[Reading], int]:
        """Return the new readings and the number of duplicates."""
        origin = (message.received_s, message.protocol, message.source)
        node = _Node(*self._database.execute(_NODE, (message.base, *origin)).fetchone())
        before = node.state
        node.wide = node.wide or len(message.parts) > 1
        new: list[Row] = []
        for part in message.parts:
            new += self._write_part(node, part, origin)
        if node.state != before:
            self._database.execute(_KEEP_NODE, (*node.state, node.id))
        return [row.reading for row in new], message.records - len(new)

    def _write_part(self, node: _Node, part: Part, origin: tuple[float, str, str]) -> list[Row]:
        if part.seq is None:
            node.arrivals += 1
            key = (node.id, ARRIVALS, node.arrivals)
            known: dict[tuple[str, int], Any] = {}
            number = 0
            self._add_report(key, origin)
        else:
            key, known, number = self._place(node, part, origin)
        new = [row for row in part.rows if (row.name, row.nth) not in known]
        if known and new:
            number = 1 + max(number for number, _ in known.values())
            self._database.execute(_REPORT, (*key, number, *origin))
        records, latest = [], []
        for row in new:
            name, value = self._name_id(row), (row.value, row.other, row.sum)
            measured = 0 if row.measured == origin[0] else row.measured
            records.append((*key, name, number, measured, *value))
            newest = row.reading.order_s
            latest.append((node.id, name, newest, part.seq, row.measured, origin[0], *value))
        self._database.executemany(_RECORD, records)
        self._database.executemany(_LATEST, latest)
        times = [row.measured for row in new if row.measured is not None]
        if times:  # a clock that is ahead must not make all that follows late
            node.measured = max(node.measured or 0, min(max(times), origin[0]))
        return new

    def _place(
        self, node: _Node, part: Part, origin: tuple[float, str, str]
    ) -> tuple[tuple[int, int, int], dict[tuple[str, int], Any], int]:
        """Return the key of a measurement, what is known under it, and the part that is new."""
        assert part.seq is not None
        boot = self._boot(node, part)
        while True:
            current = boot == node.boot
            seq = _counted_on(node, part.seq) if current else part.seq
            key = (node.id, boot, seq)
            if self._add_report(key, origin):
                known = {}
                break
            known = self._known(key)
            if not _contradicts(part.rows, known):
                break
            boot = self._next_boot(node, part, boot)
            if current:
                node.boot, node.seq, node.shift = boot, -1, 0
        if boot == node.boot and seq > node.seq:
            node.seq, node.shift = seq, seq - part.seq
        return key, known, 0

    def _boot(self, node: _Node, part: Part) -> int:
        if part.seq is not None and part.seq >= WRAP:
            node.wide = True
        if part.boot is None:
            return node.boot
        node.wide = True
        if node.boot % LAYER == part.boot:
            return node.boot
        if node.seq < 0 or self._is_current(node, part.boot, part.rows[0]):
            node.boot, node.seq, node.shift = part.boot, -1, 0
        return part.boot

    def _is_current(self, node: _Node, boot: int, first: Row) -> bool:
        """Return True if a declared boot is the one that the node is in, as far as times tell."""
        if first.measured is None:
            return False
        if first.measured >= (node.measured or 0):
            return True
        fresh = first.measured >= first.reading.received_s - FRESH_S  # its clock may be behind
        return fresh and not self._has(node, boot)

    def _next_boot(self, node: _Node, part: Part, boot: int) -> int:
        if part.boot is not None:
            return boot + LAYER
        boot += 1
        while self._has(node, boot):
            boot += 1
        return boot

    def _has(self, node: _Node, boot: int) -> bool:
        found = self._database.execute(
            "SELECT 1 FROM report WHERE node = ? AND boot = ? LIMIT 1", (node.id, boot)
        )
        return found.fetchone() is not None

    def _add_report(self, key: tuple[int, int, int], origin: tuple[float, str, str]) -> bool:
        """Return False if the report is known."""
        return self._database.execute(_REPORT, (*key, 0, *origin)).rowcount == 1

    def _known(self, key: tuple[int, int, int]) -> dict[tuple[str, int], Any]:
        """Return (part, content) by (name, nth)."""
        return {
            (name, nth): (part, (kind, *content))
            for name, nth, kind, part, *content in self._database.execute(_KNOWN, key)
        }

    def _name_id(self, row: Row) -> int:
        key = (row.name, row.reading.unit or "", row.reading.kind, row.nth)
        found = self._names.get(key)
        if found is None:
            if len(self._names) >= NAMES_MAX:
                self._names.clear()
            found = self._names[key] = int(self._database.execute(_NAME, key).fetchone()[0])
        return found


def _counted_on(node: _Node, seq: int) -> int:
    """Return the sequence number as a node with more than 16 bits would have counted."""
    if node.wide:
        return seq + node.shift
    if not node.shift and not (node.seq >= WRAP - NEAR and seq < NEAR):
        return seq
    return node.seq - WRAP // 2 + (seq - node.seq + WRAP // 2) % WRAP


def _contradicts(rows: Sequence[Row], known: dict[tuple[str, int], Any]) -> bool:
    """Return True if a value differs from the known one; figures count if nothing else does."""
    common = [row for row in rows if (row.name, row.nth) in known]
    telling = [row for row in common if row is not rows[0] and row.name not in FIGURES]
    return any(row.content != known[row.name, row.nth][1] for row in telling or common)
