"""Every check that runs at a commit passes over all files of the tree."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest

from devkit import checks

pytestmark = pytest.mark.long

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", checks.CHECKS)
def test_check(name: str) -> None:
    problems = checks.run(name)
    if problems:
        pytest.fail(
            "\n".join([f"{checks.CHECKS[name].about}:", *map(str, problems)]), pytrace=False
        )


def test_no_folder_of_tests_is_left_out(pytestconfig: pytest.Config) -> None:
    """pytest does not look into folders of certain names, `build` among them."""
    unseen = pytestconfig.getini("norecursedirs")
    for path in HERE.rglob("test_*.py"):
        folders = path.relative_to(HERE).parts[:-1]
        assert not [each for each in folders if any(fnmatch(each, one) for one in unseen)], path
