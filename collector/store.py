"""The database of a collector: every record once, in SQLite, in a thread.

    with Store("reports.db") as store:
        taken = store.put([message_of(...)], stored)      # False: no room; counted as dropped
        store.count("refused")

`stored(outcome)` is called in the store's thread when the records are certainly in the file: after
COMMIT, with synchronous=FULL. Only then may a node get its answer. Messages that wait are written
together, at most once in COMMIT_S. Counters are part of the same transactions, so that they go on
after a restart. Without a path the database is a temporary file that ends with the program.

Source: sqlite.org, wal.html, pragma.html (synchronous), lang_transaction.html (what rolls back by
itself), inmemorydb.html (temporary databases).
"""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from collector import database, tables
from collector.fleet import Fleet
from collector.readings import Reading
from collector.writer import Message, Writer

QUEUE_MAX = 20_000  # records
BATCH_MAX = 2_000  # messages
COMMIT_S = 0.015  # from the begin of one transaction to that of the next
COUNT_S = 1.0  # until counters alone are written
RETRY_S, RETRY_MAX_S = 0.5, 30.0
TEMPORARY_MAX = 1_000_000  # records of a temporary database

# Not the state of the disk but of one message, by a mistake in this program: no trial helps
_UNWRITABLE = (sqlite3.IntegrityError, sqlite3.ProgrammingError, ArithmeticError, ValueError)


@dataclass(frozen=True)
class Outcome:
    """What became of the messages of one `put`."""

    stored: bool
    new: list[Reading]
    duplicates: int
    result: Any = None  # of `work`; else the offer for the answer to the last message


FAILED = Outcome(False, [], 0)
Stored = Callable[[Outcome], None]
Work = Callable[[sqlite3.Connection], Any]


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


