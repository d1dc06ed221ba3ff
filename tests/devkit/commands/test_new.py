"""`./dev new sensor NAME`: what it writes works before the first edit, and overwrites nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devkit import cli
from devkit.commands import UsageError
from devkit.commands.new import FILES, create
from emulator.device_files import ROOT


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what a sensor and its tests need."""
    leave_out = shutil.ignore_patterns("__pycache__", "test_*", "npm")
    for folder in ("devkit", "emulator", "sensors", "utils", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=leave_out)
    (tmp_path / "emulator" / "vm" / "npm").symlink_to(ROOT / "emulator" / "vm" / "npm")
    (tmp_path / "examples").mkdir()
    for name in ("pyproject.toml",):
        shutil.copy2(ROOT / name, tmp_path)
    return tmp_path


def run(tree: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=tree, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_skeleton_passes_its_tests_and_the_checks_and_is_listed(tree):
    said = run(tree, "devkit", "new", "sensor", "soil_7")
    paths = [path.format("soil_7") for path in FILES.values()]
    assert said.splitlines()[: len(paths)] == paths
    assert "./dev test tests/sensors/test_soil_7.py" in said
    tests = [path for path in paths if path.startswith("tests/")]
    assert len(tests) == 2
    said = run(tree, "pytest", "-q", "-p", "no:cacheprovider", *tests, "-m", "not vm")
    assert " passed" in said
    assert "failed" not in said
    for name in ("x", "a" * 20):  # their lines have other lengths
        paths += [str(path.relative_to(tree)) for path in create(name, tree)]
    run(tree, "ruff", "check", "--no-cache", *paths)
    run(tree, "ruff", "format", "--check", "--no-cache", *paths)
    said = run(tree, "devkit", "sensors", "soil_7")
    assert "on the emulated chip: t = 21." in said


@pytest.mark.parametrize(
    "name", ["Soil", "7soil", "_soil", "soil-7", "soil/7", "../soil", "", "s" * 21, "class"]
)
def test_names_that_are_no_modules_are_refused(tmp_path, name):
    with pytest.raises(UsageError, match="allowed: 1 to 20"):
        create(name, tmp_path)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("there", FILES.values())
def test_nothing_is_overwritten_and_nothing_is_left_half(tmp_path, there):
    for path in FILES.values():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    own = tmp_path / there.format("soil")
    own.write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        create("soil", tmp_path)
    assert own.read_text() == "mine"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [own]


def test_the_command_refuses_other_things_with_what_is_allowed(capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["new", "bearer", "x"])
    assert "choose from 'sensor'" in capsys.readouterr().err
    assert cli.main(["new", "sensor", "si7021"]) == 2
    assert "is there already; allowed: a name without files" in capsys.readouterr().err
