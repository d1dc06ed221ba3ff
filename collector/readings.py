"""The latest value and a series of each name, for the page and the terminal.

    readings = Readings()
    readings.add(found)                     # new ones, as the store tells them
    readings.latest()                       # board by board
    readings.series("240ac43118e5:t")       # [(seconds since 1970, number), ...]

A cache of the database, in which everything is bounded, because anybody can invent names. The name
without news for the longest time is forgotten first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from collector import packs
from collector.report import SEQ
from collector.senml import Record, Value

NAMES_MAX = 500
POINTS_MAX = 500  # of each name
PAST_MAX_S, FUTURE_MAX_S = 10 * 365 * 86_400, 86_400  # of a sender's time that is believed


@dataclass(frozen=True)
class Reading:
    """One record as it was received."""

    measured_s: float | None  # when it was measured; None if that is unknown
    received_s: float
    protocol: str
    source: str
    name: str
    base: str  # base name, the start of `name`
    value: Value
    shown: str
    unit: str | None
    seq: int | None  # None: the pack has no sequence number
    sum: float | None
    order_s: float  # the latest of a name has the greatest

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
        self.forgotten = 0  # names
        self.version = 0  # grows with each change

    def add(self, readings: Iterable[Reading]) -> None:
        with self._lock:
            for reading in readings:
                self._append(reading)
            self.version += 1

    def _append(self, reading: Reading) -> None:
        series = self._series.pop(reading.name, None)
        if series is None:
            series = _Series(reading, deque(maxlen=self._points_max))
        # A late record, out of a node's journal, is a point of the series but not the latest
        if reading.order_s >= series.latest.order_s:
            series.latest = reading
        series.count += 1
        if reading.number is not None and reading.measured_s is not None:
            series.points.append((reading.measured_s, reading.number))
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


def new_reading(
    record: Record, protocol: str, source: str, received_s: float, base: str, seq: int | None,
    timed: bool = True,
) -> Reading:  # fmt: skip
    """Return a record as it was received; timed: its node knows when it was measured.

    What a node cannot date is older than its latest; what it dates wrongly may be the latest.
    """
    measured_s = _measured_s(record, received_s) if timed else None
    order_s = 0.0 if not timed else received_s if measured_s is None else measured_s
    return Reading(
        measured_s=measured_s,
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
        order_s=order_s,
    )


def _measured_s(record: Record, received_s: float) -> float | None:
    """Return the time of reception for "now", None for a time that cannot be right."""
    if not record.time:
        return received_s
    when = float(record.time)
    return when if received_s - PAST_MAX_S <= when <= received_s + FUTURE_MAX_S else None


def _sort_key(reading: Reading) -> tuple[bool, str, bool, str]:
    """Sort by board, its sequence number last, and records without a number behind all."""
    base, name = reading.base, reading.name
    return reading.seq is None, base, name in (base, base + SEQ), name
