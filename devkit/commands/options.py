"""Options that more than one command takes, each under the same name everywhere."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from devkit import config_check, configuration
from devkit.commands import UsageError, Wrong
from devkit.commands.values import (
    command,
    file,
    folder,
    output,
    route,
    scenario,
    serve,
    whole,
)
from emulator.board.board import Board
from emulator.device_files import config_file
from emulator.driver.profile import DEFAULT, PROFILES
from emulator.vm.importer import INSTALLS

# Beside the files of a board in a folder of the computer
_NO_FLASH = shutil.ignore_patterns(".git", ".hg", ".venv", "__pycache__", "node_modules")


def add_world(parser: argparse.ArgumentParser) -> None:
    """What the emulated board meets."""
    parser.add_argument(
        "--scenario",
        type=scenario,
        default="good",
        metavar="NAME|FILE",
        help="what modem, SIM and network do: a name from emulator/scenarios or a file in the same"
        " format (default: good)",
    )
    parser.add_argument(
        "--seed",
        type=whole(0),
        default=1,
        metavar="N",
        help="everything random follows from it: the same seed gives the same run (default: 1)",
    )


def add_config(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--config",
        type=file,
        metavar="FILE",
        help="the board's config.py (default: config.py of this checkout); credentials.py is"
        " looked for beside it",
    )


@contextlib.contextmanager
def chosen_config(options: argparse.Namespace) -> Iterator[None]:
    """Let boards have the file of --config meanwhile. Raises UsageError if it cannot be used."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(configuration.given(options.config))
        except configuration.NotUsable as problem:
            raise UsageError(str(problem)) from None
        yield


def problems_of_config(options: argparse.Namespace, example: bool) -> list[config_check.Problem]:
    """Those of the file of --config. example: see config_check.problems(). Raises UsageError."""
    path = Path(options.config) if options.config else config_file()
    try:
        return config_check.problems(path, example=example)
    except OSError as problem:
        raise UsageError(f"{path}: {problem.strerror}; allowed: a file") from None


@contextlib.contextmanager
def checked_config(options: argparse.Namespace) -> Iterator[None]:
    """As chosen_config, for a configuration without a problem. Raises Wrong."""
    found = problems_of_config(options, example=True)
    if found:
        raise Wrong(found)
    with chosen_config(options):
        yield


def add_flash(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--flash",
        type=folder,
        metavar="DIR",
        help="a copy of this folder is the board's /flash (default: the device files of this"
        " project)",
    )


def add_keep_flash(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--keep-flash",
        action="store_true",
        help="let the board work in DIR itself, and keep what it writes and removes there; a"
        " folder in a git work tree is not formatted",
    )


@contextlib.contextmanager
def chosen_flash(options: argparse.Namespace) -> Iterator[Path | None]:
    """The folder that is the board's /flash meanwhile; None: the device files of this project.
    Raises UsageError."""
    if options.flash is None:
        if options.keep_flash:
            raise UsageError("--keep-flash without a folder; allowed: --flash DIR --keep-flash")
        yield None
    elif options.keep_flash:
        yield Path(options.flash).resolve()
    else:
        with tempfile.TemporaryDirectory(prefix="flash-") as copy:
            try:
                shutil.copytree(
                    options.flash, copy, symlinks=True, ignore=_NO_FLASH, dirs_exist_ok=True
                )
            except (OSError, shutil.Error) as problem:
                raise UsageError(f"--flash {options.flash}: {problem}") from None
            yield Path(copy).resolve()


def add_firmware(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--firmware",
        choices=PROFILES,
        default=DEFAULT,
        help=f"whose behaviour the board has (default: {DEFAULT})",
    )


def add_trace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trace",
        type=output,
        metavar="FILE",
        help="write what happened when (AT text, power, files) to FILE, in virtual time",
    )


def write_trace(options: argparse.Namespace, board: Board) -> None:
    if options.trace:
        with writing("--trace", options.trace):
            board.trace.write(Path(options.trace))


@contextlib.contextmanager
def writing(option: str, file: str) -> Iterator[None]:
    """Turn what goes wrong with the file of an option into one line."""
    try:
        yield
    except OSError as problem:
        raise UsageError(f"{option} {file}: {problem.strerror or problem}") from problem


def add_route(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--route",
        type=route,
        action="append",
        default=[],
        metavar="HOST:PORT=HOST:PORT",
        help="what the board sends to the first goes to the second, a server on this computer;"
        " may be repeated; without a route it is lost, as on the internet; an answer that the"
        " program waits for may take 1.5 s of real time, and takes none of the board's",
    )


def add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--serve",
        type=serve,
        action="append",
        default=[],
        metavar="PORT=PORT",
        help="programs on this computer reach the first port, of the board, at the second one of"
        " 127.0.0.1, once the board listens there or has bound it; from then on virtual time"
        " passes as fast as the clock on the wall; may be repeated",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object on stdout and everything else on stderr",
    )


def add_realtime(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--realtime",
        action="store_true",
        help="let the virtual time pass as fast as the clock on the wall",
    )


def add_vm(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--vm",
        action="store_true",
        help="run the device code on a real MicroPython (its WebAssembly build, in Node.js), not"
        " on CPython",
    )
    parser.add_argument(
        "--vm-command",
        type=command,
        default=[],
        metavar="CMD",
        help="as --vm, but on the MicroPython that CMD starts, such as the unix port's"
        " `micropython`; it is given one more argument, the file to run (docs/vm-stream.md)",
    )


def add_install(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--install",
        choices=INSTALLS,
        default=default,
        help="how the modules got onto the device, which decides what importing them costs"
        f" (default: {default})",
    )


def add_target(parser: argparse._ActionsContainer, default: str | None, about: str) -> None:
    from devkit.build.targets import TARGETS

    parser.add_argument("--target", choices=TARGETS, default=default, help=about)


def add_cycles(parser: argparse.ArgumentParser, default: int) -> None:
    parser.add_argument(
        "--cycles",
        type=whole(1),
        default=default,
        metavar="N",
        help=f"end after N boots of the board (default: {default})",
    )
