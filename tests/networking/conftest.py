"""For tests of the bearers without a board."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture
def firmware_gone() -> Iterator[None]:
    """For tests that load device modules with stand-ins for the firmware: forget both after."""
    before = dict(sys.modules)
    yield
    for name in set(sys.modules) - set(before):
        if name.split(".")[0] not in ("tests", "emulator", "devkit"):
            del sys.modules[name]
    sys.modules.update(before)
