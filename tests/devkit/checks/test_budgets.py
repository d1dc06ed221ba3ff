"""Each budget of [tool.devkit.budgets] is exceeded once, in a tree with the project's settings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from devkit import checks
from devkit.checks import sources

BUDGETS = sources.settings(sources.ROOT)["budgets"]
FILES = ["README.md", "config.py", "main.py", "boot.py"]
# A file of each row of several
ONE_OF = {
    "boot.py boot_trial.py": "sensors/dht.py",
    "emulator/*": "emulator/board/clock.py",
    "devkit/*": "devkit/tables.py",
    "collector/*": "collector/web/page/new.html",
    "tests/*": "tests/new/test_new.py",
}


def test_budgets_are_those_agreed_on() -> None:
    assert list(BUDGETS.values()) == [180, 120, 70, 140, 23400, 39500, 21200, 8800, 69500]
    assert list(BUDGETS)[:4] == FILES


@pytest.mark.parametrize("key", list(BUDGETS))
def test_a_budget_that_is_exceeded_is_found(key: str, tmp_path: Path) -> None:
    """One file has all the lines that the budget allows, then one more."""
    shutil.copy(sources.ROOT / "pyproject.toml", tmp_path)
    most = BUDGETS[key]
    name = next((file for start, file in ONE_OF.items() if key.startswith(start)), key)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("#\n" * most)
    assert checks.run("budgets", tmp_path) == []
    (tmp_path / name).write_text("#\n" * (most + 1))
    [problem] = checks.run("budgets", tmp_path)
    assert problem.text == f"{key}: {most + 1} lines; at most {most}"
    if key in FILES:
        assert (problem.file, problem.line) == (name, most + 1)
    else:
        rules = (tmp_path / problem.file).read_text().splitlines()
        assert rules[problem.line - 1] == f'"{key}" = {most}'


def test_files_of_a_row_count_together_without_lock_files(tmp_path: Path) -> None:
    shutil.copy(sources.ROOT / "pyproject.toml", tmp_path)
    for name in ("devkit/a.py", "devkit/b/c.txt", "devkit/d.lock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("#\n" * (BUDGETS["devkit/*"] // 2))
    assert checks.run("budgets", tmp_path) == []
    (tmp_path / "devkit/e.py").write_text("#\n")
    assert len(checks.run("budgets", tmp_path)) == 1


def test_the_root_stays_small() -> None:
    entries = {name.split("/")[0] for name in sources.all_files(sources.ROOT)}
    assert len(entries) <= 33, sorted(entries)
