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
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeGuard

from devkit import application, evaluation
from devkit.application import AUTO
from emulator.board.secrets import HIDDEN
from emulator.device_files import (
    CREDENTIALS,
    config_file,
    configured,
    credentials_file,
    device_files,
    source,
)

_SECRET = re.compile(r'\("(_\w+)", "(?:special )?secret"')
_INSIDE = ("pwd", "user")  # keys of a known Wi-Fi network
_TAKES_OVER = re.compile(r"from +config +import +\*\s*(?:#.*)?")


class NotUsable(ValueError):
    """FILE cannot be read, or takes over config.py in a way that is not allowed."""


class Layout:
    """Which lines of which files a board's config.py consists of.

    file, credentials   names of FILE and of its credentials.py, as one would write them here
    texts               [(name, text), ...] of the files that are read
    assigned            {"_PORT": (file, line), ...}: where the value in use stands
    bare                {"PORT": (file, line), ...}: names in capitals without the underscore
    """

    def __init__(self, path: Path) -> None:
        """Raises NotUsable."""
        self._path = path.resolve()
        self.file = shown(self._path)
        self.texts = [(self.file, _read(self._path))]
        self._lines = [(line, (self.file, number)) for number, line in _numbered(self.texts[0][1])]
        self._take_over(self.texts[0][1])
        self.credentials_file = self._credentials()
        self.credentials = CREDENTIALS
        if self.credentials_file is not None:
            self.credentials = shown(self.credentials_file)
            self.texts.append((self.credentials, _read(self.credentials_file)))
        self._values: dict[str, ast.expr] = {}
        self.assigned = self._assigned()
        bare = _fields_set(self.text, {}, "[A-Z][A-Z]")
        self.bare = {name: self.origin(node.lineno) for name, node in bare}

    @property
    def text(self) -> str:
        """What the board gets as config.py."""
        return "\n".join(line for line, _ in self._lines)

    def _take_over(self, text: str) -> None:
        """Put the lines of config.py where FILE imports them."""
        for node in sorted(_imports_of_config(text), key=lambda node: -node.lineno):
            line = self._lines[node.lineno - 1][0]
            if self._path == config_file() or not _TAKES_OVER.fullmatch(line):
                raise NotUsable(
                    f"{self.file}:{node.lineno}: {line.strip()}; allowed: from config import *, on"
                    " a line of its own, in a file other than config.py"
                )
            base = shown(config_file()), _read(config_file())
            self.texts.append(base)
            taken = [(text, (base[0], number)) for number, text in _numbered(base[1].rstrip("\n"))]
            self._lines[node.lineno - 1 : node.lineno] = taken

    def _credentials(self) -> Path | None:
        """Beside FILE, then, if it takes over config.py, beside that."""
        beside = self._path.with_name(CREDENTIALS)
        if beside.is_file():
            return beside
        return credentials_file() if len(self.texts) > 1 else None

    def _assigned(self) -> dict[str, tuple[str, int]]:
        lines = {name: node.lineno for name, node in _fields_set(self.text, self._values)}
        found = {name: self.origin(line) for name, line in lines.items()}
        if self.credentials_file is not None:
            at = _imported_at(self.text)
            for name, node in _fields_set(self.texts[-1][1], {}):
                if lines.get(name, 0) < at:
                    self._values.pop(name, None)
                    found[name] = self.credentials, node.lineno
        return found

    def origin(self, line: int) -> tuple[str, int]:
        """File and line of a line of the board's config.py."""
        return self._lines[min(line, len(self._lines)) - 1][1]

    def line(self, file: str, number: int) -> str:
        """The text of a line of a file; in place of one with a secret, HIDDEN."""
        if self.credentials_file is not None and file == self.credentials:
            return HIDDEN
        for name, text in self.texts:
            lines = text.splitlines()
            if name == file and number <= len(lines):
                return lines[number - 1].strip()
        return ""

    def element(self, name: str, index: int) -> int | None:
        """The line in its file of an element of a tuple or list."""
        elements = getattr(self._values.get(name), "elts", [])
        return self.origin(elements[index].lineno)[1] if index < len(elements) else None


