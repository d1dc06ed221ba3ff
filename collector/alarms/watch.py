"""Figures of each node for the overview and the alarms: the table `watch`.

    for figures in checked(connection, limits.battery):
        ...                                     # of nodes that have reported since the last time
    keep(connection, list_of_figures)           # in a transaction

Period: the median over the last 20 reports of a node, of the time between two by the difference of
their numbers, so that lost reports do not stretch it. The times are those of the measurements,
because what waited in the journal of a node arrives together. A node that sends several
measurements at a time is heard of less often: its period is multiplied by their usual number.
Three longer intervals in a row are a new period.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from collector.alarms.states import LATE, SILENT, SLACK_S
from collector.decode.report import BASE_END
from collector.storage.database import Connection, marks
from collector.storage.tables import ARRIVALS

NODES_MAX = 200  # at a time
AGAIN_S = 300  # of reports, until a node is looked at again
RECENT, WINDOW = 20, 60  # reports, of the period and of the number sent together
INTERVALS_MIN = 3
DAY_S = 86_400
DAY_REPORTS_MAX = 1_500
TREND_S, TREND_DAYS_MIN = 7 * DAY_S, 3
TREND_POINTS, TREND_POINTS_MIN = 56, 12

Report = tuple[int, float, float]  # number, received, measured

_CHANGED = f"""
SELECT node.id, node.base, node.boot, node.seq, node.seen, watch.period, watch.pending,
       watch.pending_since, coalesce(watch.muted, 0), fleet.release, fleet.offered, fleet.rejected,
       fleet.cause
FROM node LEFT JOIN watch ON watch.node = node.id LEFT JOIN fleet ON fleet.node = node.id
WHERE node.seen > coalesce(watch.checked + {AGAIN_S}, 0) OR node.seen < watch.checked
LIMIT {NODES_MAX}
"""
_REPORTS = """
SELECT seq, received, (SELECT max(measured) FROM record WHERE record.node = report.node
    AND record.boot = report.boot AND record.seq = report.seq AND record.part = 0)
FROM report WHERE node = ? AND boot = ? AND part = 0 ORDER BY seq DESC LIMIT ?
"""
_LAST = """
SELECT record.seq, name.name, record.value, record.other FROM record
JOIN name ON name.id = record.name WHERE record.node = ? AND record.boot = ? AND record.seq >= ?
AND name.nth = 0 AND (name.kind = 'text' OR name.name = ? AND name.unit = 'V')
ORDER BY record.seq DESC
"""
_TREND = """
SELECT CASE WHEN record.measured > 0 THEN record.measured ELSE report.received END, record.value
FROM record JOIN report ON report.node = record.node AND report.boot = record.boot
AND report.seq = record.seq AND report.part = record.part
WHERE record.node = ? AND record.boot = ? AND record.seq IN ({}) AND record.name = (
    SELECT id FROM name WHERE name = ? AND unit = 'V' AND kind = 'number' AND nth = 0)
