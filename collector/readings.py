"""The latest value and a series of each name, without duplicates.

    readings = Readings()
    new = readings.add(records, "udp", "192.0.2.7:5683", time.time())
    readings.latest()                       # board by board
    readings.series("240ac43118e5:t")       # [(seconds since 1970, number), ...]

Duplicates are defined in docs/report.md: base name, sequence number and name of the record are
the key. A pack is a duplicate if all of its records are known. A known key with another value
means that the board restarted at 0, its NVS erased: its earlier keys no longer count.

Everything is bounded, because anybody can invent names. The name without news for the longest time
is forgotten first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from collector import packs
from collector.report import SEQ, sequence_number
from collector.senml import Record, Value

NAMES_MAX = 500
POINTS_MAX = 500  # of each name
DUPLICATES_MAX = 20_000  # records by which duplicates are recognized
BOARDS_MAX = 1_000
PAST_MAX_S, FUTURE_MAX_S = 10 * 365 * 86_400, 86_400  # of a sender's time that is believed

_Key = tuple[str, int, int, str, float]  # base name, restarts, seq, name, time


@dataclass(frozen=True)
class Reading:
    """One record as it was received."""

    at_s: float  # when it was measured, or received if that is unknown
    received_s: float
    protocol: str
    source: str
    name: str
    base: str  # base name, the start of `name`; "" without a sequence number
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
        """The value in a chart: truth values as 0 and 1, a sum where there is no value."""
        if isinstance(self.value, (int, float, Decimal)):
            return float(self.value)
        return self.sum if self.value is None else None


@dataclass
class _Series:
    latest: Reading
    points: deque[tuple[float, float]]
    count: int = 0


class Readings:
    """Safe to use from several threads."""

    def __init__(self, names_max: int = NAMES_MAX, points_max: int = POINTS_MAX) -> None:
        self._names_max, self._points_max = names_max, points_max
        self._lock = threading.Lock()
        self._series: OrderedDict[str, _Series] = OrderedDict()  # the last to change is last
        self._keys: OrderedDict[_Key, int] = OrderedDict()
        self._restarts: OrderedDict[str, int] = OrderedDict()
        self.duplicates = 0  # records
        self.forgotten = 0  # names
        self.version = 0  # grows with each change

    def add(
        self, records: Sequence[Record], protocol: str, source: str, received_s: float
    ) -> list[Reading]:
        """Add the records of a pack and return the new ones."""
        base, seq = sequence_number(records)
        found = [_reading(each, protocol, source, received_s, base, seq) for each in records]
        with self._lock:
            if seq is not None:
                found = self._without_known(found, base, seq)
            for reading in found:
                self._append(reading)
            self.version += 1
        return found

    def restore(self, readings: Iterable[Reading]) -> None:
        """Add the readings of an earlier run, oldest first."""
        with self._lock:
            for reading in readings:
                if reading.seq is not None:
                    self._without_known([reading], reading.base, reading.seq)
                self._append(reading)
            self.duplicates = self.forgotten = 0
            self.version += 1

    def _without_known(self, found: list[Reading], base: str, seq: int) -> list[Reading]:
        """Return the readings that are not known yet, and remember them."""
        hashes = [_content_hash(each) for each in found]
        keys = [self._key(each, base, seq) for each in found]
        if any(self._keys.get(key, now) != now for key, now in zip(keys, hashes, strict=True)):
            self._restarts[base] = self._restarts.pop(base, 0) + 1
            keys = [self._key(each, base, seq) for each in found]
        new = [each for each, key in zip(found, keys, strict=True) if key not in self._keys]
        if not new:
            self.duplicates += len(found)
        for key, now in zip(keys, hashes, strict=True):
            self._keys[key] = now
        while len(self._keys) > DUPLICATES_MAX:
            self._keys.popitem(last=False)
        while len(self._restarts) > BOARDS_MAX:
            self._restarts.popitem(last=False)
        return new

    def _key(self, reading: Reading, base: str, seq: int) -> _Key:
        own_time = 0.0 if reading.at_s == reading.received_s else reading.at_s
        return base, self._restarts.get(base, 0), seq, reading.name, own_time

    def _append(self, reading: Reading) -> None:
        series = self._series.pop(reading.name, None)
        if series is None:
            series = _Series(reading, deque(maxlen=self._points_max))
        # A late record, out of a node's backlog, is a point of the series but not the latest
        if reading.at_s >= series.latest.at_s:
            series.latest = reading
        series.count += 1
        if reading.number is not None:
            series.points.append((reading.at_s, reading.number))
        self._series[reading.name] = series
        while len(self._series) > self._names_max:
            self._series.popitem(last=False)
            self.forgotten += 1

    def latest(self) -> list[tuple[Reading, int]]:
        """Return (latest reading, number of readings) of each name, in the order of the names."""
        with self._lock:
            found = [(series.latest, series.count) for series in self._series.values()]
        return sorted(found, key=lambda each: _sort_key(each[0]))

    def series(self, name: str, since_s: float = 0.0) -> list[tuple[float, float]]:
        """Return (time, number) in the order of time, after `since_s`; [] for an unknown name."""
        with self._lock:
            series = self._series.get(name)
            points = list(series.points) if series else []
        return sorted(point for point in points if point[0] > since_s)


def _reading(
    record: Record, protocol: str, source: str, received_s: float, base: str, seq: int | None
) -> Reading:
    when = float(record.time)
    known = when and received_s - PAST_MAX_S <= when <= received_s + FUTURE_MAX_S
    return Reading(
        at_s=when if known else received_s,
        received_s=received_s,
        protocol=protocol,
        source=source,
        name=record.name,
        base=base,
        value=record.value,
        shown=packs.shown(record),
        unit=packs.printable(record.unit) if record.unit else None,
        seq=seq,
        sum=None if record.sum is None else float(record.sum),
    )


def _content_hash(reading: Reading) -> int:
    """Return the same for a value sent as 21.50 and for 21.5, as the database returns it."""
    value = reading.value if reading.kind in ("text", "bytes") else reading.number
    return hash((reading.kind, value, reading.sum))


def _sort_key(reading: Reading) -> tuple[bool, str, bool, str]:
    """Sort by board, its sequence number last, and records without a number behind all."""
    base, name = reading.base, reading.name
    return base == "", base, name in (base, base + SEQ), name
