"""`./dev new KIND NAME`: what it writes works before the first edit, and nothing else changes.

The promise of docs/design.md: a bearer and a protocol are new files, and so is a sensor. It is
tried in a copy of the project, from the skeletons to reports that reach a real server.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from devkit import checks, cli
from devkit.checks.sources import all_files
from devkit.commands import UsageError
from devkit.commands.new import KINDS, create
from emulator.device_files import ROOT
from tests.published import link_bytecode

NAMES = {"sensor": "soil_7", "bearer": "toy", "protocol": "toy_talk"}
NPM = "emulator/vm/npm"


@dataclass
class Copy:
    """The project with a skeleton of each kind."""

    root: Path
    before: dict[str, str]  # each file and its hash
    said: dict[str, str]  # by kind: what the command printed

    def run(self, *words: str) -> str:
        """What a command prints that has to succeed."""
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def made(self) -> list[str]:
        return sorted(path for what, name in NAMES.items() for path in KINDS[what].paths(name))

    def changed(self) -> list[str]:
        """What is not as it was, the files of the skeletons left out."""
        now = self.files()
        names = {*now, *self.before} - set(self.made)
        return sorted(name for name in names if now.get(name) != self.before.get(name))

    def files(self) -> dict[str, str]:
        return {
            name: hashlib.sha256((self.root / name).read_bytes()).hexdigest()
            for name in all_files(self.root)
            if not name.startswith(NPM)
        }


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    root = tmp_path_factory.mktemp("project")
    for name in all_files(ROOT):
        if not name.startswith((NPM, "docs/")) and "/test_" not in name:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    (root / NPM).symlink_to(ROOT / NPM)
    link_bytecode(root)
    made = Copy(root, {}, {})
    made.before = made.files()
    for what, name in NAMES.items():
        made.said[what] = made.run("devkit", "new", what, name)
    return made


def test_the_skeletons_pass_their_tests(copy: Copy) -> None:
    all_tests = []
    for what, name in NAMES.items():
        paths = KINDS[what].paths(name)
        assert copy.said[what].splitlines()[: len(paths)] == paths
        tests = [path for path in paths if path.startswith("tests/")]
        assert len(tests) == 2
        assert f"./dev test {' '.join(tests)}\n" in copy.said[what]
        all_tests += tests
    said = copy.run("pytest", "-v", "-p", "no:cacheprovider", *all_tests, "-m", "not vm")
    assert " passed" in said and all(f"{test}::" in said for test in all_tests)


def test_the_skeletons_pass_the_checks_and_the_table_of_imports_needs_no_row(copy: Copy) -> None:
    for check in ("imports", "device-syntax", "device-compile", "whitespace"):
        assert checks.run(check, copy.root, copy.made) == []


def test_the_layout_is_right_for_names_of_all_lengths(copy: Copy, tmp_path: Path) -> None:
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    for what, letter in zip(KINDS, "abc", strict=True):  # the names of components are unique
        for length in (1, 7, 20):
            create(what, letter * length, tmp_path)
    copy.run("ruff", "check", "--no-cache", str(tmp_path))
    copy.run("ruff", "format", "--check", "--no-cache", str(tmp_path))


def test_a_new_sensor_is_listed_and_read_on_its_chip(copy: Copy) -> None:
    assert "on the emulated chip: t = 21." in copy.run("devkit", "sensors", "soil_7")


@pytest.mark.parametrize(
    ("bearer", "protocol", "confirms"), [("toy", "udp", False), ("nbiot", "toy_talk", True)]
)
def test_a_new_bearer_and_a_new_protocol_deliver_to_a_real_server(
    copy: Copy, bearer: str, protocol: str, confirms: bool
) -> None:
    words = ["--bearer", bearer, "--protocol", protocol, "--cycles", "1", "--json"]
    answer = json.loads(copy.run("devkit", "demo", *words))
    [cycle] = answer["cycles"]
    assert answer["ok"]
    assert cycle["delivered"] == len(cycle["sent"]) > 0
    assert cycle["accepted"] > 0
    assert cycle["confirmed"] == (cycle["accepted"] if confirms else 0)
    if bearer == "toy":
        assert [phase["name"] for phase in cycle["phases"]][3:5] == ["wake", "link"]
        assert 0 < cycle["radio_on_ms"] < cycle["awake_ms"]
        assert cycle["air_bytes"] > 0
    assert copy.changed() == []


def test_a_change_elsewhere_would_be_seen(copy: Copy) -> None:
    node, more = copy.root / "node.py", copy.root / "protocols" / "more.py"
    text = node.read_bytes()
    try:
        node.write_bytes(text + b"\n")
        more.write_text("")
        assert copy.changed() == ["node.py", "protocols/more.py"]
    finally:
        node.write_bytes(text)
        more.unlink()


def test_a_chip_serves_a_bearer_only_if_its_file_says_so(copy: Copy) -> None:
    program = "from devkit.application import chips\nprint(chips('toy'), chips('nbiot'))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=copy.root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "{'toy': {}} {}\n"


# What is refused


@pytest.mark.parametrize(
    "name", ["Soil", "7soil", "_soil", "soil-7", "soil/7", "../soil", "", "s" * 21, "class"]
)
def test_names_that_are_no_modules_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="allowed: 1 to 20"):
        create("sensor", name, tmp_path)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    ("what", "there"), [(what, path) for what in KINDS for path in KINDS[what].paths("soil")]
)
def test_nothing_is_overwritten_and_nothing_is_left_half(
    tmp_path: Path, what: str, there: str
) -> None:
    own = tmp_path / there
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        create(what, "soil", tmp_path)
    assert own.read_text() == "mine"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [own]


def test_the_name_of_a_component_in_another_folder_is_refused(tmp_path: Path) -> None:
    create("bearer", "toy", tmp_path)
    with pytest.raises(UsageError, match=r"networking/toy\.py is there already"):
        create("protocol", "toy", tmp_path)


def test_the_command_refuses_other_things_with_what_is_allowed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["new", "planet", "x"])
    assert "choose from 'sensor', 'bearer', 'protocol'" in capsys.readouterr().err
    assert cli.main(["new", "sensor", "si7021"]) == 2
    assert "is there already; allowed: a name not in use" in capsys.readouterr().err
