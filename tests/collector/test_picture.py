"""The picture in docs/collect.md is there, small, and of the size that is made."""

from __future__ import annotations

import struct

from collector import picture
from emulator.device_files import ROOT


def test_the_picture_of_the_documentation() -> None:
    data = (ROOT / "docs" / "collect.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) < 100_000
    assert struct.unpack(">II", data[16:24]) == (picture.WIDTH, picture.HEIGHT)
