"""Run any Pycom script on the emulated board.

The output of the script goes to stdout. Status 1 if the script raised.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from devkit import requirements
from devkit.commands.options import (
    add_config,
    add_cycles,
    add_firmware,
    add_install,
    add_json,
    add_realtime,
    add_route,
    add_trace,
    add_vm,
    add_world,
    chosen_config,
    write_trace,
)
from devkit.commands.values import file, folder, hours
from emulator.cycle import Cycle
from emulator.device_files import ROOT
from emulator.emulator import Console, Emulator

BOARDS = ("GPy", "FiPy")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("script", type=file, metavar="SCRIPT", help="the Pycom script")
    files = parser.add_mutually_exclusive_group()
    files.add_argument(
        "--flash",
        type=folder,
        metavar="DIR",
        help="the board's /flash (default: the device files of this project)",
    )
    add_config(files)
    add_cycles(parser, 1)
    parser.add_argument(
        "--board",
        choices=BOARDS,
        default=BOARDS[0],
        help=f"which board it is; a FiPy has LoRa, too (default: {BOARDS[0]})",
    )
    add_world(parser)
    add_firmware(parser)
    add_trace(parser)
    add_route(parser)
    add_vm(parser)
    add_install(parser, "py")
    parser.add_argument(
        "--max-hours",
        type=hours,
        default=24.0,
        metavar="H",
        help="end the run after so many virtual hours (default: 24)",
    )
    add_realtime(parser)
    add_json(parser)


def main(options: argparse.Namespace) -> int:
    out = sys.stderr if options.json else sys.stdout
    with chosen_config(options):
        cycles = run_script(options, lambda text: print(text, end="", file=out, flush=True))
    ok = all(cycle.ok for cycle in cycles)
    if options.json:
        print(json.dumps(summary(ok, options.seed, cycles)))
    for number, cycle in enumerate(cycles, 1):
        if cycle.trouble is not None:
            print(f"./dev run: cycle {number} {cycle.trouble}", file=sys.stderr)
        elif cycle.accepted == 0:
            print(f"./dev run: cycle {number} delivered no report: {cycle.cause}", file=sys.stderr)
    return 0 if ok else 1


def summary(ok: bool, seed: int, cycles: list[Cycle]) -> dict[str, object]:
    """The object that --json prints."""
    return {"ok": ok, "seed": seed, "cycles": [cycle.as_json() for cycle in cycles]}


def runtime(options: argparse.Namespace) -> dict[str, Any]:
    """What --vm and --vm-command ask for, as arguments of Emulator."""
    if options.vm:
        requirements.need("vm")
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
            write_trace(options, emulator.board)
