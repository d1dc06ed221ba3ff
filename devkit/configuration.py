"""The configuration that a command works with: config.py of this checkout, or `--config FILE`.

    with configuration.given(options.config):      # None: config.py of this checkout
        fields = configuration.fields()            # {"_BEARER": "nbiot", ...}

FILE may say only what differs from config.py of this checkout:

    from config import *

    _DEVICE_NAME = "meadow"

On a board that line would import the file itself. So the text of config.py takes its place, and
the board gets one file. credentials.py is looked for beside FILE, then, if FILE takes over
config.py, beside config.py.
"""

from __future__ import annotations

import ast
import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard

from devkit import application
from devkit.sensors.catalogue import drivers
from emulator.board.board import Board
from emulator.board.standard import plug_standard
from emulator.device_files import (
    CREDENTIALS,
    config_file,
    configured,
    copy_device_files,
    credentials_file,
)
from emulator.vm.cpython import CpythonVm
from emulator.vm.guard import limit_time

_TAKES_OVER = re.compile(r"from +config +import +\*\s*(?:#.*)?")
_ENOUGH_US = 60_000_000  # of virtual time, for a file that does not end


class NotUsable(ValueError):
    """FILE cannot be read, or takes over config.py in a way that is not allowed."""


@contextlib.contextmanager
def given(file: str | None) -> Iterator[None]:
    """Let boards have this file as config.py; None: that of the checkout. Raises NotUsable."""
    if file is None:
        yield
        return
    path = Path(file).resolve()
    text = whole(path)
    credentials: Path | None = None
    if path.with_name(CREDENTIALS).is_file():
        credentials = path.with_name(CREDENTIALS)
    elif text != _read(path):  # it takes over config.py
        credentials = credentials_file()
    with tempfile.TemporaryDirectory(prefix="config-") as folder:
        (Path(folder) / "config.py").write_text(text, encoding="utf-8")
        if credentials is not None:
            shutil.copyfile(credentials, Path(folder) / CREDENTIALS)
        with configured(Path(folder) / "config.py"):
            yield


def whole(path: Path) -> str:
    """The text of a configuration, with that of config.py where it takes it over."""
    text = _read(path)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return text  # the board tells it better
    lines = text.split("\n")
    for node in reversed(list(ast.walk(tree))):
        if not _imports_config(node):
            continue
        line = lines[node.lineno - 1]
        if path == config_file() or not _TAKES_OVER.fullmatch(line):
            raise NotUsable(
                f"{path}:{node.lineno}: {line.strip()}; allowed: from config import *, on a line"
                " of its own, in a file other than config.py"
            )
        lines[node.lineno - 1] = _read(config_file()).rstrip("\n")
    return "\n".join(lines)


def _imports_config(node: ast.AST) -> TypeGuard[ast.stmt]:
    if isinstance(node, ast.Import):
        return any(name.name == "config" for name in node.names)
    return isinstance(node, ast.ImportFrom) and node.module == "config"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as problem:
        raise NotUsable(f"{path}: {problem}") from None


def fields() -> dict[str, Any]:
    """The fields of the configuration and its credentials, as a board reads them: none of a file
    that raises, which the board tells itself."""
    with tempfile.TemporaryDirectory(prefix="config-") as folder:
        copy_device_files(Path(folder))
        (Path(folder) / "program.py").write_text("import config\n", encoding="utf-8")
        board = Board(seed=1)
        limit_time(board, _ENOUGH_US)
        plug_standard(board, Path(folder))
        vm = CpythonVm(board, Path(folder), lambda text: None, install="frozen")
        vm.run_script("program.py")
        config = getattr(vm.main, "config", None)  # there once the import has ended well
        found = {} if config is None else vars(config)
        vm.shutdown()
    return {
        name: value
        for name, value in found.items()
        if name.startswith("_") and not name.startswith("__")
    }


def destination() -> dict[str, Any]:
    """Bearer, protocol, host and port; in place of a wrong one that of the published file."""
    found = fields()
    names = {"_BEARER": application.bearers(), "_PROTOCOL": application.protocols()}
    chosen = {}
    for name, published in application.PUBLISHED.items():
        value = found.get(name)
        right = value in names[name] if name in names else isinstance(value, type(published))
        chosen[name] = value if right else published
    return chosen


def missing() -> list[str]:
    """A text for each bearer, protocol or sensor of the configuration that does not exist."""
    found = fields()
    choices = {"_BEARER": application.bearers(), "_PROTOCOL": application.protocols()}
    named = [(name, found[name], there) for name, there in choices.items() if name in found]
    lines = found.get("_SENSORS")
    for line in lines if isinstance(lines, (tuple, list)) else ():
        if isinstance(line, (tuple, list)) and line:
            named.append(("_SENSORS", line[0], drivers()))
    return [
        f"{name} = {value!r}; allowed: {', '.join(there)}"
        for name, value, there in named
        if value not in there
    ]
