"""Source archives that pip fetches but cannot install: no setup.py and no pyproject.toml in them.

Packages of micropython-lib were published like that for years, for MicroPython's own installer.
pip finds such an archive wherever it is configured to look, checks its hash, unpacks it, and only
then gives up; told not to tidy up, it leaves the unpacked files in its folder for temporary ones.
They are taken from there, and written as pip would have installed them. None of their code runs.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from devkit.requirements import pip
from devkit.requirements.report import Progress

LICENCES = Path(__file__).parent / "licences"  # NAME.txt, for packages that do not contain theirs
_PROJECT = ("setup.py", "pyproject.toml")


def requirements(lock: Path) -> Iterator[str]:
    """The requirements of a lock file, each with its hashes as one line."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            yield line


def install(lock: Path, folder: Path) -> None:
    """Put what `lock` lists into `folder`, one package after the other. Raises NotInstalled."""
    folder.mkdir(parents=True)
    wanted = list(requirements(lock))
    names = ", ".join(requirement.split()[0] for requirement in wanted)
    with Progress(f"{names} ({lock.name})", len(wanted)) as progress:
        for requirement in wanted:
            problem = _install_one(requirement, folder)
            if problem:
                raise progress.failure(problem)
            progress.step()


def _install_one(requirement: str, folder: Path) -> str:
    """Why it failed, "" if it did not."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="pip-") as name:
        scratch = Path(name)
        lock = scratch / "wanted.txt"
        lock.write_text(requirement + "\n", encoding="utf-8")
        fresh = scratch / "fresh"
        unpacked = scratch / "unpacked"
        unpacked.mkdir()
        options = ("--no-deps", "--no-clean", "--target", str(fresh))
        problem = pip.install(lock, *options, temporary=unpacked)
        if problem and not _write_installed(unpacked, fresh):
            return problem
        shutil.copytree(fresh, folder, dirs_exist_ok=True)
    return ""


def _write_installed(unpacked: Path, folder: Path) -> bool:
    """Write the one archive that pip has unpacked and refused, as an installed package.

    False if there is no such archive: pip failed for another reason.
    """
    found = [info.parent for info in unpacked.glob("pip-*/*/*.egg-info") if info.is_dir()]
    if len(found) != 1 or any((found[0] / name).exists() for name in _PROJECT):
        return False
    [source] = found
    [info] = source.glob("*.egg-info")
    metadata = (info / "PKG-INFO").read_text(encoding="utf-8")
    fields = dict(line.split(": ", 1) for line in metadata.splitlines() if ": " in line)
    name = fields["Name"]
    paths = [path.relative_to(source) for path in sorted(source.rglob("*.py"))]
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, folder / path)
    written = Path(f"{name}-{fields['Version']}.dist-info")
    (folder / written).mkdir(parents=True)
    (folder / written / "METADATA").write_text(metadata, encoding="utf-8")
    paths.append(written / "METADATA")
    licence = LICENCES / f"{name}.txt"
    if licence.is_file():
        shutil.copyfile(licence, folder / written / "LICENSE")
        paths.append(written / "LICENSE")
    record = "".join(f"{path.as_posix()},,\n" for path in [*paths, written / "RECORD"])
    (folder / written / "RECORD").write_text(record, encoding="utf-8")
    return True
