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
import functools
import json
import os
import re
import sqlite3
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
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
# Of a connection to a server: it may take this long until it is found dead
_LIMITS: dict[str, Any] = {
    "connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}  # fmt: skip
_BY_KEY = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
_LOCK = 0x436F6C6C  # of a server, for one at a time that creates tables

Row = tuple[Any, ...]


class Unusable(OSError):
    """The database cannot be used now."""


class Disturbed(Unusable):
    """Another process was in the way; the transaction works when it is tried again at once."""


class Unwritable(ValueError):
    """This can never be written."""


def is_server(where: str) -> bool:
    return where.startswith(SCHEMES)


def marks(values: Sequence[Any]) -> str:
    """Return a `?` for each value, as for IN (...)."""
    return ", ".join("?" * len(values))


def writable(text: str) -> str:
    """Return a text that each engine takes: without lone surrogates and the character 0."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def shown(where: str) -> str:
    """Return it without a password."""
    return re.sub(r"(?<=//)([^/@:]*):[^/@]*@", r"\1@", where)


def connect(where: str, read_only: bool = False, by_key: bool = False) -> Connection:
    """Connect to a file, or to a server at a URL. Unusable if that fails.

    by_key: all statements find rows by keys, and are to be planned so. A server would read whole
    tables as long as it takes them for small, and tables grow fast."""
    if is_server(where):
        return Postgres(where, read_only, by_key)
    return Sqlite(where, read_only)


def back_up(path: str, copy: str) -> int:
    """Copy an SQLite database as it is at one moment, while others write; return its bytes.

    The copy gets its name when it is whole. Unusable if that fails."""
    part = f"{copy}.part"
    try:
        source = Sqlite(path, read_only=True)
        with source, contextlib.closing(sqlite3.connect(part)) as target, _sqlite_errors():
            source._raw.backup(target)
        os.replace(part, copy)
    finally:
        with contextlib.suppress(OSError):
            os.remove(part)
    return os.path.getsize(copy)


class Connection(AbstractContextManager["Connection"]):
    types: dict[str, str]  # of columns: what stands for {integer} and so on in tables.py

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return the rows, [] of a statement that has none."""
        raise NotImplementedError

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute a statement without a result for each row of values."""
        raise NotImplementedError

    def insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], tail: str = ""
    ) -> list[Row]:
        """Insert many rows at once; return those of a RETURNING in `tail`, such as ON CONFLICT."""
        raise NotImplementedError

    def find(
        self, sql: str, columns: str, keys: Sequence[Sequence[Any]], lock: str = ""
    ) -> list[Row]:
        """Return the rows of a SELECT from {keys}, joined to other tables, for many keys at once.

        columns: their names and types, "node bigint, base text". lock: a table whose rows others
        cannot change until the end of the transaction.
        """
        raise NotImplementedError

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Generator[Row, None, None]:
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

    def check(self) -> None:
        """Unusable if the file has been removed or replaced since it was opened."""

    def for_writing(self, lasting: bool) -> None:
        """Set up for a writer; lasting: what is committed survives a loss of power."""

    def rollback(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        self.begin()
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(Unusable, Unwritable):
                self.rollback()
            raise

    def begin(self) -> None:
        raise NotImplementedError

    def __exit__(self, *raised: object) -> None:
        self.close()


class Sqlite(Connection):
    # {time} has no type, so that whole numbers take fewer bytes. A column may have numbers and
    # texts: `value` of the view has both, as before there was a column `text`
    types = {"serial": "INTEGER PRIMARY KEY", "integer": "INTEGER", "time": "", "number": "",
             "clustered": " WITHOUT ROWID", "with_report": "", "with_record": "",
             "or_text": ", record.other"}  # fmt: skip

    def __init__(self, path: str, read_only: bool = False) -> None:
        uri = Path(path).absolute().as_uri() + ("?mode=ro" if read_only else "")
        with _sqlite_errors():
            self._raw = sqlite3.connect(
                uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._raw.execute("PRAGMA synchronous=FULL")
        self._path, self._file = path, _identity(path)

    def check(self) -> None:
        if _identity(self._path) != self._file:
            raise Unusable("the file has been removed or replaced")

    def begin(self) -> None:
        self.check()  # what goes into a removed file is lost, and must not be acknowledged
        self.execute("BEGIN IMMEDIATE")

    def for_writing(self, lasting: bool) -> None:
        with _sqlite_errors():
            self._raw.execute("PRAGMA journal_mode=WAL")
            if not lasting:
                self._raw.execute("PRAGMA synchronous=OFF")

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        with _sqlite_errors():
            return self._raw.execute(sql, values).fetchall()

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with _sqlite_errors():
            self._raw.executemany(sql, rows)

    def insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], tail: str = ""
    ) -> list[Row]:
        if not rows:
            return []
        sql = _insertion(table, columns, tail)
        with _sqlite_errors():
            if "RETURNING" in tail:
                return [row for each in rows for row in self._raw.execute(sql, each).fetchall()]
            self._raw.executemany(sql, rows)
        return []

    def find(
        self, sql: str, columns: str, keys: Sequence[Sequence[Any]], lock: str = ""
    ) -> list[Row]:
        sql = _of_one_key(sql, columns)
        with _sqlite_errors():
            return [row for key in keys for row in self._raw.execute(sql, key).fetchall()]

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Generator[Row, None, None]:
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


def _identity(path: str) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        found = os.stat(path)
        return found.st_dev, found.st_ino
    return None


@functools.lru_cache
def _insertion(table: str, columns: Sequence[str], tail: str) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks(columns)}) {tail}"


@functools.lru_cache
def _of_one_key(sql: str, columns: str) -> str:
    select = ", ".join(f"? AS {each.split()[0]}" for each in columns.split(","))
    return sql.format(keys=f"(SELECT {select}) AS keys")


class _sqlite_errors(contextlib.AbstractContextManager[None]):
    """A class, not a generator: it stands around each statement."""

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        if isinstance(problem, (sqlite3.IntegrityError, sqlite3.ProgrammingError, OverflowError)):
            raise Unwritable(str(problem)) from None
        if isinstance(problem, sqlite3.Error):
            raise Unusable(str(problem)) from None


class Postgres(Connection):
    # Rows lie in the order of their arrival. What a series needs is also in the index, where those
    # of a node lie together: a year of it took 90 ms instead of 440
    types = {"serial": "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
             "integer": "BIGINT", "time": "DOUBLE PRECISION", "number": "NUMERIC",
             "clustered": "", "with_report": " INCLUDE (received)",
             "with_record": " INCLUDE (part, measured, value, sum)",
             "or_text": ""}  # fmt: skip

    def __init__(self, url: str, read_only: bool = False, by_key: bool = False) -> None:
        import psycopg

        self._options = _BY_KEY if by_key else ""
        self._psycopg, self._url, self._read_only = psycopg, url, read_only
        self._number = _number_loader()
        self._raw = self._connected()

    def _connected(self) -> psycopg.Connection[Row]:
        with self._translated():
            raw = self._psycopg.connect(
                self._url, autocommit=True, options=self._options, **_LIMITS
            )
        raw.read_only = self._read_only
        raw.adapters.register_loader("numeric", self._number)
        return raw

    def begin(self) -> None:
        if self._raw.closed:  # the server ended it
            self._raw = self._connected()
        self.execute("BEGIN")

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        with self._translated():
            cursor = self._raw.execute(_with_percent(sql), values)
            return cursor.fetchall() if cursor.description else []

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._translated(), self._raw.cursor() as cursor:
            cursor.executemany(_with_percent(sql), rows)

    # One JSON text for all rows: half the time of arrays, a quarter of that of a statement a row
    def insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], tail: str = ""
    ) -> list[Row]:
        if not rows:
            return []
        names = ", ".join(columns)
        kind = f"(SELECT as_row FROM {table} AS as_row LIMIT 0)"  # gives the types of the columns
        select = f"SELECT {names} FROM json_populate_recordset({kind}, ?)"
        return self.execute(f"INSERT INTO {table} ({names}) {select} {tail}", _json(columns, rows))

    def find(
        self, sql: str, columns: str, keys: Sequence[Sequence[Any]], lock: str = ""
    ) -> list[Row]:
        if not keys:
            return []
        names = [each.split()[0] for each in columns.split(",")]
        sql = sql.format(keys=f"json_to_recordset(?) AS keys({columns})")
        if lock:
            sql += f" ORDER BY {', '.join(names)} FOR UPDATE OF {lock}"
        return self.execute(sql, _json(names, keys))

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Generator[Row, None, None]:
        with self._translated(), self._raw.transaction():
            with self._raw.cursor("stream") as cursor:
                cursor.itersize = STREAM_ROWS
                yield from cursor.execute(_with_percent(sql), values)

    def version(self) -> int | None:
        self.execute("SELECT pg_advisory_xact_lock(?)", (_LOCK,))
        [(table,)] = self.execute("SELECT to_regclass('schema_version')::text")
        found = self.execute("SELECT version FROM schema_version") if table else []
        return int(found[0][0]) if found else None

    def set_version(self, version: int) -> None:
        self.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
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
        errors = self._psycopg.errors
        try:
            yield
        except (errors.DeadlockDetected, errors.SerializationFailure) as problem:
            raise Disturbed(_first_line(problem)) from None
        except (errors.IntegrityError, errors.ProgrammingError, errors.DataError) as problem:
            raise Unwritable(_first_line(problem)) from None
        except errors.Error as problem:
            raise Unusable(_first_line(problem)) from None


def _number_loader() -> type[Loader]:
    """Return what makes numbers of NUMERIC as SQLite has them: whole ones exact, others floats."""
    from psycopg.adapt import Loader

    class Number(Loader):
        def load(self, data: Any) -> int | float:
            text = bytes(data)
            return float(text) if b"." in text or len(text) > INTEGER_DIGITS else int(text)

    return Number


def _json(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> tuple[str]:
    named = [dict(zip(names, row, strict=True)) for row in rows]
    return (json.dumps(named, ensure_ascii=False, allow_nan=False),)


@functools.lru_cache
def _with_percent(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


def _first_line(problem: BaseException) -> str:
    return (str(problem) or type(problem).__name__).splitlines()[0]
