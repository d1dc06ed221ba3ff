"""What a collector knows: the latest value of each name, a series of each, and no report twice.

    readings = Readings()
    entries = readings.add(records, "udp", "192.0.2.7:5683", time.time())
    readings.latest()                       # board by board
    readings.series("240ac43118e5:t")       # [(seconds since 1970, number), ...]

Duplicates as docs/report.md says: base name, sequence number and name of the record are the key. A
pack that is known in all its records was repeated by the network or the node. A known key with
another value is a board that began again at 0, its NVS erased: what was known of it is forgotten.

Everything is bounded, as anybody can invent names: the name that was quiet longest goes first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from collector import packs
from collector.report import SEQ, sequence
from collector.senml import Record, Value

NAMES_MAX = 500
POINTS_MAX = 500  # of each name
KEYS_MAX = 20_000  # records by which duplicates are known
BOARDS_MAX = 1_000
PAST_S, FUTURE_S = 10 * 365 * 86_400, 86_400  # times of a sender that can be right

_Key = tuple[str, int, int, str, float]  # base name, times it began again, seq, name, time


@dataclass(frozen=True)
class Entry:
    """One record as it was received."""

    at_s: float  # when it was measured, as far as known; else when it was received
    received_s: float
    protocol: str
    source: str
    name: str
    base: str  # in front of the record's own name; "" without a sequence number
    value: Value
    shown: str
    unit: str | None
    seq: int | None
    sum: float | None

    @property
    def kind(self) -> str:
        if isinstance(self.value, bool):
            return "bool"
        if isinstance(self.value, (int, float, Decimal)):
            return "number"
        if isinstance(self.value, (str, bytes)):
            return "text" if isinstance(self.value, str) else "bytes"
        return "sum"

    @property
    def number(self) -> float | None:
        """What a chart shows: truth values as 0 and 1, a sum where there is no value."""
        if isinstance(self.value, (int, float, Decimal)):
            return float(self.value)
        return self.sum if self.value is None else None


@dataclass
class _Line:
    entry: Entry
    points: deque[tuple[float, float]]
    count: int = 0


class Readings:
    """Safe to use from several threads."""

    def __init__(self, names_max: int = NAMES_MAX, points_max: int = POINTS_MAX) -> None:
        self._names_max, self._points_max = names_max, points_max
        self._lock = threading.Lock()
        self._lines: OrderedDict[str, _Line] = OrderedDict()  # the one that changed last is last
        self._keys: OrderedDict[_Key, int] = OrderedDict()
        self._begun: OrderedDict[str, int] = OrderedDict()
        self.duplicates = 0  # records
        self.evicted = 0  # names
        self.version = 0  # another one after each change

    def add(
        self, records: Sequence[Record], protocol: str, source: str, received_s: float
    ) -> list[Entry]:
        """Take a pack; the entries that were new in it."""
        base, seq = sequence(records)
        entries = [_entry(each, protocol, source, received_s, base, seq) for each in records]
        with self._lock:
            if seq is not None:
                entries = self._new(entries, base, seq)
            for entry in entries:
                self._put(entry)
            self.version += 1
        return entries

    def restore(self, entries: Iterable[Entry]) -> None:
        """What was kept of an earlier run, oldest first."""
        with self._lock:
            for entry in entries:
                if entry.seq is not None:
                    self._new([entry], entry.base, entry.seq)
                self._put(entry)
            self.duplicates = self.evicted = 0
            self.version += 1

    def _new(self, entries: list[Entry], base: str, seq: int) -> list[Entry]:
        """Those not known yet; none of a pack that is a duplicate."""
        hashes = [_content(each) for each in entries]
        keys = [self._key(each, base, seq) for each in entries]
        if any(self._keys.get(key, now) != now for key, now in zip(keys, hashes, strict=True)):
            self._begun[base] = self._begun.pop(base, 0) + 1
            keys = [self._key(each, base, seq) for each in entries]
        new = [each for each, key in zip(entries, keys, strict=True) if key not in self._keys]
        if not new:
            self.duplicates += len(entries)
        for key, now in zip(keys, hashes, strict=True):
            self._keys[key] = now
        while len(self._keys) > KEYS_MAX:
            self._keys.popitem(last=False)
        while len(self._begun) > BOARDS_MAX:
            self._begun.popitem(last=False)
        return new

    def _key(self, entry: Entry, base: str, seq: int) -> _Key:
        own_time = 0.0 if entry.at_s == entry.received_s else entry.at_s
        return base, self._begun.get(base, 0), seq, entry.name, own_time

    def _put(self, entry: Entry) -> None:
        line = self._lines.pop(entry.name, None)
        if line is None:
            line = _Line(entry, deque(maxlen=self._points_max))
        # What comes late, out of a backlog, belongs into the series but is not the latest
        if entry.at_s >= line.entry.at_s:
            line.entry = entry
        line.count += 1
        if entry.number is not None:
            line.points.append((entry.at_s, entry.number))
        self._lines[entry.name] = line
        while len(self._lines) > self._names_max:
            self._lines.popitem(last=False)
            self.evicted += 1

    def latest(self) -> list[tuple[Entry, int]]:
        """The latest entry of each name and how many there were, in the order of the names."""
        with self._lock:
            found = [(line.entry, line.count) for line in self._lines.values()]
        return sorted(found, key=lambda each: _order(each[0]))

    def series(self, name: str, since_s: float = 0.0) -> list[tuple[float, float]]:
        """(time, number) in the order of time, from `since_s` on; [] for an unknown name."""
        with self._lock:
            line = self._lines.get(name)
            points = list(line.points) if line else []
        return sorted(point for point in points if point[0] > since_s)


def _entry(
    record: Record, protocol: str, source: str, received_s: float, base: str, seq: int | None
) -> Entry:
    when = float(record.time)
    known = when and received_s - PAST_S <= when <= received_s + FUTURE_S
    return Entry(
        at_s=when if known else received_s,
        received_s=received_s,
        protocol=protocol,
        source=source,
        name=record.name,
        base=base,
        value=record.value,
        shown=packs.shown(record),
        unit=packs.clean(record.unit) if record.unit else None,
        seq=seq,
        sum=None if record.sum is None else float(record.sum),
    )


def _content(entry: Entry) -> int:
    """The same for a value that was sent as 21.50 and for the 21.5 a database made of it."""
    value = entry.value if entry.kind in ("text", "bytes") else entry.number
    return hash((entry.kind, value, entry.sum))


def _order(entry: Entry) -> tuple[bool, str, bool, str]:
    """Board by board, its sequence number last; then what has none."""
    return entry.base == "", entry.base, entry.name in (entry.base, entry.base + SEQ), entry.name
