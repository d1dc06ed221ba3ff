"""The project as it is published: without what a deployment edits or adds."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from devkit.application import REFERENCE
from devkit.checks.sources import all_files
from emulator.device_files import ROOT


def publish(folder: Path, wanted: Callable[[str], bool] = lambda name: True) -> None:
    """Copy this tree to `folder`, with config.py as it is published and no credentials.py."""
    for name in filter(wanted, all_files(ROOT)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    shutil.copy2(REFERENCE, folder / "config.py")


def setting_up(venv: str) -> str:
    """Shell commands that make a .venv of that path for `dev`, so that nothing is installed."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return (
        f"""mkdir "{venv}"\nln -s '{sys.prefix}'/* "{venv}/"\nrm -f "{venv}/made-by-dev"\n"""
        f"""echo "{venv}" {version} >"{venv}/made-by-dev"\n"""
    )
