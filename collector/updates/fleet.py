"""What each node runs and is offered: the table `fleet` of the database.

    fleet = Fleet(Releases(path), report)
    offers = fleet.note(database, messages, written)    # for the answer to each, or None
    answer = fleet.answer(database, ask)                # to a question about an update, or None

Both are called in the transaction that stores the reports, so that the answer goes out behind the
commit. Reports tell what a node runs (`rl`), how much of an update it has (`up`), and which it has
rejected (`rj`, `rc`); docs/report.md. Without a folder of releases the table is kept, and nothing
is offered. Nothing in a report proves its sender: a stranger can write into this table, and can
make no node run anything.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from collector.decode import packs
from collector.decode.report import BASE_END
from collector.storage import database
from collector.storage.database import Connection
from collector.storage.writer import Message, Written
from collector.updates.questions import AUTHORIZE, CONFIRM, KEY_FILE, Ask, answered
from collector.updates.releases import SEQ_MAX, Content, Envelope, Releases, Report

NAMED_MAX_S = 2 * 86_400  # since a node said what it runs, which it does each day
CONFIRM_MAX_S = 900  # since its last report
TRIED_S = 2.0  # until it is counted again how many tried a release
TEXT_MAX = 40  # characters

_COLUMNS = ("release", "named", "offered", "progress", "confirmed", "rejected", "cause")
_LISTED = ", ".join(_COLUMNS)
_STATES = f"SELECT node, {_LISTED} FROM {{keys}} JOIN fleet USING (node)"
# The row of the node stays locked until the end of the transaction
_NODE = "UPDATE node SET seen = seen WHERE base = ? RETURNING id, seen"
_KEEP = "ON CONFLICT (node) DO UPDATE SET " + ", ".join(f"{n} = excluded.{n}" for n in _COLUMNS)
_TRIED = """
SELECT count(*), count(CASE WHEN rejected = ? THEN 1 END) FROM fleet
WHERE confirmed = ? OR rejected = ?
"""
# A node tells what was changed by hand beside what it runs, as long as it is so
_CHANGED = """
SELECT ch.other FROM latest AS ch JOIN latest AS rl USING (node, seq) WHERE ch.node = node.id
AND ch.name IN (SELECT id FROM name WHERE name = 'ch' AND kind = 'text' AND nth = 0)
AND rl.name IN (SELECT id FROM name WHERE name = 'rl' AND kind = 'number' AND nth = 0)
ORDER BY ch.newest DESC LIMIT 1
"""
_STATUS = f"""
SELECT base, seen, release, offered, progress, confirmed, rejected, cause, ({_CHANGED})
FROM node LEFT JOIN fleet ON fleet.node = node.id WHERE base != '' AND seen > 0 {{0}}
ORDER BY base
"""
_TOLD = frozenset(("rl", "up", "rj", "rc"))
_OFFERED, _RESULT = 3, slice(5, 7)  # of a row of `fleet`: offered; confirmed, rejected


@dataclass(frozen=True)
class Offer:
    seq: int
    digest: bytes  # the first 8 bytes of the SHA-256 of the envelope


@dataclass
class _State:
    """A row of the table; None is unknown, or nothing."""

    node: int
    release: int | None = None
    named: float | None = None
    offered: int | None = None
    progress: int | None = None
    confirmed: int | None = None
    rejected: int | None = None
    cause: str | None = None

    @property
    def row(self) -> tuple[Any, ...]:
        return (self.node, self.release, self.named, self.offered, self.progress, self.confirmed,
                self.rejected, self.cause)  # fmt: skip


class Fleet:
    """To be used in the thread of the store."""

    def __init__(
        self, releases: Releases | None = None, report: Report = lambda text, ok: None
    ) -> None:
        """report: told when a roll-out stops, and when it goes on."""
        self._releases, self._report = releases, report
        self._tried: dict[int, tuple[int, int]] = {}  # of releases: tried, rejected
        self._tried_s = 0.0  # when they were counted; other processes count, too
        self._stopped: set[int] = set()  # releases that were told
        self._changed: dict[int, _State] = {}  # to be written

    def forget(self) -> None:
        """Forget what a rollback has taken back."""
        self._tried.clear()
        self._changed.clear()

    def note(
        self, database: Connection, messages: Sequence[Message], written: Sequence[Written]
    ) -> list[Offer | None]:
        """Keep what reports tell of updates; return the offers for the answers to them.

        A report that comes again tells nothing."""
        told = [self._told(*each) for each in zip(messages, written, strict=True)]
        nodes = {each.node for each, found in zip(written, told, strict=True) if found is not None}
        states = _states(database, nodes)
        offers = [
            None if found is None else self._note(database, message, found, states[each.node])
            for message, each, found in zip(messages, written, told, strict=True)
        ]
        self._save(database)
        return offers

    def _told(self, message: Message, written: Written) -> dict[str, Any] | None:
        """Return what a new report tells of updates; None if they are not its concern."""
        if not message.base.endswith(BASE_END):
            return None
        start = len(message.base)
        found = ((reading.name[start:], reading.value) for reading in written.new)
        told = {name: value for name, value in found if name in _TOLD}
        return told if told or self._may_offer(message) else None

    def _may_offer(self, message: Message) -> bool:
        return self._releases is not None and message.protocol == "coap"  # others get no answer

    def _note(
        self, database: Connection, message: Message, found: dict[str, Any], state: _State
    ) -> Offer | None:
        before = state.row
        self._take(state, found, message.received_s)
        node, target = message.base.removesuffix(BASE_END), None
        if self._may_offer(message):
            target = self._target(database, node, state, message.received_s)
            offered = target.seq if target else None
            if offered != before[_OFFERED] and "up" not in found:
                state.progress = None
            state.offered = offered
        self._keep(state, before)
        return Offer(target.seq, target.content.digest[:8]) if target else None

    def answer(self, database: Connection, ask: Ask) -> bytes | None:
        """Answer a node that asks for an update, or for the confirmation of one.

        None for a node without a key, one that has sent no report, a release that it does not get
        now, and a confirmation that no report of the last minutes precedes."""
        releases = self._releases
        key = releases.device_key(ask.node) if releases else None
        if releases is None or key is None:
            return None
        known = database.execute(_NODE, (ask.node + BASE_END,))
        if not known or not known[0][1]:
            return None
        [(node, seen)] = known
        state = _states(database, {node})[node]
        answer = self._answer(database, releases, key, ask, state, seen)
        self._save(database)
        return answer

    def _answer(
        self, database: Connection, releases: Releases, key: bytes, ask: Ask, state: _State,
        seen: float,
    ) -> bytes | None:  # fmt: skip
        before, now_s = state.row, time.time()
        state.release, state.named = ask.running, now_s
        if ask.kind == CONFIRM:
            if now_s - seen > CONFIRM_MAX_S or not releases.has(ask.running):
                return None
            state.confirmed, state.offered, state.progress = ask.running, None, None
            self._keep(state, before)
            return answered(key, ask, CONFIRM, ask.running, None)
        target = self._target(database, ask.node, state, now_s)
        if target is None or target.seq != ask.wanted:
            return None
        state.offered = target.seq
        self._keep(state, before)
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
        self, database: Connection, node: str, state: _State, now_s: float
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

    def _is_stopped(self, database: Connection, seq: int) -> bool:
        assert self._releases is not None
        if time.monotonic() - self._tried_s > TRIED_S:
            self._tried.clear()
        if seq not in self._tried:
            self._save(database)
            [self._tried[seq]] = database.execute(_TRIED, (seq, seq, seq))
            self._tried_s = time.monotonic()
        tried, rejected = self._tried[seq]
        is_stopped = bool(rejected) and rejected / tried > self._releases.stop_above
        if is_stopped != (seq in self._stopped):
            self._stopped ^= {seq}
            about = f"{rejected} of {tried} nodes that tried it rejected it"
            what = "it is offered to no node" if is_stopped else "it is offered again"
            self._report(f"release {seq}: {about}; {what}", not is_stopped)
        return is_stopped

    def _keep(self, state: _State, before: tuple[Any, ...]) -> None:
        after = state.row
        if after == before:
            return
        if after[_RESULT] != before[_RESULT]:
            self._tried.clear()
        self._changed[state.node] = state

    def _save(self, database: Connection) -> None:
        rows = [state.row for _, state in sorted(self._changed.items())]
        database.insert("fleet", ("node", *_COLUMNS), rows, _KEEP)
        self._changed.clear()


def status(database: Connection, node: int | None = None) -> list[dict[str, Any]]:
    """Return what `./dev fleet status --json` prints of each node, by name; times in ms.

    node: only this one, if it ever said what it runs.
    """
    condition, values = "", []
    if node is not None:
        condition, values = "AND fleet.node = ?", [node]
    names = ("release", "offered", "progress", "confirmed", "rejected", "cause", "changed")
    return [
        {"node": base.removesuffix(BASE_END), "last_seen": round(seen * 1000)}
        | dict(zip(names, [*columns, _text(changed)], strict=True))
        for base, seen, *columns, changed in database.execute(_STATUS.format(condition), values)
    ]


def status_of(where: str) -> list[dict[str, Any]]:
    """Return the status in a database, which a collector may be using. OSError if it is none."""
    try:
        with database.connect(where, read_only=True) as connection:
            return status(connection)
    except database.Unwritable as problem:
        raise OSError(str(problem)) from None


def _states(database: Connection, nodes: set[int]) -> dict[int, _State]:
    states = {node: _State(node) for node in sorted(nodes)}
    for row in database.find(_STATES, "node bigint", [(node,) for node in states]):
        states[row[0]] = _State(*row)
    return states


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
