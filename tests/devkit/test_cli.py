"""The command line: what it accepts, what it refuses and how."""

from __future__ import annotations

import argparse
import importlib
import re
import socket
import subprocess
import types
from pathlib import Path

import pytest

from devkit import cli, commands
from devkit.commands import test as suite


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[argparse.Namespace]:
    """The options that reach the modules of the commands, which do not run."""
    options: list[argparse.Namespace] = []

    def main(given: argparse.Namespace) -> int:
        options.append(given)
        return 0

    for name in commands.NAMES:
        module = importlib.import_module(f"devkit.commands.{name}")
        monkeypatch.setattr(module, "main", main)
    return options


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "main.py"
    path.write_text("print('hello')\n")
    return str(path)


# files of devkit/commands that are no commands
SHARED = {"demo_update", "options", "parser", "values"}


def test_help_names_every_command_in_the_order_of_use(capsys: pytest.CaptureFixture[str]) -> None:
    files = {path.stem for path in Path(commands.__file__).parent.glob("[a-z]*.py")}
    assert cli.main(["--help"]) == 0
    listed = re.findall(r"^  (\w+)  +[A-Z].*\.$", capsys.readouterr().out, re.MULTILINE)
    assert set(listed) == files - SHARED
    usual = "demo test run at board bench build component deploy keys release sensors new".split()
    usual += "collect fleet check lint soak cell".split()
    assert listed == [name for name in usual if name in files]


def test_a_command_is_there_once_its_file_is(tmp_path: Path) -> None:
    for name in ("zeal", "run", "demo", "abide"):
        (tmp_path / f"{name}.py").write_text("\ndef main(options):\n    return 0\n")
    (tmp_path / "words.py").write_text("MAIN = 1\n")
    assert commands.names(tmp_path) == ("demo", "run", "abide", "zeal")


