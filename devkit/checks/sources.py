"""Which files the project has, which of them run on a device, and the rules set for them.

Paths are relative to the root of the tree and written with slashes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = "pyproject.toml"

# By a deployment, as it likes; the checks of style look at the published one, in devkit/reference
EDITED = "config.py"

# Scripts and what a core of MicroPython printed for them: kept as they are
CASES = "tests/emulator/vm/cases/"

_SKIPPED_FOLDERS = {".git", ".venv", "__pycache__", ".hypothesis", "dist", "node_modules", "nodes"}
_SKIPPED_FILES = {"credentials.py"}
VENDORED = (
    "collector/web/page/vendor/"  # other people's files, unchanged: no check of ours reads them
)
_BINARY_SUFFIXES = {".png", ".jpg", ".gif", ".pdf", ".mpy", ".bin", ".gz", ".zip"}
_HOST_FOLDERS = {"collector", "devkit", "docs", "emulator", "tests"}


def all_files(root: Path) -> list[str]:
    """Every file that is in the repository or about to be: what git does not ignore.

    Without git (an unpacked archive) the tree is walked instead.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout
        names = set(listed.decode("utf-8").split("\0")) - {""}
    except (OSError, subprocess.CalledProcessError):
        names = _walk(root)
    return sorted(name for name in names if (root / name).is_file())


def _walk(root: Path) -> set[str]:
    names = set()
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = [
            name for name in subfolders if name not in _SKIPPED_FOLDERS and "_cache" not in name
        ]
        wanted = set(files) - _SKIPPED_FILES
        names |= {(Path(folder) / name).relative_to(root).as_posix() for name in wanted}
    return names


def is_text(name: str) -> bool:
    binary = PurePosixPath(name).suffix in _BINARY_SUFFIXES
    return not binary and not name.startswith(VENDORED)


def is_written(name: str) -> bool:
    """True for text that people write, and a program did not."""
    return is_text(name) and not name.endswith(".lock")


def is_python(name: str) -> bool:
    return name.endswith(".py")


def is_device(name: str) -> bool:
    """True for code that goes onto a device: all Python that is not the computer's."""
    first = PurePosixPath(name).parts[0]
    return is_python(name) and first not in _HOST_FOLDERS and not first.startswith(".")


def is_typed(name: str) -> bool:
    """True for the programs of the computer."""
    return is_python(name) and name.startswith(("collector/", "devkit/", "emulator/"))


def is_firmware(name: str) -> bool:
    """True for the stand-ins of the firmware's modules, which MicroPython must be able to run."""
    return is_python(name) and name.startswith("emulator/firmware/")


def runs_on_micropython(name: str) -> bool:
    return is_device(name) or is_firmware(name)


def settings(root: Path) -> dict[str, Any]:
    """The project's own rules: [tool.devkit] of pyproject.toml."""
    text = (root / SETTINGS).read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)["tool"]["devkit"]
    return found


def fits(name: str, patterns: str) -> bool:
    """Whether one of the patterns, which blanks separate, fits; `*` stands for "/" as well."""
    return any(fnmatchcase(name, pattern) for pattern in patterns.split())
