"""Boards to deploy to, and builds to deploy."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devkit import cli
from devkit.deploy import repl
from emulator.vm import webassembly
from tests.devkit.deploy.board import Board, Cable


@pytest.fixture(scope="session", autouse=True)
def vm_is_installed() -> None:
    """What the first use says of it is not the deployment's."""
    webassembly.package()


@pytest.fixture
def board() -> Iterator[Callable]:
    """Makes a board with these files in its flash."""
    with contextlib.ExitStack() as stack:

        def make(files: dict[str, bytes] | None = None, **options: object):
            made = Board(files, **options)
            stack.callback(made.close)
            return made

        yield make


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
