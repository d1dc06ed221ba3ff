"""Simulate many nodes in one cell, which wake up and try again as the device files say.

The nodes decide with the device's own functions when they wake up and when they try again. All of
them attach; the cell has the random access of a public network: docs/manners.md. Status 1 if a
node does not deliver within a period, or if there are more than 3.5 accesses/s in any 10 s.

Collisions couple the nodes of a cell, so a share is a whole cell: `--share I/N` simulates the I-th
of N cells with --nodes nodes each, which has a seed of its own. `--merge FILE...` puts together
what such runs printed with --json, on whatever machines.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from devkit.commands import UsageError
from devkit.commands.options import add_json
from devkit.commands.soak import share
from devkit.commands.values import whole


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--nodes", type=whole(1), metavar="N", help="nodes in the cell")
    parser.add_argument(
        "--period", type=whole(10), metavar="S", help="_PERIOD_S of the nodes: 10 to 604800"
    )
    parser.add_argument(
        "--after-outage", action="store_true", help="power returns to all nodes at once"
    )
    parser.add_argument(
        "--seed", type=whole(0), default=1, metavar="N", help="of the first cell (default: 1)"
    )
    parser.add_argument(
        "--share", type=share, default=(1, 1), metavar="I/N", help="the I-th of N cells"
    )
    parser.add_argument(
        "--merge", nargs="+", metavar="FILE", help="results of shares, as --json prints them"
    )
    add_json(parser)


def main(options: argparse.Namespace) -> int:
    from devkit.cell import simulation

    if options.merge:
        result = simulation.merged([_read(Path(name)) for name in options.merge])
    else:
        if options.nodes is None or options.period is None:
            raise UsageError("--nodes and --period are needed; allowed: both, or --merge FILE...")
        if options.period > 604800:
            raise UsageError(f"--period {options.period}; allowed: 10 to 604800")
        seed = options.seed + options.share[0] - 1
        cell = simulation.Cell(options.nodes, options.period, seed, options.after_outage)
        result = cell.run(lambda text: print(f"cell: {text}", file=sys.stderr))
    out = sys.stderr if options.json else sys.stdout
    last = (
        "none" if result.last_delivery_s is None else f"the last after {result.last_delivery_s} s"
    )
    print(
        f"cell: {result.delivered} of {result.nodes} nodes delivered in time, {last}; at most "
        f"{result.peak_accesses_per_s_10s} accesses/s in 10 s (allowed: {simulation.MOST_PER_S}), "
        f"{result.peak_accesses_per_s} in 30 s, {result.collisions} collisions",
        file=out,
    )
    if options.json:
        print(json.dumps(result.as_json()))
    return 0 if result.ok else 1


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {**found, "nodes": int(found["nodes"]), "cells": int(found["cells"])}
    except (ValueError, KeyError, TypeError) as problem:
        raise UsageError(f"{path}: {problem!r}; allowed: what --json printed") from None
