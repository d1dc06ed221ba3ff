"""Put the device files on a board, over its serial REPL.

Sends the files that differ and verifies them on the board before they take the place of the old
ones; other files on the board stay. The board is restarted at the end.
"""

from __future__ import annotations

import argparse

from devkit import requirements
from devkit.build.targets import PYCOM
from devkit.commands import UsageError
from devkit.commands.options import add_config, add_target, checked_config, chosen_config
from devkit.commands.values import folder, whole


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("port", metavar="PORT", help="/dev/ttyUSB0, COM3, ...: the board's REPL")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--from",
        type=folder,
        dest="source",
        metavar="DIR",
        help="put the files of DIR on the board, as they are (default: a fresh build in"
        " dist/TARGET/flash)",
    )
    add_target(what, PYCOM.name, f"the firmware to build for (default: {PYCOM.name})")
    what.add_argument(
        "--keys",
        type=folder,
        metavar="DIR",
        help="make the board one that is updated over the air, with the keys of DIR and the"
        " newest release of --releases (docs/updates.md)",
    )
    parser.add_argument(
        "--releases",
        metavar="RELEASES",
        help="with --keys: the folder of ./dev release (default: releases)",
    )
    parser.add_argument(
        "--node",
        metavar="ID",
        help="with --keys: refuse a board with another name in its reports, which is _DEVICE_NAME"
        " or what the board makes of its own id (default: any name)",
    )
    parser.add_argument(
        "--convert",
        action="store_true",
        help="with --keys: format a board that has FAT with LittleFS, which erases all its files",
    )
    add_config(parser)
    parser.add_argument(
        "--replace-config",
        action="store_true",
        help="replace config.py and credentials.py of the board, too, which stay otherwise",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would change, and change nothing"
    )
    parser.add_argument(
        "--wait",
        type=whole(0),
        default=15,
        metavar="SECONDS",
        help="how long to try for a REPL; a node in deep sleep has none until it wakes or is"
        " reset (default: 15)",
    )


def main(options: argparse.Namespace) -> int:
    requirements.need("deploy")
    for option in ("--node", "--convert", "--releases"):
        if options.keys is None and getattr(options, option[2:]):
            raise UsageError(f"{option} without keys; allowed: with --keys DIR")
    from devkit.deploy import session
    from devkit.deploy.repl import NoPort

    # DIR goes on the board as it is, with device files of its own
    config = checked_config if options.source is None else chosen_config
    try:
        with config(options):
            return session.run(options)
    except NoPort as problem:
        raise UsageError(str(problem)) from problem
