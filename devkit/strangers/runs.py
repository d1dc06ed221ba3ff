"""Run one program as `./dev run` does, with a limit of virtual time and one of processor time."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devkit.strangers.programs import Checkout, text
from devkit.strangers.world import routes, scenario
from emulator.device_files import ROOT

RAN = "ran"
BOARD = "as a board"  # stopped as a board would
NEEDS = "needs"  # files or hardware that the checkout does not have
API = "missed an API"
WRONG = "wrong"
OPEN = "?"  # a person has to say what a board does

_MEMORY = 4 << 30  # bytes
_WALL = 20  # times the processor time: a busy machine
_TRACE = "Traceback (most recent call last)"
_ENDS = {"deepsleep": "sleeps", "finished": "ends", "reset": "resets",
         "off": "is switched off", "time_limit": "runs on"}  # fmt: skip
_LINE = re.compile(r'File "(?:/flash/)?([^"]+)", line (\d+)')
_NO_MODULE = re.compile(r"ImportError: no module named '([\w.]+)'")


@dataclass(frozen=True)
class Limits:
    hours: float = 0.1  # of virtual time
    processor_s: int = 4
    cycles: int = 2


@dataclass(frozen=True)
class Outcome:
    """happens: in a few words, the same in each run. verdict: one of the constants above, OPEN if
    the run alone does not tell. output: what the program printed, and the traceback."""

    repository: str
    path: str
    happens: str
    verdict: str
    output: str = ""


def run(
    checkout: Checkout, program: Path, limits: Limits, port: int, options: Sequence[str]
) -> Outcome:
    """port: where a server on loopback answers whatever the program sends (answers.py).

    options: more options of `./dev run`.
    """
    with tempfile.TemporaryDirectory(prefix="stranger-") as folder:
        flash, card, world = (Path(folder).resolve() / name for name in ("flash", "sd", "w.toml"))
        card.mkdir()
        script = checkout.gather(program, flash)
        files = [script, *sorted(flash.rglob("*.py")), *sorted(flash.rglob("*.json"))]
        texts = [text(file) for file in files]
        world.write_text(scenario(texts, card), encoding="utf-8")
        options = [*options, "--flash", str(flash), "--scenario", str(world)]
        for route in routes(texts, port):
            options += ["--route", route]
        said, output = _run([str(script), *options], limits)
    path = program.relative_to(checkout.folder).as_posix()
    return Outcome(checkout.name, path, *outcome(said, output), output)


def _run(arguments: Sequence[str], limits: Limits) -> tuple[str, str]:
    """What `./dev run` says on stdout, and on stderr."""
    command = [sys.executable, "-m", "devkit", "run", *arguments]
    command += ["--json", f"--max-hours={limits.hours}", f"--cycles={limits.cycles}"]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (limits.processor_s, limits.processor_s + 1))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        os.nice(10)

    with tempfile.TemporaryFile("w+", errors="replace") as console:
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=console,
                text=True,
                preexec_fn=limit,
                timeout=limits.processor_s * _WALL,
            )
            said = done.stdout
        except subprocess.TimeoutExpired:
            said = ""
        console.seek(0)
        return said, console.read()


def outcome(said: str, output: str) -> tuple[str, str]:
    """What happens, and the verdict, of a run that said this on stdout and on stderr."""
    try:
        cycles = json.loads(said)["cycles"]
    except ValueError:
        if not re.search(r'File "\S+/(?:emulator|devkit)/', output):
            return "not done after the processor time", OPEN
        return f"the emulation fails: {output.strip().splitlines()[-1]}", OPEN
    error = next((cycle["error"] for cycle in cycles if _TRACE in (cycle["error"] or "")), None)
    if error is not None:
        return _raised(error)
    missing = re.search(r"used and not emulated: (.+)", output)
    if missing is not None:
        return f"uses {missing[1]}", API
    ended = cycles[-1]["ended"]
    happens = _ENDS.get(ended, f"{ended}: {cycles[-1]['error']}")
    if _TRACE in output:
        last = re.findall(r"^(?! )(?!Traceback)\S.*", output[output.rindex(_TRACE) :], re.M)
        return f"{happens}, after {last[0] if last else 'a traceback'}", OPEN
    return happens, RAN if ended in _ENDS else OPEN


def _raised(error: str) -> tuple[str, str]:
    last = error.strip().splitlines()[-1]
    places = _LINE.findall(error)
    where = f"{places[-1][0]} line {places[-1][1]}: " if places else ""
    absent = _NO_MODULE.search(last)
    if absent is not None:  # a board's own module is always there, so it is one of a person
        return f"no module {absent[1]}", NEEDS
    if "NotEmulated" in last:
        return where + last.partition(" is on the board, not")[0], API
    return where + last, OPEN
