"""Messages into the database: what is new, what is known, which boot it is of.

    writer, messages = Writer(connection), [message_of(records, "coap", source, time.time())]
    writer.name(messages)
    with connection.transaction():
        [written] = writer.write(messages)      # written.new, written.duplicates

The key of a record is (node, boot, seq, name), never a time. A record whose key is known is
compared: with the same value it is a duplicate; with another the board has begun again at 0, and
the measurement belongs to a new boot.

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

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from collector.decode.report import UNITS, measurements
from collector.decode.senml import Record
from collector.storage.database import Connection, writable
from collector.storage.readings import Reading, new_reading
from collector.storage.tables import ARRIVALS

INTEGER_END = 2**63  # of SQLite
LAYER = WRAP = 2**16
NEAR = 4_096  # reports that may be lost around 65535
FRESH_S = 60  # between measuring and reception of what a node sends at once
NAMES_MAX = 10_000  # in memory
AHEAD_S = 2 * 86_400  # a known time so far ahead is of a wrong clock, and the next one counts
# The node's own figures: it may add them when it sends, so that a repetition has others
FIGURES = frozenset(UNITS)

_NODE = ("base", "seen", "protocol", "source")
_SEEN = f"""
ON CONFLICT (base) DO UPDATE SET protocol = excluded.protocol, source = excluded.source,
    seen = CASE WHEN excluded.seen BETWEEN node.seen - {AHEAD_S} AND node.seen
        THEN node.seen ELSE excluded.seen END
