"""What each node runs and is offered: the table `fleet` of the database.

    fleet = Fleet(Releases(path), report)
    offer = fleet.note(database, message, new)      # for the answer to a report, or None
    answer = fleet.answer(database, ask)            # to a question about an update, or None

Both are called in the transaction that stores the report, so that the answer goes out behind the
commit. Reports tell what a node runs (`rl`), how much of an update it has (`up`), and which it has
rejected (`rj`, `rc`); docs/report.md. Without a folder of releases the table is kept, and nothing
is offered. Nothing in a report proves its sender: a stranger can write into this table, and can
make no node run anything.
"""

from __future__ import annotations

import dataclasses
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector import packs
from collector.readings import Reading
from collector.releases import SEQ_MAX, Content, Envelope, Releases, Report
from collector.report import BASE_END
from collector.updates import AUTHORIZE, CONFIRM, KEY_FILE, Ask, answered
from collector.writer import Message

NAMED_MAX_S = 2 * 86_400  # since a node said what it runs, which it does each day
CONFIRM_MAX_S = 900  # since its last report
COUNTED_S = 2.0  # between counts of the nodes that tried a release, if nothing changed here
TEXT_MAX = 40  # characters

_COLUMNS = "release, named, offered, progress, confirmed, rejected, cause"
_STATE = f"""
SELECT node.id, seen, {_COLUMNS} FROM node LEFT JOIN fleet ON fleet.node = node.id WHERE base = ?
"""
_KEEP = f"INSERT OR REPLACE INTO fleet (node, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_TRIED = """
SELECT count(*), count(CASE WHEN rejected = :seq THEN 1 END) FROM fleet
WHERE confirmed = :seq OR rejected = :seq
"""
# A node tells what was changed by hand beside what it runs, as long as it is so
_CHANGED = """
SELECT ch.other FROM latest AS ch JOIN latest AS rl USING (node, seq) WHERE ch.node = node.id
AND ch.name = (SELECT id FROM name WHERE name = 'ch' AND kind = 'text' AND nth = 0)
AND rl.name = (SELECT id FROM name WHERE name = 'rl' AND kind = 'number' AND nth = 0)
"""
_STATUS = f"""
SELECT base, seen, release, offered, progress, confirmed, rejected, cause, ({_CHANGED})
FROM node LEFT JOIN fleet ON fleet.node = node.id WHERE base != '' {{0}} ORDER BY base LIMIT ?
"""


@dataclass(frozen=True)
class Offer:
    seq: int
    digest: bytes  # the first 8 bytes of the SHA-256 of the envelope


@dataclass
class _State:
    """A row of the table; None is unknown, or nothing."""

    node: int
    seen: float
    release: int | None
    named: float | None
    offered: int | None
    progress: int | None
    confirmed: int | None
    rejected: int | None
    cause: str | None


class Fleet:
    """To be used in the thread of the store."""

    def __init__(
        self, releases: Releases | None = None, report: Report = lambda text, ok: None
    ) -> None:
        """report: told when a roll-out stops, and when it goes on."""
        self._releases, self._report = releases, report
        # of releases: tried, rejected, when they were counted
        self._tried: dict[int, tuple[int, int, float]] = {}
        self._stopped: set[int] = set()  # releases that were told

    def forget(self) -> None:
        """Forget what a rollback may have taken back."""
        self._tried.clear()

    def note(
        self, database: sqlite3.Connection, message: Message, new: Sequence[Reading]
    ) -> Offer | None:
        """Keep what a report tells of updates; return the offer for the answer to it.

        new: the readings that were not known yet. A report that comes again tells nothing."""
        state = _state(database, message.base) if message.base.endswith(BASE_END) else None
        if state is None:
            return None
        before = dataclasses.replace(state)
        found = {reading.name[len(message.base) :]: reading.value for reading in new}
        self._take(state, found, message.received_s)
        node, target = message.base.removesuffix(BASE_END), None
        if self._releases is not None and message.protocol == "coap":  # others get no answer
            target = self._target(database, node, state, message.received_s)
            offered = target.seq if target else None
            if offered != before.offered and "up" not in found:
                state.progress = None
            state.offered = offered
        self._keep(database, state, before)
        return Offer(target.seq, target.content.digest[:8]) if target else None

    def answer(self, database: sqlite3.Connection, ask: Ask) -> bytes | None:
        """Answer a node that asks for an update, or for the confirmation of one.

        None for a node without a key, one that has sent no report, a release that it does not get
        now, and a confirmation that no report of the last minutes precedes."""
        releases = self._releases
        key = releases.device_key(ask.node) if releases else None
        state = _state(database, ask.node + BASE_END)
        if releases is None or key is None or state is None:
            return None
        before, now_s = dataclasses.replace(state), time.time()
        state.release, state.named = ask.running, now_s
        if ask.kind == CONFIRM:
            if now_s - state.seen > CONFIRM_MAX_S or not releases.has(ask.running):
                return None
            state.confirmed, state.offered, state.progress = ask.running, None, None
            self._keep(database, state, before)
            return answered(key, ask, CONFIRM, ask.running, None)
        target = self._target(database, ask.node, state, now_s)
        if target is None or target.seq != ask.wanted:
            return None
        state.offered = target.seq
        self._keep(database, state, before)
        kind, content = _first(releases, ask, target)
        return answered(key, ask, kind, target.seq, content)

    def _take(self, state: _State, found: dict[str, Any], now_s: float) -> None:
        """Take over the records of a report."""
        release, progress = _number(found, "rl", SEQ_MAX), _number(found, "up", 100)
        if release:
            state.release = release
            if release == state.offered:
                state.offered = None
        if release or progress is not None:
            state.named, state.progress = now_s, progress
        rejected, cause = _number(found, "rj", SEQ_MAX), found.get("rc")
        if rejected:
            state.rejected = rejected
            state.cause = _text(cause)

    def _target(
        self, database: sqlite3.Connection, node: str, state: _State, now_s: float
    ) -> Envelope | None:
        """Return the release that a node is to get now."""
        if self._releases is None or state.release is None or state.named is None:
            return None
        if now_s - state.named > NAMED_MAX_S:
            return None
        found = self._releases.target(node, state.release)
        if found is None or found.seq == state.rejected or self._is_stopped(database, found.seq):
            return None
        return found

    def _is_stopped(self, database: sqlite3.Connection, seq: int) -> bool:
        assert self._releases is not None
        now_s = time.monotonic()
        tried, rejected, counted_s = self._tried.get(seq, (0, 0, -COUNTED_S))
        if now_s - counted_s >= COUNTED_S:  # other intakes answer nodes, too
            tried, rejected = database.execute(_TRIED, {"seq": seq}).fetchone()
            self._tried[seq] = tried, rejected, now_s
        is_stopped = bool(rejected) and rejected / tried > self._releases.stop_above
        if is_stopped != (seq in self._stopped):
            self._stopped ^= {seq}
            about = f"{rejected} of {tried} nodes that tried it rejected it"
            what = "it is offered to no node" if is_stopped else "it is offered again"
            self._report(f"release {seq}: {about}; {what}", not is_stopped)
        return is_stopped

    def _keep(self, database: sqlite3.Connection, state: _State, before: _State) -> None:
        if state == before:
            return
        if (state.confirmed, state.rejected) != (before.confirmed, before.rejected):
            self._tried.clear()
        node, _, *columns = dataclasses.astuple(state)
        database.execute(_KEEP, (node, *columns))


def status(
    database: sqlite3.Connection, most: int = -1, named: bool = False
) -> list[dict[str, Any]]:
    """Return what `./dev fleet status --json` prints of each node, by name; times in ms.

    most: so many nodes; -1 for all. named: only those that ever said what they run.
    """
    condition = "AND fleet.node IS NOT NULL" if named else ""
    names = ("release", "offered", "progress", "confirmed", "rejected", "cause", "changed")
    return [
        {"node": base.removesuffix(BASE_END), "last_seen": round(seen * 1000)}
        | dict(zip(names, [*columns, _text(changed)], strict=True))
        for base, seen, *columns, changed in database.execute(_STATUS.format(condition), (most,))
    ]


def status_of(path: Path) -> list[dict[str, Any]]:
    """Return the status in a database, which a collector may be using. OSError if it is none."""
    try:
        database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            return status(database)
        finally:
            database.close()
    except sqlite3.Error as problem:
        raise OSError(str(problem)) from None


def _state(database: sqlite3.Connection, base: str) -> _State | None:
    found = database.execute(_STATE, (base,)).fetchone()
    return _State(*found) if found else None


def _first(releases: Releases, ask: Ask, target: Envelope) -> tuple[int, Content]:
    """Return what a node has to fetch first: a newer key file, else the envelope."""
    keys = releases.key_file
    if keys is not None and ask.key_version < releases.key_version:
        return KEY_FILE, keys
    return AUTHORIZE, target.content


def _text(value: Any) -> str | None:
    return (packs.printable(value)[:TEXT_MAX] if isinstance(value, str) else "") or None


def _number(found: dict[str, Any], name: str, most: int) -> int | None:
    value = found.get(name)
    return value if type(value) is int and 0 <= value <= most else None
