"""`./dev run`: the person's folder stays as it was, and an exit with 1 says what is missing."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from devkit import cli
from devkit.build.targets import PYCOM
from devkit.commands.run import fields_of
from emulator.device_files import ROOT

MAIN = str(ROOT / "main.py")
DESTROYS = """import os
os.remove("/flash/mine.txt")
open("/flash/made", "w").close()
os.fsformat("/flash")
"""
README = """import config
from networking import nbiot

nbiot.connect(config, dataStateOn=False)
print(nbiot.sendATsocket("hello", "192.0.2.1", 5683))
print(nbiot.deactivate())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A person's folder with a program that empties the board's flash."""
    folder = tmp_path / "project"
    (folder / "work").mkdir(parents=True)
    (folder / "work" / "main.py").write_text(DESTROYS)
    (folder / "work" / "mine.txt").write_text("not committed")
    return folder


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*") if path.is_file()}


def test_a_board_works_on_a_copy_of_a_folder(project: Path) -> None:
    before = content(project / "work")
    work = str(project / "work")
    assert cli.main(["run", f"{work}/main.py", "--flash", work]) == 0
    assert content(project / "work") == before


def test_keep_flash_keeps_what_the_board_makes_of_a_folder(project: Path) -> None:
    work = str(project / "work")
    assert cli.main(["run", f"{work}/main.py", "--flash", work, "--keep-flash"]) == 0
    assert content(project / "work") == {}


def test_a_main_from_elsewhere_is_told_to_run_without_boot(project: Path, capsys) -> None:
    """A deployed flash has its modules in slots, which boot.py makes known."""
    work = project / "work"
    (work / "boot.py").write_text("print('booted')\n")
    other = project / "main.py"
    other.write_text("print('other')\n")
    (work / "main.py").write_text("print('own')\n")
    assert cli.main(["run", str(other), "--flash", str(work)]) == 0
    out, err = capsys.readouterr()
    assert out == "other\n" and err == (
        f"./dev run: boot.py of {work} does not run before {other}; to start as a board does:"
        f" ./dev run {work}/main.py --flash {work}\n"
    )
    assert cli.main(["run", f"{work}/main.py", "--flash", str(work)]) == 0
    assert capsys.readouterr() == ("booted\nown\n", "")


def test_a_folder_in_a_git_work_tree_is_not_formatted(project: Path, capsys) -> None:
    (project / ".git").mkdir()
    work = str(project / "work")
    assert cli.main(["run", f"{work}/main.py", "--flash", work, "--keep-flash"]) == 1
    assert content(project / "work") == {"main.py": DESTROYS, "made": ""}
    assert f"{work} is in a git work tree: not erased" in capsys.readouterr().err


def test_keep_flash_without_a_folder_is_refused(capsys) -> None:
    assert cli.main(["run", MAIN, "--keep-flash"]) == 2
    assert "allowed: --flash DIR --keep-flash" in capsys.readouterr().err


def test_a_compiled_configuration_counts_as_its_text(project: Path, capsys) -> None:
    """That of any node: it is no file of this checkout."""
    work = project / "work"
    text = b"_BEARER = 'lora'\n_DEVICE_NAME = 'meadow'\n"
    (work / "config.mpy").write_bytes(PYCOM.deployed(text, Path("config.py")))
    (work / "main.py").write_text("import config\nprint(config._DEVICE_NAME)\n")
    assert cli.main(["run", f"{work}/main.py", "--flash", str(work)]) == 0
    assert capsys.readouterr().out == "meadow\n"
    assert fields_of(work)["_BEARER"] == "lora"
    (work / "config.py").write_text("_DEVICE_NAME = 'by hand'\n")  # which a board loads first
    assert cli.main(["run", f"{work}/main.py", "--flash", str(work)]) == 0
    assert capsys.readouterr().out == "by hand\n"
    assert fields_of(work) == {"_DEVICE_NAME": "by hand"}


NO_ROUTE = (
    "{1} of {1} payloads did not arrive; no route leads to {0};"
    " --route {0}=127.0.0.1:PORT leads to a server on this computer"
)


@pytest.mark.parametrize(
    ("config", "more", "said"),
    [
        ("_HOST = '198.51.100.7'", [], NO_ROUTE.format("198.51.100.7:5683", 4)),
        ("_BEARER = 'lora'", [], NO_ROUTE.format("lorawan.example:5683", 1)),
        (
            "_PROTOCOL = 'mqtt'\n_HOST = 'broker.example'",
            [],
            "no report was taken, although the link was up; no route leads to broker.example;"
            " --route broker.example:PORT=127.0.0.1:PORT leads to a server on this computer",
        ),
        (
            "",
            ["--route", "192.0.2.1:5683=127.0.0.1:{closed}"],
            "4 of 4 payloads did not arrive; no server listens behind 192.0.2.1:5683",
        ),
        (
            "",
            ["--route", "192.0.2.1:5683=127.0.0.1:{open}", "--scenario", "{lossy}"],
            "4 of 4 payloads did not arrive; lost on air to 192.0.2.1:5683",
        ),
        (
            "_PERIOD_S = 0",
            [],
            "no report was taken; cause: configuration",
        ),
    ],
    ids=["host without route", "lora", "name", "nobody listens", "lost", "configuration"],
)
def test_a_run_that_ends_with_1_says_what_is_missing(
    config: str, more: list[str], said: str, tmp_path: Path, capsys
) -> None:
    (tmp_path / "node.py").write_text(f"from config import *\n\n{config}\n")
    (tmp_path / "lossy.toml").write_text("[radio]\nloss = 1.0\n")
    with socket.socket(type=socket.SOCK_DGRAM) as server, socket.socket() as other:
        server.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        meant = {
            "open": server.getsockname()[1],
            "closed": other.getsockname()[1],
            "lossy": tmp_path / "lossy.toml",
        }
        arguments = [each.format_map(meant) for each in more]
        status = cli.main(["run", MAIN, "--config", str(tmp_path / "node.py"), *arguments])
    assert status == 1
    assert capsys.readouterr().err == f"./dev run: cycle 1: {said}\n"


def test_only_a_cycle_that_looked_for_the_server_is_told_of_a_route(
    tmp_path: Path, capsys
) -> None:
    fault = '[[fault]]\npoint = "time"\nat_ms = 200000\ndo = "lose_coverage"\n'
    (tmp_path / "gone.toml").write_text(f'like = "good"\n{fault}')
    words = ["--cycles", "2", "--scenario", str(tmp_path / "gone.toml")]
    assert cli.main(["run", MAIN, *words]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert "--route" in first
    assert second == "./dev run: cycle 2: no report was taken; cause: attach_timeout"


def test_a_run_whose_time_is_over_says_so(tmp_path: Path, capsys) -> None:
    (tmp_path / "program.py").write_text("import machine\nmachine.deepsleep(2000000)\n")
    program = str(tmp_path / "program.py")
    assert cli.main(["run", program, "--cycles", "9", "--max-hours", "1"]) == 0
    said = "./dev run: the time is over (--max-hours 1), in cycle 2 of 9\n"
    assert capsys.readouterr().err == said
    assert cli.main(["run", program, "--cycles", "1", "--max-hours", "1"]) == 0
    assert capsys.readouterr().err == ""


def test_the_program_of_the_readme_says_so_too(tmp_path: Path, capsys) -> None:
    (tmp_path / "program.py").write_text(README)
    assert cli.main(["run", str(tmp_path / "program.py")]) == 1
    said = NO_ROUTE.format("192.0.2.1:5683", 1)
    assert capsys.readouterr().err == f"./dev run: cycle 1: {said}\n"


def test_a_name_that_is_not_emulated_is_told_although_the_program_goes_on(
    tmp_path: Path, capsys
) -> None:
    (tmp_path / "program.py").write_text(
        "from network import Bluetooth\nimport machine\n"
        "for use in (Bluetooth().start_scan, machine.DAC, machine.DAC):\n"
        "    try:\n        use(5)\n    except Exception:\n        pass\n"
    )
    assert cli.main(["run", str(tmp_path / "program.py")]) == 0
    said = "./dev run: used and not emulated: network.Bluetooth.start_scan, machine.DAC\n"
    assert capsys.readouterr().err == said
