"""Series of one node for charts, and its gaps.

    series(connection, "gate", "t", None, since_s, until_s)     # None for an unknown node
    gaps(connection, "gate", since_s, until_s)

`record` has no index by time. A report is received after it was measured, but for a clock that is
ahead by up to a day, so the reports that can be in a range are those received since then. They lie
together, one node behind the other; of each, only the records of the name are looked up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from collector.decode.report import SEQ
from collector.storage.database import Connection, marks
from collector.storage.readings import FUTURE_MAX_S
from collector.web.labels import label
from collector.web.queries import find

POINTS, POINTS_MAX = 750, 1_500
GAP_PERIODS = 2.5
GAPS_MAX = 1_000  # the newest
IDS_MAX = 50  # of a name, which may have one for each place in a measurement

_TIME = "CASE record.measured WHEN 0 THEN report.received ELSE record.measured END"
# CROSS JOIN: the order of the loops, to SQLite. It means the same as JOIN to PostgreSQL
_RECORDS = """
report CROSS JOIN record WHERE record.node = report.node AND record.boot = report.boot
AND record.seq = report.seq AND record.part = report.part
AND report.node = ? AND report.received >= ? AND record.name IN ({})
"""
_SERIES = f"""
SELECT CAST(time - ? AS BIGINT) / ? AS bucket, min(time), max(time), sum(time) / count(*),
       sum(value) / count(*), min(value), max(value), count(*)
FROM (SELECT {_TIME} AS time, CAST(coalesce(value, sum) AS DOUBLE PRECISION) AS value
      FROM {_RECORDS}) AS point
WHERE time >= ? AND time <= ? AND value IS NOT NULL GROUP BY 1 ORDER BY 1
"""
# Late reports make the window begin with the oldest of them, so that nothing in it looks missing
_MISSING = """
SELECT coalesce((SELECT max(measured) FROM record WHERE node = ? AND boot = gap.boot
                 AND seq = gap.seq AND measured > 0), gap.received),
       coalesce((SELECT max(measured) FROM record WHERE node = ? AND boot = gap.boot
                 AND seq = gap.next AND measured > 0), gap.next_received), next - seq - 1
FROM (SELECT report.boot, seq, received,
             lead(seq) OVER (PARTITION BY report.boot ORDER BY seq) AS next,
             lead(received) OVER (PARTITION BY report.boot ORDER BY seq) AS next_received
      FROM (SELECT boot, min(seq) AS low FROM report
            WHERE node = ? AND boot >= 0 AND received >= ? GROUP BY boot) AS since
      CROSS JOIN report
      WHERE node = ? AND report.boot = since.boot AND seq >= low AND part = 0) AS gap
WHERE next > seq + 1 ORDER BY received DESC LIMIT ?
"""
_SILENCES = f"""
SELECT before, time FROM (
    SELECT time, lag(time) OVER (ORDER BY time) AS before
    FROM (SELECT {_TIME} AS time FROM {_RECORDS}) AS report_time
    WHERE time IS NOT NULL) AS pair
