"""Records out of the database, into CSV and Parquet, with bounded memory.

    number = write(connection, Path("all.parquet"), since_s=1_790_000_000)
    for text in csv_chunks(rows(connection, node="gate:")): ...

One row a record, node by node, in the order in which a node counts. Times are UTC. A text that a
spreadsheet would run as a formula gets a `'` in front.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import os
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from collector.storage import database
from collector.storage.database import Connection, marks
from collector.storage.readings import FUTURE_MAX_S
from collector.usage import UsageError
from collector.web.queries import find, short

CSV, PARQUET = ".csv", ".parquet"
CHUNK_ROWS = 2_000
GROUP_ROWS = 50_000  # of a Parquet file, in memory
HEADINGS = (
    "node", "name", "unit", "measured", "received", "value", "boot", "seq", "protocol", "source",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

# CROSS JOIN: the order of the loops, to SQLite. It means the same as JOIN to PostgreSQL
_ROWS = """
SELECT node.base, name.name, name.unit, point.time, point.received, point.value, point.text,
       point.boot, point.seq, point.protocol, point.source
FROM (SELECT report.node, report.boot, report.seq, record.name, report.received,
             CASE record.measured WHEN 0 THEN report.received ELSE record.measured END AS time,
             coalesce(record.value, record.sum) AS value, record.other AS text,
             report.protocol, report.source
      FROM node AS whose CROSS JOIN report CROSS JOIN record
      WHERE report.node = whose.id AND record.node = report.node AND record.boot = report.boot
      AND record.seq = report.seq AND record.part = report.part AND {}) AS point
JOIN node ON node.id = point.node JOIN name ON name.id = point.name
WHERE coalesce(point.time, point.received) >= ? AND coalesce(point.time, point.received) <= ?
"""


def rows(
    connection: Connection, node: str | None = None, names: Sequence[str] = (),
    since_s: float = 0.0, until_s: float = float("inf"),
) -> Generator[tuple[Any, ...], None, None]:  # fmt: skip
    """Return (base, name, unit, measured, received, value, text, boot, seq, protocol, source).

    node: a base name, None for all. names: only these. The range is of the measured time, of the
    time of reception where that is unknown.
    """
    conditions, values = ["report.received >= ?"], [since_s - FUTURE_MAX_S]
    if node is not None:
        conditions.append("whose.base = ?")
        values.append(node)  # type: ignore[arg-type]
    statement = _ROWS.format(" AND ".join(conditions))
    values += [since_s, min(until_s, 2.0**62)]
    if names:
        statement += f" AND name.name IN ({marks(names)})"
        values += names  # type: ignore[arg-type]
    return connection.stream(statement, values)


def write(connection: Connection, path: Path, **which: Any) -> int:
    """Write a file, CSV or Parquet by its end, and return the number of records.

    which: as for `rows`. A file of that name is replaced when the new one is whole.
    ModuleNotFoundError for Parquet without pyarrow.
    """
    number = 0

    def counted() -> Iterator[tuple[Any, ...]]:
        nonlocal number
        for row in found:
            number += 1
            yield row

    found = rows(connection, **which)
    unfinished = path.with_name(path.name + ".part")
    try:
        if path.suffix == PARQUET:
            _write_parquet(unfinished, counted())
        else:
            with unfinished.open("w", encoding="utf-8", errors="replace", newline="") as out:
                out.writelines(csv_chunks(counted()))
        os.replace(unfinished, path)
    finally:
        found.close()  # before the connection
        unfinished.unlink(missing_ok=True)
    return number


def run(options: argparse.Namespace) -> int:
    """Do `--export`. UsageError if that is not possible."""
    where, path = options.db, options.export
    if where is None:
        raise UsageError(f"--export {path}: needs --db; allowed: a database of this command")
    if options.since > options.until:
        raise UsageError("--until: it is before --since; allowed: a later time")
    try:
        with database.connect(where, read_only=True) as connection:
            node = None
            if options.node is not None:
                found = find(connection, options.node)
                if found is None:
                    raise UsageError(f"--node {options.node}: not in {database.shown(where)};"
                                     " allowed: the name of a node without its colon")  # fmt: skip
                node = found[1]
            which = {"node": node, "since_s": options.since, "until_s": options.until}
            number = write(connection, path, **which)
    except ModuleNotFoundError as problem:
        if problem.name != "pyarrow":
            raise
        raise UsageError(f"--export {path}: no module {problem.name}; allowed: after pip install"
                         " pyarrow, or a file that ends in .csv") from None  # fmt: skip
    except (OSError, database.Unwritable) as problem:
        why = getattr(problem, "strerror", None) or problem
        raise UsageError(
            f"--db {database.shown(where)}, --export {path}: {why};"
            " allowed: a database of this command, and a file that can be written"
        ) from None
    print(f"collect: {number} records in {path}", file=sys.stderr)
    return 0


def _write_parquet(path: Path, found: Iterator[tuple[Any, ...]]) -> None:
    import pyarrow
    from pyarrow import parquet

    time, word = pyarrow.timestamp("ms", "UTC"), pyarrow.string()
    kinds = {"node": word, "name": word, "unit": word, "measured": time, "received": time,
             "value": pyarrow.float64(), "text": word, "boot": pyarrow.int64(),
             "seq": pyarrow.int64(), "protocol": word, "source": word}  # fmt: skip
    schema = pyarrow.schema(kinds.items())
    with parquet.ParquetWriter(path, schema, compression="zstd") as out:
        while rows := [_fields(row) for row in itertools.islice(found, GROUP_ROWS)]:
            columns = [
                pyarrow.array(column, kind)
                for column, kind in zip(zip(*rows, strict=True), kinds.values(), strict=True)
            ]
            out.write_table(pyarrow.Table.from_arrays(columns, schema=schema))


def _fields(row: Sequence[Any]) -> tuple[Any, ...]:
    base, name, unit, measured, received, value, text, boot, seq, protocol, source = row
    numbered = boot >= 0
    return (
        short(base), name, unit or None, None if measured is None else round(measured * 1000),
        round(received * 1000), None if value is None else float(value), text,
        boot if numbered else None, seq if numbered else None, protocol, source,
    )  # fmt: skip


def csv_chunks(found: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """Return the text of a CSV file in parts; found: as from `rows`."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADINGS)
    for number, row in enumerate(found, 1):
        writer.writerow(_cells(row))
        if number % CHUNK_ROWS == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _cells(row: Sequence[Any]) -> list[Any]:
    base, name, unit, measured, received, value, text, boot, seq, protocol, source = row
    numbered = boot >= 0
    return [
        _plain(short(base)), _plain(name), _plain(unit), _iso(measured), _iso(received),
        _plain(text) if value is None else value, boot if numbered else "",
        seq if numbered else "", protocol, _plain(source),
    ]  # fmt: skip


def _plain(text: str | None) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return "'" + text if text and text.startswith(_FORMULA) else text or ""


def _iso(when: float | None) -> str:
    if when is None:
        return ""
    at = datetime.fromtimestamp(when, timezone.utc)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
