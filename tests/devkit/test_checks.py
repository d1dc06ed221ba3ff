"""The checks of the source files: each finds what is wrong and is content with what is right."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from devkit import checks
from devkit.checks import commit_subject, device_compile, imports, sources
from devkit.checks.__main__ import main as checks_main
from devkit.checks.sources import ROOT

# Wrong in every way at once.
BAD = "from sensors import random \nx = e.errno # teh\nf''\n"  # codespell:ignore
GOOD = '"""A module."""\n\n_A = 1\n'

# check, file, wrong content, words in what it says
WRONG = [
    ("whitespace", "a.py", "x = 1 \n", "a.py:1: blanks at the end"),
    ("whitespace", "a.md", "text", "a.md:1: no newline"),
    ("whitespace", "a.md", "text\n\n", "a.md:2: empty lines"),
    ("whitespace", "a.md", "text\r\n", "a.md:1: line ends with CR LF"),
    ("whitespace", "a.py", "if x:\n\ty = 1\n", "a.py:2: tab"),
    ("lint", "utils/a.py", "import machine\n", "utils/a.py:1:8: F401"),
    ("lint", "utils/a.py", "print(1)\n", "T201"),
    ("lint", "utils/a.py", "x = '" + "a" * 100 + "'\n", "E501"),
    ("lint", "devkit/a.py", "import typing\n\nx: typing.List[int]\n", "UP006"),
    ("lint", "tests/a.py", "import os\n", "F401"),
    ("layout", "utils/a.py", "x = {'a':1}\n", "utils/a.py"),
    ("spelling", "a.md", "teh modem\n", "teh ==> the"),  # codespell:ignore
    ("spelling", "a.py", "# recieve\n", "recieve ==> receive"),  # codespell:ignore
    ("types", "devkit/a.py", "def f(x: int) -> str:\n    return x\n", "return-value"),
    ("types", "devkit/a.py", "def f(x):\n    return x\n", "no-untyped-def"),
    ("device-compile", "utils/a.py", 'x = f"{1}"\n', "utils/a.py: "),
    ("device-compile", "emulator/firmware/a.py", "x: int = 1\n", "SyntaxError"),
    ("device-syntax", "utils/a.py", "x = e.errno\n", "utils/a.py:1: no .errno"),
    ("device-syntax", "lib/a.py", "import random\n", "lib/a.py:1: the board has no module random"),
    ("imports", "utils/a.py", "from sensors import b\n", "utils/a.py:1: imports sensors"),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An empty tree with the project's settings."""
    for name in ("pyproject.toml",):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def _write(tree: Path, name: str, text: str) -> None:
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).write_bytes(text.encode())


@pytest.mark.parametrize(("name", "file", "text", "said"), WRONG)
def test_check_finds(name: str, file: str, text: str, said: str, tree: Path) -> None:
    _write(tree, file, text)
    problems = checks.run(name, tree)
    assert any(said in problem for problem in problems), problems


@pytest.mark.parametrize("name", checks.CHECKS)
@pytest.mark.parametrize("file", ["utils/a.py", "devkit/a.py"])
def test_check_is_content_with_a_good_file(name: str, file: str, tree: Path) -> None:
    _write(tree, file, GOOD)
    assert checks.run(name, tree) == []


@pytest.mark.parametrize("name", [name for name in checks.CHECKS if name != "types"])
def test_check_looks_only_at_the_files_named(name: str, tree: Path) -> None:
    _write(tree, "utils/good.py", GOOD)
    _write(tree, "utils/bad.py", BAD)
    assert checks.run(name, tree, ["utils/bad.py"]) != []
    assert checks.run(name, tree, ["utils/good.py"]) == []


