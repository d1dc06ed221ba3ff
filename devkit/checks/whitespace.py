"""UTF-8, no trailing blanks, no CR, no tab in Python, and one newline at the end of text files."""

from __future__ import annotations

from pathlib import Path

from devkit.checks.problem import Problem


def problems(root: Path, names: list[str]) -> list[Problem]:
    return [
        Problem(name, line, "whitespace", what)
        for name in names
        for line, what in _look((root / name).read_bytes(), name)
    ]


def is_decodable(data: bytes) -> bool:
    try:
        return "\0" not in data.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _look(data: bytes, name: str) -> list[tuple[int, str]]:
    if not data:
        return []
    if not is_decodable(data):
        return [(1, "no text in UTF-8; a binary file needs an ending of its own")]
    lines = data.split(b"\n")
    found = []
    for number, line in enumerate(lines, 1):
        if line.endswith(b"\r"):
            found.append((number, "line ends with CR LF"))
        elif line != line.rstrip():
            found.append((number, "blanks at the end of the line"))
        if name.endswith(".py") and b"\t" in line:
            found.append((number, "tab"))
    if lines[-1]:
        found.append((len(lines), "no newline at the end of the file"))
    elif len(lines) > 1 and not lines[-2].strip():
        found.append((len(lines) - 1, "empty lines at the end of the file"))
    return found
