"""Everything that is wrong with a configuration, each with the file and line where it stands.

    for problem in config_check.problems(Path("config.py")):
        print(problem)      # config.py:63: _PORT = 0; allowed: an integer 1 to 65535

A board's own checks do most of it (node_check.py, devkit/evaluation.py). This module adds the
mistakes that keep the file from running, misspelt names, and the lines.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit import configuration, evaluation
from devkit.configuration import Layout, secret_fields
from devkit.evaluation import LIMIT_S, Evaluation
from emulator.board.secrets import HIDDEN

_FIELD = re.compile(r"(?<![\w'])_[A-Z]\w*")
_SENSOR = re.compile(r"^_SENSORS, sensor (\d+)\b")
_NOT_THERE = "a form that the board's MicroPython (1.11) does not know"
_RAISED = re.compile(r'File "([\w./]*(config|credentials)\.py)", line (\d+)')
_MODULE = re.compile(r'File "([\w./]+\.py)", line (\d+)')


@dataclass(frozen=True)
class Problem:
    """One problem. value: of the first field, HIDDEN for a secret; allowed: None if unsaid."""

    file: str
    line: int
    text: str
    fields: tuple[str, ...] = ()
    value: Any = None
    allowed: str | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"

    def as_json(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "line": self.line,
            "fields": list(self.fields),
            "value": self.value,
            "allowed": self.allowed,
            "text": self.text,
        }


def problems(path: Path, limit_s: float = LIMIT_S, *, example: bool = True) -> list[Problem]:
    """All problems of this file and of its credentials. OSError if it cannot be opened.

    example: a missing credentials.py is replaced by the example, as on an emulated board.
    """
    path.read_bytes()
    try:
        layout = Layout(path)
    except configuration.NotUsable as problem:
        return [_of_text(str(problem), str(path))]
    broken = list(_unreadable(layout))
    if broken:
        return broken
    with configuration.placed(layout):
        return _evaluated(layout, evaluation.evaluate(limit_s, example=example), limit_s)


def _of_text(text: str, file: str) -> Problem:
    """From `FILE:LINE: text`, or from a text alone."""
    found = re.match(r"(?P<file>.+?):(?P<line>\d+): (?P<text>.*)", text)
    if found is None:
        return Problem(file, 1, text.removeprefix(f"{file}: "))
    return Problem(found["file"], int(found["line"]), found["text"])


def _unreadable(layout: Layout) -> Iterator[Problem]:
    """The mistakes that keep Python from reading a file: each with the text of its line."""
    for name, text in layout.texts:
        try:
            ast.parse(text, name, feature_version=(3, 7))
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            number = getattr(error, "lineno", None) or 1
            line = layout.line(name, number)
            said = getattr(error, "msg", None) or str(error)
            if "only supported in Python" in said:
                said = _NOT_THERE
            yield Problem(name, number, f"{said}: {line}")


def _evaluated(layout: Layout, found: Evaluation, limit_s: float) -> list[Problem]:
    if found.endless:
        file, line = layout.origin(found.line) if found.line else (layout.file, 1)
        text = f"does not end; allowed: a file that ends within {limit_s:g} s"
        return [Problem(file, line, text)]
    if found.error is not None:
        return [_raised(layout, found.error)]
    if found.damaged:  # whatever else the board says follows from it
        return list(dict.fromkeys(map(_of_module, found.damaged)))
    texts = [*found.problems, *found.advice]
    whole = [*_misspelt(layout, found), *(_placed(layout, found, text) for text in texts)]
    return sorted(whole, key=lambda problem: (problem.file, problem.line))


def _raised(layout: Layout, traceback: str) -> Problem:
    """The exception that a file ends with, at the line of it that raised."""
    frames = _RAISED.findall(traceback)
    text = traceback.strip().splitlines()[-1]
    if not frames and _MODULE.search(traceback):  # of the checks themselves
        return _of_module(traceback)
    if not frames:
        return Problem(layout.file, 1, text)
    _, which, number = frames[-1]
    file, line = (
        layout.origin(int(number)) if which == "config" else (layout.credentials, int(number))
    )
    if text.startswith("SyntaxError"):  # Python here has read it
        text = _NOT_THERE
    said = f"{text.rstrip(': ')}: {layout.line(file, line)}"
    if text.startswith("TypeError") and "callable" in text:
        said += "; probably a comma is missing after it"
    return Problem(file, line, said)


def _of_module(traceback: str) -> Problem:
    """The exception that importing a module ends with, at the line that raised."""
    file, line = _MODULE.findall(traceback)[-1]
    text = traceback.strip().splitlines()[-1]
    return Problem(file, int(line), text.removeprefix("SyntaxError: "))


def _misspelt(layout: Layout, found: Evaluation) -> Iterator[Problem]:
    """Names that begin like a field and are none."""
    for name, (file, line) in layout.assigned.items():
        if name not in found.known:
            nearest = min(found.known, key=lambda known: (distance(name, known), known))
            allowed = f"a field; the nearest one is {nearest}"
            value = found.fields.get(name)
            if nearest in secret_fields() or file == layout.credentials:
                value = HIDDEN
            text = f"{name} = {_shown(value)}; allowed: {allowed}"
            yield Problem(file, line, text, (name,), _as_json(value), allowed)
    for name, (file, line) in layout.bare.items():
        meant = f"_{name}"
        # one that the same file takes over may have any name
        if meant in found.known and layout.assigned.get(meant, ("", 0))[0] != file:
            allowed = f"a field; the nearest one is {meant}"
            yield Problem(file, line, f"{name}; allowed: {allowed}", (name,), None, allowed)


def _placed(layout: Layout, found: Evaluation, text: str) -> Problem:
    """A text of the board, with the fields that it names and the place of the first."""
    said, _, allowed = text.partition("; allowed: ")
    names = [name for name in dict.fromkeys(_FIELD.findall(said)) if name in found.known]
    here = [name for name in names if name in layout.assigned]
    file, line = layout.assigned[here[0]] if here else (layout.file, 1)
    sensor = _SENSOR.match(text)
    if sensor is not None and here:
        line = layout.element(here[0], int(sensor[1]) - 1) or line
    value = found.fields.get(names[0]) if names else None
    if names and names[0] in secret_fields() and value is not None:
        value = HIDDEN
    return Problem(file, line, text, tuple(names), _as_json(value), allowed or None)


def distance(one: str, other: str) -> int:
    """How many characters have to be changed, put in or left out (Levenshtein)."""
    row = list(range(len(other) + 1))
    for number, here in enumerate(one, 1):
        before, row[0] = row[0], number
        for at, there in enumerate(other, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (here != there))
    return row[-1]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _as_json(value: Any) -> Any:
    """What JSON has a form for, else its text."""
    if isinstance(value, (dict, list, tuple, bytes)):
        return repr(value)
    return value
