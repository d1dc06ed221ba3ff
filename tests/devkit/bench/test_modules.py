"""What a component weighs and needs, found from its imports."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from devkit import cli
from devkit.bench import modules
from devkit.build.budget import LIMITS
from emulator.device_files import ROOT
from emulator.emulator import Emulator

PROGRAM = """
from networking import nbiot

class Config:
    _APN = "iot.example"
    _IP_VERSION = "IPV6"
    _MAX_ATTACHMENT_ATTEMPT_TIME_SEC = 90

result = nbiot.connect(Config, dataStateOn=False)
print(result.status, nbiot.sendATsocket("hello", "2001:db8::1", 5683))
print(nbiot.deactivate().deactivation_status)
"""


def test_nbiot_with_all_it_needs_stays_within_its_budget():
    total = sum(modules.mpy_bytes(path) for path in modules.needs(modules.NBIOT))
    assert total <= LIMITS["nbiot"].deployed


def test_nbiot_works_on_a_flash_with_just_what_it_needs(tmp_path):
    for path in modules.needs(modules.NBIOT):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, tmp_path / path)
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    said: list[str] = []
    with Emulator(flash=tmp_path, console=said.append) as emulator:
        (cycle,) = emulator.run(["program.py"])
    assert cycle.error is None
    printed = [line for line in "".join(said).splitlines() if " INFO " not in line]
    assert printed[-2:] == ["1 5", "True"]


@pytest.mark.parametrize(
    ("module", "needed"),
    [
        ("utils/timing.py", {"utils/__init__.py"}),
        ("utils/logging.py", {"utils/__init__.py", "utils/timing.py"}),
        (
            "lib/microATsocket.py",
            {
                "lib/microATearly.py",
                "utils/__init__.py",
                "utils/arguments.py",
                "utils/at.py",
                "utils/at_due.py",
                "utils/configuration.py",
                "utils/timing.py",
            },
        ),
    ],
)
def test_what_a_module_needs_is_found_from_its_imports(module, needed):
    assert {path.as_posix() for path in modules.needs(Path(module))} == needed | {module}


def test_bench_names_the_file_that_does_not_compile(tmp_path, monkeypatch, capsys):
    (tmp_path / "utils").mkdir()
    (tmp_path / "utils/at.py").write_text("x = 1\ny = f'{x}'\n")
    monkeypatch.setattr(modules, "source", lambda path: tmp_path / path)
    monkeypatch.setattr(modules, "device_files", lambda: [Path("utils/at.py")])
    assert cli.main(["bench"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "./dev bench: utils/at.py:2: invalid syntax"
