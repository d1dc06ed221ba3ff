"""The checks of the source files: what runs at each commit and, over all files, in `./dev test`.

    python -m devkit.checks                 all checks over all files
    python -m devkit.checks lint            one check over all files
    python -m devkit.checks lint a.py b.py  one check over some files, as pre-commit calls it

A check is a function (root, names of files) -> lines to print; no line means that all is well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devkit.checks import (
    commit_subject,
    device_compile,
    device_syntax,
    imports,
    sources,
    tools,
    whitespace,
)


@dataclass(frozen=True)
class Check:
    about: str
    wants: Callable[[str], bool]  # which files it looks at
    run: Callable[[Path, list[str]], list[str]]


def _no_lock(name: str) -> bool:
    return sources.is_text(name) and not name.endswith(".lock")


CHECKS = {
    "whitespace": Check("blanks and newlines", sources.is_text, whitespace.problems),
    "lint": Check("ruff check", sources.is_python, tools.lint),
    "layout": Check("ruff format", sources.is_python, tools.layout),
    "spelling": Check("codespell", _no_lock, tools.spelling),
    "types": Check(
        "mypy over the computer's code",
        sources.is_typed,
        tools.types,
    ),
    "device-compile": Check(
        "device files compile for the Pycom build",
        sources.runs_on_micropython,
        device_compile.problems,
    ),
    "device-syntax": Check(
        "device files use what a board has",
        sources.runs_on_micropython,
        device_syntax.problems,
    ),
    "imports": Check("imports point downward", sources.is_python, imports.problems),
}

# Looks at a commit message, not at files of the tree.
COMMIT_SUBJECT = Check("commit messages", lambda name: False, commit_subject.problems)


def run(name: str, root: Path = sources.ROOT, names: list[str] | None = None) -> list[str]:
    """Carry out one check over `names`, or over all files. Returns what is wrong."""
    check = CHECKS[name]
    candidates = sources.all_files(root) if names is None else names
    wanted = [candidate for candidate in candidates if check.wants(candidate)]
    return check.run(root, wanted) if wanted else []
