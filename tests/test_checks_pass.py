"""Every check that runs at a commit passes over all files of the tree."""

from __future__ import annotations

import pytest

from devkit import checks


@pytest.mark.parametrize("name", checks.CHECKS)
def test_check(name: str) -> None:
    problems = checks.run(name)
    if problems:
        pytest.fail("\n".join([f"{checks.CHECKS[name].about}:", *problems]), pytrace=False)
