"""Packages from PyPI that a build needs: fetched at build time, each pinned by its hash.

A lock file in pip's format (`NAME==VERSION --hash=sha256:...`) says which; without network what
was fetched once is used as long as the lock file stays the same.

For device code: `devkit/requirements/device.lock`, if there is one, lists packages whose modules
device files may import. Which component needs which package follows from the imports. They are
compiled like our own files, into /flash/lib; their licences are kept in `licences/` of the build.
"""

from __future__ import annotations

import hashlib
import stat
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from typing import IO

from devkit.build import sdist
from devkit.build.sdist import NotInstalled
from emulator.device_files import packages_folder

__all__ = ["NotInstalled", "Package", "device_files", "for_device", "installed", "needed_by"]

DEVICE_LOCK = "devkit/requirements/device.lock"
STAMP = "complete"
_LICENCE_WORDS = ("licen", "copying", "notice")


@dataclass(frozen=True)
class Package:
    """One package for the device, as unpacked by pip."""

    name: str
    version: str
    licence: str  # as its author declares it, "" if not
    modules: tuple[Path, ...]  # .py files, relative to `folder`
    licences: tuple[Path, ...]
    folder: Path

    @property
    def provides(self) -> frozenset[str]:
        """First parts of the dotted names of its modules."""
        return frozenset(path.parts[0].removesuffix(".py") for path in self.modules)

    @property
    def files(self) -> dict[Path, Path]:
        """Path on the board -> file here."""
        return {Path("lib") / path: self.folder / path for path in self.modules}


def installed(lock: Path, folder: Path, programs: tuple[str, ...] = ()) -> Path:
    """`folder` with what `lock` lists and nothing else; installed if it is not like that.

    programs: files, relative to `folder`, that the wheels carry without the mark that makes them
    programs. Raises NotInstalled.
    """
    if _is_complete(folder, lock):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Whoever is first installs, the others wait for it: none takes the folder away from under a
    # compiler that another has started. The system opens the lock when its holder dies.
    with folder.with_name(folder.name + ".lock").open("w") as turn:
        _wait_for_turn(turn)
        if not _is_complete(folder, lock):
            _install(lock, folder, programs)
    return folder


def _install(lock: Path, folder: Path, programs: tuple[str, ...]) -> None:
    """Beside it, and moved when complete: nobody sees half of it."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=folder.name) as scratch:
        fresh = Path(scratch) / "fresh"
        sdist.install(lock, fresh)
        for name in programs:
            program = fresh / name
            program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        (fresh / STAMP).write_text(_wanted(lock), encoding="ascii")
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        fresh.rename(folder)


def _wait_for_turn(turn: IO[str]) -> None:
    if sys.platform == "win32":
        import msvcrt  # tries for ten seconds, then raises OSError

        msvcrt.locking(turn.fileno(), msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(turn, fcntl.LOCK_EX)


def _wanted(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _is_complete(folder: Path, lock: Path) -> bool:
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text(encoding="ascii") == _wanted(lock)


def for_device(root: Path) -> list[Package]:
    """The packages that the device files of `root` may import, by name; none without a lock file.

    Raises NotInstalled, and ValueError for a package without a licence text.
    """
    lock = root / DEVICE_LOCK
    if not lock.is_file():
        return []
    folder = installed(lock, packages_folder())
    found = [_package(PathDistribution(path), folder) for path in folder.glob("*.dist-info")]
    return sorted(found, key=lambda package: package.name)


def device_files(root: Path) -> dict[Path, Path]:
    """Path on the board -> file here, of all modules of these packages. Raises as for_device."""
    return {path: file for package in for_device(root) for path, file in package.files.items()}


def needed_by(foreign: Iterable[str], root: Path) -> dict[Path, Path]:
    """The same of the packages that provide one of these modules (Component.foreign)."""
    wanted = set(foreign)
    return {
        path: file
        for package in for_device(root)
        if package.provides & wanted
        for path, file in package.files.items()
    }


def _package(distribution: Distribution, folder: Path) -> Package:
    paths = sorted(Path(str(file)) for file in distribution.files or ())
    metadata = distribution.metadata
    name = metadata["Name"]
    declared = [metadata[key] for key in ("License-Expression", "License") if key in metadata]
    licences = [
        path
        for path in paths
        if path.parts[0].endswith(".dist-info")
        and any(word in path.name.lower() for word in _LICENCE_WORDS)
    ]
    if not licences:
        raise ValueError(f"package {name} has no text of its licence; allowed: packages that do")
    return Package(
        name=name,
        version=metadata["Version"],
        licence=next(iter(declared), ""),
        modules=tuple(path for path in paths if path.suffix == ".py" and ".." not in path.parts),
        licences=tuple(licences),
        folder=folder,
    )


if __name__ == "__main__":  # set-up: ./dev fetches them while there is network
    from emulator.device_files import ROOT

    try:
        for_device(ROOT)
    except (NotInstalled, ValueError) as problem:
        raise SystemExit(str(problem)) from None
