"""A set has all modules that run together; versions and requirements tell what fits together."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from devkit.build.components import DROP_IN, components
from devkit.build.targets import PYCOM
from devkit.release import sets
from devkit.release.format import MOST_SEQ, Component
from devkit.release.sets import Module, Release
from emulator.device_files import FIXED, ROOT, device_files

TREE = (
    "pyproject.toml",
    "config.py",
    "utils/__init__.py",
    "utils/names.py",
    "sensors/__init__.py",
)


def test_all_that_a_build_puts_on_a_board_is_in_it_but_what_stays(modules: list[Module]) -> None:
    names = {each.name for each in modules}
    stays = {*FIXED, "config.py"}
    for_others = {
        path for one in components().values() if one.kind == DROP_IN for path in one.files
    }
    wanted = {
        sets.name_of(path)
        for path in device_files()
        if path.as_posix() not in stays and path not in for_others
    }
    assert "lib.microcoapy.__init__" not in names
    assert names == wanted | {"lib.umqtt.simple"}, "from PyPI"
    assert not names & {"boot", "boot_trial", "main", "config", "credentials"}
    assert {each.name for each in modules if each.kind == "py"} == {"node_reset"}
    for each in modules:
        assert each.kind == "py" or each.data.startswith(PYCOM.header), each.name


def test_a_module_of_the_deployment_itself_is_in_it(tmp_path: Path) -> None:
    for name in TREE:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    mine = "from utils import names\n\n\ndef get_reading():\n    from utils import fancy\n"
    (tmp_path / "sensors/mine.py").write_text(mine)
    (tmp_path / "utils/fancy.py").write_text("import machine\n")
    found = {each.name: each for each in sets.built(tmp_path)}
    needed = {"sensors.__init__", "utils.__init__", "utils.fancy", "utils.names"}
    assert {*needed, "sensors.mine"} <= set(found)
    assert found["sensors.mine"].requires <= needed
    assert {"utils.fancy", "utils.names"} <= found["sensors.mine"].requires


@pytest.mark.parametrize(
    ("name", "requires", "why"),
    [
        ("node", "node_send", "imported by a function, late"),
        ("node_update", "ota._client", "a part of another folder"),
        ("lib.microATsocket", "lib.microATreceive", "on demand"),
        ("protocols.mqtt", "lib.umqtt.simple", "of a package from PyPI"),
        ("sensors.si7021", "sensors.__init__", "the contract of its folder"),
    ],
)
def test_it_requires_what_it_imports(name, requires, why, modules: list[Module]) -> None:
    found = {each.name: each for each in modules}
    assert requires in found[name].requires, why


def test_what_only_a_configuration_names_is_no_requirement(modules: list[Module]) -> None:
    """Nodes with another configuration get the same set."""
    for each in modules:
        if each.name.startswith("node"):
            assert not [name for name in each.requires if name.startswith("networking.")]


def module(name: str, text: str, *requires: str) -> Module:
    return Module(name, "mpy", text.encode(), b"", frozenset(requires))


A1, A2 = module("a", "a1", "b", "c"), module("a", "a2", "b", "c")
B1, B2, C1 = module("b", "b1"), module("b", "b2"), module("c", "c1")


def told(release: Release) -> dict[str, tuple[int, dict[str, int]]]:
    return {each.name: (each.version, dict(each.requires)) for each in release.components}


@pytest.mark.parametrize(
    ("second", "third", "expected"),
    [
        ([A1, B1, C1], [A1, B1, C1], {"a": (1, {"b": 1, "c": 1}), "b": (1, {}), "c": (1, {})}),
        ([A2, B1, C1], [A2, B1, C1], {"a": (2, {"b": 1, "c": 1}), "b": (1, {}), "c": (1, {})}),
        # both in one release: they may need each other
        ([A2, B2, C1], [A2, B2, C1], {"a": (2, {"b": 2, "c": 1}), "b": (2, {}), "c": (1, {})}),
        # one after the other: the old a ran with the new b
        ([A1, B2, C1], [A2, B2, C1], {"a": (3, {"b": 1, "c": 1}), "b": (2, {}), "c": (1, {})}),
        # what was needed once stays needed
        ([A2, B2, C1], [A1, B2, C1], {"a": (3, {"b": 2, "c": 1}), "b": (2, {}), "c": (1, {})}),
        # back to an older content is a new version
        ([A1, B2, C1], [A1, B1, C1], {"a": (1, {"b": 1, "c": 1}), "b": (3, {}), "c": (1, {})}),
    ],
    ids=["nothing", "one", "together", "apart", "kept", "back"],
)
def test_versions_say_when_a_content_changed_and_what_it_fits_to(second, third, expected) -> None:
    first = sets.following(None, [A1, B1, C1], 1)
    release = sets.following(sets.following(first, second, 2), third, 3)
    assert told(release) == expected
    present = {each.name: each.version for each in release.components}
    for each in release.components:
        assert all(present[name] >= least for name, least in each.requires), each.name


def test_changes_are_new_and_changed_lines_and_names_that_go() -> None:
    first = sets.following(None, [A1, B1, C1], 1)
    second = sets.following(first, [module("a", "a2", "b"), module("d", "d"), B1], 2)
    added, removed = sets.changes(first, second)
    assert [each.name for each in added] == ["a", "d"] and removed == ["c"]
    assert [each.name for each in sets.changes(None, first)[0]] == ["a", "b", "c"]
    assert [each.name for each in sets.fetched(first, second)] == ["a", "d"]


@pytest.mark.parametrize(
    ("seq", "sizes", "problem"),
    [
        (1, [65536] * 16, None),
        (1, [65536, 65537], "c1 has 65537 bytes; allowed: 65536"),
        (1, [65536] * 17, "1114112 bytes in all; allowed: 1048576"),
        (1, [1] * 201, "201 components; allowed: 200"),
        (MOST_SEQ + 1, [1], "release 262144; allowed: 1 to 262143"),
    ],
)
def test_what_no_node_would_take_is_told(seq, sizes, problem) -> None:
    components = [Component(f"c{at}", "mpy", 1, size, "0" * 64) for at, size in enumerate(sizes)]
    assert sets.problem(Release(seq, tuple(components))) == problem
