"""What is to go on the board: the files of a folder, checked against the manifest beside it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.build.components import DROP_IN
from devkit.build.targets import TARGETS
from devkit.deploy.repl import DeployError
from emulator.device_files import FIXED, config_file, credentials_file

MANIFEST = "manifest.json"
FLASH = "flash"
LICENCE = "LICENSE"  # beside the files of a component; no board needs it
# In the root, .py or .mpy: these belong to the board, not to the build
OWN = ("config", "credentials")
SCRIPTS = FIXED  # put in place when all that they import is there
# Folders from what imports nothing to what imports most; others and the root come behind them
_LAYERS = ("utils", "lib", "protocols", "sensors", "networking")


@dataclass(frozen=True)
class File:
    path: str  # relative to the board's flash, with slashes
    data: bytes
    sha256: str

    @property
    def forms(self) -> set[str]:
        """Where it may be on the board if it belongs to the board: config.py and config.mpy."""
        stem, _, suffix = self.path.rpartition(".")
        return {f"{stem}.py", f"{stem}.mpy"} if stem in OWN and suffix in ("py", "mpy") else set()

    @property
    def mpy_version(self) -> int | None:
        """Version of a .mpy: the byte after "M" (MicroPython, py/persistentcode.c)."""
        if not self.path.endswith(".mpy"):
            return None
        if len(self.data) < 4 or self.data[:1] != b"M":
            raise DeployError(f"{self.path} is no .mpy file; build it again")
        return self.data[1]


@dataclass(frozen=True)
class Source:
    folder: Path
    target: str | None  # of the manifest; None: any folder, made by somebody else
    files: tuple[File, ...]

    @property
    def mpy_versions(self) -> dict[int, str]:
        """Each .mpy version in it, and a file that has it."""
        found: dict[int, str] = {}
        for file in self.files:
            if file.mpy_version is not None:
                found.setdefault(file.mpy_version, file.path)
        return found


def load(folder: Path) -> Source:
    """Read a folder as it is to stand in the board's flash, or a build's folder with flash/ in it.

    DeployError if a file differs from what the manifest says, the configuration excepted: that one
    belongs to a deployment, and a config.py beside config.mpy is what a board loads.
    """
    if (folder / MANIFEST).is_file() and (folder / FLASH).is_dir():
        folder = folder / FLASH
    found = [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in _paths(folder)]
    files = {name: _file(name, data) for name, data in found}
    if not files:
        raise DeployError(f"there is no file in {folder}")
    manifest = _manifest(folder)
    for component in manifest.get("components", []):
        for entry in component["files"]:
            built, file = File(entry["path"], b"", entry["sha256"]), files.get(entry["path"])
            if (file is None or file.sha256 != built.sha256) and not built.forms:
                what = "is missing" if file is None else "is not as it was built"
                raise DeployError(f"{folder / entry['path']} {what}: run ./dev build again")
            if component.get("kind") == DROP_IN:  # for programs that are not of this tree
                files.pop(entry["path"], None)
    return Source(folder, manifest.get("target"), _ordered(files))


def configured(source: Source) -> Source:
    """The same with the configuration and the credentials of the command in place of its own,
    compiled as a build has them."""
    files = {file.path: file for file in source.files if not file.forms}
    given = {"config.py": config_file(), "credentials.py": credentials_file()}
    for name, path in given.items():
        if path is not None:
            content = {Path(name): path.read_bytes()}
            if source.target in TARGETS:
                content = TARGETS[source.target].content(content)
            files |= {each.as_posix(): _file(each.as_posix(), data)
                      for each, data in content.items()}  # fmt: skip
    return dataclasses.replace(source, files=_ordered(files))


def with_slot(source: Source, content: dict[str, bytes]) -> Source:
    """What a board with slots gets: of a build the scripts that never change and what belongs to
    the board, the rest from this content of slot and keys."""
    files = {file.path: file for file in source.files if file.forms or file.path in SCRIPTS}
    files |= {path: _file(path, data) for path, data in content.items()}
    return dataclasses.replace(source, files=_ordered(files))


def _ordered(files: dict[str, File]) -> tuple[File, ...]:
    """What a file imports comes before it; its package's __init__ does, too."""

    def place(file: File) -> tuple[bool, bool, int, str]:
        folder, slash, _ = file.path.partition("/")
        layer = _LAYERS.index(folder) if folder in _LAYERS else len(_LAYERS)
        return file.path in SCRIPTS, bool(file.forms), layer + (not slash), file.path

    return tuple(sorted(files.values(), key=place))


def _file(path: str, data: bytes) -> File:
    return File(path, data, hashlib.sha256(data).hexdigest())


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder.parent / MANIFEST
    if folder.name != FLASH or not path.is_file():
        return {}
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise DeployError(f"{path} is no JSON: {problem}") from None
    return manifest


def _paths(folder: Path) -> list[Path]:
    """All files but licences and those that are hidden or CPython's."""
    found = []
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith((".", "__pycache__")) for part in parts)
        if path.is_file() and not hidden and path.stem != LICENCE:
            found.append(path)
    return found
