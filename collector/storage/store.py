"""The database of a collector: every record once, in a thread, in SQLite or PostgreSQL.

    with Store("reports.db") as store:
        taken = store.put([message_of(...)], stored)      # False: no room; counted as dropped
        store.count("refused")

`stored(outcome)` is called in the store's thread when the records are certainly in the database:
after COMMIT, in SQLite with synchronous=FULL. Only then may a node get its answer. Messages that
wait are written together, at most once in COMMIT_S. Counters are part of the same transactions, so
that they go on after a restart. Nothing that is kept here must be true for longer than a
transaction: other processes may use the same database. Without a place the database is a temporary
file that ends with the program.

Source: sqlite.org, wal.html, pragma.html (synchronous), lang_transaction.html (what rolls back by
itself).
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from collector.storage import database, tables
from collector.storage.readings import Reading
from collector.storage.retention import Retention
from collector.storage.writer import Message, Writer, Written

QUEUE_MAX = 20_000  # records
BATCH_MAX = 2_000  # messages
COMMIT_S = 0.015  # from the begin of one transaction to that of the next
COUNT_S = 1.0  # until counters alone are written
DELETE_S = 0.05  # between two deletions while nothing arrives
RETRY_S, RETRY_MAX_S = 0.5, 30.0
TRIALS = 5  # of a transaction that another process disturbs
REFUSED_MAX = 1_000  # messages whose reason is kept
TEMPORARY_MAX = 1_000_000  # records of a temporary database

Result = TypeVar("Result")
_COUNTERS = "SELECT name, value FROM counter"
_ADD = "UPDATE counter SET value = value + ? WHERE name = ?"
_FORGET_REFUSED = "DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - ?"


class Companion(Protocol):
    """What is decided in the transaction that stores reports: updates/fleet.py."""

    def note(
        self,
        database: database.Connection,
        messages: Sequence[Message],
        written: Sequence[Written],
    ) -> Sequence[Any]:
        """Return what the answer to each message is to tell."""

    def forget(self) -> None:
        """Forget what a rollback may have taken back."""


@dataclass(frozen=True)
class Outcome:
    """What became of the messages of one `put`."""

    stored: bool
    new: list[Reading]
    duplicates: int
    result: Any = None  # of `work`; else the offer for the answer to the last message


FAILED = Outcome(False, [], 0)
Stored = Callable[[Outcome], None]
Work = Callable[[database.Connection], Any]


@dataclass(frozen=True)
class _Job:
    messages: Sequence[Message]
    stored: Stored
    keep: bool
    records: int
    work: Work | None

    def tell(self, outcome: Outcome) -> None:
        with contextlib.suppress(RuntimeError):  # of an event loop that has ended
            self.stored(outcome)


def _outcomes(
    jobs: Sequence[_Job], written: Sequence[Written], offers: Sequence[Any], results: Sequence[Any]
) -> Iterator[Outcome]:
    start = 0
    for job, result in zip(jobs, results, strict=True):
        end = start + len(job.messages)
        new = [reading for each in written[start:end] for reading in each.new]
        if job.work is None and end > start:
            result = offers[end - 1]
        yield Outcome(True, new, sum(each.duplicates for each in written[start:end]), result)
        start = end


class Store(AbstractContextManager["Store"]):
    """OSError if the file cannot be such a database."""

    def __init__(
        self,
        where: str | None = None,
        report: Callable[[str, bool], None] = lambda text, ok: None,
        fleet: Companion | None = None,
        keep_days: float | None = None,
    ) -> None:
        """report(text, ok): called once when writing fails, and once when it works again.

        keep_days: what was received before that is deleted; None keeps all."""
        self.problem = ""
        self.unwritten = 0  # messages that were lost because writing failed
        self._folder = None if where else tempfile.TemporaryDirectory(prefix="collect-")
        self.where = where or f"{self._folder.name}/reports.db"  # type: ignore[union-attr]
        self._shown, self._report = database.shown(self.where), report
        self._fleet = fleet
        self._retention = Retention(keep_days) if keep_days else None
        self._jobs: deque[_Job] = deque()
        self._waiting = 0  # records
        self._unsaved: Counter[str] = Counter()
        self._saving: Counter[str] = Counter()  # in the transaction that runs
        self._refused: deque[tuple[float, str, str, str]] = deque(maxlen=REFUSED_MAX)
        self._changed = threading.Condition()
        self._closing, self._ending = False, threading.Event()
        self.committed_s = time.time()  # the last transaction that worked; at first the start
        self._began_s = 0.0  # the last transaction
        self._over = False  # the database is closed
        self._alone = 0  # jobs that get a transaction each
        self._kept = 0  # records in a temporary database
        self._connect()
        self._thread = threading.Thread(target=self._work, name="store", daemon=True)
        self._thread.start()

    def put(
        self,
        messages: Sequence[Message],
        stored: Stored,
        keep: bool = False,
        work: Work | None = None,
    ) -> bool:
        """Queue messages; return False, and count them as dropped, if there is no room.

        stored: called once, after COMMIT, in the store's thread; it must not raise or wait. If
        writing fails it gets FAILED, so that the sender is not answered and repeats. keep: there
        is no sender who repeats: wait for room here, and try again to write until it works. work:
        called in the same transaction, behind the messages; its result is part of the outcome.
        """
        records = sum(message.records for message in messages)
        with self._changed:
            if keep:
                self._changed.wait_for(lambda: self._closing or self._has_room(records))
            if self._closing or not self._has_room(records) or (self.problem and not keep):
                self._drop(len(messages))
                return False
            self._jobs.append(_Job(messages, stored, keep, records, work))
            self._waiting += records
            if len(self._jobs) == 1:  # else the thread is awake, or will be
                self._changed.notify_all()
        return True

    def count(self, name: str, number: int = 1) -> None:
        """Add to a counter of the database."""
        with self._changed:
            self._add(name, number)

    def counters(self) -> dict[str, int]:
        """Return all counters, over all runs and processes; the last ones if that fails."""
        if not self._over:
            with contextlib.suppress(database.Unusable, database.Unwritable):
                self._counters = self._saved()
        with self._changed:
            total = self._counters + self._unsaved + self._saving
        return {name: total[name] for name in tables.COUNTERS}

    def refuse(self, protocol: str, source: str, reason: str) -> None:
        """Count a message that cannot be decoded, and keep the reason."""
        with self._changed:
            self._add("messages", 1)
            self._add("refused", 1)
            self._refused.append((time.time(), protocol, database.writable(source), reason))

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Write the queued records, if that works, then stop."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._ending.set()
        self._thread.join(timeout=15)

    @property
    def waiting(self) -> int:
        """The number of jobs that no transaction has taken yet."""
        return len(self._jobs)

    def _has_room(self, records: int) -> bool:
        return not self._jobs or self._waiting + records <= QUEUE_MAX

    def _add(self, name: str, number: int) -> None:
        self._unsaved[name] += number

    def _drop(self, messages: int) -> None:
        self._add("dropped", messages)
        if self.problem:
            self.unwritten += messages

    # The database

    def _connect(self) -> None:
        try:
            self._database = database.connect(self.where, by_key=True)
            with self._database.transaction():
                tables.prepare(self._database)
            self._database.for_writing(lasting=not self._folder)
            self._reader: database.Connection | None = None
            self._reading = threading.Lock()
            self._counters = self._saved()
        except (OSError, ValueError) as problem:
            raise OSError(str(problem)) from None
        self._writer = Writer(self._database)

    def read(self, work: Callable[[database.Connection], Result]) -> Result:
        """Return the result of `work`, called here with a connection of its own that reads.

        database.Unusable if the database cannot be used."""
        with self._reading:
            fresh = self._reader is None
            if self._reader is None:
                self._reader = database.connect(self.where, read_only=True)
            try:
                return work(self._reader)
            except database.Unusable:
                self._reader.close()
                self._reader = None
                if fresh:
                    raise
        return self.read(work)

    def _saved(self) -> Counter[str]:
        return Counter(dict(self.read(lambda reader: reader.execute(_COUNTERS))))

    # The thread

    def _work(self) -> None:
        pause_s = RETRY_S
        while True:
            if self._is_to_delete():
                try:
                    self._retention.step(self._database)  # type: ignore[union-attr]
                except database.Unwritable as problem:
                    self._report(f"{self._shown}: old reports stay: {problem}", False)
            jobs, counts = self._next()
            if not jobs and not counts:
                if self._closing:
                    break
                continue
            try:
                outcomes = self._write(jobs, counts)
            except OSError as problem:
                self._fail(jobs, counts, problem)
                if self._closing:
                    break
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)
                continue
            except Exception as problem:  # noqa: BLE001 a mistake in this program, no trial helps
                self._leave_out(jobs, counts, problem)
                continue
            pause_s, self.committed_s = RETRY_S, time.time()
            if self.problem:
                self.problem = ""
                self._report(f"{self._shown}: writing again", True)
            for job, outcome in zip(jobs, outcomes, strict=True):
                job.tell(outcome)
        with contextlib.suppress(database.Unusable, database.Unwritable):
            self._counters = self._saved()
        self._over = True
        with self._reading:  # first, because it cannot remove the files beside the database
            if self._reader is not None:
                self._reader.close()
        self._database.close()
        if self._folder:
            self._folder.cleanup()

    def _is_to_delete(self) -> bool:
        """Return True if there may be old reports; it is asked in the pause behind a commit."""
        return self._retention is not None and self._retention.is_due and not self.problem

    def _next(self) -> tuple[list[_Job], Counter[str]]:
        """Return what comes into the next transaction, maybe nothing."""
        with self._changed:
            wait_s = DELETE_S if self._is_to_delete() else COUNT_S
            self._changed.wait_for(lambda: self._jobs or self._closing, wait_s)
        self._ending.wait(max(0.0, self._began_s + COMMIT_S - time.monotonic()))
        with self._changed:
            self._began_s = time.monotonic()
            jobs, number = [], 0
            while self._jobs and number < (1 if self._alone else BATCH_MAX):
                jobs.append(self._jobs.popleft())
                number += len(jobs[-1].messages)
            self._alone = max(0, self._alone - len(jobs))
            self._waiting -= sum(job.records for job in jobs)
            counts, self._unsaved = self._unsaved, Counter()
            self._saving = counts
            self._changed.notify_all()
        return jobs, counts

    def _write(self, jobs: Sequence[_Job], counts: Counter[str]) -> list[Outcome]:
        for trial in itertools.count(1):
            try:
                return self._try_to_write(jobs, counts)
            except database.Disturbed:
                if trial == TRIALS:
                    raise
        raise AssertionError

    def _try_to_write(self, jobs: Sequence[_Job], counts: Counter[str]) -> list[Outcome]:
        messages = [message for job in jobs for message in job.messages]
        with self._changed:
            refused = [*self._refused]
        self._writer.name(messages)
        try:
            with self._database.transaction():
                written = self._writer.write(messages)
                offers: Sequence[Any] = [None] * len(messages)
                if self._fleet is not None:
                    offers = self._fleet.note(self._database, messages, written)
                results = [job.work(self._database) if job.work else None for job in jobs]
                self._keep_refused(refused)
                added = counts + Counter(
                    messages=len(messages),
                    records=sum(len(each.new) for each in written),
                    duplicates=sum(each.duplicates for each in written),
                )
                totals = [(number, name) for name, number in sorted(added.items())]
                self._database.many(_ADD, totals)
        except BaseException:
            self._writer.forget()
            if self._fleet is not None:
                self._fleet.forget()
            raise
        with self._changed:
            self._saving = Counter()
            for _ in refused:
                self._refused.popleft()
        self._shorten(added["records"])
        return list(_outcomes(jobs, written, offers, results))

    def _keep_refused(self, refused: Sequence[tuple[float, str, str, str]]) -> None:
        if refused:
            columns = ("received", "protocol", "source", "reason")
            self._database.insert("refused", columns, refused)
            self._database.execute(_FORGET_REFUSED, (REFUSED_MAX,))

    def _shorten(self, records: int) -> None:
        """Empty a temporary database that has become large; nodes and counters stay."""
        self._kept += records
        if not self._folder or self._kept < TEMPORARY_MAX:
            return
        self._kept = 0
        for table in ("record", "report"):
            self._database.execute(f"DELETE FROM {table}")

    def _leave_out(self, jobs: Sequence[_Job], counts: Counter[str], problem: Exception) -> None:
        """Leave out a message that cannot be written; find it first by writing each alone."""
        with self._changed:
            self._unsaved.update(counts)
            self._saving = Counter()
            if len(jobs) > 1:
                self._alone = len(jobs)
                self._jobs.extendleft(reversed(jobs))
                self._waiting += sum(job.records for job in jobs)
                return
            self._add("dropped", sum(len(job.messages) for job in jobs))
        self._report(f"{self._shown}: a message cannot be written: {problem}", False)
        for job in jobs:
            self.unwritten += len(job.messages)
            job.tell(FAILED)

    def _fail(self, jobs: Sequence[_Job], counts: Counter[str], problem: Exception) -> None:
        """Queue again what nobody repeats; the senders of the rest get no answer."""
        kept = [job for job in jobs if job.keep and not self._closing]
        lost = [job for job in jobs if job not in kept]
        if not self.problem:
            self._report(
                f"{self._shown}: {problem}; collecting goes on, writing is tried again", False
            )
        with self._changed:
            self.problem = str(problem)
            if self._closing:
                lost += self._jobs
                self._jobs.clear()
            self._jobs.extendleft(reversed(kept))
            self._waiting = sum(job.records for job in self._jobs)
            self._unsaved.update(counts)
            self._saving = Counter()
            self._drop(sum(len(job.messages) for job in lost))
        for job in lost:
            job.tell(FAILED)
