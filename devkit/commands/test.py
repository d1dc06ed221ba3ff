"""Run all checks: lint, types, spelling, device syntax, unit tests, end-to-end tests.

All arguments go to pytest. The checks of the source files are tests like all others
(tests/test_checks_pass.py): without arguments everything runs, and arguments that select tests,
such as a path or -k, leave the rest out. Needs no network.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from devkit import requirements
from devkit.checks.sources import ROOT

_PYTEST_USAGE_ERROR = 4
_MOST_WORKERS = 8
# One more than processors: some tests wait for a server, a browser or a board behind a terminal
_WORKERS = min((os.cpu_count() or 1) + 1, _MOST_WORKERS)


def main(options: argparse.Namespace) -> int:
    requirements.need(*requirements.GROUPS)
    command = [sys.executable, "-m", "pytest", "-n", str(_WORKERS)]
    # The tests of a file stay with one worker, which then compiles and measures once for them
    command += ["--dist=worksteal", "--durations=10"]
    command += [_from_root(argument) for argument in options.pytest_args]
    status = subprocess.run(command, cwd=ROOT, env=_environment(), check=False).returncode
    if status == _PYTEST_USAGE_ERROR:
        return 2
    return 0 if status == 0 else 1


def _environment() -> dict[str, str]:
    """With bytecode kept where tests/conftest.py keeps it, pytest's own included."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(ROOT / ".venv" / "pycache")}


def _from_root(argument: str) -> str:
    """A path is meant from the folder where the command was given; pytest runs in the root."""
    path, mark, rest = argument.partition("::")
    if not path.startswith("-") and Path(path).exists():
        return str(Path(path).resolve()) + mark + rest
    return argument