def test_mpy_of_another_build_is_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tree, "utils/a.py", GOOD)
    cached = bytes.fromhex("4d04031f20") + b"rest"  # made with -mcache-lookup-bc
    monkeypatch.setattr(device_compile, "compiled", lambda root, name: cached)
    assert checks.run("device-compile", tree) == [
        "utils/a.py: .mpy begins with 4d 04 03 1f 20, not 4d 04 02 1f 20"
    ]


@pytest.mark.parametrize(
    ("name", "target", "allowed"),
    [
        ("main.py", "networking.nbiot", True),
        ("main.py", "emulator.board", False),
        ("boot.py", "config", True),
        ("networking/nbiot.py", "utils.at", True),
        ("networking/nbiot.py", "microATsocket", True),
        ("networking/nbiot.py", "networking", True),
        ("networking/nbiot.py", "networking.nbiot_scripts", True),
        ("networking/nbiot.py", "networking._attach", True),
        ("networking/nbiot.py", "networking.wifi", False),
        ("networking/nbiot/modem.py", "networking.nbiot.scripts", True),
        ("networking/nbiot/modem.py", "networking.lora", False),
        ("networking/nbiot.py", "sensors.si7021", False),
        ("networking/nbiot.py", "config", False),
        ("networking/__init__.py", "networking.nbiot", False),
        ("protocols/coap.py", "networking.nbiot", False),
        ("protocols/coap.py", "protocols.udp", False),
        ("sensors/si7021.py", "main", False),
        ("lib/microATsocket.py", "utils.at", True),
        ("lib/microATsocket.py", "networking.nbiot", False),
        ("utils/at.py", "utils.timing", True),
        ("utils/at.py", "networking", False),
        ("utils/at.py", "utime", True),
        ("utils/at.py", "tests.helper", False),
        ("emulator/firmware/machine.py", "_board", True),
        ("emulator/firmware/machine.py", "emulator.board.board", False),
        ("emulator/board/board.py", "emulator.board.clock", True),
        ("emulator/board/board.py", "emulator.modem.modem", False),
        ("emulator/modem/modem.py", "emulator.board.board", True),
    ],
)
def test_imports_point_downward(name: str, target: str, allowed: bool) -> None:
    assert (imports.forbidden(name, target.split(".")) == "") is allowed


def test_a_name_of_a_contract_is_no_sibling(tree: Path) -> None:
    _write(tree, "sensors/__init__.py", "class SensorError(OSError):\n    pass\n")
    _write(tree, "sensors/other.py", GOOD)
    _write(tree, "sensors/si7021.py", "from sensors import SensorError, other\n")
    assert checks.run("imports", tree) == [
        "sensors/si7021.py:1: imports sensors.other: members of sensors do not know each other"
    ]


def test_relative_imports_are_followed(tree: Path) -> None:
    _write(tree, "sensors/other.py", GOOD)
    _write(tree, "sensors/si7021.py", "from . import other\nfrom ..networking import nbiot\n")
    assert [problem.split(": ")[1] for problem in checks.run("imports", tree)] == [
        "imports sensors.other",
        "imports networking.nbiot",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import utime\nutime.sleep_ms(5)\n", True),
        ("import time\nx = time.ticks_ms()\n", True),
        ("from utime import ticks_diff\n", True),
        ("import machine\nmachine.sleep(5)\n", True),
        ("import utime\nx = utime.time()\n", False),
        ("from utils import timing\ntiming.sleep_ms(5)\n", False),
    ],
)
def test_only_timing_sleeps_and_asks_for_ticks(text: str, found: bool, tree: Path) -> None:
    _write(tree, "sensors/a.py", text)
    _write(tree, "utils/timing.py", text)
    problems = checks.run("imports", tree)
    assert bool(problems) is found
    assert all(problem.startswith("sensors/a.py") for problem in problems)


