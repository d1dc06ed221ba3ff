"""pip as `dev` runs it: it asks nothing, and takes only files whose hash the requirements name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path


def install(
    wanted: Path,
    *options: str,
    temporary: Path | None = None,
    said: Callable[[str], object] = lambda line: None,
) -> str:
    """Install what a file of requirements lists. Why it failed, "" if it did not.

    Python compiles the modules at their first import. `temporary`: where pip unpacks archives;
    `said` is called with each line that pip prints.
    """
    words = [
        sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
        "--require-hashes", "--no-compile", *options, "--requirement", str(wanted),
    ]  # fmt: skip
    lines = []
    with subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "TMPDIR": str(temporary)} if temporary else None,
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            lines.append(line)
            said(line)
    return reason(lines) if pip.returncode else ""


def reason(lines: Iterable[str]) -> str:
    """Why it failed: the last line that says so."""
    found = [line.strip() for line in lines if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in found if line.startswith("ERROR: ")]
    return next(reversed(errors or found), "it said nothing")
