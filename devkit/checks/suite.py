"""`./dev test`: everything that has to pass, as one pytest run.

The checks of the source files are tests, too (tests/test_checks_pass.py), so that one line at the
end counts them all and arguments that select tests select among them as well.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from devkit.checks.sources import ROOT

_PYTEST_USAGE_ERROR = 4
_MOST_WORKERS = 8


def main(options: argparse.Namespace) -> int:
    command = [sys.executable, "-m", "pytest", "-n", "auto", f"--maxprocesses={_MOST_WORKERS}"]
    command += [_from_root(argument) for argument in options.pytest_args]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    if status == _PYTEST_USAGE_ERROR:
        return 2
    return 0 if status == 0 else 1


def _from_root(argument: str) -> str:
    """A path is meant from the folder where the command was given; pytest runs in the root."""
    path, mark, rest = argument.partition("::")
    if not path.startswith("-") and Path(path).exists():
        return str(Path(path).resolve()) + mark + rest
    return argument
