"""`./dev build`: dist/TARGET with the compiled device files and what describes them.

flash/         what goes on the board
manifest.json  components, hashes, requirements (devkit/build/manifest.py)
mip/           a package description per component (devkit/build/mip.py)
stubs/         signatures and docstrings for an editor (devkit/build/stubs.py)
licences/      licence texts of packages from PyPI, if a component needs any
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from devkit.build import manifest, mip, packages, stubs
from devkit.build.targets import Target
from emulator.device_files import ROOT

FLASH = "flash"


def build(target: Target, folder: Path, root: Path = ROOT) -> dict[str, Any]:
    """Make `folder` a build of the device files of `root`, and return its manifest.

    An earlier build there is replaced only when this one is complete. Raises ValueError for a
    file that does not compile, requirements.NotInstalled.
    """
    fetched = packages.for_device(root)
    content = manifest.compiled_files(target, root) | manifest.package_files(target, fetched)
    table = manifest.made(target, content, fetched, root)
    texts = {Path(manifest.FILE): manifest.text(table)}
    for name, description in mip.descriptions(table).items():
        texts[Path(mip.FOLDER, name)] = manifest.text(description)
    texts |= {stubs.FOLDER / path: text for path, text in stubs.stubs(root).items()}
    everything = {FLASH / path: data for path, data in content.items()}
    everything |= {path: text.encode("utf-8") for path, text in texts.items()}
    for package in fetched:
        for path in package.licences:
            licence = (package.folder / path).read_bytes()
            everything[manifest.licence_path(package, path)] = licence
    _replace(folder, everything)
    return table


def _replace(folder: Path, content: dict[Path, bytes]) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / manifest.FILE).is_file():
        raise ValueError(f"{folder} is in the way; allowed: an empty folder, or an earlier build")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".build-") as scratch:
        fresh = Path(scratch) / "fresh"
        for path, data in content.items():
            (fresh / path).parent.mkdir(parents=True, exist_ok=True)
            (fresh / path).write_bytes(data)
        if folder.exists():
            shutil.move(folder, Path(scratch) / "old")
        fresh.rename(folder)
