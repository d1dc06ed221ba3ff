"""The latest value of each name that has arrived in this run, for the terminal.

    readings = Readings()
    readings.add(found)                     # new ones, as the store tells them
    readings.latest()                       # board by board

Everything is bounded, because anybody can invent names. The name without news for the longest time
is forgotten first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from collector import packs
from collector.report import SEQ
from collector.senml import Record, Value

NAMES_MAX = 500
PAST_MAX_S, FUTURE_MAX_S = 10 * 365 * 86_400, 86_400  # of a sender's time that is believed


class Reading(NamedTuple):
    """One record as it was received."""

    record: Record
    measured_s: float | None  # when it was measured; None if that is unknown
    received_s: float
    protocol: str
    source: str
    name: str
    base: str  # base name, the start of `name`
    value: Value
    unit: str | None
    seq: int | None  # None: the pack has no sequence number
    sum: float | None
    order_s: float  # the latest of a name has the greatest

    @property
    def shown(self) -> str:
        return packs.shown(self.record)

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


class Readings:
    """Safe to use from several threads."""

    def __init__(self, names_max: int = NAMES_MAX) -> None:
        self._names_max = names_max
        self._lock = threading.Lock()
        # The latest of each name, and how many there were; the last to change is last
        self._latest: OrderedDict[str, tuple[Reading, int]] = OrderedDict()
        self.forgotten = 0  # names

    def add(self, readings: Iterable[Reading]) -> None:
        with self._lock:
            for reading in readings:
                self._append(reading)

    def _append(self, reading: Reading) -> None:
        latest, count = self._latest.pop(reading.name, (reading, 0))
        # A late record, out of a node's journal, counts but is not the latest
        newest = reading if reading.order_s >= latest.order_s else latest
        self._latest[reading.name] = newest, count + 1
        while len(self._latest) > self._names_max:
            self._latest.popitem(last=False)
            self.forgotten += 1

    def latest(self) -> list[tuple[Reading, int]]:
        """Return (latest reading, number of readings) of each name, in the order of the names."""
        with self._lock:
            found = [*self._latest.values()]
        return sorted(found, key=lambda each: _sort_key(each[0]))


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
        record=record,
        measured_s=measured_s,
        received_s=received_s,
        protocol=protocol,
        source=source,
        name=record.name,
        base=base,
        value=record.value,
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
