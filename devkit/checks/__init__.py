"""The checks of the source files: what runs at each commit, in `./dev lint` and in `./dev test`.

    python -m devkit.checks                 all checks over all files
    python -m devkit.checks lint            one check over all files
    python -m devkit.checks lint a.py b.py  one check over some files, as pre-commit calls it

A check is a function (root, names of files) -> problems; none means that all is well.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from devkit.checks import (
    boundaries,
    budgets,
    device_compile,
    device_syntax,
    sources,
    tools,
    whitespace,
)
from devkit.checks.problem import Problem


@dataclass(frozen=True)
class Check:
    about: str
    wants: Callable[[str], bool]  # which files it looks at
    run: Callable[[Path, list[str]], list[Problem]]


def _in_our_style(wants: Callable[[str], bool]) -> Callable[[str], bool]:
    def wanted(name: str) -> bool:
        return name != sources.EDITED and not name.startswith(sources.CASES) and wants(name)

    return wanted


# The slowest first, since they run side by side
CHECKS = {
    "types": Check("mypy over the computer's code", sources.is_typed, tools.types),
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
    "imports": Check("who may know whom", sources.is_python, boundaries.problems),
    "spelling": Check("codespell", _in_our_style(sources.is_written), tools.spelling),
    "lint": Check("ruff check", _in_our_style(sources.is_python), tools.lint),
    "format": Check("ruff format", _in_our_style(sources.is_python), tools.layout),
    "whitespace": Check(
        "blanks and newlines", _in_our_style(sources.is_text), whitespace.problems
    ),
    "budgets": Check("lines of files and folders", sources.is_text, budgets.problems),
}

_AT_ONCE = 2


def run(name: str, root: Path = sources.ROOT, names: list[str] | None = None) -> list[Problem]:
    """Carry out one check over `names`, or over all files. Returns what is wrong."""
    check = CHECKS[name]
    candidates = sources.all_files(root) if names is None else names
    wanted = [candidate for candidate in candidates if check.wants(candidate)]
    if name != "whitespace":  # which reports the files that are no text
        wanted = [each for each in wanted if whitespace.is_decodable((root / each).read_bytes())]
    return check.run(root, wanted) if wanted else []


def run_all(root: Path = sources.ROOT) -> list[Problem]:
    """Carry out all checks over all files."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        results = list(pool.map(lambda name: run(name, root), CHECKS))
    return sorted(problem for result in results for problem in result)
