"""One record of a report, as it was received."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from collector.decode import packs
from collector.decode.senml import Record, Value

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
