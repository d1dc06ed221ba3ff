"""The command line behind `./dev`: what the arguments may be, and which module does the work.

Each command is a module of its own with `main(options) -> int`, imported only when it is asked
for, so that `./dev at` does not load a plotting library. Whatever is wrong with the arguments,
here or later (`UsageError`), ends with status 2 and one line that says what is allowed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from devkit import arguments
from devkit.arguments import Parser, one_line
from devkit.vm.node import NoVm


class UsageError(Exception):
    """The command cannot be carried out as given; the text says what is allowed."""


@dataclass(frozen=True)
class Command:
    module: str  # has main(options) -> int; "" as long as there is none
    arguments: Callable[[argparse.ArgumentParser], None]
    about: str  # one line for `./dev --help`
    details: str = ""


COMMANDS = {
    "demo": Command(
        "devkit.demo",
        arguments.demo,
        "measure, connect, send, deactivate, sleep: the template application on an emulated board",
        "Runs boot.py, main.py and config.py, the files that go on a device, for three cycles with"
        " a real collector on loopback, and ends with a table of phases and with what arrived.",
    ),
    "test": Command(
        "devkit.checks.suite",
        arguments.nothing,
        "all checks: lint, types, spelling, device syntax, unit tests, end-to-end tests",
        "All arguments go to pytest. The checks of the source files are tests like all others"
        " (tests/test_checks_pass.py): without arguments everything runs, and arguments that"
        " select tests, such as a path or -k, leave the rest out. Needs no network.",
    ),
    "run": Command(
        "devkit.run",
        arguments.run,
        "run any Pycom script on the emulated board",
        "The output of the script goes to stdout. Status 1 if the script raised.",
    ),
    "at": Command(
        "devkit.console",
        arguments.at,
        "talk AT to the emulated modem",
        "With commands: sends them one after the other and prints the raw replies. Without: an"
        " interactive console. Time is virtual, and passes only while a reply is awaited; with"
        " --pty it passes as on the wall.",
    ),
    "collect": Command(
        "devkit.collector.command",
        arguments.collect,
        "collect reports by UDP, CoAP and MQTT: a live table, SQLite, a page with charts",
        "Listens until interrupted. Plain UDP and CoAP share one port unless they are given"
        " different ones: the first byte of a datagram tells which it is. A terminal shows the"
        " latest values; anything else gets a line for each record.",
    ),
    "bench": Command(
        "devkit.bench",
        arguments.bench,
        "performance tables: ours against the floor that modem and network set",
    ),
    "sensors": Command(
        "devkit.sensors.command",
        arguments.sensors,
        "list the sensor drivers: interface, address, what they measure, how long, what it draws",
        "Each driver is run once on its emulated chip. With a name: its arguments and an example"
        " line for config.py.",
    ),
    "new": Command(
        "devkit.sensors.new",
        arguments.new,
        "write the skeleton of a sensor: driver, emulated chip, tests that run, example",
        "The files are made for a chip on I2C with a checksum; edit them until they say what the"
        " data sheet does. Nothing that exists is overwritten.",
    ),
    "build": Command(
        "devkit.build.command",
        arguments.build,
        "compile the device files for a firmware, with a manifest of components",
        "Writes DIR/TARGET/flash, what goes on a board; manifest.json, with the files, hashes and"
        " requirements of each component; and mip/, package descriptions for MicroPython's mip.",
    ),
    "component": Command(
        "devkit.build.take",
        arguments.component,
        "what one component alone needs and weighs, and a copy of just that",
    ),
    "deploy": Command(
        "devkit.deploy.command",
        arguments.deploy,
        "put the device files on a board, over its serial REPL",
        "Sends the files that differ and verifies them on the board before they take the place of"
        " the old ones; other files on the board stay. The board is restarted at the end.",
    ),
}


def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in ("-h", "--help"):
        print(_overview())
        return 0
    allowed = f"allowed: {', '.join(COMMANDS)}, --help"
    if not argv:
        return _refuse(f"a command is needed; {allowed}")
    name, rest = argv[0], argv[1:]
    if name not in COMMANDS:
        return _refuse(f"no command {name!r}; {allowed}")
    command = COMMANDS[name]
    if not command.module and rest[:1] not in (["-h"], ["--help"]):
        return _refuse(f"{name} comes in a later release")
    try:
        options = _parse(name, command, rest)
        status: int = importlib.import_module(command.module).main(options)
        return status
    except NoVm as problem:
        print(f"./dev {name}: {one_line(problem)}", file=sys.stderr)
        return 1
    except UsageError as problem:
        return _refuse(f"{name}: {one_line(problem)}")
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone, as with `| head`; Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parse(name: str, command: Command, rest: list[str]) -> argparse.Namespace:
    parser = Parser(
        prog=f"./dev {name}",
        description=f"{command.about[0].upper()}{command.about[1:]}.",
        epilog=command.details or None,
        allow_abbrev=False,
    )
    command.arguments(parser)
    if name == "test":
        parser.usage = "./dev test [pytest arguments]"
        if rest[:1] in (["-h"], ["--help"]):
            parser.parse_args(rest[:1])
        return argparse.Namespace(pytest_args=rest)
    return parser.parse_args(rest)


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {command.about}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "usage: ./dev COMMAND [arguments]",
            "",
            *lines,
            "",
            "./dev COMMAND --help tells more. Status: 0 done; 1 the run failed; 2 wrong usage.",
        ]
    )


def _refuse(message: str) -> int:
    print(f"./dev: {message}", file=sys.stderr)
    return 2
