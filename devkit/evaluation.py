"""What a board makes of its config.py: the fields, and what its own checks say of them.

    found = evaluation.evaluate()      # of the configuration in use: devkit/configuration.py
    found.fields                       # {"_BEARER": "nbiot", ...}
    found.problems                     # ["_PORT = 0; allowed: an integer 1 to 65535"]

The file runs on an emulated board, in a process of its own: a file may compute for ever in one
instruction. In that process `python -m devkit.evaluation FOLDER SECONDS` runs.
"""

from __future__ import annotations

import ast
import contextlib
import faulthandler
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from emulator.device_files import CREDENTIALS, ROOT, copy_device_files, credentials_file

LIMIT_S = 5.0  # for a file that does not end
_START_S = 120.0  # for Python and the checks themselves, on a machine that has much to do
_ENOUGH_US = 60_000_000  # of virtual time
_MEMORY = 4 << 30  # bytes; more is a mistake in the file
_LINE = re.compile(r'File "[^"]*config\.py", line (\d+)')


@dataclass(frozen=True)
class Evaluation:
    """fields: those with plain values. known: all that there are.

    error: the traceback of a file that raises, with device paths; None if it ends. damaged: the
    same of modules that the configuration names. endless: it was stopped; line: where it was then,
    None if that is unknown.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    error: str | None = None
    damaged: tuple[str, ...] = ()
    endless: bool = False
    line: int | None = None


def evaluate(limit_s: float = LIMIT_S, *, example: bool = True) -> Evaluation:
    """Evaluate config.py and credentials.py as boards get them now.

    example: as emulated boards do, which get the example if there is no credentials.py.
    """
    with tempfile.TemporaryDirectory(prefix="config-") as folder:
        copy_device_files(Path(folder))
        if not example and credentials_file() is None:
            (Path(folder) / CREDENTIALS).unlink(missing_ok=True)
        return of_flash(Path(folder), limit_s)


def of_flash(flash: Path, limit_s: float = LIMIT_S) -> Evaluation:
    """Evaluate config.py of a flash, with the device files that are there."""
    names = ("config.py", "credentials.py")
    files = [flash / name for name in names if (flash / name).is_file()]
    if not (flash / "config.py").is_file():
        return Evaluation()
    return _kept(flash, limit_s, tuple(file.read_bytes() for file in files))


_memory: dict[tuple[bytes, ...], Evaluation] = {}


def _kept(flash: Path, limit_s: float, texts: tuple[bytes, ...]) -> Evaluation:
    """A command asks more than once."""
    ours = (flash / "node_check.py").is_file()
    key = (*texts, b"node_check" if ours else str(flash).encode())
    if key not in _memory:
        _memory[key] = _run(flash, limit_s)
    return _memory[key]


def _run(flash: Path, limit_s: float) -> Evaluation:
    command = [sys.executable, "-m", "devkit.evaluation", str(flash), str(limit_s)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=_START_S + limit_s
        )
    except subprocess.TimeoutExpired:
        return Evaluation(endless=True)
    if done.returncode == 0:
        table = ast.literal_eval(done.stdout)
        return Evaluation(**table)
    if "Timeout (" in done.stderr:
        lines = _LINE.findall(done.stderr)
        return Evaluation(endless=True, line=int(lines[0]) if lines else None)
    last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
    return Evaluation(error=last)


# In the process


def _evaluated(flash: Path, limit_s: float) -> Evaluation:
    from devkit import application

    faulthandler.dump_traceback_later(limit_s, exit=True)
    module, error, ended = _program(flash, "GPy", "import config")
    faulthandler.cancel_dump_traceback_later()
    config = getattr(module, "config", None)
    if config is None and error is None and ended:
        error = "SystemExit; allowed: a file that ends by itself"
    if error is not None or not ended or config is None:
        return Evaluation(error=error, endless=not ended)
    fields = {
        name: value
        for name, value in vars(config).items()
        if name.startswith("_") and not name.startswith("__") and _is_plain(value)
    }
    if not (flash / "node_check.py").is_file():
        return Evaluation(fields)
    bearer = fields.get("_BEARER")
    board = application.board(bearer) if bearer in application.bearers() else "GPy"
    module, error, ended = _program(flash, board, _CHECK)
    found = vars(module).get("found")
    if found is None and error is not None:
        return Evaluation(fields, error=error)
    problems, advice, known = map(tuple, found or ((), (), ()))
    if found is not None and not problems:
        return Evaluation(fields, advice=advice, known=known)
    protocol = application.resolved(str(bearer), str(fields.get("_PROTOCOL")))
    names = [("networking", bearer), ("protocols", protocol), *_drivers(fields.get("_SENSORS"))]
    damaged = tuple(_damaged(flash, board, names))
    endless = found is None and not damaged
    return Evaluation(fields, problems, advice, known, damaged=damaged, endless=endless)


_ENDLESS = "importing it does not end; allowed: a module whose import ends"
_CHECK = """
import config
import node_check
examined = node_check.Examined(config)
found = (examined.problems, examined.advice(), examined.fields())
"""


def _drivers(lines: object) -> Iterator[tuple[str, object]]:
    for line in lines if isinstance(lines, (list, tuple)) else ():
        if isinstance(line, (list, tuple)) and line:
            yield "sensors", line[0]


def _damaged(flash: Path, board: str, names: list[tuple[str, object]]) -> Iterator[str]:
    """The tracebacks of modules that do not load. The board's own checks name no file and line.

    names: (folder, name) of the modules that the configuration names.
    """
    for folder, name in dict.fromkeys((folder, str(name)) for folder, name in names):
        if name.isidentifier() and (flash / folder / f"{name}.py").is_file():
            _, error, ended = _program(flash, board, f"import {folder}.{name}")
            if error is not None:
                yield error
            elif not ended:
                yield f'File "{folder}/{name}.py", line 1\n{_ENDLESS}'


def _program(flash: Path, name: str, text: str) -> tuple[ModuleType, str | None, bool]:
    """Run a program; return (its variables, its traceback or None, True if it ended)."""
    from emulator.board.board import Board
    from emulator.board.standard import plug_standard
    from emulator.vm.cpython import CpythonVm
    from emulator.vm.guard import limit_time

    (flash / "program.py").write_text(text, encoding="utf-8")
    board = Board(seed=1, name=name)
    limit_time(board, _ENOUGH_US)
    plug_standard(board, flash)
    vm = CpythonVm(board, flash, lambda text: None, install="frozen")
    outcome = vm.run_script("program.py")
    vm.shutdown()
    return vm.main, outcome.error, outcome.halt is None


def _is_plain(value: object) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return False


def main(folder: str, limit_s: str) -> int:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not on each system
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    print(repr(asdict(_evaluated(Path(folder), float(limit_s)))))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
