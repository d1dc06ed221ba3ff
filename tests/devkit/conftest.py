"""The compiler for a current MicroPython, which the first build for it fetches; releases."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from devkit import evaluation, requirements
from devkit.build import targets
from emulator.device_files import ROOT
from tests.devkit.release_sets import altered, keys, modules

__all__ = ["altered", "keys", "modules"]


@pytest.fixture(scope="session")
def current_compiler() -> str:
    """Its path. Without network, and not fetched before: no such test, but not where CI runs."""
    try:
        return targets.current_compiler()
    except requirements.NotInstalled as problem:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{problem}")


@pytest.fixture
def damage(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], int]:
    """Adds a line to a device file of every /flash on which configurations are evaluated; returns
    its number."""
    copy = evaluation.copy_device_files

    def add(path: str, line: str) -> int:
        def copied(flash: Path) -> None:
            copy(flash)
            with (flash / path).open("a", encoding="utf-8") as stream:
                stream.write(f"{line}\n")

        monkeypatch.setattr(evaluation, "copy_device_files", copied)
        monkeypatch.setattr(evaluation, "_memory", {})
        return len((ROOT / path).read_text(encoding="utf-8").splitlines()) + 1

    return add


@pytest.fixture
def evaluated_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Configurations run in this process, which has the device files compiled: for files that end.
    One that does not needs the process of its own that it has otherwise."""
    no_limit = SimpleNamespace(
        dump_traceback_later=lambda *given, **more: None, cancel_dump_traceback_later=lambda: None
    )
    monkeypatch.setattr(evaluation, "faulthandler", no_limit)
    monkeypatch.setattr(evaluation, "_run", evaluation._evaluated)
