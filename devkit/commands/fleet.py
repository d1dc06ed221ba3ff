"""Show the nodes of a collector's database: what each runs, and how its update goes.

A collector may be writing into the database meanwhile.

release: what the node runs, as it said last. offered: the release that the answers to its reports
offer. progress: how much of it the node has fetched. confirmed: the last release that it was told
to keep. rejected, cause: the last that it left again, and why. changed: what somebody changed by
hand in the set that runs; until that is undone the node takes no update.

With --json, `last_seen` is in milliseconds since 1970, `progress` in percent, and null is unknown
or nothing.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from collector.storage.database import is_server
from collector.updates import fleet
from devkit.commands import UsageError
from devkit.commands.options import add_json
from devkit.requirements import need

COLUMNS = (
    "node", "last_seen", "release", "offered", "progress", "confirmed", "rejected", "cause",
    "changed",
)  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("status",), help="what to do")
    parser.add_argument("--db", required=True, metavar="FILE|URL",
        help="database of ./dev collect")  # fmt: skip
    add_json(parser)


def main(options: argparse.Namespace) -> int:
    allowed = "allowed: a database of ./dev collect"
    if not is_server(options.db) and not Path(options.db).is_file():
        wrong = "is a folder" if Path(options.db).is_dir() else "there is no such file"
        raise UsageError(f"--db {options.db}: {wrong}; {allowed}")
    if is_server(options.db):
        need("postgres")
    try:
        nodes = fleet.status_of(options.db)
    except OSError as problem:
        raise UsageError(f"--db {options.db}: {problem}; {allowed}") from None
    print(json.dumps({"nodes": nodes}) if options.json else _table(nodes))
    return 0


def _table(nodes: list[dict[str, Any]]) -> str:
    if not nodes:
        return "no node has reported yet"
    from tabulate import tabulate

    rows = [[_shown(name, node[name]) for name in COLUMNS] for node in nodes]
    return tabulate(rows, [name.replace("_", " ") for name in COLUMNS], disable_numparse=True)


def _shown(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "last_seen":
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(value / 1000))
    return f"{value} %" if name == "progress" else str(value)
