"""A board for the tests of utils/: the modem is left alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.device import Device


@pytest.fixture
def device(make_device: Callable[..., Device]) -> Device:
    return make_device(modem_on_boot=False)
