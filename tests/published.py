"""The project as it is published: without what a deployment edits or adds."""

from __future__ import annotations

import filecmp
import os
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


def link_bytecode(folder: Path) -> None:
    """Let the files copied to `folder`, as old as their originals, be compiled already."""
    kept = sys.pycache_prefix
    if kept is not None and Path(kept, *ROOT.parts[1:]).is_dir():
        shutil.copytree(
            Path(kept, *ROOT.parts[1:]), Path(kept, *folder.resolve().parts[1:]),
            copy_function=os.link, ignore=shutil.ignore_patterns(".venv"), dirs_exist_ok=True,
        )  # fmt: skip


def link_bytecode_of_clone(folder: Path) -> None:
    """The same for a clone: its files that are as here become as old as those here."""
    for name in all_files(ROOT):
        here, there = ROOT / name, folder / name
        if there.suffix == ".py" and there.is_file() and filecmp.cmp(here, there, shallow=False):
            shutil.copystat(here, there)
    link_bytecode(folder)


def setting_up(venv: str) -> str:
    """Shell commands that make a .venv of that path for `dev`, so that nothing is installed."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return (
        f"""mkdir "{venv}"\nln -s '{sys.prefix}'/* "{venv}/"\nrm -f "{venv}/made-by-dev"\n"""
        f"""echo "{venv}" {version} >"{venv}/made-by-dev"\n"""
    )
