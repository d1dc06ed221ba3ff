"""Compile the device files for a firmware, with a manifest of components.

Writes DIR/TARGET/flash, what goes on a board; manifest.json, with the files, hashes and
requirements of each component; and mip/, package descriptions for MicroPython's mip.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from devkit.build import budget
from devkit.build.folder import build
from devkit.build.targets import PYCOM, TARGETS
from devkit.commands.options import add_config, add_target, checked_config


def arguments(parser: argparse.ArgumentParser) -> None:
    add_target(parser, PYCOM.name, f"the firmware to compile for (default: {PYCOM.name})")
    parser.add_argument(
        "--out",
        default="dist",
        metavar="DIR",
        help="the build goes to DIR/TARGET; one that is there is replaced (default: dist)",
    )
    add_config(parser)
    parser.add_argument(
        "--budget",
        action="store_true",
        help="write the table of docs/budget.md, too",
    )


def main(options: argparse.Namespace) -> int:
    with checked_config(options):
        return _build(options)


def _build(options: argparse.Namespace) -> int:
    target = TARGETS[options.target]
    folder = Path(options.out) / target.name
    try:
        table = build(target, folder)
    except (OSError, ValueError) as problem:
        print(f"./dev build: {problem}", file=sys.stderr)
        return 1
    sizes = [file["size"] for entry in table["components"] for file in entry["files"]]
    print(
        f"{folder}: {len(sizes)} files, {sum(sizes)} bytes, {len(table['components'])} components,"
        f" version {table['version']}, .mpy version {target.mpy_version}"
    )
    if options.budget:
        print(budget.renew())
    return 0
