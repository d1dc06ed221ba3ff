"""The commands of `./dev`: one file each, found by its name.

A command is a module with

    a docstring            one line for `./dev --help`; what follows it is for `./dev NAME --help`
    arguments(parser)      adds its arguments; absent if it has none
    main(options)          does the work; returns the exit status

A mistake in the arguments that shows only later is a `UsageError`.
"""

from __future__ import annotations

import ast
from pathlib import Path

# The order of `./dev --help`
NAMES = (
    "demo", "test", "run", "at", "bench", "build", "component", "deploy", "sensors", "new",
    "collect", "lint",
)  # fmt: skip
_HERE = Path(__file__).parent


class UsageError(Exception):
    """The command cannot be carried out as given; the text says what is allowed."""


def described(name: str) -> tuple[str, str]:
    """(line for the overview, details) of a command. It is not imported: what a command needs is
    installed when it is first used, and --help needs none of it."""
    tree = ast.parse((_HERE / f"{name}.py").read_text(encoding="utf-8"))
    about, _, details = (ast.get_docstring(tree) or "").partition("\n\n")
    return about, details
