"""Every file that runs on MicroPython compiles to what a Pycom board loads."""

from __future__ import annotations

from pathlib import Path

from devkit.build.targets import PYCOM, NotCompiled
from devkit.checks.problem import Problem


def problems(root: Path, names: list[str]) -> list[Problem]:
    found = []
    for name in names:
        try:
            PYCOM.compiled((root / name).read_bytes(), Path(name))
        except NotCompiled as problem:
            found.append(Problem(name, problem.line, "device-compile", problem.text))
    return found
