"""The collector without the rest of this repository: its packages, its folder, its service."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from devkit.requirements import collector as packages
from tests.collector.test_program import FREE, ROOT, Program

FOLDER = ROOT / "collector"
SIZE_MAX = 29e6  # 55 MB with pip 23 and setuptools


def test_the_packages_are_those_of_the_lock_file() -> None:
    for path, content in packages.files().items():
        renew = "python -m devkit.requirements.collector"
        assert path.read_text("utf-8") == content, f"stale; renew with {renew}"
    text = (FOLDER / "README.md").read_text("utf-8")
    assert all(f"pip install -r collector/{path.name}" in text for path in packages.files())


def test_the_packages_are_small_and_all_that_it_imports() -> None:
    text = (FOLDER / "requirements.lock").read_text("utf-8")
    names = set(re.findall(r"^([\w-]+)==", text, re.M)) - {"tomli", "async-timeout"}
    size, modules = 0, set()
    for name in names:
        files = [Path(str(each.locate())) for each in importlib.metadata.files(name) or ()]
        size += sum(path.stat().st_size for path in files if path.is_file())
        modules |= {name.replace("-", "_"), *(each.parent.name for each in files)}
    assert size < SIZE_MAX
    found = " ".join(path.read_text("utf-8") for path in FOLDER.glob("*.py"))
    imported = set(re.findall(r"^ *(?:from|import) (\w+)", found, re.M))
    foreign = imported - set(sys.stdlib_module_names) - {"collector", "tomli", "psycopg"}
    assert foreign - {"pyarrow"} <= modules


def test_it_runs_from_a_folder_with_nothing_else_of_this_repository(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "collector")
    load = (
        "import importlib, pkgutil, collector\n"
        "for each in pkgutil.iter_modules(collector.__path__, 'collector.'):\n"
        "    importlib.import_module(each.name)\n"
        "    print(each.name)\n"
    )
    command = [sys.executable, "-c", load]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    program = Program(*FREE, "--db", "reports.db", "--count", "1", cwd=tmp_path)
    program.send([{0: "g:t", 2: 21.5}])
    assert "1 messages, 1 records" in program.end()[1]


def test_without_its_packages_it_says_in_one_line_how_to_get_them() -> None:
    words = [sys.executable, "-S", "-m", "collector", "--http", "off"]  # -S: no site-packages
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    [line] = done.stderr.splitlines()
    assert done.returncode == 2 and "./dev collect" in line
    assert f"pip install -r {FOLDER / 'requirements.lock'}" in line


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
def test_the_service_is_sound(tmp_path: Path) -> None:
    unit = tmp_path / "collect@all.service"
    text = (FOLDER / "collect@.service").read_text("utf-8")
    assert "ExecStart=/opt/collect/venv/bin/python -m collector $OPTIONS\n" in text
    unit.write_text(text.replace("/opt/collect/venv/bin/python", sys.executable), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_it_tells_systemd_that_it_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(10)
        manager.bind(os.fspath(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", os.fspath(tmp_path / "notify"))
        program = Program(*FREE, "--count", "1")
        assert manager.recv(100) == b"READY=1"
        program.send(b"junk")
        program.end()
