"""Checks that other people's programs carry out, each as installed beside this Python."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

_SUMMARY = re.compile(r"\d+ files? ")  # the last line of ruff format


def _output(root: Path, *command: str) -> list[str]:
    """The lines that the program complains with; [] if it is content."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return []
    return done.stdout.splitlines() or [f"{command[0]} ended with {done.returncode}"]


def lint(root: Path, names: list[str]) -> list[str]:
    return _output(root, "ruff", "check", "--quiet", "--output-format=concise", "--", *names)


def layout(root: Path, names: list[str]) -> list[str]:
    complaints = _output(
        root, "ruff", "format", "--check", "--output-format=concise", "--", *names
    )
    return [line for line in complaints if not _SUMMARY.match(line)]


def spelling(root: Path, names: list[str]) -> list[str]:
    """The words to accept stand in pyproject.toml."""
    return _output(root, "codespell_lib", "--", *names)


def types(root: Path, names: list[str]) -> list[str]:
    """All of devkit at once, whatever `names` says: a change shows in other files, too."""
    return _output(root, "mypy", "--no-error-summary")
