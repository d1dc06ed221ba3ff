"""Which files of this project go on a device, and a folder of just these as a /flash."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ("boot.py", "main.py", "config.py")
FOLDERS = ("networking", "protocols", "sensors", "utils", "lib")


def device_files(root: Path = ROOT) -> list[Path]:
    """Paths of all device files relative to `root`, sorted."""
    found = [Path(name) for name in SCRIPTS if (root / name).is_file()]
    for folder in FOLDERS:
        found += [path.relative_to(root) for path in (root / folder).rglob("*.py")]
    return sorted(found)


def copy_device_files(target: Path, root: Path = ROOT) -> None:
    """Make `target` a /flash with the device files, as they are."""
    for path in device_files(root):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, target / path)
