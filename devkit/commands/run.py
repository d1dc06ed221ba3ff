"""Run any Pycom script on the emulated board.

The output of the script goes to stdout. Status 1 if the script raised.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from devkit import application, configuration, requirements
from devkit.commands.options import (
    add_config,
    add_cycles,
    add_firmware,
    add_flash,
    add_install,
    add_json,
    add_keep_flash,
    add_realtime,
    add_route,
    add_serve,
    add_trace,
    add_vm,
    add_world,
    chosen_config,
    chosen_flash,
    write_trace,
)
from devkit.commands.values import amount, file
from emulator.cycle import Cycle
from emulator.device_files import CREDENTIALS, ROOT, configured
from emulator.emulator import Console, Emulator
from emulator.network.addresses import endpoint
from emulator.vm import mpy
from emulator.vm.guard import TimeLimit

BOARDS = ("GPy", "FiPy")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("script", type=file, metavar="SCRIPT", help="the Pycom script")
    files = parser.add_mutually_exclusive_group()
    add_flash(files)
    add_config(files)
    add_keep_flash(parser)
    add_cycles(parser, 1)
    parser.add_argument(
        "--board",
        choices=BOARDS,
        help="which board it is; a FiPy has LoRa, too (default: the one that has the radio of"
        " _BEARER)",
    )
    add_world(parser)
    add_firmware(parser)
    add_trace(parser)
    add_route(parser)
    add_serve(parser)
    add_vm(parser)
    add_install(parser, "py")
    parser.add_argument(
        "--max-hours",
        type=amount("hours"),
        default=24.0,
        metavar="H",
        help="end the run after this many virtual hours (default: 24)",
    )
    add_realtime(parser)
    add_json(parser)


def main(options: argparse.Namespace) -> int:
    out = sys.stderr if options.json else sys.stdout
    with chosen_config(options), chosen_flash(options) as flash:
        cycles = run_script(options, flash, lambda text: print(text, end="", file=out, flush=True))
    ok = all(cycle.ok for cycle in cycles)
    if options.json:
        print(json.dumps(summary(ok, options.seed, cycles)))
    used = dict.fromkeys(name for cycle in cycles for name in cycle.not_emulated)
    notes = [f"used and not emulated: {', '.join(used)}"] if used else []
    for line in [*troubles(cycles), *notes]:
        print(f"./dev run: {line}", file=sys.stderr)
    return 0 if ok else 1


def troubles(cycles: list[Cycle]) -> list[str]:
    """A line on what is missing in each cycle that is not as it should be."""
    lines = []
    for number, cycle in enumerate(cycles, 1):
        if cycle.trouble is not None:
            lines.append(f"cycle {number}: {cycle.trouble}{route_for(cycle)}")
    return lines


def route_for(cycle: Cycle) -> str:
    """The option that leads its first host without a route to a server on this computer."""
    for host, port in cycle.unrouted:
        source = f"{host}:PORT" if port is None else endpoint(host, port)
        return f"; --route {source}=127.0.0.1:PORT leads to a server on this computer"
    return ""


def board_of(
    options: argparse.Namespace, fields: dict[str, Any]
) -> tuple[str, dict[str, dict[str, Any]]]:
    """The board asked for, or the one with the radio of the bearer; a radio that is on pins."""
    bearer = configuration.destination(fields)["_BEARER"]
    return options.board or application.board(bearer), application.chips(bearer)


def fields_of(flash: Path | None) -> dict[str, Any]:
    """Those of the configuration on this flash, none if it has no configuration."""
    with contextlib.ExitStack() as stack:
        if flash is not None:
            config = mpy.configuration(flash)
            if config is None:
                return {}
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="config-")))
            shutil.copyfile(config, folder / "config.py")
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(flash / CREDENTIALS, folder / CREDENTIALS)
            stack.enter_context(configured(folder / "config.py"))
        return configuration.fields()


def summary(ok: bool, seed: int, cycles: list[Cycle]) -> dict[str, object]:
    """The object that --json prints."""
    return {"ok": ok, "seed": seed, "cycles": [cycle.as_json() for cycle in cycles]}


def runtime(options: argparse.Namespace) -> dict[str, Any]:
    """What --vm and --vm-command ask for, as arguments of Emulator."""
    if options.vm:
        requirements.need("vm")
    wanted = options.vm or options.vm_command
    return {"vm": "micropython" if wanted else "cpython", "vm_command": options.vm_command}


def scripts_of(script: str, folder: str | None) -> list[str]:
    """What the board runs: names on its flash, or a file of the computer."""
    path = Path(script).resolve()
    root = Path(folder).resolve() if folder else ROOT
    if path == root / "main.py":
        return ["boot.py", "main.py"]
    if folder is not None and path.is_relative_to(root):
        return [str(path.relative_to(root))]
    return [str(path)]


def _without_boot(scripts: list[str], folder: str | None) -> str | None:
    """What to say of a main.py from elsewhere: it takes the place of the one on a flash, whose
    boot.py does not run before it."""
    if folder is None or Path(scripts[-1]).name != "main.py" or scripts[0] == "boot.py":
        return None
    if not (Path(folder) / "boot.py").is_file():
        return None
    return (
        f"boot.py of {folder} does not run before {scripts[-1]}; to start as a board does:"
        f" ./dev run {Path(folder) / 'main.py'} --flash {folder}"
    )


def run_script(options: argparse.Namespace, flash: Path | None, console: Console) -> list[Cycle]:
    scripts = scripts_of(options.script, options.flash)
    note = _without_boot(scripts, options.flash)
    if note is not None:
        print(f"./dev run: {note}", file=sys.stderr)
    fields = fields_of(flash)
    name, chips = board_of(options, fields)
    with Emulator(
        scenario=options.scenario,
        seed=options.seed,
        firmware=options.firmware,
        name=name,
        chips=chips,
        config=fields if scripts[-1] == "main.py" else None,
        secrets=configuration.secret_values(fields),
        flash=flash,
        routes=options.route,
        serve=options.serve,
        install=options.install,
        console=console,
        realtime=options.realtime,
        max_hours=options.max_hours,
        **runtime(options),
    ) as emulator:
        try:
            cycles = emulator.run(scripts, options.cycles)
        finally:
            write_trace(options, emulator.board)
        if isinstance(emulator.board.halt, TimeLimit):
            print(f"./dev run: the time is over (--max-hours {options.max_hours:g}), in cycle"
                  f" {len(cycles)} of {options.cycles}", file=sys.stderr)  # fmt: skip
        return cycles
