"""Alarms: raised and ended by rules, told in few notices. All state is in the database.

    alarms = Alarms(connection, limits, targets, time.time())
    alarms.turn(time.time())                # each TURN_S, by one process at a time

An alarm is raised and ended by the figures of a node, and more is asked for to end one. After the
start, and after a time in which nothing arrived, a node has 1.5 periods to report before it counts
as silent. A notice has all that changed since the one before.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from collector.alarms import notices, watch
from collector.alarms.states import LATE, LATE_S, NODES, SILENT_S, SLACK_S, due
from collector.alarms.watch import DAY_S, Figures
from collector.decode import packs
from collector.storage import database, tables
from collector.storage.database import Connection, marks

TURN_S = 10
GATHER_S = 300  # between two notices
SETTLE_S = 3_600  # at most, until the size of an outage is known
SETTLED = 0.05  # of the nodes are late and not silent yet
NOTHING_S = 900
NOTHING_NODES_MIN = 3
GROUP, GROUP_SHARE, GROUP_MIN = 10, 0.2, 5  # more nodes than this are told as a number
GAPS_MIN = 10  # reports; a share of fewer says nothing
SHOWN_MAX = 20  # alarms of a kind in a notice; the others are in the table
SWITCHES = {
    "battery": "battery_v", "falling": "falling_days", "gaps": "gaps_percent",
    "cause": "cause_times", "release": "release_days",
}  # fmt: skip
CHUNK, NODES_MAX = 500, 50  # alarms, nodes with news in a transaction
KEPT_S = 365 * DAY_S  # of what has ended
_LOCK = 0x616C61726D  # of a PostgreSQL server

_WATCHED = "node.seen > 0 AND coalesce(watch.muted, 0) <= clock.now"
_OPEN = "SELECT 1 FROM alarm WHERE alarm.node = node.id AND kind = 'silent' AND until IS NULL"
# The value is the time from which nodes could report
_HAD_TIME = f"clock.now > ? + coalesce({LATE} * watch.period + {SLACK_S}, {LATE_S})"
_IS_LATE = f"clock.now > {due(LATE, LATE_S)} AND {_HAD_TIME}"
_SILENT = (
    f"SELECT node.id, base, seen, watch.period FROM {NODES} WHERE {_WATCHED}"
    f" AND clock.now > {{0}} AND {_HAD_TIME} AND NOT EXISTS ({_OPEN}) LIMIT {CHUNK}"
)
_LIVE = (
    f"SELECT count(*), coalesce(sum(CASE WHEN {_IS_LATE} THEN 1 ELSE 0 END), 0) FROM {NODES}"
    f" WHERE {_WATCHED} AND NOT EXISTS ({_OPEN})"
)
_RAISE = "INSERT INTO alarm (node, kind, text, since) VALUES (?, ?, ?, ?)"
_END = "UPDATE alarm SET until = ? WHERE id = ?"
_END_MUTED = """
UPDATE alarm SET until = ?, told = ? WHERE until IS NULL
AND node IN (SELECT node FROM watch WHERE muted > ?)
"""
# What a notice may be about
_RAISED, _ENDED, _ON = "until IS NULL AND told IS NULL", "until > told", "until IS NULL"
_FIELDS = ("id", "node", "kind", "text", "since", "until")
_SHOWN = (
    "SELECT alarm.id, rtrim(base, ':'), kind, text, since, until FROM alarm LEFT JOIN node"
    f" ON node.id = alarm.node WHERE {{}} AND kind = ? ORDER BY alarm.id LIMIT {SHOWN_MAX}"
)
_NOTICE = "INSERT INTO notice (created, target, body, tries, due) VALUES (?, ?, ?, 0, ?)"


def conditions(figures: Figures, limits: dict[str, Any], opened: Set[str]) -> dict[str, str]:
    """Return the texts of the alarms of a node that hold by its figures, 0 as a limit: none.

    opened: the kinds that are raised already, which end only at a distance from the limit.
    """
    found = {}
    limit, low = limits["battery_v"], figures.voltages[:3]
    above = limit + limits["battery_margin_v"]
    if low and (min(low) <= above if "battery" in opened else len(low) == 3 and max(low) < limit):
        found["battery"] = f"battery {low[0]:.2f} V; limit {limit:g} V"
    if figures.trend is not None and figures.mean_now is not None and figures.trend < 0:
        days = max(0.0, (figures.mean_now - limit) / -figures.trend)
        within = limits["falling_days"] * (1.5 if "falling" in opened else 1)
        if days < within and (days > 0 or "falling" in opened):
            fall = f"battery falls by {-figures.trend:.3f} V a day"
            found["falling"] = f"{fall}, and is below {limit:g} V in {days:.0f} days"
    percent = 100 * figures.scattered / max(figures.expected, GAPS_MIN)
    if percent > limits["gaps_percent"] / (2 if "gaps" in opened else 1):
        found["gaps"] = f"{figures.scattered} of {figures.expected} reports are missing in 24 h"
    causes = [set(each.items()) for each in figures.causes[: limits["cause_times"]]]
    if causes and len(causes) == limits["cause_times"]:
        repeated = set.union(*causes) if "cause" in opened else set.intersection(*causes)
        if repeated:
            shown = ", ".join(sorted(f"{name[:-2]}: {cause}" for name, cause in repeated))
            found["cause"] = f"{len(causes)} times in a row: {shown}"
    days = (figures.seen - (figures.pending_since or figures.seen)) / DAY_S
    if figures.rejected and figures.rejected > (figures.release or 0):
        found["release"] = f"release {figures.rejected} rejected: {figures.why or 'no cause'}"
    elif days > limits["release_days"]:
        found["release"] = f"release {figures.pending} offered for {days:.0f} days"
    off = {kind for kind, name in SWITCHES.items() if not limits[name]}
    return {kind: packs.printable(text) for kind, text in found.items() if kind not in off}


class Alarms:
    """The rules of one fleet, to be used by one thread."""

    def __init__(
        self, connection: Connection, limits: dict[str, Any], targets: Iterable[str], now: float
    ) -> None:
        """targets: names of what notices are written for."""
        self._database, self._limits, self._targets = connection, limits, list(targets)
        self.resumed = now  # since then nodes could report
        self._late, self._live = 0, 0
        self._written = 0.0  # the last notice

    def turn(self, now: float, has_time: Callable[[], bool] = lambda: True) -> None:
        # A clock that was ahead must not hold up what is told
        self.resumed, self._written = min(self.resumed, now), min(self._written, now)
        last = max(3, self._limits["cause_times"])
        while has_time():
            found = watch.checked(self._database, self._limits["battery"], last)
            for start in range(0, len(found), NODES_MAX):
                with self._database.transaction():
                    part = found[start : start + NODES_MAX]
                    watch.keep(self._database, part)
                    self._apply(part, now)
            if len(found) < watch.NODES_MAX:
                break
        self._database.execute(_END_MUTED, (now, now, now))
        self._watch_time(now)
        self._tell(now)

    def _apply(self, found: Sequence[Figures], now: float) -> None:
        """Raise and end what follows from the reports of nodes."""
        opened: dict[int, dict[str, int]] = {figures.node: {} for figures in found}
        for node, kind, number in self._database.execute(
            f"SELECT node, kind, id FROM alarm WHERE until IS NULL AND node IN ({marks(found)})",
            list(opened),
        ):
            opened[node][kind] = number
        raised, ended = [], []
        for figures in found:
            known = opened[figures.node]
            if figures.muted > now:
                continue
            holds = conditions(figures, self._limits, known.keys())
            if "silent" in known and not self._is_back(figures, now):
                holds["silent"] = ""
            ended += [(now, number) for kind, number in known.items() if kind not in holds]
            raised += [(figures.node, kind, text, now) for kind, text in holds.items()
                       if kind not in known]  # fmt: skip
        self._database.many(_RAISE, raised)
        self._database.many(_END, ended)

    def _is_back(self, figures: Figures, now: float) -> bool:
        """Return whether a node reports again as usual."""
        if figures.period is None:
            return now <= figures.seen + SILENT_S
        in_time = now <= figures.seen + self._limits["silent_after"] * figures.period + SLACK_S
        return in_time and figures.steady

    def _watch_time(self, now: float) -> None:
        """Raise and end what follows from the absence of reports."""
        self._live, self._late = self._database.execute(_LIVE, (self.resumed, now))[0]
        last = self._database.execute("SELECT coalesce(max(seen), 0) FROM node")[0][0]
        nothing = self._database.execute(
            "SELECT id, since FROM alarm WHERE node IS NULL AND kind = 'nothing' AND until IS NULL"
        )
        if nothing and last <= nothing[0][1] <= now:
            return
        if nothing:
            self._database.execute(_END, (now, nothing[0][0]))
            self.resumed = now
        elif (
            now - max(last, self.resumed) > NOTHING_S
            and self._late >= max(NOTHING_NODES_MIN, self._live / 2)
        ):  # fmt: skip
            text = f"no report of any node since {_clock(last)}; {self._late} nodes are due"
            self._database.execute(_RAISE, (None, "nothing", text, now))
            return
        silent = _SILENT.format(due(self._limits["silent_after"], SILENT_S))
        while True:
            rows = self._database.execute(silent, (now, self.resumed))
            raised = [
                (node, "silent", f"no report since {_clock(seen)}{_usual(period)}", now)
                for node, _, seen, period in rows
            ]
            with self._database.transaction():
                self._database.many(_RAISE, raised)
            if len(rows) < CHUNK:
                break

    # Notices

    def _tell(self, now: float) -> None:
        """Write what has changed since the last notice into a new one."""
        if now - self._written < GATHER_S:
            return
        remind = self._database.execute(
            "SELECT 1 FROM alarm WHERE until IS NULL AND told < ? LIMIT 1", (now - DAY_S,)
        )
        hidden = " AND kind <> 'silent'" if self._is_growing(now) else ""
        changes = {"raised": _RAISED + hidden, "ended": _ENDED}
        if remind:
            changes["goes on"] = _ON + " AND told IS NOT NULL"
        told = [group for change in changes.items() for group in self._groups(*change)]
        if not told:
            return
        body = json.dumps(notice(told, self._live, now))
        with self._database.transaction():
            self._database.many(_NOTICE, [(now, name, body, now) for name in self._targets])
            for which in changes.values():
                self._database.execute(f"UPDATE alarm SET told = ? WHERE {which}", (now,))
        self._written = now

    def _is_growing(self, now: float) -> bool:
        """Return whether so many nodes are late that the notice of an outage has to wait for its
        size."""
        [(untold, oldest)] = self._database.execute(
            f"SELECT count(*), coalesce(min(since), 0) FROM alarm WHERE {_RAISED}"
            " AND kind = 'silent'"
        )
        away = self._late + untold
        is_outage = away >= max(GROUP_MIN, GROUP_SHARE * (self._live + untold))
        return is_outage and self._late > SETTLED * self._live and now - oldest < SETTLE_S

    def _groups(self, change: str, which: str) -> Iterator[dict[str, Any]]:
        for kind, count in self._database.execute(
            f"SELECT kind, count(*) FROM alarm WHERE {which} GROUP BY kind ORDER BY kind"
        ):
            rows = self._database.execute(_SHOWN.format(which), (kind,))
            alarms = [dict(zip(_FIELDS, row, strict=True)) for row in rows]
            yield {"change": change, "kind": kind, "count": count, "alarms": alarms}


def notice(groups: Sequence[dict[str, Any]], fleet: int, now: float) -> dict[str, Any]:
    """Return what is sent, in docs/alarms.md. fleet: the number of nodes."""
    lines, heads = [], []
    for group in groups:
        count, start = group["count"], f"{group['change']}: {group['kind']}: "
        names = [alarm["node"] or "the fleet" for alarm in group["alarms"]]
        texts = [f"{name}: {alarm['text']}"
                 for name, alarm in zip(names, group["alarms"], strict=True)]  # fmt: skip
        if _are_many(count, fleet):
            more = f" and {count - GROUP} more" if count > GROUP else ""
            texts = [f"{count} nodes: {', '.join(names[:GROUP])}{more}"]
        lines += [start + text for text in texts]
        head = f"{group['kind']}: {names[0] if count == 1 else f'{count} nodes'}"
        heads.append(head + ("" if group["change"] == "raised" else f" ({group['change']})"))
    subject = packs.printable("; ".join(heads))
    return {"time": now, "subject": subject, "text": "\n".join(lines), "changes": groups}


def _are_many(number: int, fleet: int) -> bool:
    return number > GROUP or number >= max(GROUP_MIN, GROUP_SHARE * fleet)


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, timezone.utc):%Y-%m-%d %H:%M} UTC"


def _usual(period: float | None) -> str:
    return f", usually every {max(1, round(period / 60))} min" if period else ""


class Watchman(contextlib.AbstractContextManager["Watchman"]):
    """Runs the alarms of a database in a thread, unless another process does; then it waits."""

    def __init__(
        self, where: str, config: notices.Config, report: notices.Report,
        expected: Callable[[], Sequence[str]] | None = None,
    ) -> None:  # fmt: skip
        """report(text, ok): told of trouble, and once when it ends. expected: names of nodes."""
        self._where, self._config, self._report = where, config, report
        self._expected, self._is_failing = expected, False
        self._turned = self._resumed = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="alarms", daemon=True)
        self._thread.start()

    def __exit__(self, *raised: object) -> None:
        self._stop.set()
        self._thread.join(timeout=15)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                with (
                    database.connect(self._where) as connection,
                    only_one(connection, self._where) as is_mine,
                ):
                    if is_mine:
                        self._watch(connection)
            except (database.Unwritable, OSError) as problem:  # Unusable is one
                if not self._is_failing:
                    self._report(f"alarms: {problem}; tried again", False)
                self._is_failing = True
            self._stop.wait(TURN_S)

    def _watch(self, connection: Connection) -> None:
        with connection.transaction():
            tables.prepare(connection)
        targets = notices.targets(self._config)
        if time.time() - self._turned > 6 * TURN_S:  # else the database was only busy
            self._resumed = time.time()
        alarms = Alarms(connection, self._config["limits"], targets, self._resumed)
        sender = notices.Sender(connection, targets, self._report)
        tidied = 0.0
        while not self._stop.is_set():
            now = time.time()
            if abs(now - tidied) > 3600:
                tidied = now
                if self._expected is not None:
                    watch.expect(connection, self._expected())
                connection.execute("DELETE FROM alarm WHERE until < ?", (now - KEPT_S,))
            alarms.turn(now, lambda: not self._stop.is_set())
            sender.turn(now)
            self._turned, self._resumed = now, alarms.resumed
            if self._is_failing:
                self._report("alarms: watched again", True)
            self._is_failing = False
            self._stop.wait(TURN_S)


@contextlib.contextmanager
def only_one(connection: Connection, where: str) -> Iterator[bool]:
    """Give True to one process that uses a database, as long as it holds the connection."""
    if database.is_server(where):
        yield bool(connection.execute("SELECT pg_try_advisory_lock(?)", (_LOCK,))[0][0])
        return
    with Path(f"{where}.alarms").open("a") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # Windows: there is one process
            pass
        except OSError:
            yield False
            return
        yield True
