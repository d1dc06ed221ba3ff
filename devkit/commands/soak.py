"""Run long seeded proofs of the device files on the emulated board.

Each run has a seed of its own and is the same each time. A rule that is broken is shown with the
command that repeats it; the status is then 1. `--share 2/4` makes every fourth run, from the
second on, so that four processes share the work.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from devkit.commands import UsageError
from devkit.commands.options import add_json, add_vm
from devkit.commands.values import amount, whole
from devkit.soak import NAMES


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument(
        "--runs", type=whole(1), metavar="N", help="number of runs (default: as NAME says)"
    )
    parser.add_argument(
        "--seed", type=whole(0), default=1, metavar="N", help="of the first run (default: 1)"
    )
    parser.add_argument(
        "--share", type=share, default=(1, 1), metavar="I/N", help="this part of the runs only"
    )
    parser.add_argument(
        "--days",
        type=amount("days"),
        metavar="D",
        help="outages only: virtual days of a run (default: 60)",
    )
    add_vm(parser)
    add_json(parser)


def share(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    part, parts = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= part <= parts:
        raise argparse.ArgumentTypeError(f"{text!r} is not I/N with I from 1 to N")
    return part, parts


def main(options: argparse.Namespace) -> int:
    from devkit.commands.run import runtime
    from devkit.soak.rig import Rig

    proof: Any = importlib.import_module(f"devkit.soak.{options.name}")
    on_vm = options.vm or options.vm_command
    if on_vm and not hasattr(proof, "ON_VM"):
        raise UsageError(f"--vm with {options.name}; allowed: with links")
    runs = options.runs or proof.RUNS
    part, parts = options.share
    out = sys.stderr if options.json else sys.stdout
    seeds = range(options.seed + part - 1, options.seed + runs, parts)
    violations: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        rig = Rig(Path(folder))
        rig.days = options.days
        rig.runtime = runtime(options)
        more = "" if options.days is None else f" --days {options.days:g}"
        more += " --vm" if on_vm else ""
        with rig.parts:
            for seed in seeds:
                for rule, seen in proof.violations(rig, seed):
                    repeat = f"./dev soak {options.name} --runs 1 --seed {seed}{more}"
                    violations.append({"seed": seed, "rule": rule, "repeat": repeat})
                    told = f"{options.name}: seed {seed}: {rule}: {seen}\n  {repeat}"
                    print(told, file=out, flush=True)
                while rig.said:
                    print(rig.said.pop(0), file=out, flush=True)
    count = len(seeds)
    if rig.counts:
        ends = ", ".join(f"{many} {name}" for name, many in rig.counts.most_common())
        print(f"{options.name}: cycles: {ends}", file=out)
    print(f"{options.name}: {count} runs, {len(violations)} violations", file=out)
    if options.json:
        about = {"ok": not violations, "name": options.name, "runs": count, "seed": options.seed}
        print(json.dumps({**about, "violations": violations}))
    return 1 if violations else 0
