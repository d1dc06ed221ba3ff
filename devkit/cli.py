"""The command line behind `./dev`: finds the command, reads its arguments, and runs it.

Whatever is wrong with the arguments, here or later (`UsageError`), ends with status 2 and one line
that says what is allowed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from types import ModuleType

from devkit import requirements, temporary
from devkit.commands import NAMES, UsageError, Wrong, described
from devkit.commands.parser import Parser, one_line


def start() -> int:
    """What `dev` calls, with any Python: a command goes on in .venv, all else needs none."""
    return main(in_venv=True)


def main(argv: list[str] | None = None, in_venv: bool = False) -> int:
    """in_venv: run the command in .venv, made if need be, and not in this Python."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in ("-h", "--help"):
        print(_overview())
        return 0
    allowed = f"allowed: {', '.join(NAMES)}, --help"
    if not argv:
        return _refuse(f"a command is needed; {allowed}")
    name, rest = argv[0], argv[1:]
    if name not in NAMES:
        return _refuse(f"no command {name!r}; {allowed}")
    try:
        if in_venv:
            requirements.enter()
        requirements.need("run")
        return _run(name, rest)
    except requirements.NotInstalled:
        return 1  # it is said
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone, as with `| head`; Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(name: str, rest: list[str]) -> int:
    from emulator.vm.webassembly import NoVm

    temporary.keep_in_memory()
    try:
        command = importlib.import_module(f"devkit.commands.{name}")
        status: int = command.main(_parse(name, command, rest))
        return status
    except NoVm as problem:
        return _failed(name, problem)
    except BrokenPipeError:
        raise
    except OSError as problem:  # a file that cannot be read, a folder that cannot be written
        return _failed(name, problem)
    except Wrong as problem:
        for each in problem.args[0]:
            print(each, file=sys.stderr)
        return 1
    except UsageError as problem:
        return _refuse(one_line(problem), f" {name}")


def _parse(name: str, command: ModuleType, rest: list[str]) -> argparse.Namespace:
    about, details = described(name)
    parser = Parser(
        prog=f"./dev {name}", description=about, epilog=details or None, allow_abbrev=False
    )
    if hasattr(command, "arguments"):
        command.arguments(parser)
    if name == "test":
        parser.usage = "./dev test [pytest arguments]"
        if rest[:1] in (["-h"], ["--help"]):
            parser.parse_args(rest[:1])
        return argparse.Namespace(pytest_args=rest)
    return parser.parse_args(rest)


def _overview() -> str:
    width = max(map(len, NAMES))
    lines = [f"  {name:<{width}}  {described(name)[0]}" for name in NAMES]
    return "\n".join(
        [
            "usage: ./dev COMMAND [arguments]",
            "",
            *lines,
            "",
            "./dev COMMAND --help tells more. Status: 0 done; 1 the run failed; 2 wrong usage.",
        ]
    )


def _failed(name: str, problem: Exception) -> int:
    print(f"./dev {name}: {one_line(problem)}", file=sys.stderr)
    return 1


def _refuse(message: str, command: str = "") -> int:
    print(f"./dev{command}: {message}", file=sys.stderr)
    return 2
