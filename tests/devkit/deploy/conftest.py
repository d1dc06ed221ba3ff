"""Boards to deploy to, and builds to deploy."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devkit import cli
from devkit.deploy import repl
from tests.devkit.deploy.board import Cable, Current, Pycom


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Callable[..., Pycom]]:
    """Makes a board with these files in its flash."""
    with contextlib.ExitStack() as stack:

        def make(files: dict[str, bytes] | None = None, **options: Any) -> Pycom:
            flash = Path(tempfile.mkdtemp(dir=tmp_path, prefix="board-"))
            made = Pycom(flash, files or {}, **options)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def current() -> Iterator[Current]:
    """Another MicroPython of today."""
    made = Current()
    yield made
    made.close()


@pytest.fixture
def cable() -> Iterator[Callable]:
    """Puts a cable that does harm before a board."""
    with contextlib.ExitStack() as stack:

        def make(*arguments: object, **harms: object):
            made = Cable(*arguments, **harms)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    """Makes a folder with these files."""

    def make(files: dict[str, bytes]) -> Path:
        for path, data in files.items():
            target = tmp_path / "flash" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return tmp_path / "flash"

    return make


@pytest.fixture
def deploy(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command, less patient than on a slow line."""
    monkeypatch.setattr(repl, "PATIENCE_S", 0.5)

    def run(port: str, source: Path, *arguments: str) -> int:
        return cli.main(["deploy", port, "--from", str(source), "--wait", "1", *arguments])

    return run
