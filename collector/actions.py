"""What the program does instead of collecting: `--backup`, `--forget`, `--export`, `--test-alarm`.

A collector may go on with the same database meanwhile.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable

from collector.alarms import notices
from collector.storage import database
from collector.storage.database import is_server
from collector.storage.retention import forget
from collector.usage import UsageError
from collector.web import export
from collector.web.queries import find

Action = Callable[[argparse.Namespace], int]  # to the exit status


def asked(options: argparse.Namespace) -> Action | None:
    """Return the action that the options ask for."""
    if options.test_alarm:
        return _test_alarm
    if options.export is not None:
        return export.run
    if options.node is not None or options.since > 0 or options.until < math.inf:
        raise UsageError("--node, --since, --until: allowed with --export")
    if options.backup is not None:
        return _back_up
    return _forget if options.forget is not None else None


def _test_alarm(options: argparse.Namespace) -> int:
    if not options.alarms or not notices.targets(options.alarms):
        raise UsageError("--test-alarm: needs --alarms FILE; allowed: one with [webhook] or"
                         " [email]")  # fmt: skip
    return 0 if notices.test(options.alarms) else 1


def _back_up(options: argparse.Namespace) -> int:
    try:
        if options.db is None or is_server(options.db):
            raise UsageError(
                f"--backup {options.backup}: needs --db FILE; allowed: the SQLite database of this"
                " command; a PostgreSQL server has pg_dump"
            )
        size = database.back_up(options.db, options.backup)
    except OSError as problem:
        raise UsageError(f"--db {options.db}, --backup {options.backup}: {problem}; allowed: a"
                         " database of this command, and room for a copy") from None  # fmt: skip
    print(f"{options.backup}: {size / 1e6:.1f} MB", file=sys.stderr)
    return 0


def _forget(options: argparse.Namespace) -> int:
    name, where = options.forget, options.db
    if where is None:
        raise UsageError(f"--forget {name}: needs --db; allowed: a database of this command")
    try:
        with database.connect(where, read_only=True) as reader:  # makes no new file
            found = find(reader, name)
        if found is None:
            raise UsageError(f"--forget {name}: not in {database.shown(where)}; allowed: the name"
                             " of a node without its colon")  # fmt: skip
        with database.connect(where) as connection:
            reports = forget(connection, found[0])
    except OSError as problem:
        raise UsageError(f"--db {database.shown(where)}: {problem}; allowed: a database of this"
                         " command") from None  # fmt: skip
    print(f"{name}: deleted, with {reports} reports", file=sys.stderr)
    return 0
