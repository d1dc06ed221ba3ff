"""The checks of the source files: each finds what is wrong and is content with what is right."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from devkit import checks
from devkit.checks import commit_subject, sources
from devkit.checks.__main__ import main as checks_main
from devkit.checks.sources import ROOT
from devkit.cli import main as cli_main
from emulator.vm import mpy

# Wrong in every way at once.
BAD = "from utime import sleep \nx = e.errno # teh\nf''\n"  # codespell:ignore
GOOD = '"""A module."""\n\n_A = 1\n'

# check, file, wrong content, words in what it says
WRONG = [
    ("whitespace", "a.py", "x = 1 \n", "a.py:1: whitespace: blanks at the end"),
    ("whitespace", "a.md", "text", "a.md:1: whitespace: no newline"),
    ("whitespace", "a.md", "text\n\n", "a.md:2: whitespace: empty lines"),
    ("whitespace", "a.md", "text\r\n", "a.md:1: whitespace: line ends with CR LF"),
    ("whitespace", "a.py", "if x:\n\ty = 1\n", "a.py:2: whitespace: tab"),
    ("whitespace", "utils/a.py", "x = 1\0\n", "utils/a.py:1: whitespace: no text in UTF-8"),
    ("lint", "utils/a.py", "\nimport machine\n", "utils/a.py:2: F401: "),
    ("lint", "utils/a.py", "x = (\n", "utils/a.py:2: invalid-syntax: "),
    ("lint", "utils/a.py", "from . import b\n", "TID252"),
    ("lint", "utils/a.py", "print(1)\n", "T201"),
    ("lint", "utils/a.py", "x = '" + "a" * 100 + "'\n", "E501"),
    ("lint", "devkit/a.py", "import typing\n\nx: typing.List[int]\n", "UP006"),
    ("lint", "tests/a.py", "import os\n", "F401"),
    ("format", "utils/a.py", "x = 1\n\ny = {'a':1}\n", "utils/a.py:3: unformatted: "),
    ("spelling", "a.md", "\nteh\n", "a.md:2: spelling: teh ==> the"),  # codespell:ignore
    ("spelling", "a.py", "# recieve\n", "recieve ==> receive"),  # codespell:ignore
    ("types", "devkit/a.py", "def f(x: int) -> str:\n    return x\n", "devkit/a.py:2: types: "),
    ("types", "devkit/a.py", "def f(x):\n    return x\n", "no-untyped-def"),
    ("device-compile", "utils/a.py", 'x = 1\ny = f"{1}"\n', "utils/a.py:2: device-compile: "),
    ("device-compile", "emulator/firmware/a.py", "x: int = 1\n", "invalid syntax"),
    ("device-syntax", "utils/a.py", "x = e.errno\n", "utils/a.py:1: device-syntax: no .errno"),
    (
        "device-syntax",
        "lib/a.py",
        "import random\n",
        "lib/a.py:1: device-syntax: the board has no",
    ),
    ("imports", "utils/a.py", "import utime\n\nutime.sleep(1)\n", "utils/a.py:3: imports: "),
    ("budgets", "main.py", "#\n" * 71, "main.py:71: budgets: main.py: 71 lines; at most 70"),
]

# One of each check, in files of their own
ONE_EACH = [
    ("whitespace", "a.md", "text\n\n", "a.md:2: whitespace: "),
    ("lint", "utils/lint.py", "import machine\n", "utils/lint.py:1: F401: "),
    ("format", "utils/format.py", "x = {'a':1}\n", "utils/format.py:1: unformatted: "),
    ("spelling", "b.md", "teh\n", "b.md:1: spelling: "),  # codespell:ignore
    ("types", "devkit/types.py", "def f(x):\n    return x\n", "devkit/types.py:1: types: "),
    ("device-compile", "utils/f.py", "x = f'{1}'\n", "utils/f.py:1: device-compile: "),
    ("device-syntax", "utils/s.py", "x = e.errno\n", "utils/s.py:1: device-syntax: "),
    ("imports", "utils/i.py", "from utime import sleep_ms\n", "utils/i.py:1: imports: "),
    ("budgets", "main.py", "#\n" * 71, "main.py:71: budgets: "),
]


@pytest.fixture(scope="module")
def seen_by_mypy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its cache: what it knows of Python's own library is most of its work on a small tree."""
    return tmp_path_factory.mktemp("mypy")


