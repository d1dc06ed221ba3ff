"""pymakr.conf keeps Pymakr from uploading what is not for the board."""

from __future__ import annotations

import json
from pathlib import Path

from emulator.device_files import copy_device_files
from tests.published import publish


def test_what_pymakr_must_not_upload_is_listed(tmp_path: Path) -> None:
    publish(tmp_path)
    made = {".git", ".venv", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache",
            "__pycache__", "dist", "nodes"}  # fmt: skip
    copy_device_files(tmp_path / "flash")
    device = {path.name for path in (tmp_path / "flash").iterdir()}
    there = {path.name for path in tmp_path.iterdir()} - {"flash"}
    listed = json.loads((tmp_path / "pymakr.conf").read_text())["py_ignore"]
    assert sorted(listed) == sorted((there | made) - device)