"""
_STATE = ("boot", "seq", "shift", "wide", "arrivals", "measured")
_GIVEN = "base, id, " + ", ".join(_STATE)
_KNOWN_NODES = f"SELECT {_GIVEN} FROM {{keys}} JOIN node USING (base)"
_KEPT = _SEEN + "".join(f", {name} = excluded.{name}" for name in _STATE)
_NAME = ("name", "unit", "kind", "nth")
_NUMBERED = "ON CONFLICT (name, unit, kind, nth) DO UPDATE SET name = excluded.name RETURNING "
_NUMBERED += "id, name, unit, kind, nth"
_REPORT = ("node", "boot", "seq", "part", "received", "protocol", "source")
_RECORD = ("node", "boot", "seq", "name", "part", "measured", "value", "other", "sum")
_KEYS = "node bigint, boot bigint, seq bigint"
_KNOWN = """
SELECT record.node, record.boot, record.seq, name.name, nth, kind, part, value, other, sum
FROM {keys} JOIN record USING (node, boot, seq) JOIN name ON name.id = record.name
"""
_CHANGED = ("newest", "seq", "measured", "received", "value", "other", "sum")
_LATEST = ("node", "name", *_CHANGED, "count")
_NEWER = "{0} = CASE WHEN excluded.newest >= latest.newest"
_NEWER += f" OR latest.newest > excluded.received + {AHEAD_S}"
_NEWER += " THEN excluded.{0} ELSE latest.{0} END"
_IS_LATEST = "ON CONFLICT (node, name) DO UPDATE SET count = latest.count + excluded.count, "
_IS_LATEST += ", ".join(_NEWER.format(column) for column in _CHANGED)

Key = tuple[int, int, int]  # node, boot, seq


class Row(NamedTuple):
    """A record as the database has it."""

    reading: Reading
    name: tuple[str, str, str, int]  # name, unit, kind, nth
    key: tuple[str, int]  # name and nth
    content: tuple[Any, ...]  # kind, value, other, sum
    measured: float | None


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
    def origin(self) -> tuple[float, str, str]:
        return self.received_s, self.protocol, self.source

    @property
    def records(self) -> int:
        return sum(len(part.rows) for part in self.parts)


@dataclass
class _Node:
    base: str
    id: int
    boot: int
    seq: int
    shift: int
    wide: bool
    arrivals: int
    measured: float | None
    origin: tuple[float, str, str] = (0, "", "")  # of its last message

    @property
    def state(self) -> tuple[Any, ...]:
        return self.boot, self.seq, self.shift, int(self.wide), self.arrivals, self.measured


def message_of(
    records: Sequence[Record], protocol: str, source: str, received_s: float
) -> Message:
    """Return the records of a pack as they will be written."""
    base, found = measurements(records)
    source = writable(source)
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
    value, kind = reading.value, reading.kind
    if isinstance(value, (int, float, Decimal)):
        number = int(value)  # of a float, too: the file keeps it in fewer bytes
        if number != value or not -INTEGER_END <= number < INTEGER_END:
            number = float(value)
    elif isinstance(value, str):
        other = writable(value)
    elif isinstance(value, bytes):
        other = value.hex()
    measured = reading.measured_s
    if measured is not None and measured == int(measured):
        measured = int(measured)
    return Row(
        reading, (name, reading.unit or "", kind, nth), (name, nth),
        (kind, number, other, reading.sum), measured,
    )  # fmt: skip


@dataclass
class Written:
    """What became of a message."""

    node: int
    new: list[Reading]
    duplicates: int


class Writer:
    """Its numbers of names are a cache: a name is never deleted, nor changed."""

    def __init__(self, connection: Connection) -> None:
        self._database = connection
        self._names: dict[tuple[str, str, str, int], int] = {}

    def forget(self) -> None:
        """Forget the cache: behind a failure there may be another server, or an older state."""
        self._names.clear()

    def name(self, messages: Iterable[Message]) -> None:
        """Give numbers to new names, in a transaction of their own: another process that has the
        same ones would wait for the end of this one, which may wait for that."""
        names = {row.name for each in messages for part in each.parts for row in part.rows}
        if not names <= self._names.keys():
            if len(self._names) > NAMES_MAX:
                self._names.clear()
            missing = sorted(names - self._names.keys())
            with self._database.transaction():
                found = self._database.insert("name", _NAME, missing, _NUMBERED)
            self._names.update((tuple(key), number) for number, *key in found)

    def write(self, messages: Sequence[Message]) -> list[Written]:
        """Write messages whose names have numbers."""
        batch = _Batch(self._database, self._names, messages)
        written = [batch.take(message) for message in messages]
        batch.save()
        return written


class _Batch:
    """The messages of a transaction: read by many keys at once, decided here, written at once.

    The rows of the nodes are locked first, which keeps other processes from these nodes until the
    end of the transaction. So what is read here stays true.
    """

    def __init__(
        self, connection: Connection, names: dict[tuple[str, str, str, int], int],
        messages: Sequence[Message],
    ) -> None:  # fmt: skip
        self._database, self._names = connection, names
        last = {each.base: each.origin for each in messages}
        # In the same order in each process, so that no two wait for each other
        bases = [(base,) for base in sorted(last)]
        found = connection.find(_KNOWN_NODES, "base text", bases, lock="node")
        if len(found) < len(last):
            missing = sorted(last.keys() - {base for base, *_ in found})
            new = [(base, *last[base]) for base in missing]
            found += connection.insert("node", _NODE, new, f"{_SEEN} RETURNING {_GIVEN}")
        self._nodes = {base: _Node(base, *state) for base, *state in found}
        self._reports: list[tuple[Any, ...]] = []
        self._records: list[tuple[Any, ...]] = []
        self._latest: dict[tuple[int, int], list[Any]] = {}
        self._boots: set[tuple[int, int]] = set()  # of new reports
        # Records by their report, (part, content) by (name, nth); {} for a report that is new
        self._reported: dict[Key, dict[tuple[str, int], Any]] = {}
        self._look({key for each in messages for key in self._guess(each)})

    def take(self, message: Message) -> Written:
        node, origin = self._nodes[message.base], message.origin
        node.origin = origin
        node.wide = node.wide or len(message.parts) > 1
        new: list[Row] = []
        for part in message.parts:
            new += self._take_part(node, part, origin)
        return Written(node.id, [row.reading for row in new], message.records - len(new))

    def save(self) -> None:
        insert = self._database.insert
        insert("report", _REPORT, self._reports)
        insert("record", _RECORD, self._records)
        latest = sorted((*key, *content) for key, content in self._latest.items())
        insert("latest", _LATEST, latest, _IS_LATEST)
        nodes = [(base, *node.origin, *node.state) for base, node in sorted(self._nodes.items())]
        insert("node", (*_NODE, *_STATE), nodes, _KEPT)

    def _take_part(self, node: _Node, part: Part, origin: tuple[float, str, str]) -> list[Row]:
        new, number = part.rows, 0
        if part.seq is None:
            node.arrivals += 1
            key = (node.id, ARRIVALS, node.arrivals)
        else:
            key, known = self._place(node, part)
            if known:
                new = [row for row in part.rows if row.key not in known]
                number = 1 + max(number for number, _ in known.values())
            known.update({row.key: (number, row.content) for row in new})
        if new or not number:
            self._reports.append((*key, number, *origin))
            self._boots.add(key[:2])
        for row in new:
            name, value, when = self._names[row.name], row.content[1:], row.measured
            self._records.append((*key, name, number, 0 if when == origin[0] else when, *value))
            self._keep_latest(
                (node.id, name), [row.reading.order_s, part.seq, when, origin[0], *value, 1]
            )
        times = [row.measured for row in new if row.measured is not None]
        if times:  # a clock that is ahead must not make all that follows late
            node.measured = max(node.measured or 0, min(max(times), origin[0]))
        return new

    def _keep_latest(self, key: tuple[int, int], content: list[Any]) -> None:
        before = self._latest.get(key)
        if before is None or content[0] >= before[0]:
            self._latest[key] = content
        if before is not None:
            self._latest[key][-1] = before[-1] + 1

    def _place(self, node: _Node, part: Part) -> tuple[Key, dict[tuple[str, int], Any]]:
        """Return the key of a measurement, and what is known under it."""
        assert part.seq is not None
        boot = self._boot(node, part)
        while True:
            current = boot == node.boot
            seq = _counted_on(node, part.seq) if current else part.seq
            key = (node.id, boot, seq)
            known = self._known(key)
            if not known or not _contradicts(part.rows, known):
                break
            boot = self._next_boot(node, part, boot)
            if current:
                node.boot, node.seq, node.shift = boot, -1, 0
        if boot == node.boot and seq > node.seq:
            node.seq, node.shift = seq, seq - part.seq
        return key, known

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
        sql = "SELECT 1 FROM report WHERE node = ? AND boot = ? LIMIT 1"
        key = (node.id, boot)
        return key in self._boots or bool(self._database.execute(sql, key))

    def _guess(self, message: Message) -> Iterator[Key]:
        """Return the keys that a message will most probably have."""
        node = self._nodes[message.base]
        for part in message.parts:
            if part.seq is not None:
                same = part.boot is None or node.boot % LAYER == part.boot
                seq = _counted_on(node, part.seq) if same else part.seq
                yield node.id, node.boot if same else part.boot or 0, seq

    def _known(self, key: Key) -> dict[tuple[str, int], Any]:
        if key not in self._reported:
            self._look([key])
        return self._reported[key]

    def _look(self, keys: Collection[Key]) -> None:
        self._reported.update((key, {}) for key in keys)
        for node, boot, seq, name, nth, kind, part, *content in self._database.find(
            _KNOWN, _KEYS, sorted(keys)
        ):
            self._reported[node, boot, seq][name, nth] = part, (kind, *content)


def _counted_on(node: _Node, seq: int) -> int:
    """Return the sequence number as a node with more than 16 bits would have counted."""
    if node.wide:
        return seq + node.shift
    if not node.shift and not (node.seq >= WRAP - NEAR and seq < NEAR):
        return seq
    return node.seq - WRAP // 2 + (seq - node.seq + WRAP // 2) % WRAP


def _contradicts(rows: Sequence[Row], known: dict[tuple[str, int], Any]) -> bool:
    """Return True if a value differs from the known one; figures count if nothing else does."""
    common = [row for row in rows if row.key in known]
    telling = [row for row in common if row is not rows[0] and row.key[0] not in FIGURES]
    return any(row.content != known[row.key][1] for row in telling or common)
