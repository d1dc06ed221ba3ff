"""Programs of Debian packages: found, installed once by whoever comes first, or said why not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devkit.servers import debian
from emulator.device_files import ROOT

APT = """#!/bin/sh
# Stands for apt-get: refuses to install before its lists are there, then makes the program.
echo "$*" >>{folder}/calls
case "$*" in
*install*nothing) echo "E: Unable to locate package nothing" >&2; exit 100 ;;
*install*) [ -e {folder}/lists ] || exit 100
    sleep 0.2; printf '#!/bin/sh\\n' >{folder}/{name}; chmod +x {folder}/{name} ;;
*update*) touch {folder}/lists ;;
esac
"""
NAME = "devkit-test-server"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder first on PATH, with an apt-get that leaves this computer alone."""
    apt = tmp_path / "apt-get"
    apt.write_text(APT.format(folder=tmp_path, name=NAME))
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(debian, "_reasons", {})
    monkeypatch.setattr(debian, "_rights", lambda: ())
    return tmp_path


def calls(folder: Path) -> list[str]:
    file = folder / "calls"
    lines = file.read_text().splitlines() if file.is_file() else []
    return [" ".join(word for word in line.split() if word in ("install", "update"))
            for line in lines]  # fmt: skip


def test_what_is_there_is_not_installed(folder):
    assert debian.program("sh", "nothing") == debian.find("sh")
    assert calls(folder) == []


def test_it_is_installed_after_the_lists_were_fetched(folder):
    assert debian.program(NAME, "some-package") == str(folder / NAME)
    assert calls(folder) == ["install", "update", "install"]
    assert debian.why_not("some-package") == ""


def test_of_several_processes_one_installs_it(folder):
    program = (
        "from devkit.servers import debian; debian._rights = lambda: ();"
        f"print(debian.program({NAME!r}, 'some-package'))"
    )
    command = [sys.executable, "-c", program]
    running = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    assert {one.communicate(timeout=30)[0].strip() for one in running} == {str(folder / NAME)}
    assert calls(folder) == ["install", "update", "install"]


def test_why_it_is_not_there_is_said_and_it_is_tried_once(folder):
    for _ in range(2):
        assert debian.program("nothing-of-that-name", "nothing") is None
    assert "Unable to locate package nothing" in debian.why_not("nothing")
    assert calls(folder) == ["install", "update", "install"]


def test_without_rights_nothing_is_tried(folder, monkeypatch):
    monkeypatch.setattr(debian, "_rights", lambda: None)
    assert debian.program("nothing-of-that-name", "nothing") is None
    assert debian.why_not("nothing") == "neither root nor sudo without a password"
    assert calls(folder) == []
