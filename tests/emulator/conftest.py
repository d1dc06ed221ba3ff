"""Boards with an empty flash, for tests of the VM, the firmware's modules and services."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.device import Bare


@pytest.fixture
def make_device(make_bare: Callable[..., Bare]) -> Callable[..., Bare]:
    return make_bare


@pytest.fixture
def device(make_device: Callable[..., Bare]) -> Bare:
    return make_device()