@pytest.mark.parametrize(
    ("call", "allowed"),
    [("sleep_us", True), ("ticks_cpu", True), ("sleep_ms", False), ("ticks_ms", False)],
)
def test_one_file_waits_for_microseconds_and_does_nothing_else(
    call: str, allowed: bool, tree: Path
) -> None:
    _write(tree, "utils/microseconds.py", f"import utime\n\n{call} = utime.{call}\n")
    _write(tree, "sensors/a.py", f"from utime import {call}\n")
    files = [problem.split(":")[0] for problem in checks.run("imports", tree)]
    assert files == ["sensors/a.py"] + ([] if allowed else ["utils/microseconds.py"])


@pytest.mark.parametrize(
    "message",
    [
        "networking/nbiot: Retry attach after a denied registration.\n",
        "devkit: Start.\n\nWhy, and how it was checked.\n",
        ".ci, dev: Install from the lock file.\n# Please enter the commit message\n",
        "Merge branch 'a'\n",
        'Revert "devkit: Start."\n',
        "fixup! devkit: Start.\n",
        "tests: " + "A" * 63 + ".",
    ],
)
def test_commit_subject_is_accepted(message: str) -> None:
    assert commit_subject.look(message) == []


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("", "empty"),
        ("# only a comment\n", "empty"),
        ("Fix it.\n", "component: Sentence."),
        ("devkit: start.\n", "component: Sentence."),
        ("devkit: Start\n", "component: Sentence."),
        ("devkit: Start...\n", "component: Sentence."),
        ("devkit Start.\n", "component: Sentence."),
        ("tests: " + "A" * 64 + ".", "72 characters"),
        ("devkit: Start.\nAt once.\n", "an empty line"),
    ],
)
def test_commit_subject_is_refused(message: str, said: str) -> None:
    assert any(said in what for what in commit_subject.look(message))


def test_commit_subject_reads_the_file_that_git_hands_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "COMMIT_EDITMSG"
    path.write_text("no good\n")
    assert checks_main(["commit-subject", str(path)]) == 1
    assert "component: Sentence." in capsys.readouterr().out
    path.write_text("devkit: Start.\n")
    assert checks_main(["commit-subject", str(path)]) == 0


def test_unknown_check_is_refused_with_what_is_allowed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert checks_main(["lynt"]) == 2
    assert "allowed: whitespace, lint" in capsys.readouterr().err


def test_git_runs_the_same_checks_at_a_commit_without_fetching_any() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (repository,) = config["repos"]
    hooks = repository["hooks"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in hooks} == {"system"}
    assert [hook["id"] for hook in hooks] == [*checks.CHECKS, "commit-subject"]
    for hook in hooks:
        assert hook["entry"] == f".venv/bin/python -m devkit.checks {hook['id']}"


def test_pre_commit_accepts_its_configuration() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-config", ".pre-commit-config.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_files_are_found_with_git_and_without(tmp_path: Path) -> None:
    for name in ("main.py", "utils/at.py", ".venv/lib/x.py", "utils/__pycache__/at.pyc"):
        _write(tmp_path, name, "\n")
    assert sources.all_files(tmp_path) == ["main.py", "utils/at.py"]
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    _write(tmp_path, ".gitignore", ".venv/\n__pycache__/\n")
    assert sources.all_files(tmp_path) == [".gitignore", "main.py", "utils/at.py"]
    subprocess.run(["git", "-C", str(tmp_path), "add", "main.py"], check=True)
    (tmp_path / "main.py").unlink()
    assert sources.all_files(tmp_path) == [".gitignore", "utils/at.py"]


@pytest.mark.parametrize(
    ("name", "device", "micropython"),
    [
        ("main.py", True, True),
        ("utils/at.py", True, True),
        ("examples/nbiot_simple.py", True, True),
        ("emulator/firmware/machine.py", False, True),
        ("devkit/cli.py", False, False),
        ("tests/utils/test_at.py", False, False),
        ("README.md", False, False),
    ],
)
def test_what_runs_where(name: str, device: bool, micropython: bool) -> None:
    assert sources.is_device(name) is device
    assert sources.runs_on_micropython(name) is micropython
