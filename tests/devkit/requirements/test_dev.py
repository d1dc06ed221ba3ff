"""The script `dev` in a tree of its own: what it installs, when, and what it says.

The tree has the real `dev`, command line and devkit/requirements, and two commands that show what
they got. Its Python finds a `venv` that makes virtual environments in no time, and a `pip` that
writes down what it is asked for.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from emulator.device_files import ROOT

REAL = (
    "dev", "devkit/__init__.py", "devkit/cli.py", "devkit/temporary.py",
    "devkit/commands/__init__.py", "devkit/commands/parser.py",
    "emulator/__init__.py", "emulator/device_files.py",
    *(f"devkit/requirements/{path.name}" for path in (ROOT / "devkit/requirements").glob("*.py")),
)  # fmt: skip
DEMO = '''"""Shows what it got."""

import os, socket

def arguments(parser):
    parser.add_argument("words", nargs="*")

def main(options):
    print(options.words, os.getcwd(), hasattr(socket, "AF_INET"))
    return 7
'''
RUN = '''"""Needs groups."""

from devkit import requirements

def arguments(parser):
    parser.add_argument("groups", nargs="*")

def main(options):
    requirements.need(*options.groups)
    return 0
'''
ERRORS = {
    "emulator/vm/webassembly.py": "class NoVm(Exception): pass\n",
}
ASKED = """# [run] running anything
base
# [plot] pictures
Draw.Lib==1.0  # why
# [broker] a broker
broker; python_version < "4"
shared
"""
PINS = {
    "base": "# via -r requirements.in",
    "below": "# via\n    #   base\n    #   draw-lib",
    "draw-lib": "# via -r requirements.in",
    "broker": "# via -r requirements.in",
    "shared": "# via\n    #   -r requirements.in\n    #   draw-lib",
}
VENV = """
import pathlib, shutil, sys
folder = pathlib.Path(sys.argv[-1])
if "--clear" in sys.argv:
    shutil.rmtree(folder, ignore_errors=True)
(folder / "bin").mkdir(parents=True)
(folder / "bin/python").symlink_to(sys._base_executable)
(folder / "pyvenv.cfg").write_text("home = " + str(pathlib.Path(sys.executable).parent))
"""
PIP = """
import os, pathlib, sys
words = sys.argv[1:]
lock = pathlib.Path(words[words.index("--requirement") + 1]).read_text()
names = [line.split("==")[0] for line in lock.splitlines() if "==" in line]
if "--target" in words:
    pathlib.Path(words[words.index("--target") + 1]).mkdir()
with open(os.environ["PIP_CALLS"], "a") as calls:
    calls.write(" ".join(sorted(names)) + "\\n")
for name in names:
    print("Collecting", name)
assert "--require-hashes" in words and lock.count("--hash=sha256:") == len(names)
if os.environ["PIP_KILLS"] in names:
    os.kill(os.getppid(), 9)
if os.environ["PIP_FAILS"] in names:
    sys.exit("ERROR: No such thing.\\nERROR: Nothing matches.\\nhint")
