"""The picture in docs/collect.md: it can be made again, of the same size."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from devkit.docs import collector_page
from devkit.servers import chromium
from emulator.device_files import ROOT


def size(picture: Path) -> tuple[int, int]:
    data = picture.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) < 100_000
    return struct.unpack(">II", data[16:24])


def test_the_picture_of_the_documentation(tmp_path: Path) -> None:
    assert size(ROOT / "docs" / "collect.png") == (collector_page.WIDTH, collector_page.HEIGHT)
    try:
        collector_page.take_picture(str(tmp_path / "again.png"))
    except chromium.NoBrowser as problem:
        pytest.skip(str(problem))
    assert size(tmp_path / "again.png") == size(ROOT / "docs" / "collect.png")