"""
_KEEP = """
INSERT INTO watch (node, checked, period, lost, battery, trend, pending, pending_since)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (node) DO UPDATE SET checked = excluded.checked,
period = excluded.period, lost = excluded.lost, battery = excluded.battery,
trend = excluded.trend, pending = excluded.pending, pending_since = excluded.pending_since
"""
_EXPECT = """
INSERT INTO node (base, seen, protocol, source) VALUES (?, 0, '', '') ON CONFLICT DO NOTHING
"""


@dataclass
class Figures:
    """Of one node, as of its last report; None is unknown."""

    node: int
    name: str
    seen: float
    muted: float
    period: float | None = None
    steady: bool = True  # its last three reports were in time
    lost: int | None = None  # of the 24 h before
    scattered: int = 0  # of those, in gaps too short for a silence
    expected: int = 0  # all that came or are missing
    voltages: list[float] = field(default_factory=list)  # the newest first
    trend: float | None = None  # V a day
    mean_now: float | None = None  # V, of the trend
    causes: list[dict[str, str]] = field(default_factory=list)  # by report, the newest first
    release: int | None = None
    pending: int | None = None  # the release that it is offered
    pending_since: float | None = None
    rejected: int | None = None
    why: str | None = None

    @property
    def row(self) -> tuple[object, ...]:
        battery = self.voltages[0] if self.voltages else None
        return (self.node, self.seen, self.period, self.lost, battery, self.trend, self.pending,
                self.pending_since)  # fmt: skip


def checked(connection: Connection, battery: str, last: int) -> list[Figures]:
    """Return the figures of up to NODES_MAX nodes with news. It reads only.

    battery: the name of the battery voltage. last: compare the causes of so many reports.
    """
    found = []
    for row in connection.execute(_CHANGED):
        node, base, boot, seq, seen, period, pending, since, muted, *fleet = row
        figures = Figures(node, base.removesuffix(BASE_END), seen, muted, period)
        figures.release, figures.pending, figures.rejected, figures.why = fleet
        if figures.pending is not None:
            figures.pending_since = since if figures.pending == pending else seen
        _measure(connection, figures, boot if seq >= 0 else ARRIVALS, battery, last)
        found.append(figures)
    return found


def keep(connection: Connection, found: Iterable[Figures]) -> None:
    connection.many(_KEEP, [figures.row for figures in found])


def expect(connection: Connection, names: Sequence[str]) -> None:
    """Add nodes that have not reported yet; remove those that are expected no more."""
    bases = {name + BASE_END for name in names}
    for start in range(0, len(names), 1000):
        with connection.transaction():
            part = names[start : start + 1000]
            connection.many(_EXPECT, [(name + BASE_END,) for name in part])
    old = connection.execute("SELECT id, base FROM node WHERE seen = 0")
    connection.many("DELETE FROM node WHERE seen = 0 AND id = ?",
                    [(node,) for node, base in old if base not in bases])  # fmt: skip


def _measure(connection: Connection, figures: Figures, boot: int, battery: str, last: int) -> None:
    key, rows = (figures.node, boot), WINDOW
    if figures.period:
        rows += min(DAY_REPORTS_MAX, int(DAY_S / figures.period))
    reports = [
        (seq, received, measured or received)
        for seq, received, measured in connection.execute(_REPORTS, (*key, rows))
    ]
    step_s = _step_s(reports[: RECENT + 1])
    sizes, gaps = _deliveries(reports[:WINDOW], (step_s or 0) / 2)
    if step_s and len(sizes) > INTERVALS_MIN:
        figures.period = step_s * statistics.median_low(sizes)
        figures.steady = all(gap <= LATE * figures.period + SLACK_S for gap in gaps[:2])
    if boot != ARRIVALS:
        _set_lost(figures, reports, figures.seen - DAY_S)
    newest = [seq for seq, _, _ in reports[:last]]
    by_seq: dict[int, dict[str, str]] = {seq: {} for seq in newest}
    for seq, name, value, other in connection.execute(
        _LAST, (*key, min(newest, default=0), battery)
    ):
        if name == battery and value is not None:
            figures.voltages.append(value)
        elif seq in by_seq and name.endswith("_e") and other:
            by_seq[seq][name] = other
    figures.causes = [by_seq[seq] for seq in newest]
    if figures.voltages and step_s:
        apart = max(1, int(TREND_S / step_s / TREND_POINTS))
        seqs = range(max(0, newest[0] - apart * TREND_POINTS), newest[0] + 1, apart)
        found = connection.execute(_TREND.format(marks(seqs)), (*key, *seqs, battery))
        _set_trend(figures, found)


def _step_s(reports: Sequence[Report]) -> float | None:
    """Return the seconds between two measurements; None for too few."""
    pairs = zip(reports, reports[1:], strict=False)
    steps = [(newer[2] - older[2]) / (newer[0] - older[0]) for newer, older in pairs]
    steps = [step for step in steps if step > 0]
    if len(steps) < INTERVALS_MIN:
        return None
    return max(statistics.median(steps), min(steps[:INTERVALS_MIN]))


def _deliveries(reports: Sequence[Report], together_s: float) -> tuple[list[int], list[float]]:
    """Return the number of reports that came together, and the times between; newest first."""
    times = sorted((received for _, received, _ in reports), reverse=True)
    sizes, gaps = [1], []
    for later, earlier in zip(times, times[1:], strict=False):
        if later - earlier > together_s:
            sizes.append(1)
            gaps.append(later - earlier)
        else:
            sizes[-1] += 1
    return sizes, gaps


def _set_lost(figures: Figures, reports: Sequence[Report], since: float) -> None:
    """Count since then. Of a gap that began earlier, the part behind that time counts."""
    lost, scattered, came = 0.0, 0, 0
    for (seq, received, _), before in zip(reports, [*reports[1:], None], strict=True):
        if received < since:
            break
        came += 1
        if before is not None:
            missing = seq - before[0] - 1
            lost += missing * min(1.0, (received - since) / max(received - before[1], 1.0))
            scattered += missing if missing < SILENT else 0
    figures.lost, figures.scattered = round(lost), scattered
    figures.expected = figures.lost + came


def _set_trend(figures: Figures, found: Iterable[tuple[float, float]]) -> None:
    """Set the slope of a line through the voltages of the last days, by least squares."""
    points = [((at - figures.seen) / DAY_S, volt) for at, volt in found]
    points = [(day, volt) for day, volt in points if -7.5 < day <= 0]
    days = [day for day, _ in points]
    if len(points) >= TREND_POINTS_MIN and max(days) - min(days) >= TREND_DAYS_MIN:
        line = statistics.linear_regression(days, [volt for _, volt in points])
        figures.trend, figures.mean_now = line.slope, line.intercept
