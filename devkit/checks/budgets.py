"""Lines that a few files, and each side of the project as a whole, may have.

[tool.devkit.budgets] of pyproject.toml sets them. A budget may rise in a commit of its own that
says why; code is never merged, shortened or hidden for one.
"""

from __future__ import annotations

from pathlib import Path

from devkit.checks import sources
from devkit.checks.problem import Problem


def problems(root: Path, names: list[str]) -> list[Problem]:
    """All budgets at once, whatever `names` says: a change of one file shows in a total."""
    found = []
    files = list(filter(sources.is_written, sources.all_files(root)))
    for key, most in sources.settings(root)["budgets"].items():
        counted = [name for name in files if sources.fits(name, key)]
        total = sum((root / name).read_bytes().count(b"\n") for name in counted)
        if total > most:
            # A single file is over at its first line too many, a total where it is set
            at = (key, most + 1) if key in counted else (sources.SETTINGS, _line_of(root, key))
            found.append(Problem(at[0], at[1], "budgets", f"{key}: {total} lines; at most {most}"))
    return found


def _line_of(root: Path, key: str) -> int:
    text = (root / sources.SETTINGS).read_text(encoding="utf-8")
    at = text.index(f'"{key}" =', text.index("[tool.devkit.budgets]"))
    return text[:at].count("\n") + 1
