"""Every file that runs on MicroPython compiles to what a Pycom board loads."""

from __future__ import annotations

import re
from pathlib import Path

from devkit.checks.problem import Problem
from emulator.vm.mpy import HEADER, compiled

_PLACE = re.compile(r'File "[^"]*", line (\d+)(?:, in \S+)? ')  # in mpy-cross's own words


def problems(root: Path, names: list[str]) -> list[Problem]:
    found = []
    for name in names:
        try:
            code = compiled((root / name).read_bytes(), name)
        except ValueError as problem:
            place = _PLACE.search(str(problem))
            line, text = int(place[1]) if place else 1, _PLACE.sub("", str(problem)).strip()
            found.append(Problem(name, line, "device-compile", text))
        else:
            if not code.startswith(HEADER):
                begins = f".mpy begins with {code[:5].hex(' ')}, not {HEADER.hex(' ')}"
                found.append(Problem(name, 1, "device-compile", begins))
    return found