WHERE time - before > ? ORDER BY time DESC LIMIT ?
"""


def series(
    connection: Connection, node: str, name: str, unit: str | None, since_s: float, until_s: float,
    points: int = POINTS,
) -> dict[str, Any] | None:  # fmt: skip
    """Return mean, minimum and maximum of a name for each of up to `points` parts of a range.

    unit: None for that of its latest value. Parts without a value are left out. Between two that
    have a gap between them stands an entry with a time, a count of 0, and None in the rest.
    """
    found = find(connection, node)
    if found is None:
        return None
    step_s = max(1, math.ceil((until_s - since_s) / points))
    ids, unit = _ids(connection, found[0], name, unit)
    rows: list[Any] = []
    if ids:
        origin = int(since_s)
        since = (found[0], since_s - FUTURE_MAX_S)
        rows = connection.execute(
            _SERIES.format(marks(ids)), (origin, step_s, *since, *ids, since_s, until_s)
        )
    limit_s = _limit(rows, _period(connection, found[0]))
    missing: list[tuple[float, float, int]] = []
    if rows and limit_s is not None and step_s <= limit_s:  # else a part has several reports
        missing = _missing(connection, found[0], since_s)
    entries = _with_nulls(rows, limit_s, missing)
    columns = [list(column) for column in zip(*entries, strict=True)] or [[], [], [], [], []]
    return {
        "name": name, "label": label(name, unit), "unit": unit, "from": since_s, "to": until_s,
        "step": step_s,
        **dict(zip(("times", "mean", "min", "max", "count"), columns, strict=True)),
    }  # fmt: skip


def gaps(
    connection: Connection, node: str, since_s: float, until_s: float, now_s: float
) -> list[dict[str, Any]] | None:
    """Return where reports of a node are missing, by their numbers or by the time between two.

    missing: the number of reports; 0 if only time is missing, as when the node was off. The last
    has `to` None if the node is silent up to now.
    """
    found = find(connection, node)
    if found is None:
        return None
    lost = {(begin, end): number for begin, end, number in _missing(connection, found[0], since_s)}
    period = _period(connection, found[0])
    entries = [(*between, number) for between, number in lost.items()]
    if period:
        ids = [
            number
            for (number,) in connection.execute(
                "SELECT id FROM name WHERE name IN ('', ?) AND kind = 'number' AND nth = 0"
                " AND unit = ''",
                (SEQ,),
            )
        ] or [0]
        silences = connection.execute(
            _SILENCES.format(marks(ids)),
            (found[0], since_s - FUTURE_MAX_S, *ids, GAP_PERIODS * period, GAPS_MAX),
        )
        entries += [(*pair, 0) for pair in silences if pair not in lost]
    result: list[dict[str, Any]] = [
        {"from": begin, "to": end, "missing": number}
        for begin, end, number in sorted(entries)
        if begin <= until_s and end >= since_s
    ]
    [(seen,)] = connection.execute("SELECT seen FROM node WHERE id = ?", (found[0],))
    if period and seen and now_s - seen > GAP_PERIODS * period and until_s >= seen:
        result.append({"from": seen, "to": None, "missing": None})
    return result[-GAPS_MAX:]


def _ids(
    connection: Connection, node: int, name: str, unit: str | None
) -> tuple[list[int], str | None]:
    """Return the ids of a name of this node with numbers, and its unit."""
    if "\0" in name + (unit or ""):
        return [], unit
    found = connection.execute(
        "SELECT name.id, nullif(name.unit, '') FROM latest JOIN name ON name.id = latest.name"
        " WHERE latest.node = ? AND name.name = ? AND kind IN ('number', 'bool', 'sum')"
        " ORDER BY newest DESC, name.id LIMIT ?",
        (node, name, IDS_MAX),
    )
    if unit is None and found:
        unit = found[0][1]
    return [number for number, its in found if its == (unit or None)], unit or None


def _period(connection: Connection, node: int) -> float | None:
    found = connection.execute("SELECT period FROM watch WHERE node = ?", (node,))
    return found[0][0] if found else None


def _missing(connection: Connection, node: int, since_s: float) -> list[tuple[float, float, int]]:
    """Return (time of the report before, of the one behind, number of missing), by time."""
    values = (node, node, node, since_s - FUTURE_MAX_S, node, GAPS_MAX)
    rows = connection.execute(_MISSING, values)
    return sorted((begin, end, number) for begin, end, number in rows)


def _limit(rows: Sequence[Sequence[Any]], period: float | None) -> float | None:
    """Return the time between two values that is a gap.

    A name that is not in each report has a longer one than the node.
    """
    between = [after[1] - before[2] for before, after in zip(rows, rows[1:], strict=False)]
    usual = max(period or 0, median(between) if len(between) > 2 else 0)
    return GAP_PERIODS * usual if usual > 0 else None


def _with_nulls(
    rows: Iterable[Sequence[Any]], limit_s: float | None,
    missing: Sequence[tuple[float, float, int]],
) -> list[tuple[Any, ...]]:  # fmt: skip
    """Return (time, mean, min, max, count) of each row, and an entry for each gap."""
    entries: list[tuple[Any, ...]] = []
    last: float | None = None
    at = 0
    for _, first, end, time, *values in rows:
        if last is not None:
            while at < len(missing) and missing[at][1] <= last:
                at += 1
            lost = at < len(missing) and missing[at][0] < first
            if lost or (limit_s is not None and first - last > limit_s):
                entries.append((round((last + first) / 2, 3), None, None, None, 0))
        entries.append((round(time, 3), *values))
        last = end
    return entries
