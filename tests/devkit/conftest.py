"""The compiler for a current MicroPython, which the first build for it fetches."""

from __future__ import annotations

import os

import pytest

from devkit import requirements
from devkit.build import targets


@pytest.fixture(scope="session")
def current_compiler() -> str:
    """Its path. Without network, and not fetched before: no such test, but not where CI runs."""
    try:
        return targets.current_compiler()
    except requirements.NotInstalled as problem:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{problem}")
