"""Boards with the modem's driver, modem and network, for the tests of the bearers."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.device import flash, make_device

__all__ = ["firmware_gone", "flash", "make_device"]


@pytest.fixture
def firmware_gone() -> Iterator[None]:
    """For tests that load device modules with stand-ins for the firmware: forget both after."""
    before = dict(sys.modules)
    yield
    for name in set(sys.modules) - set(before):
        if name.split(".")[0] not in ("tests", "emulator", "devkit"):
            del sys.modules[name]
    sys.modules.update(before)
