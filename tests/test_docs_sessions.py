"""use-one-module.md, template.md and updates.md: every command, in order, from an empty folder.

The `sh` blocks of a document are one shell session; a `text` block right behind one is part of
what it prints (a line `...` stands for any lines). A block `sh elsewhere` needs a board. What the
document clones is this tree as it is now, with a .venv that is set up, so that nothing is fetched.
An emulated board is behind /dev/ttyUSB0, and `./dev collect` is ended once it listens.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from devkit.build.targets import current_compiler
from devkit.release import provision, sets, store
from devkit.release.sets import Module
from emulator.device_files import ROOT
from tests.devkit.release_sets import keys, modules
from tests.published import publish, setting_up
from tests.usb_board import Rehearsal

__all__ = ["keys", "modules"]

pytestmark = pytest.mark.long

DOCUMENTS = ("use-one-module.md", "template.md", "updates.md")
PORT = "/dev/ttyUSB0"
_COLLECT = re.compile(r"^(\./dev collect .*)$", re.MULTILINE)
# It ends by SIGTERM: a shell lets what runs in the background ignore SIGINT
_UNTIL_IT_LISTENS = r"""\1 --coap 0 --udp off --http off 2>collect.log & collector=$!
until grep -q "^collecting" collect.log; do kill -0 $collector; sleep 0.1; done
kill $collector
wait $collector
"""
ADDRESS = "https://example.org/pycom-nbiot-nodes.git"
_BLOCK = re.compile(r"^```([a-z]*)( [a-z ]+)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_MARK = "@@ block"
# Nothing but time would be lost without: a session would compile the emulator and the devkit
_LINK = f"""'{sys.executable}' -c 'import pathlib, sys; sys.path.insert(0, "{ROOT}")
from tests.published import link_bytecode_of_clone
link_bytecode_of_clone(pathlib.Path.cwd())'
"""


@dataclass(frozen=True)
class Step:
    commands: str
    prints: list[str]  # what stands in the document as its output


def steps(text: str) -> list[Step]:
    found: list[Step] = []
    end = None
    for block in _BLOCK.finditer(text):
        if block[1] == "sh" and not block[2]:
            found.append(Step(block[3], []))
        elif block[1] == "text" and end is not None and not text[end : block.start()].strip():
            found[-1].prints.extend(block[3].splitlines())
        end = block.end() if block[1] == "sh" and not block[2] else None
    return found


def run(steps: list[Step], folder: Path, environment: dict[str, str]) -> list[str]:
    """Run them in one shell that ends at the first failure; the output of each."""
    script = "".join(f"echo '{_MARK}'\n{step.commands}" for step in steps)
    done = subprocess.run(
        ["sh", "-e"],
        input=script,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1000,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.split(_MARK + "\n")[1:]


def check(printed: str, wanted: list[str]) -> None:
    lines = [line.rstrip() for line in printed.splitlines()]
    at = 0
    for line in wanted:
        if line.strip() != "...":
            assert line in lines[at:], f"not printed: {line!r}; printed:\n{printed}"
            at = lines.index(line, at) + 1


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with this tree as it is now."""
    if shutil.which("git") is None:
        pytest.skip("no git here")
    folder = tmp_path_factory.mktemp("origin")
    publish(folder)
    current_compiler()  # in this .venv, so that no session has to install it
    # `dev` finds a .venv that is set up for the folder it is in
    template = folder / ".git-template" / "hooks" / "post-checkout"
    template.parent.mkdir(parents=True)
    template.write_text("#!/bin/sh\nset -eu\n" + setting_up("$(pwd -P)/.venv") + _LINK)
    template.chmod(0o755)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", "-C", str(folder)]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Tree."]):
        subprocess.run([*git, "-c", "core.hooksPath=/dev/null", *command], check=True)
    return folder


@pytest.fixture
def port(keys: Path, modules: list[Module], tmp_path: Path) -> Iterator[str]:
    """Of an emulated board, which has most of a release in its slot: the line is slow."""
    release, store_ = sets.following(None, modules, 1), tmp_path / "store"
    store.write(store_, release, modules, [], keys)
    flash = tmp_path / "board"
    for path, data in provision.of_release(store_, keys, "field-7", "a").files.items():
        if path not in ("a/set", "a/node.mpy", "keys/root", "keys/release"):
            (flash / path).parent.mkdir(parents=True, exist_ok=True)
            (flash / path).write_bytes(data)
    board = Rehearsal(flash, seed=1)
    yield board.port
    board.close()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_works_from_an_empty_folder(
    name: str, origin: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    if name == "updates.md":
        text = text.replace(PORT, request.getfixturevalue("port"))
    todo = [
        Step(_COLLECT.sub(_UNTIL_IT_LISTENS, step.commands), step.prints) for step in steps(text)
    ]
    settings = {
        f"url.{origin}.insteadOf": ADDRESS,
        "init.templateDir": str(origin / ".git-template"),
        "core.hooksPath": str(origin / ".git-template" / "hooks"),
        "safe.directory": "*",
    }
    environment = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    printed = run(todo, tmp_path, environment)
    assert len(printed) == len(todo)
    for step, output in zip(todo, printed, strict=True):
        assert not re.search(r'File ".*/devkit/', output), output  # a traceback, not a board's
        assert "dev: installing" not in output
        check(output, step.prints)


def test_session_with_a_command_that_fails_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="gone"):
        run(steps("```sh\necho gone; false\n```\n\n```sh\ntrue\n```\n"), tmp_path, {})
    [step] = steps("```sh\necho one\necho two\n```\n\n```text\ntwo\none\n```\n")
    [output] = run([step], tmp_path, {})
    with pytest.raises(AssertionError, match="not printed: 'one'"):
        check(output, step.prints)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_address_is_the_one_that_is_cloned(name: str) -> None:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert ADDRESS in text
    assert len(steps(text)) >= 6