@pytest.fixture
def tree(tmp_path: Path, seen_by_mypy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with the project's settings and nothing else."""
    monkeypatch.setenv("MYPY_CACHE_DIR", str(seen_by_mypy))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("collector", "devkit", "emulator"):  # mypy wants what is to be typed
        _write(tmp_path, f"{name}/__init__.py", "")
    return tmp_path


def _write(tree: Path, name: str, text: str) -> None:
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).write_bytes(text.encode())


@pytest.mark.parametrize(("name", "file", "text", "said"), WRONG)
def test_check_finds(name: str, file: str, text: str, said: str, tree: Path) -> None:
    _write(tree, file, text)
    problems = checks.run(name, tree)
    assert any(said in str(problem) for problem in problems), problems


def test_lint_prints_a_line_for_each_problem_and_ends_with_1(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sources, "ROOT", tree)
    _write(tree, "utils/a.py", GOOD)
    assert cli_main(["lint"]) == 0
    assert capsys.readouterr().out == ""
    for name, text in {file: text for _, file, text, _ in ONE_EACH}.items():
        _write(tree, name, text)
    before = _contents(tree)
    assert cli_main(["lint"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert all(re.fullmatch(r"\S+:\d+: [\w-]+: .+", line) for line in lines), lines
    for name, _, _, said in ONE_EACH:
        assert any(said in line for line in lines), name
    assert _contents(tree) == before


def _contents(tree: Path) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for path in tree.rglob("*")
        if path.is_file() and "_cache" not in str(path)
    }


def test_a_file_that_is_no_text_is_one_problem(tree: Path) -> None:
    _write(tree, "utils/zero.py", "x = 1\0\n")
    (tree / "utils/latin.py").write_bytes(b"\xff\xfe")
    problems = [(problem.file, problem.rule) for problem in checks.run_all(tree)]
    assert problems == [("utils/latin.py", "whitespace"), ("utils/zero.py", "whitespace")]


def test_lint_takes_no_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli_main(["lint", "utils"])
    assert end.value.code == 2
    assert "unrecognized arguments: utils" in capsys.readouterr().err


@pytest.mark.parametrize("name", checks.CHECKS)
def test_check_is_content_with_good_files(name: str, tree: Path) -> None:
    _write(tree, "utils/a.py", GOOD)
    _write(tree, "devkit/a.py", GOOD)
    assert checks.run(name, tree) == []


# Two checks look at everything at once
@pytest.mark.parametrize("name", sorted(set(checks.CHECKS) - {"types", "budgets"}))
def test_check_looks_only_at_the_files_named(name: str, tree: Path) -> None:
    _write(tree, "utils/good.py", GOOD)
    _write(tree, "utils/bad.py", BAD)
    assert checks.run(name, tree, ["utils/bad.py"]) != []
    assert checks.run(name, tree, ["utils/good.py"]) == []


def test_mpy_of_another_build_is_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tree, "utils/a.py", GOOD)
    cached = bytes.fromhex("4d04031f20") + b"rest"  # made with -mcache-lookup-bc
    monkeypatch.setattr(mpy, "compiled", lambda *given: cached)
    [problem] = checks.run("device-compile", tree)
    said = ".mpy begins with 4d 04 03 1f 20, pycom-1.20.2 needs 4d 04 02 1f 20"
    assert str(problem) == f"utils/a.py:1: device-compile: {said}"


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
    assert "allowed: types, device-compile" in capsys.readouterr().err


def test_git_runs_the_same_checks_at_a_commit_without_fetching_any() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (repository,) = config["repos"]
    hooks = repository["hooks"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in hooks} == {"system"}
    assert {hook["id"] for hook in hooks} == {*checks.CHECKS, "commit-subject"}
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