@contextlib.contextmanager
def given(file: str | None) -> Iterator[None]:
    """Let boards have this file as config.py; None: that of the checkout. Raises NotUsable."""
    if file is None:
        yield
        return
    layout = Layout(Path(file))
    with placed(layout):
        yield


@contextlib.contextmanager
def placed(layout: Layout) -> Iterator[None]:
    """Let boards have these files as config.py and credentials.py."""
    with tempfile.TemporaryDirectory(prefix="config-") as folder:
        (Path(folder) / "config.py").write_text(layout.text, encoding="utf-8")
        if layout.credentials_file is not None:
            shutil.copyfile(layout.credentials_file, Path(folder) / CREDENTIALS)
        with configured(Path(folder) / "config.py"):
            yield


def whole(path: Path) -> str:
    """The text of a configuration, with that of config.py where it takes it over."""
    return Layout(path).text


def shown(path: Path) -> str:
    """A path as one would write it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _numbered(text: str) -> list[tuple[int, str]]:
    return list(enumerate(text.split("\n"), 1))


def _parsed(text: str) -> ast.Module:
    """Empty for a text that is none of Python."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return ast.Module([], [])


def _imports_of_config(text: str) -> list[ast.stmt]:
    return [node for node in ast.walk(_parsed(text)) if _imports_config(node)]


def _fields_set(
    text: str, values: dict[str, ast.expr], begin: str = "_(?!_)"
) -> list[tuple[str, ast.stmt]]:
    """The assignments to names that begin like a field, in order; their values go to `values`."""
    found: list[tuple[str, ast.stmt]] = []
    for node in ast.walk(_parsed(text)):
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [each.id for each in targets if isinstance(each, ast.Name)]
            found += [(name, node) for name in names if re.match(begin, name)]
    found.sort(key=lambda pair: pair[1].lineno)
    values.update((name, node.value) for name, node in found if isinstance(node, ast.Assign))
    return found


def _imported_at(text: str) -> int:
    """The line in which the credentials are imported, 0 without one."""
    nodes = (node for node in ast.walk(_parsed(text)) if isinstance(node, ast.Import))
    lines = [
        node.lineno for node in nodes if any(name.name == "credentials" for name in node.names)
    ]
    return max(lines, default=0)


def _imports_config(node: ast.AST) -> TypeGuard[ast.stmt]:
    if isinstance(node, ast.Import):
        return any(name.name == "config" for name in node.names)
    return isinstance(node, ast.ImportFrom) and node.module == "config"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        line = problem.object.count(b"\n", 0, problem.start) + 1
        byte = problem.object[problem.start]
        said = f"{shown(path)}:{line}: byte 0x{byte:02x}; allowed: a file saved as UTF-8"
        raise NotUsable(said) from None
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or problem
        raise NotUsable(f"{shown(path)}: {why}") from None


def fields() -> dict[str, Any]:
    """The fields of the configuration and its credentials with plain values, as a board reads
    them: none of a file that raises."""
    return evaluation.evaluate().fields


def secret_fields() -> set[str]:
    """The fields of all components whose values nobody may see."""
    texts = (source(path).read_text(encoding="utf-8") for path in device_files())
    return {name for text in texts for name in _SECRET.findall(text)}


def secret_values(found: Mapping[str, Any]) -> list[str]:
    """The texts that nobody may see, of these fields: within a dict those of _INSIDE."""
    return [text for name in sorted(secret_fields()) for text in _texts(found.get(name))]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in _INSIDE or isinstance(inner, (dict, list, tuple)):
                yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            if not isinstance(value, tuple) or not isinstance(inner, str):  # (ssid, {...})
                yield from _texts(inner)


def destination(found: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Bearer, protocol, host and port of these fields (default: fields()); in place of a wrong one
    that of the published file."""
    found = fields() if found is None else found
    names = {"_BEARER": application.bearers(), "_PROTOCOL": [AUTO, *application.protocols()]}
    chosen = {}
    for name, published in application.PUBLISHED.items():
        value = found.get(name)
        right = value in names[name] if name in names else isinstance(value, type(published))
        chosen[name] = value if right else published
    return chosen
