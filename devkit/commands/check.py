"""Name every mistake in a configuration: a line for each, with file and line.

Runs the checks of the board itself on an emulated one, and looks for misspelt names. Status 1 if
there is a problem. `build`, `component application`, `deploy` and `demo` do the same first, but
take credentials_example.py if there is no credentials.py.
"""

from __future__ import annotations

import argparse
import json
import sys

from devkit.commands.options import add_json, problems_of_config
from emulator.device_files import config_file


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="the file to check (default: config.py of this checkout); credentials.py is looked"
        " for beside it",
    )
    add_json(parser)


def main(options: argparse.Namespace) -> int:
    found = problems_of_config(options, example=False)
    out = sys.stderr if options.json else sys.stdout
    for each in found:
        print(each, file=out)
    if not found:
        print(f"{options.config or config_file().name}: no problem found", file=out)
    if options.json:
        table = {"ok": not found, "problems": [each.as_json() for each in found]}
        print(json.dumps(table))
    return 1 if found else 0
