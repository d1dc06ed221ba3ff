"""A board for the tests of utils/: the modem is left alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.device import Device, flash, make_device
from tests.device_modules import load

__all__ = ["flash", "load", "make_device"]


@pytest.fixture
def device(make_device: Callable[..., Device]) -> Device:
    return make_device(modem_on_boot=False)
