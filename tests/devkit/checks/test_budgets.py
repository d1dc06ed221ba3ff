"""Each budget of [tool.devkit.budgets] is exceeded once, in a scratch copy of this project."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit import checks
from devkit.checks import sources

from . import scratch

BUDGETS = sources.settings(sources.ROOT)["budgets"]
FILES = ["README.md", "config.py", "main.py", "boot.py"]
# A file of each row, to which lines are added until the budget is spent
ONE_OF = {
    "boot.py main.py node.py": "sensors/dht.py",
    "emulator/*": "emulator/board/clock.py",
    "devkit/*": "devkit/tables.py",
    "collector/*": "collector/page/new.html",
    "tests/*": "tests/new/test_new.py",
}


def test_budgets_are_those_agreed_on() -> None:
    assert list(BUDGETS.values()) == [180, 120, 40, 80, 16000, 32000, 9000, 4000, 40000]
    assert list(BUDGETS)[:4] == FILES


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scratch.copy(tmp_path_factory.mktemp("budgets"))


@pytest.mark.parametrize("name", FILES)
def test_a_file_over_its_budget_is_found(name: str, tree: Path) -> None:
    most = BUDGETS[name]
    (tree / name).write_text("#\n" * most)
    assert checks.run("budgets", tree) == []
    (tree / name).write_text("#\n" * (most + 1))
    [problem] = checks.run("budgets", tree)
    assert str(problem) == (
        f"{name}:{most + 1}: budgets: {name}: {most + 1} lines; at most {most}"
    )
    (tree / name).write_text("#\n")


@pytest.mark.parametrize("key", list(BUDGETS)[4:])
def test_a_total_over_its_budget_is_found(key: str, tree: Path) -> None:
    [file] = [name for start, name in ONE_OF.items() if key.startswith(start)]
    used = sum(
        (tree / name).read_bytes().count(b"\n")
        for name in sources.all_files(tree)
        if sources.fits(name, key) and sources.is_written(name)
    )
    scratch.append(tree, file, "#\n" * (BUDGETS[key] - used))
    assert checks.run("budgets", tree) == []
    scratch.append(tree, file, "#\n")
    [problem] = checks.run("budgets", tree)
    rule = (tree / "pyproject.toml").read_text().splitlines()[problem.line - 1]
    assert rule == f'"{key}" = {BUDGETS[key]}'
    assert problem.text == f"{key}: {BUDGETS[key] + 1} lines; at most {BUDGETS[key]}"
    (tree / file).write_text("")


def test_the_root_stays_small() -> None:
    entries = {name.split("/")[0] for name in sources.all_files(sources.ROOT)}
    assert len(entries) <= 26, sorted(entries)
