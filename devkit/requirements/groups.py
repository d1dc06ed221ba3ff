"""Groups of packages in the virtual environment of `dev`, each installed when first needed.

A stamp for each group holds a hash of its lines of the lock file. It is written last, so that an
interrupted installation is repeated; after a change of the lock file the groups that it touches
are installed again when they are needed.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
from pathlib import Path

from devkit.requirements import folder, lock, pip, venv
from devkit.requirements.report import Progress
from emulator.device_files import packages_folder

DEVICE_LOCK = lock.HERE / "device.lock"
GROUPS = lock.groups((lock.HERE / "requirements.in").read_text(encoding="utf-8"))
_BASE = "run"  # with the packages for boards, which the emulated board loads
# pip prints one of them for each entry that it is given
_STEPS = ("Collecting ", "Ignoring ", "Requirement already satisfied: ")


def need(*names: str) -> None:
    """Have the packages of these groups. NotInstalled if they cannot be had.

    An environment that `dev` did not make is left as it is: whoever made it chose its packages.
    """
    here = Path(sys.prefix)
    if not venv.is_sound(here):
        return
    known = lock.pins((lock.HERE / "requirements.lock").read_text(encoding="utf-8"))
    if not _missing(names, known, here):
        return
    stamps = here / "groups"
    stamps.mkdir(exist_ok=True)
    with folder.turn(stamps / "lock"):
        missing = _missing(names, known, here)
        if missing:
            _install(missing, known, here)
            for name in missing:
                _stamp(name, here).write_text(_wanted(name, known), encoding="ascii")
            importlib.invalidate_caches()


def _missing(names: tuple[str, ...], known: list[lock.Pin], here: Path) -> list[str]:
    return [
        name
        for name in names
        if not _stamp(name, here).is_file()
        or _stamp(name, here).read_text(encoding="ascii") != _wanted(name, known)
    ]


def _stamp(name: str, here: Path) -> Path:
    return here / "groups" / name


def _wanted(name: str, known: list[lock.Pin]) -> str:
    content = "\n".join(pin.text for pin in lock.belonging(GROUPS[name].names, known))
    if name == _BASE:
        content += DEVICE_LOCK.read_text(encoding="utf-8")
    return hashlib.sha256(content.encode()).hexdigest()


def _install(names: list[str], known: list[lock.Pin], here: Path) -> None:
    asked = sorted({package for name in names for package in GROUPS[name].names})
    belonging = lock.belonging(asked, known)
    for_what = ", ".join(GROUPS[name].about for name in names)
    shown = ", ".join(asked if len(asked) < 8 else [*asked[:6], f"{len(asked) - 6} more"])
    wanted = here / "groups" / "wanted.txt"
    wanted.write_text("".join(pin.text + "\n" for pin in belonging), encoding="utf-8")
    title = f"packages for {for_what} ({shown})"
    with (
        (here / "pip.log").open("w", encoding="utf-8") as log,
        Progress(title, len(belonging)) as progress,
    ):

        def said(line: str) -> None:
            log.write(line)
            if line.startswith(_STEPS):
                progress.step()

        problem = pip.install(wanted, "--only-binary", ":all:", said=said)
        if problem:
            raise progress.failure(f"{problem}; all output of pip: {log.name}")
    if _BASE in names:
        folder.installed(DEVICE_LOCK, packages_folder())
