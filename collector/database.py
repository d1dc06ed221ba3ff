"""One connection to the database of a collector: an SQLite file or a PostgreSQL server.

    with database.connect("reports.db") as connection:       # or "postgresql://USER@HOST/NAME"
        rows = connection.execute("SELECT id FROM node WHERE base = ?", ("gate:",))

The statements are the same for both: `?` stands for a value, and only SQL that both know is used.
A connection belongs to one thread at a time. Two kinds of errors come out of it: `Unusable`, the
state of the disk or the server, where a later trial may work, and `Unwritable`, a statement or a
value that never will.

Source: sqlite.org, lang_transaction.html; psycopg 3, docs/basic (transactions, server cursors).
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg
    from psycopg.adapt import Loader

SCHEMES = ("postgresql://", "postgres://")
BUSY_S = 5.0  # for another process that writes to the same file
STREAM_ROWS = 2_000  # fetched at once
LIMIT_STEPS = 100_000  # of SQLite's machine, between two looks at the time
INTEGER_DIGITS = 20  # of a whole number of 64 bits, with its sign
_LOCK = 0x436F6C6C  # of a server, for one at a time that creates tables

Row = tuple[Any, ...]


class Unusable(OSError):
    """The database cannot be used now."""


class Unwritable(ValueError):
    """This can never be written."""


def is_server(where: str) -> bool:
    return where.startswith(SCHEMES)


def connect(where: str, read_only: bool = False) -> Connection:
    """Connect to a file, or to a server at a URL. Unusable if that fails."""
    return Postgres(where, read_only) if is_server(where) else Sqlite(where, read_only)


class Connection(AbstractContextManager["Connection"]):
    types: dict[str, str]  # of columns: what stands for {integer} and so on in tables.py

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return the rows, [] of a statement that has none."""
        raise NotImplementedError

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute a statement without a result for each row of values."""
        raise NotImplementedError

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """Return the rows one by one, without holding all of them in memory."""
        raise NotImplementedError

    def version(self) -> int | None:
        """Return that of the schema, None if there is none; others wait for the transaction."""
        raise NotImplementedError

    def set_version(self, version: int) -> None:
        raise NotImplementedError

    def limit(self, seconds: float) -> None:
        """Let statements end with Unusable when that time is over; on a server, each has it."""
        raise NotImplementedError

    def rollback(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        self.execute(self._begin)
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(Unusable, Unwritable):
                self.rollback()
            raise

    _begin = "BEGIN"

    def __exit__(self, *raised: object) -> None:
        self.close()


class Sqlite(Connection):
    # {time} has no type, so that whole numbers take fewer bytes
    types = {"serial": "INTEGER PRIMARY KEY", "integer": "INTEGER", "time": "", "number": "",
             "clustered": " WITHOUT ROWID"}  # fmt: skip
    _begin = "BEGIN IMMEDIATE"

    def __init__(self, path: str, read_only: bool = False) -> None:
        uri = Path(path).absolute().as_uri() + ("?mode=ro" if read_only else "")
        with _sqlite_errors():
            self._raw = sqlite3.connect(
                uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._raw.execute("PRAGMA synchronous=FULL")

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        with _sqlite_errors():
            return self._raw.execute(sql, values).fetchall()

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with _sqlite_errors():
            self._raw.executemany(sql, rows)

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        with _sqlite_errors():
            yield from self._raw.execute(sql, values)

    def version(self) -> int | None:
        [(found,)] = self.execute("PRAGMA user_version")
        [(tables,)] = self.execute("SELECT count(*) FROM sqlite_master")
        return int(found) if found or tables else None

    def set_version(self, version: int) -> None:
        self.execute(f"PRAGMA user_version={version}")

    def limit(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self._raw.set_progress_handler(lambda: time.monotonic() > end, LIMIT_STEPS)

    def rollback(self) -> None:
        with _sqlite_errors():
            if self._raw.in_transaction:
                self._raw.execute("ROLLBACK")

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._raw.close()


class _sqlite_errors(contextlib.AbstractContextManager[None]):
    """A class, not a generator: it stands around each statement."""

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        if isinstance(problem, (sqlite3.IntegrityError, sqlite3.ProgrammingError, OverflowError)):
            raise Unwritable(str(problem)) from None
        if isinstance(problem, sqlite3.Error):
            raise Unusable(str(problem)) from None


class Postgres(Connection):
    types = {"serial": "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
             "integer": "BIGINT", "time": "DOUBLE PRECISION", "number": "NUMERIC",
             "clustered": ""}  # fmt: skip

    def __init__(self, url: str, read_only: bool = False) -> None:
        import psycopg

        self._errors = psycopg
        with self._translated():
            self._raw: psycopg.Connection[Row] = psycopg.connect(url, autocommit=True)
            self._raw.read_only = read_only
            self._raw.adapters.register_loader("numeric", _number_loader())

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        with self._translated():
            cursor = self._raw.execute(_with_percent(sql), values)
            return cursor.fetchall() if cursor.description else []

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._translated(), self._raw.cursor() as cursor:
            cursor.executemany(_with_percent(sql), rows)

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        with self._translated(), self._raw.transaction():
            with self._raw.cursor("stream") as cursor:
                cursor.itersize = STREAM_ROWS
                yield from cursor.execute(_with_percent(sql), values)

    def version(self) -> int | None:
        self.execute("SELECT pg_advisory_xact_lock(?)", (_LOCK,))
        self.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
        found = self.execute("SELECT version FROM schema_version")
        return int(found[0][0]) if found else None

    def set_version(self, version: int) -> None:
        self.execute("DELETE FROM schema_version")
        self.execute("INSERT INTO schema_version VALUES (?)", (version,))

    def limit(self, seconds: float) -> None:
        self.execute(f"SET statement_timeout = {round(seconds * 1000)}")

    def rollback(self) -> None:
        with self._translated():
            self._raw.rollback()

    def close(self) -> None:
        self._raw.close()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (
            self._errors.IntegrityError, self._errors.ProgrammingError, self._errors.DataError
        ) as problem:  # fmt: skip
            raise Unwritable(_first_line(problem)) from None
        except self._errors.Error as problem:
            raise Unusable(_first_line(problem)) from None


def _number_loader() -> type[Loader]:
    """Return what makes numbers of NUMERIC as SQLite has them: whole ones exact, others floats."""
    from psycopg.adapt import Loader

    class Number(Loader):
        def load(self, data: Any) -> int | float:
            text = bytes(data)
            return float(text) if b"." in text or len(text) > INTEGER_DIGITS else int(text)

    return Number


def _with_percent(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


def _first_line(problem: BaseException) -> str:
    return (str(problem) or type(problem).__name__).splitlines()[0]
