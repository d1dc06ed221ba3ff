"""A copy of this project's files in which a test may break a rule."""

from __future__ import annotations

import shutil
from pathlib import Path

from devkit.checks.sources import ROOT, all_files


def copy(to: Path) -> Path:
    for name in all_files(ROOT):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, to / name)
    return to


def append(tree: Path, name: str, text: str) -> int:
    """Add text to a file, which need not exist. Returns the number of its first new line."""
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(before + text, encoding="utf-8")
    return before.count("\n") + 1
