"""Packages from PyPI whose modules device files may import.

`devkit/requirements/device.lock`, if there is one, lists them. Which component needs which package
follows from the imports. They are compiled like our own files, into /flash/lib; their licences are
kept in `licences/` of the build.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

from devkit import requirements
from emulator.device_files import packages_folder

DEVICE_LOCK = "devkit/requirements/device.lock"
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


def for_device(root: Path) -> list[Package]:
    """The packages that the device files of `root` may import, by name; none without a lock file.

    Raises NotInstalled, and ValueError for a package without a licence text.
    """
    lock = root / DEVICE_LOCK
    if not lock.is_file():
        return []
    folder = requirements.installed(lock, packages_folder())
    found = [_package(PathDistribution(path), folder) for path in folder.glob("*.dist-info")]
    return sorted(found, key=lambda package: package.name)


def needed_by(foreign: Iterable[str], root: Path) -> dict[Path, Path]:
    """Path on the board -> file here, of the packages that provide one of these modules
    (Component.foreign). Raises as for_device."""
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
