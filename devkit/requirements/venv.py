"""The virtual environment of `dev`, .venv in the root of the tree."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from devkit.requirements import folder, lock
from devkit.requirements.pip import reason
from devkit.requirements.report import Progress

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"


def enter() -> None:
    """Start this program again with the Python of .venv, which is made if need be; return if that
    is the one that runs. NotInstalled if it cannot be made."""
    if is_sound(VENV) and os.path.samefile(sys.prefix, VENV):
        return
    with folder.turn(lock.HERE / "requirements.lock"):
        if not is_sound(VENV):
            _make()
    os.execv(_python(VENV), [str(_python(VENV)), *sys.orig_argv[1:]])


def is_sound(prefix: Path) -> bool:
    """Whether `dev` made this virtual environment, here and for this version of Python.

    None survives being moved, or that the Python that made it gives way to another version.
    """
    mark = _mark(prefix)
    return (
        os.access(_python(prefix), os.X_OK)
        and mark.is_file()
        and mark.read_text(encoding="utf-8") == _content(prefix)
    )


def _make() -> None:
    with Progress("a virtual environment in .venv") as progress:
        done = subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(VENV)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise progress.failure(
                f"{sys.executable} cannot make it; on Debian and Ubuntu install python3-venv"
                f" ({reason(done.stdout.splitlines())})"
            )
    _mark(VENV).write_text(_content(VENV), encoding="utf-8")


def _python(prefix: Path) -> Path:
    return prefix / "bin" / "python"


def _mark(prefix: Path) -> Path:
    return prefix / "made-by-dev"


def _content(prefix: Path) -> str:
    return f"{prefix} {sys.version_info.major}.{sys.version_info.minor}\n"
