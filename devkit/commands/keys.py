"""Make the keys of updates over the air: root key, release keys, device keys.

`new` makes a folder with a root key, a release key and the key file that names it. `node` makes
the device key of one node; ID is the name of the node in its reports. `rotate` makes another
release key, which signs the next releases, and a key file that names the new key and the one
before it. With --retire it names the new one alone: nodes that have this key file refuse what an
earlier key has signed.

Keep the folder off the server and out of git: whoever has root.pem decides which keys count. The
files are readable by their owner only, and no key is overwritten. `./dev deploy PORT --keys DIR`
puts on a board what belongs there; `./dev release --keys DIR` signs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from devkit.commands import UsageError


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = actions.add_parser("new", help="a folder with root key, release key and key file")
    node = actions.add_parser("node", help="the device key of a node")
    rotate = actions.add_parser("rotate", help="another release key, and the key file with it")
    for each in (new, node, rotate):
        each.add_argument("folder", type=Path, metavar="DIR", help="the folder of keys")
    node.add_argument("node", metavar="ID", help="its name in reports, such as kCsQxGOU")
    rotate.add_argument(
        "--retire",
        action="store_true",
        help="let no earlier release key count: one was stolen or lost",
    )


def main(options: argparse.Namespace) -> int:
    from devkit.release import keys

    _warn(keys.exposed(options.folder))
    try:
        if options.action == "new":
            _wrote(*keys.create(options.folder))
            print(f"Next: ./dev keys node {options.folder} ID, for each node")
        elif options.action == "node":
            if not keys.is_node(options.node):
                raise UsageError(f"ID {options.node!r}; allowed: {keys.NODE_ALLOWED}")
            _wrote(keys.add_node(options.folder, options.node))
        else:
            made, now = keys.rotate(options.folder, retire=options.retire)
            _wrote(made, options.folder / "keys")
            kids = " and ".join(f"release-{kid}" for kid in now.moduli)
            print(f"Key file {now.version} names {kids}; nodes get it with the next release")
    except keys.KeyTrouble as trouble:
        print(f"./dev keys: {trouble}", file=sys.stderr)
        return 1
    return 0


def _warn(line: str | None) -> None:
    if line is not None:
        print(f"./dev keys: {line}", file=sys.stderr)


def _wrote(*files: Path) -> None:
    for file in files:
        print(file)
