"""The commands of `./dev`: one file each, found by its function `main`.

A command is a module with

    a docstring            one line for `./dev --help`; what follows it is for `./dev NAME --help`
    arguments(parser)      adds its arguments; absent if it has none
    main(options)          does the work; returns the exit status

A mistake in the arguments that shows only later is a `UsageError`. Packages beyond those of the
group "run" are asked for where they are needed: `requirements.need("plot")`.
"""

from __future__ import annotations

import ast
from pathlib import Path

_HERE = Path(__file__).parent
# Of `./dev --help`; a command that is not listed comes after these
_ORDER = (
    "demo", "test", "run", "at", "board", "bench", "build", "component", "deploy", "keys",
    "release", "sensors", "new", "collect", "fleet", "check", "lint", "soak", "cell",
)  # fmt: skip


class UsageError(Exception):
    """The command cannot be carried out as given; the text says what is allowed."""


class Wrong(Exception):
    """What the command works on has problems: args[0], which are told one on a line."""


def names(folder: Path = _HERE) -> tuple[str, ...]:
    """The commands whose files are there."""
    found = {
        path.stem for path in folder.glob("[a-z]*.py") if "\ndef main(" in path.read_text("utf-8")
    }
    return (*(name for name in _ORDER if name in found), *sorted(found.difference(_ORDER)))


NAMES = names()


def described(name: str) -> tuple[str, str]:
    """(line for the overview, details) of a command. It is not imported: `./dev --help` works
    before the packages that commands need are installed."""
    tree = ast.parse((_HERE / f"{name}.py").read_text(encoding="utf-8"))
    about, _, details = (ast.get_docstring(tree) or "").partition("\n\n")
    return about, details
