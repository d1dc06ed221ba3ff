"""`./dev run SCRIPT`: any Pycom script, ours or a stranger's, on the emulated board.

A script that is the /flash's own main.py is started as the board does it, behind boot.py. Any
other script runs by itself, and again after each deep sleep or reset, as a main.py would.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from devkit.cycle import Cycle
from devkit.device_files import ROOT
from devkit.emulator import Console, Emulator


def main(options: argparse.Namespace) -> int:
    out = sys.stderr if options.json else sys.stdout
    cycles = run_script(options, lambda text: print(text, end="", file=out, flush=True))
    ok = all(cycle.ok for cycle in cycles)
    if options.json:
        print(json.dumps(summary(ok, options.seed, cycles)))
    for number, cycle in enumerate(cycles, 1):
        if cycle.ended not in ("deepsleep", "finished"):
            reason = (cycle.error or cycle.ended).strip().splitlines()[-1]
            print(f"./dev run: cycle {number} ended by {cycle.ended}: {reason}", file=sys.stderr)
        elif cycle.accepted == 0:
            print(f"./dev run: cycle {number} delivered no report: {cycle.cause}", file=sys.stderr)
    return 0 if ok else 1


def summary(ok: bool, seed: int, cycles: list[Cycle]) -> dict[str, object]:
    """The object that --json prints."""
    return {"ok": ok, "seed": seed, "cycles": [cycle.as_json() for cycle in cycles]}


def runtime(options: argparse.Namespace) -> dict[str, Any]:
    """What --vm and --vm-command ask for, as arguments of Emulator."""
    wanted = options.vm or options.vm_command
    return {"vm": "micropython" if wanted else "cpython", "vm_command": options.vm_command}


def run_script(options: argparse.Namespace, console: Console) -> list[Cycle]:
    script = Path(options.script).resolve()
    flash = Path(options.flash).resolve() if options.flash else None
    if script == (flash or ROOT) / "main.py":
        scripts = ["boot.py", "main.py"]
    elif flash is not None and script.is_relative_to(flash):
        scripts = [str(script.relative_to(flash))]
    else:
        scripts = [str(script)]
    with Emulator(
        scenario=options.scenario,
        seed=options.seed,
        firmware=options.firmware,
        name=options.board,
        flash=flash,
        routes=options.route,
        install=options.install,
        console=console,
        realtime=options.realtime,
        max_hours=options.max_hours,
        **runtime(options),
    ) as emulator:
        try:
            return emulator.run(scripts, options.cycles)
        finally:
            if options.trace:
                emulator.board.trace.write(Path(options.trace))