@pytest.mark.parametrize("name", commands.NAMES)
def test_each_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([name, "--help"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: ./dev {name}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "allowed: demo, test, run"),
        (["frob"], "'frob'; allowed: demo, test, run"),
        (["build", "--target", "arduino"], "'pycom-1.20.2', 'micropython-1.2x'"),
        (["deploy"], "PORT; allowed: ./dev deploy"),
        (["deploy", "/dev/ttyUSB0", "--from", "missing"], "there is no folder 'missing'"),
        (["run"], "SCRIPT"),
        (["run", "missing.py"], "there is no file 'missing.py'"),
        (["run", "SCRIPT", "--flash", "missing"], "there is no folder 'missing'"),
        (["run", "SCRIPT", "--cycles", "0"], "'0' is not a whole number from 1 up"),
        (["run", "SCRIPT", "--seed", "x"], "'x' is not a whole number from 0 up"),
        (["run", "SCRIPT", "--max-hours", "nan"], "'nan' is not a number of hours above 0"),
        (["run", "SCRIPT", "--install", "zip"], "'py', 'mpy', 'frozen'"),
        (["run", "SCRIPT", "--firmware", "1.18"], "'1.20.2.r0', '1.20.2.r1', '1.20.2.r2'"),
        (["run", "SCRIPT", "--trace", "missing/trace"], "cannot be written"),
        (["demo", "--trace", "/proc/x"], "--trace: '/proc/x' cannot be written"),
        (["demo", "--plot", "/proc/x.png"], "--plot: '/proc/x.png' cannot be written"),
        (["at", "--trace", "/proc", "AT"], "--trace: '/proc' cannot be written"),
        (["run", "SCRIPT", "--scenario", "sunny"], "no scenario 'sunny'; allowed: a file, bad"),
        (["demo", "--scenario", "fiar"], "no scenario 'fiar' (nearest: fair); allowed"),
        (["demo", "--scenario", "edge.tml"], "no scenario 'edge.tml' (nearest: edge); allowed"),
        (["run", "SCRIPT", "--scenario", "CHIPS"], "chips.si7021: address = 5; allowed: 0x08"),
        (["at", "--scenario", "CHIPS", "AT"], "chips.si7021: address = 5; allowed: 0x08 to"),
        (["run", "SCRIPT", "--route", "nowhere"], "nowhere"),
        (["run", "SCRIPT", "--serve", "80"], "serve '80'; allowed: PORT=PORT"),
        (["run", "SCRIPT", "--frob"], "--frob; allowed: ./dev run"),
        (["run", "SCRIPT", "--see", "3"], "--see 3; allowed: ./dev run"),
        (["demo", "--plot", "x.png", "--plot-cycles", "x=1"], "'x' is not a whole number from 1"),
        (["demo", "--plot", "energy.txt"], "does not end in .png, .svg, .pdf"),
        (["bench", "extra"], "extra; allowed: ./dev bench"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_ends_with_2_and_one_line_that_says_what_is_allowed(
    arguments: list[str],
    said: str,
    script: str,
    tmp_path: Path,
    received: list[argparse.Namespace],
    capsys: pytest.CaptureFixture[str],
) -> None:
    chips = tmp_path / "chips.toml"
    chips.write_text("[chips.si7021]\naddress = 5\n", encoding="utf-8")
    meant = {"SCRIPT": script, "CHIPS": str(chips)}
    arguments = [meant.get(argument, argument) for argument in arguments]
    try:
        status = cli.main(arguments)
    except SystemExit as end:
        status = end.code  # type: ignore[assignment]
    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert said in err
    name = f" {arguments[0]}" if arguments and arguments[0] in commands.NAMES else ""
    assert err.startswith(f"./dev{name}: ")
    assert not received


def test_a_trace_that_cannot_be_completed_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["at", "--trace", "/dev/full", "AT"]) == 2
    assert capsys.readouterr().err == "./dev at: --trace /dev/full: No space left on device\n"


def test_run_hands_over_everything(
    script: str, tmp_path: Path, received: list[argparse.Namespace]
) -> None:
    route = "192.0.2.1:5683=127.0.0.1:40000"
    trace = str(tmp_path / "trace.txt")
    with socket.create_server(("127.0.0.1", 0)) as free:
        serve = f"80={free.getsockname()[1]}"
    arguments = ["run", script, "--flash", str(tmp_path), "--cycles", "2", "--scenario", "good"]
    arguments += ["--seed", "7", "--trace", trace, "--route", route, "--route", route, "--vm"]
    arguments += ["--realtime", "--json", "--firmware", "1.20.2.r7", "--install", "mpy"]
    arguments += ["--board", "FiPy", "--serve", serve]
    assert cli.main([*arguments, "--max-hours", "1.5"]) == 0
    assert vars(received[0]) == {
        "script": script,
        "flash": str(tmp_path),
        "keep_flash": False,
        "config": None,
        "cycles": 2,
        "scenario": "good",
        "seed": 7,
        "trace": trace,
        "route": [route, route],
        "serve": [serve],
        "vm": True,
        "realtime": True,
        "json": True,
        "board": "FiPy",
        "firmware": "1.20.2.r7",
        "install": "mpy",
        "max_hours": 1.5,
        "vm_command": [],
    }


def test_demo_has_three_cycles_of_the_good_scenario_by_default(
    received: list[argparse.Namespace],
) -> None:
    assert cli.main(["demo"]) == 0
    options = received[0]
    assert (options.cycles, options.scenario, options.seed) == (3, "good", 1)
    assert options.install == "mpy"  # as ./dev build deploys
    assert options.plot is None
    assert not options.json


def test_routes_of_one_run_do_not_reach_the_next(
    script: str, received: list[argparse.Namespace]
) -> None:
    cli.main(["run", script, "--route", "192.0.2.1:5683=127.0.0.1:40000"])
    cli.main(["run", script])
    assert received[1].route == []


def test_test_hands_everything_to_pytest(received: list[argparse.Namespace]) -> None:
    assert cli.main(["test", "-k", "ticks", "--lf", "tests/devkit"]) == 0
    assert received[0].pytest_args == ["-k", "ticks", "--lf", "tests/devkit"]


def test_trouble_that_a_command_finds_later_is_one_line_too(
    received: list[argparse.Namespace],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def main(given: argparse.Namespace) -> int:
        raise cli.UsageError("two problems\nof one kind")

    monkeypatch.setattr("devkit.commands.bench.main", main)
    assert cli.main(["bench"]) == 2
    assert capsys.readouterr().err == "./dev bench: two problems; of one kind\n"


@pytest.mark.parametrize(
    ("pytest_status", "status"), [(0, 0), (1, 1), (2, 1), (3, 1), (4, 2), (5, 1)]
)
def test_status_of_the_suite_follows_pytest(
    pytest_status: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **more: object) -> types.SimpleNamespace:
        return types.SimpleNamespace(returncode=pytest_status)

    monkeypatch.setattr(subprocess, "run", run)
    assert suite.main(argparse.Namespace(pytest_args=[])) == status


def test_suite_takes_paths_from_the_folder_it_is_called_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = []

    def run(command: list[str], **more: object) -> types.SimpleNamespace:
        commands.append(command)
        return types.SimpleNamespace(returncode=0)

    (tmp_path / "test_here.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "run", run)
    suite.main(argparse.Namespace(pytest_args=["test_here.py::test_a", "-k", "name", "-x"]))
    assert commands[0][-4:] == [f"{tmp_path}/test_here.py::test_a", "-k", "name", "-x"]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(13, "Permission denied", "config.py"), "config.py: Permission denied"),
        (OSError(30, "Read-only file system", "out"), "out: Read-only file system"),
        (OSError("nothing answers"), "nothing answers"),
    ],
)
def test_trouble_with_a_file_is_one_line(
    error: OSError, line: str, script: str, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    def main(options: argparse.Namespace) -> int:
        raise error

    monkeypatch.setattr(importlib.import_module("devkit.commands.run"), "main", main)
    assert cli.main(["run", script]) == 1
    said = capsys.readouterr().err
    assert said == f"./dev run: {line}\n"
