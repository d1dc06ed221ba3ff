"""Collect reports by UDP, CoAP and MQTT: a live table, SQLite, a page with charts.

Listens until interrupted. Plain UDP and CoAP share one port unless they are given different ones:
the first byte of a datagram tells which it is. A terminal shows the latest values; anything else
gets a line for each record.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    try:
        return _run(argv)
    except ModuleNotFoundError as problem:
        server = problem.name == "psycopg"
        lock, option = ("postgresql.lock", "--db: ") if server else ("requirements.lock", "")
        print(
            f"python -m collector: {option}no module {problem.name}; allowed: after pip install -r"
            f" {Path(__file__).with_name(lock)}, or as ./dev collect, which installs it",
            file=sys.stderr,
        )
        return 2


def _run(argv: Sequence[str] | None) -> int:
    from collector import arguments, program

    parser = arguments.Parser(
        prog="python -m collector",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    arguments.add(parser)
    try:
        return program.main(parser.parse_args(argv))
    except program.UsageError as problem:
        parser.error(str(problem))


if __name__ == "__main__":
    sys.exit(main())
