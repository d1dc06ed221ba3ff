"""The command line: what it accepts, what it refuses and how, and the script `dev` itself."""

from __future__ import annotations

import argparse
import importlib
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

from devkit import cli, commands
from devkit.checks.sources import ROOT
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


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    files = {path.stem for path in Path(commands.__file__).parent.glob("[a-z]*.py")}
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert set(re.findall(r"^  (\w+)  +[A-Z].*\.$", out, re.MULTILINE)) == files - {"options"}


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
        (["run", "SCRIPT", "--scenario", "sunny"], "sunny"),
        (["run", "SCRIPT", "--route", "nowhere"], "nowhere"),
        (["run", "SCRIPT", "--frob"], "--frob; allowed: ./dev run"),
        (["run", "SCRIPT", "--see", "3"], "--see 3; allowed: ./dev run"),
        (["demo", "--plot", "energy.txt"], "does not end in .png, .svg, .pdf"),
        (["bench", "extra"], "extra; allowed: ./dev bench"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_ends_with_2_and_one_line_that_says_what_is_allowed(
    arguments: list[str],
    said: str,
    script: str,
    received: list[argparse.Namespace],
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = [script if argument == "SCRIPT" else argument for argument in arguments]
    try:
        status = cli.main(arguments)
    except SystemExit as end:
        status = end.code  # type: ignore[assignment]
    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert said in err
    assert not received


def test_run_hands_over_everything(
    script: str, tmp_path: Path, received: list[argparse.Namespace]
) -> None:
    route = "192.0.2.1:5683=127.0.0.1:40000"
    trace = str(tmp_path / "trace.txt")
    arguments = ["run", script, "--flash", str(tmp_path), "--cycles", "2", "--scenario", "good"]
    arguments += ["--seed", "7", "--trace", trace, "--route", route, "--route", route, "--vm"]
    arguments += ["--realtime", "--json", "--firmware", "1.20.2.r7", "--install", "mpy"]
    arguments += ["--board", "FiPy"]
    assert cli.main([*arguments, "--max-hours", "1.5"]) == 0
    assert vars(received[0]) == {
        "script": script,
        "flash": str(tmp_path),
        "cycles": 2,
        "scenario": "good",
        "seed": 7,
        "trace": trace,
        "route": [route, route],
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
    assert capsys.readouterr().err == "./dev: bench: two problems; of one kind\n"


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


# The script `dev`, in a tree of its own with a devkit that shows what it got. The `python3` it
# finds makes "virtual environments" in no time, and its pip writes down what it was asked.

_DEVKIT = """
import os, socket, sys
def main():
    print(sys.argv[1:], os.getcwd(), hasattr(socket, "AF_INET"))
    return 7
"""
_PYTHON = """#!/bin/sh
case "$1 $2" in
"-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-m pip") echo "$@" >>"$PIP_CALLS"; exit "$PIP_STATUS" ;;
"-m devkit.build.packages") echo "no umqtt" >&2; exit "$DEVICE_STATUS" ;;
*) exec '{python}' "$@" ;;
esac
"""


class Tree:
    def __init__(self, folder: Path) -> None:
        self.root = folder / "a folder"
        self.cwd = folder / "elsewhere"
        self.bin = folder / "bin"
        self.calls = folder / "calls"
        for made in (self.root / "devkit", self.cwd, self.bin):
            made.mkdir(parents=True)
        (self.root / "devkit" / "cli.py").write_text(_DEVKIT)
        self.lock("# nothing")
        shutil.copy(ROOT / "dev", self.root / "dev")
        for tool in ("dirname", "cksum", "cat", "tail", "rm", "mkdir", "cp", "flock"):
            found = shutil.which(tool)
            if found:
                (self.bin / tool).symlink_to(found)
        self.python(_PYTHON.format(python=sys.executable))

    def lock(self, text: str) -> None:
        (self.root / "devkit/requirements/requirements.lock").write_text(text + "\n")

    def python(self, text: str) -> None:
        path = self.bin / "python3"
        path.write_text(text)
        path.chmod(0o755)

    def dev(
        self, *arguments: str, pip_status: int = 0, device_status: int = 0
    ) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": str(self.bin),
            "PIP_CALLS": str(self.calls),
            "PIP_STATUS": str(pip_status),
            "DEVICE_STATUS": str(device_status),
        }
        return subprocess.run(
            ["/bin/sh", str(self.root / "dev"), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            cwd=self.cwd,
        )

    def installs(self) -> int:
        return len(self.calls.read_text().splitlines()) if self.calls.exists() else 0


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_dev_runs_the_devkit_in_the_current_folder_and_returns_its_status(tree: Tree) -> None:
    done = tree.dev("one", "two words")
    assert done.stdout == f"{['one', 'two words']} {tree.cwd} True\n"
    assert done.returncode == 7


def test_dev_is_not_led_astray_by_a_boards_module_in_the_current_folder(tree: Tree) -> None:
    (tree.cwd / "socket.py").write_text("")
    assert tree.dev().stdout.endswith(" True\n")


def test_dev_installs_pinned_packages_once_and_again_when_the_lock_file_changes(
    tree: Tree,
) -> None:
    first = tree.dev()
    assert first.stderr.count("\n") == 1
    assert "setting up .venv" in first.stderr
    assert "--require-hashes" in tree.calls.read_text()
    assert tree.dev().stderr == ""
    assert tree.installs() == 1
    tree.lock("# nothing else")
    assert "setting up .venv" in tree.dev().stderr
    assert tree.installs() == 2


def test_dev_repeats_a_set_up_that_did_not_end(tree: Tree) -> None:
    tree.dev()
    (tree.root / ".venv" / "complete").unlink()
    assert "setting up .venv" in tree.dev().stderr
    assert tree.dev().stderr == ""


def test_dev_sets_up_anew_in_a_tree_that_was_moved(tree: Tree) -> None:
    tree.dev()
    tree.root = tree.root.rename(tree.root.with_name("moved"))
    assert "setting up .venv" in tree.dev().stderr


def test_dev_tries_again_after_packages_could_not_be_installed(tree: Tree) -> None:
    failed = tree.dev(pip_status=1)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "installing what devkit/requirements/requirements.lock lists failed" in failed.stderr
    assert tree.dev().returncode == 7
    assert tree.installs() == 2


def test_dev_fetches_packages_for_the_device_at_set_up_too(tree: Tree) -> None:
    failed = tree.dev(device_status=1)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "no umqtt" in failed.stderr
    assert "installing what devkit/requirements/device.lock lists failed" in failed.stderr
    assert tree.dev().returncode == 7


def test_dev_without_a_suitable_python_says_so_in_one_line(tree: Tree) -> None:
    tree.python("#!/bin/sh\nexit 1\n")  # what Python 3.9 answers when asked for its version
    done = tree.dev()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "Python 3.10 or newer is needed" in done.stderr


def test_lock_file_pins_everything_with_hashes_and_names_no_address() -> None:
    text = (ROOT / "devkit/requirements/requirements.lock").read_text()
    head, _, pinned = text.partition("\n")
    assert head.startswith("#")
    blocks = re.split(r"\n(?=\w)", pinned)
    assert len(blocks) > 20
    for block in blocks:
        assert re.match(r"[\w.-]+==[\w.]+( ;|\s)", block), block.splitlines()[0]
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert "://" not in text
    assert " @ " not in text
    assert "--index" not in text


def test_lock_file_has_everything_that_is_asked_for() -> None:
    asked = re.findall(
        r"^[\w-]+", (ROOT / "devkit/requirements/requirements.in").read_text(), re.MULTILINE
    )
    locked = re.findall(
        r"^[\w-]+", (ROOT / "devkit/requirements/requirements.lock").read_text(), re.MULTILINE
    )
    assert set(asked) <= set(locked)