"""
ALL_OF_RUN = ["base below", "umodule"]


class Tree:
    def __init__(self, folder: Path) -> None:
        self.root = folder / "a folder"
        self.cwd = folder / "elsewhere"
        self.bin = folder / "bin"
        self.fakes = folder / "fakes"
        self.calls = folder / "calls"
        self.cwd.mkdir()
        for name in REAL:
            self.write(name, "")
            shutil.copy2(ROOT / name, self.root / name)
            compiled = Path(cache_from_source(str(ROOT / name)))
            if compiled.is_file():  # so that not each tree compiles them
                (self.root / name).with_name("__pycache__").mkdir(exist_ok=True)
                shutil.copy2(compiled, (self.root / name).with_name("__pycache__"))
        self.write("devkit/commands/demo.py", DEMO)
        self.write("devkit/commands/run.py", RUN)
        for name, text in ERRORS.items():
            self.write(name, text)
        self.write("devkit/requirements/requirements.in", ASKED)
        self.write("devkit/requirements/device.lock", "umodule==1.5 --hash=sha256:00\n")
        self.pin()
        for name, text in (("venv", VENV), ("pip", PIP)):
            self.fakes.mkdir(exist_ok=True)
            (self.fakes / f"{name}.py").write_text(text)
        self.bin.mkdir()
        dirname = shutil.which("dirname")
        assert dirname is not None
        (self.bin / "dirname").symlink_to(dirname)
        self.python(f"exec '{os.path.realpath(sys.executable)}' \"$@\"")

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def pin(self, **versions: str) -> None:
        """Write the lock file."""
        entries = [
            f"{name}=={versions.get(name, '1.0')} \\\n    --hash=sha256:00\n    {via}\n"
            for name, via in PINS.items()
        ]
        self.write("devkit/requirements/requirements.lock", "# made by\n" + "".join(entries))

    def python(self, command: str) -> None:
        path = self.bin / "python3"
        path.write_text(f"#!/bin/sh\n{command}\n")
        path.chmod(0o755)

    def start(self, *arguments: str, fails: str = "", kills: str = "") -> subprocess.Popen[str]:
        environment = {
            "PATH": str(self.bin),
            "PYTHONPATH": str(self.fakes),
            "PIP_CALLS": str(self.calls),
            "PIP_FAILS": fails,
            "PIP_KILLS": kills,
        }
        return subprocess.Popen(
            ["/bin/sh", str(self.root / "dev"), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=self.cwd,
        )

    def dev(
        self, *arguments: str, fails: str = "", kills: str = ""
    ) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, fails=fails, kills=kills)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def installed(self) -> list[str]:
        """What pip was asked for since the last time, a line a call."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        self.calls.unlink(missing_ok=True)
        return lines


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_a_command_runs_in_the_current_folder_and_its_status_is_that_of_dev(tree: Tree) -> None:
    done = tree.dev("demo", "one", "two words")
    assert done.stdout == f"{['one', 'two words']} {tree.cwd} True\n"
    assert done.returncode == 7


def test_a_boards_module_in_the_current_folder_does_no_harm(tree: Tree) -> None:
    (tree.cwd / "socket.py").write_text("")
    assert tree.dev("demo").stdout.endswith(" True\n")


@pytest.mark.parametrize(
    ("arguments", "status"), [(["--help"], 0), (["-h"], 0), ([], 2), (["frob"], 2)], ids=str
)
def test_help_and_wrong_usage_install_nothing(
    arguments: list[str], status: int, tree: Tree
) -> None:
    done = tree.dev(*arguments)
    assert done.returncode == status
    assert "demo" in (done.stderr if status else done.stdout)
    assert not (tree.root / ".venv").exists()
    assert tree.installed() == []


def test_the_first_command_installs_what_all_need_and_the_second_nothing(tree: Tree) -> None:
    first = tree.dev("demo")
    assert first.stderr == (
        "dev: installing a virtual environment in .venv\n"
        "dev: installing packages for running anything (base): 25% 50% 75% 100%\n"
        "dev: installing umodule==1.5 (device.lock): 25% 50% 75% 100%\n"
    )
    assert tree.installed() == ALL_OF_RUN
    second = tree.dev("demo", fails="base")
    assert (second.returncode, second.stderr) == (7, "")
    assert tree.installed() == []


def test_a_group_is_installed_when_it_is_first_needed(tree: Tree) -> None:
    tree.dev("demo")
    tree.installed()
    done = tree.dev("run", "plot")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "dev: installing packages for pictures (draw-lib): 25% 50% 75% 100%\n"
    assert tree.installed() == ["below draw-lib shared"]
    assert tree.dev("run", "plot").stderr == ""


def test_groups_needed_together_are_installed_together(tree: Tree) -> None:
    tree.dev("run", "run", "plot", "broker")
    assert tree.installed() == [*ALL_OF_RUN, "below broker draw-lib shared"]