class Store(AbstractContextManager["Store"]):
    """OSError if the file cannot be such a database."""

    def __init__(
        self,
        path: str | None = None,
        report: Callable[[str, bool], None] = lambda text, ok: None,
        fleet: Fleet | None = None,
    ) -> None:
        """report(text, ok): called once when writing fails, and once when it works again."""
        self.problem = ""
        self.unwritten = 0  # messages that were lost because writing failed
        self._folder = tempfile.TemporaryDirectory(prefix="collect-")  # of a temporary database
        self._temporary = path is None
        self._path, self._report = path or f"{self._folder.name}/reports.db", report
        self.where = self._path  # for readers
        self._fleet = fleet or Fleet()
        self._jobs: deque[_Job] = deque()
        self._waiting = 0  # records
        self._unsaved: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._closing = False
        self.committed_s = time.time()  # the last transaction that worked; at first the start
        self._began_s = 0.0  # the last transaction
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
            self._changed.notify_all()
        return True

    def count(self, name: str, number: int = 1) -> None:
        """Add to a counter of the database."""
        with self._changed:
            self._add(name, number)

    def counters(self) -> dict[str, int]:
        """Return all counters, over all runs."""
        with self._changed:
            return dict(self._totals)

    def fetch(self, work: Work, timeout_s: float = 1.0) -> Any:
        """Return the result of `work`, which reads; None if the database cannot be used."""
        done, results = threading.Event(), []

        def stored(outcome: Outcome) -> None:
            results.append(outcome.result)
            done.set()

        if self.put([], stored, work=work) and done.wait(timeout_s):
            return results[0]
        return None

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Write the queued records, if that works, then stop."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout=15)

    @property
    def waiting(self) -> int:
        """The number of jobs that no transaction has taken yet."""
        return len(self._jobs)

    def _has_room(self, records: int) -> bool:
        return not self._jobs or self._waiting + records <= QUEUE_MAX

    def _add(self, name: str, number: int) -> None:
        self._totals[name] += number
        self._unsaved[name] += number
        self._changed.notify_all()

    def _drop(self, messages: int) -> None:
        self._add("dropped", messages)
        if self.problem:
            self.unwritten += messages

    # The file

    def _connect(self) -> None:
        connection = None
        try:
            connection = sqlite3.connect(
                self._path, timeout=2.0, isolation_level=None, check_same_thread=False
            )
            connection.execute(f"PRAGMA synchronous={'OFF' if self._temporary else 'FULL'}")
            with database.connect(self._path) as first, first.transaction():
                tables.prepare(first)
            connection.execute("PRAGMA journal_mode=WAL")
            saved = dict(connection.execute("SELECT name, value FROM counter"))
            self._totals = Counter({name: saved[name] for name in tables.COUNTERS})
        except (sqlite3.Error, OSError, KeyError) as problem:
            if connection is not None:
                connection.close()
            raise OSError(str(problem)) from None
        self._database, self._writer = connection, Writer(connection)

    # The thread

    def _work(self) -> None:
        pause_s = RETRY_S
        while True:
            jobs, counts = self._next()
            if not jobs and not counts:
                break
            try:
                outcomes = self._write(jobs, counts)
            except _UNWRITABLE as problem:
                self._leave_out(jobs, counts, problem)
                continue
            except (sqlite3.Error, OSError) as problem:
                self._fail(jobs, counts, problem)
                if self._closing:
                    break
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)
                continue
            pause_s, self.committed_s = RETRY_S, time.time()
            if self.problem:
                self.problem = ""
                self._report(f"{self._path}: writing again", True)
            for job, outcome in zip(jobs, outcomes, strict=True):
                job.tell(outcome)
        with contextlib.suppress(sqlite3.Error):
            self._database.close()
        self._folder.cleanup()

    def _next(self) -> tuple[list[_Job], Counter[str]]:
        """Return what comes into the next transaction; nothing at the end."""
        with self._changed:
            waits = COUNT_S if self._unsaved else None
            self._changed.wait_for(lambda: self._jobs or self._closing, waits)
            wait_s = self._began_s + COMMIT_S - time.monotonic()
            if wait_s > 0:
                self._changed.wait_for(lambda: self._closing, wait_s)
            self._began_s = time.monotonic()
            jobs, number = [], 0
            while self._jobs and number < (1 if self._alone else BATCH_MAX):
                jobs.append(self._jobs.popleft())
                number += len(jobs[-1].messages)
            self._alone = max(0, self._alone - len(jobs))
            self._waiting -= sum(job.records for job in jobs)
            counts, self._unsaved = self._unsaved, Counter()
            self._changed.notify_all()
        return jobs, counts

    def _write(self, jobs: Sequence[_Job], counts: Counter[str]) -> list[Outcome]:
        outcomes = []
        added = Counter(counts)
        try:
            with _transaction(self._database):
                for job in jobs:
                    outcomes.append(self._write_job(job, added))
                self._database.executemany(
                    "UPDATE counter SET value = value + ? WHERE name = ?",
                    [(number, name) for name, number in added.items()],
                )
        except BaseException:
            self._writer.forget()
            self._fleet.forget()
            raise
        with self._changed:
            self._totals.update(added - counts)
        self._shorten(added["records"])
        return outcomes

    def _write_job(self, job: _Job, added: Counter[str]) -> Outcome:
        new: list[Reading] = []
        duplicates = 0
        result = None
        for message in job.messages:
            found, known = self._writer.write(message)
            result = self._fleet.note(self._database, message, found)
            new += found
            duplicates += known
        if job.work is not None:
            result = job.work(self._database)
        added.update(messages=len(job.messages), records=len(new), duplicates=duplicates)
        return Outcome(True, new, duplicates, result)

    def _shorten(self, records: int) -> None:
        """Empty a temporary database that has become large; nodes and counters stay."""
        self._kept += records
        if not self._temporary or self._kept < TEMPORARY_MAX:
            return
        self._kept = 0
        for table in ("record", "report"):
            self._database.execute(f"DELETE FROM {table}")

    def _leave_out(self, jobs: Sequence[_Job], counts: Counter[str], problem: Exception) -> None:
        """Leave out a message that cannot be written; find it first by writing each alone."""
        with self._changed:
            self._unsaved.update(counts)
            if len(jobs) > 1:
                self._alone = len(jobs)
                self._jobs.extendleft(reversed(jobs))
                self._waiting += sum(job.records for job in jobs)
                return
            self._add("dropped", sum(len(job.messages) for job in jobs))
        self._report(f"{self._path}: a message cannot be written: {problem}", False)
        for job in jobs:
            self.unwritten += len(job.messages)
            job.tell(FAILED)

    def _fail(self, jobs: Sequence[_Job], counts: Counter[str], problem: Exception) -> None:
        """Queue again what nobody repeats; the senders of the rest get no answer."""
        kept = [job for job in jobs if job.keep and not self._closing]
        lost = [job for job in jobs if job not in kept]
        if not self.problem:
            self._report(
                f"{self._path}: {problem}; collecting goes on, writing is tried again", False
            )
        with self._changed:
            self.problem = str(problem)
            if self._closing:
                lost += self._jobs
                self._jobs.clear()
            self._jobs.extendleft(reversed(kept))
            self._waiting = sum(job.records for job in self._jobs)
            self._unsaved.update(counts)
            self._drop(sum(len(job.messages) for job in lost))
        for job in lost:
            job.tell(FAILED)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
