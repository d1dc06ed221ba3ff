"""Make a release: compile, find what changed, try it, sign it for nodes in the field.

The modules of this checkout, compiled for Pycom firmware 1.20.2, become the next release in
RELEASES, from which ./dev collect --releases serves. A release counts only if an emulated node
that runs the one before it fetches it, starts it, reports and is confirmed. Status 1 if nothing
has changed, or if the trial fails. docs/updates.md has the whole way.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from devkit.commands import Wrong
from devkit.commands.options import add_config, add_json, checked_config
from devkit.commands.values import between, folder, new_folder
from devkit.release import sets
from devkit.tables import table

if TYPE_CHECKING:
    from devkit.release.making import Made


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keys", type=folder, required=True, metavar="DIR", help="the folder of ./dev keys new"
    )
    parser.add_argument(
        "--out",
        type=new_folder,
        required=True,
        metavar="RELEASES",
        help="the folder of all releases, made by the first one",
    )
    tries, cycles = sets.TRIAL
    parser.add_argument(
        "--tries",
        type=between(1, 7),
        default=tries,
        metavar="N",
        help="starts of the new release that may fail before a node returns to the old one, 1 to 7"
        f" (default: {tries})",
    )
    parser.add_argument(
        "--deadline",
        type=between(1, 63),
        default=cycles,
        metavar="N",
        help="cycles in which a report of the new release has to be confirmed, 1 to 63 (default:"
        f" {cycles})",
    )
    parser.add_argument(
        "--sec",
        type=between(0, sets.MOST_SEQ),
        metavar="N",
        help="the security epoch, one more than before if this release closes a hole: no release"
        " of an earlier epoch can follow it on a node (default: that of the release before)",
    )
    add_config(parser)
    add_json(parser)


def main(options: argparse.Namespace) -> int:
    from devkit.release import making
    from devkit.release.keys import KeyTrouble, exposed

    out = sys.stderr if options.json else sys.stdout
    keys, releases = Path(options.keys), Path(options.out)
    made = making.Made()
    if warning := exposed(keys):
        print(f"./dev release: {warning}", file=sys.stderr)
    try:
        modules = making.modules_for(keys, releases)  # a file that does not compile is told first
        with checked_config(options):
            made = making.make(
                keys, releases, modules, (options.tries, options.deadline), options.sec,
                lambda text: print(text, file=out, flush=True),
            )  # fmt: skip
    except Wrong as problem:
        made.refused = "; ".join(map(str, problem.args[0]))
    except (KeyTrouble, ValueError) as problem:
        made.refused = str(problem)
    _print_changes(made, out)
    if made.refused is None:
        print(f"release {made.seq}: {made.download}", file=out)
    else:
        print(f"./dev release: refused: {made.refused}", file=sys.stderr)
    if options.json:
        print(json.dumps(made.as_json()))
    return 0 if made.refused is None else 1


def _print_changes(made: Made, out: TextIO) -> None:
    """A line for each component that changes. In the first release all are new."""
    if made.is_first:
        size = sum(each.bytes for each in made.components)
        print(f"{len(made.components)} components, {size} bytes", file=out)
    elif made.components:
        rows = [[each.name, each.before, each.after, each.bytes] for each in made.components]
        print(table(rows, ["component", "before", "after", "bytes"]), file=out)
