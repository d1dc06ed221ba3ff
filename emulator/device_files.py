"""Which files of this project go on a device, and a folder of just these as a /flash."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ("boot.py", "main.py", "config.py")  # the firmware runs, and people edit, the source
MODULES = ("node.py",)  # of the application, beside its scripts
FOLDERS = ("networking", "protocols", "sensors", "utils", "lib")


def device_files(root: Path = ROOT) -> list[Path]:
    """Paths of all device files relative to `root`, sorted."""
    found = [Path(name) for name in SCRIPTS + MODULES if (root / name).is_file()]
    for folder in FOLDERS:
        found += [path.relative_to(root) for path in (root / folder).rglob("*.py")]
    return sorted(found)


def copy_device_files(target: Path, root: Path = ROOT) -> None:
    """Make `target` a /flash with the device files and the packages they import, as they are."""
    for path, source in flash_files(root).items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target / path)


def flash_files(root: Path = ROOT) -> dict[Path, Path]:
    """Path on the board -> file here: the device files, and in lib/ the modules of packages."""
    folder = packages_folder()
    packages = {Path("lib") / path.relative_to(folder): path for path in folder.rglob("*.py")}
    return {path: root / path for path in device_files(root)} | packages


def packages_folder() -> Path:
    """Where packages from PyPI that device files import are, put there by those who install them.
    A board without them lacks their modules."""
    return Path(sys.prefix) / "device-packages"
