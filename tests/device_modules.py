"""Pure device modules, loaded straight into a test with the few firmware names they need."""

from __future__ import annotations

import collections
import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


@pytest.fixture(scope="module")
def load() -> Iterator[Callable[[str], ModuleType]]:
    """load("protocols.senml") gives a module of its own to this test file."""
    firmware: dict[str, Any] = {
        "ucollections": collections,
        "micropython": SimpleNamespace(const=lambda value: value),
        "utime": SimpleNamespace(ticks_cpu=lambda: 0, ticks_diff=lambda end, start: end - start),
    }
    before = dict(sys.modules)
    sys.modules.update(firmware)
    for name in list(sys.modules):
        if name.split(".")[0] in ("protocols", "utils"):
            del sys.modules[name]
    yield importlib.import_module
    for name in set(sys.modules) - set(before):
        if name.split(".")[0] in ("protocols", "utils", *firmware):
            del sys.modules[name]
    sys.modules.update(before)
