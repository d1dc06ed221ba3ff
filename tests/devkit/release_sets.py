"""Fixtures for releases: keys, the set of this tree, and sets like it. Each is made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from devkit.build.targets import PYCOM
from devkit.release import keys as key_folder
from devkit.release import sets
from devkit.release.sets import Module


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of ./dev keys, with the key of one node."""
    folder: Path = tmp_path_factory.mktemp("secret") / "keys"
    key_folder.create(folder)
    key_folder.add_node(folder, "field-7")
    return folder


@pytest.fixture(scope="session")
def modules() -> list[Module]:
    """The set of this tree."""
    return sets.built()


@pytest.fixture(scope="session")
def altered(modules: list[Module]) -> Callable[..., list[Module]]:
    """Makes the set of this tree with a line added to some of its modules, and some left out."""

    def make(lines: dict[str, str], without: tuple[str, ...] = ()) -> list[Module]:
        unknown = ({*lines, *without}) - {each.name for each in modules}
        assert not unknown, f"not in this tree: {unknown}"
        found = []
        for each in modules:
            source = each.source + lines.get(each.name, "").encode()
            path = Path(*each.name.split(".")).with_suffix(".py")
            data = PYCOM.deployed(source, path) if each.name in lines else each.data
            if each.name not in without:
                found.append(replace(each, source=source, data=data))
        return found

    return make