def test_only_groups_that_a_change_of_the_lock_file_touches_are_installed_again(
    tree: Tree,
) -> None:
    tree.dev("run", "plot", "broker")
    tree.installed()
    tree.pin(broker="1.1")
    tree.dev("run", "plot")
    assert tree.installed() == []
    tree.dev("run", "broker")
    assert tree.installed() == ["broker shared"]
    tree.write("devkit/requirements/device.lock", "umodule==1.6 --hash=sha256:00\n")
    tree.dev("run")
    assert tree.installed() == ALL_OF_RUN


@pytest.mark.parametrize("group", ["run", "plot"])
def test_a_group_that_cannot_be_had_is_one_line_and_is_tried_again(group: str, tree: Tree) -> None:
    if group != "run":
        tree.dev("demo")
    done = tree.dev("run", group, fails="below")
    assert (done.returncode, done.stdout) == (1, "")
    line = done.stderr.splitlines()[-1]
    assert " failed: Nothing matches.; all output of pip: " in line
    assert line.startswith("dev: installing packages for ")
    assert "100%" not in line
    assert done.stderr.count("\n") == (2 if group == "run" else 1)
    assert (tree.root / ".venv/pip.log").read_text().count("hint\n") == 1
    tree.installed()
    assert tree.dev("run", group).returncode == 0
    assert len(tree.installed()) == (2 if group == "run" else 1)


def test_packages_for_boards_that_cannot_be_had_are_tried_again(tree: Tree) -> None:
    done = tree.dev("demo", fails="umodule")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].endswith(
        "umodule==1.5 (device.lock): failed: Nothing matches."
    )
    tree.installed()
    assert tree.dev("demo").returncode == 7
    assert tree.installed() == ALL_OF_RUN


@pytest.mark.parametrize("package", ["base", "umodule"])
def test_an_installation_that_did_not_end_is_repeated(package: str, tree: Tree) -> None:
    assert tree.dev("demo", kills=package).returncode == -signal.SIGKILL
    tree.installed()
    assert tree.dev("demo").returncode == 7
    assert tree.installed() == ALL_OF_RUN


@pytest.mark.parametrize(
    "change", ["moved", "without its mark", "of another Python", "without Python"]
)
def test_an_environment_that_is_not_sound_is_made_again(change: str, tree: Tree) -> None:
    tree.dev("demo")
    tree.installed()
    mark = tree.root / ".venv/made-by-dev"
    if change == "moved":
        tree.root = tree.root.rename(tree.root.with_name("moved"))
    elif change == "without its mark":
        mark.unlink()
    elif change == "without Python":
        (tree.root / ".venv/bin/python").unlink()
        (tree.root / ".venv/bin/python").symlink_to("gone")
    else:
        mark.write_text(f"{tree.root / '.venv'} 3.9\n")
    done = tree.dev("demo")
    assert done.returncode == 7
    assert done.stderr.startswith("dev: installing a virtual environment in .venv\n")
    assert tree.installed() == ALL_OF_RUN
    assert tree.dev("demo").stderr == ""


def test_first_runs_at_once_install_once(tree: Tree) -> None:
    running = [tree.start("run", "plot") for _ in range(3)]
    for process in running:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert tree.installed() == [*ALL_OF_RUN, "below draw-lib shared"]


def test_an_environment_of_somebody_else_is_left_as_it_is(tree: Tree) -> None:
    program = "from devkit import requirements; requirements.need('run', 'plot')"
    environment = {**os.environ, "PYTHONPATH": f"{tree.fakes}:{tree.root}"}
    done = subprocess.run(
        [os.path.realpath(sys.executable), "-c", program], check=False, env=environment
    )
    assert done.returncode == 0
    assert tree.installed() == []


def test_without_a_suitable_python_it_says_so_in_one_line(tree: Tree) -> None:
    tree.python("exit 1")  # what Python 3.9 answers when asked for its version
    done = tree.dev("demo")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "Python 3.10 or newer is needed" in done.stderr
