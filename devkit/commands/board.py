"""An emulated board on a pseudo-terminal, for rehearsals with deploy, mpremote or a terminal.

The first line on stdout is the path of the terminal; starts, sleeps and resets are told on stderr.
A program that the board runs, its prompt and its deep sleep take their time as on the wall; what
another program has run in raw mode does not. In deep sleep the board hears nothing: SIGUSR1 is its
reset button. Ctrl-C here, or SIGTERM, ends it.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterator

from devkit import configuration
from devkit.commands import UsageError
from devkit.commands.options import (
    add_config,
    add_firmware,
    add_flash,
    add_keep_flash,
    add_route,
    add_serve,
    add_trace,
    add_world,
    chosen_config,
    chosen_flash,
    write_trace,
)
from devkit.commands.run import board_of, fields_of
from emulator.usb.board import UsbBoard
from emulator.usb.port import Port

BOARDS = ("GPy", "FiPy")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pty", action="store_true", help="put its REPL on a pseudo-terminal (needed)"
    )
    files = parser.add_mutually_exclusive_group()
    add_flash(files)
    add_config(files)
    add_keep_flash(parser)
    parser.add_argument(
        "--board",
        choices=BOARDS,
        help="which board it is (default: the one that has the radio of _BEARER)",
    )
    add_world(parser)
    add_firmware(parser)
    add_route(parser)
    add_serve(parser)
    add_trace(parser)


def main(options: argparse.Namespace) -> int:
    if not options.pty:
        raise UsageError("a board without a console; allowed: --pty")
    with chosen_config(options), chosen_flash(options) as flash, _port() as port:
        fields = fields_of(flash)
        name, chips = board_of(options, fields)
        board = UsbBoard(
            port,
            say=lambda text: print(f"./dev board: {text}", file=sys.stderr, flush=True),
            scenario=options.scenario,
            seed=options.seed,
            firmware=options.firmware,
            name=name,
            chips=chips,
            config=fields,
            secrets=configuration.secret_values(fields),
            flash=flash,
            routes=options.route,
            serve=options.serve,
        )
        with board:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: board.end())
            signal.signal(signal.SIGUSR1, lambda *_: board.press_reset())
            try:
                board.serve(ready=lambda: print(port.path, flush=True))
            finally:
                write_trace(options, board.board)
    return 0


@contextlib.contextmanager
def _port() -> Iterator[Port]:
    port = Port()
    try:
        yield port
    finally:
        port.close()
