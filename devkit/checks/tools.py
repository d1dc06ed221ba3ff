"""Checks that other people's programs carry out, each as installed beside this Python."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from devkit.checks.problem import Problem

# FILE:LINE: text, or FILE:LINE:COLUMN: RULE text
_COMPLAINT = re.compile(r"(?P<file>[^:\n]+):(?P<line>\d+):(?P<text>.*)")
_COLUMN_AND_RULE = re.compile(r"\d+: (\S+?):? (.*)")
_COUNT = re.compile(r"\d+ files? ")  # the last line of ruff format


def lint(root: Path, names: list[str]) -> list[Problem]:
    return _ruff(root, "check", "--quiet", "--", *names)


def layout(root: Path, names: list[str]) -> list[Problem]:
    return _ruff(root, "format", "--check", "--", *names)


def spelling(root: Path, names: list[str]) -> list[Problem]:
    """The words to accept stand in pyproject.toml."""
    return _complaints("spelling", _output(root, "codespell_lib", "--", *names))


def types(root: Path, names: list[str]) -> list[Problem]:
    """All typed files at once, whatever `names` says: a change shows in other files, too."""
    return _complaints("types", _output(root, "mypy", "--no-error-summary"))


def _ruff(root: Path, command: str, *arguments: str) -> list[Problem]:
    lines = _output(root, "ruff", command, "--output-format=concise", *arguments)
    found = []
    for problem in _complaints("ruff", [line for line in lines if not _COUNT.match(line)]):
        split = _COLUMN_AND_RULE.fullmatch(problem.text)
        found.append(problem._replace(rule=split[1], text=split[2]) if split else problem)
    return found


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


def _complaints(rule: str, lines: list[str]) -> list[Problem]:
    found = []
    for line in filter(str.strip, lines):
        place = _COMPLAINT.fullmatch(line)
        if place:
            found.append(Problem(place["file"], int(place["line"]), rule, place["text"].strip()))
        else:  # trouble of the program itself
            found.append(Problem("pyproject.toml", 1, rule, line.strip()))
    return found
