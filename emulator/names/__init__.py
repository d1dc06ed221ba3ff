"""What can be named on a board: modules, classes and their names, as the firmware has them.

    names.modules("FiPy", "base")["umachine"]["freq"]    # a Name

table.txt is the only list of them: the emulation shows device code these names and no others
(emulator/vm/device/surface.py), the checks of device code ask it (devkit/checks/subset.py), and
docs/emulation.md says what of it is emulated.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("table.txt")
INSTANCE = "of "  # in the section of a type that has no name in a module
BOARDS = ("GPy", "FiPy")
BUILDS = ("base", "pybytes")
# Kinds of names; a type has no name in a module
MODULE, TYPE, CLASS, FUNCTION = "module", "type", "class", "function"
CONSTANT, EXCEPTION, OBJECT = "constant", "exception", "object"

_SECTION = re.compile(r"\[(.+)\](.*)")
_WORD = re.compile(r"(\w+)(\(\)|!|:|=\S+?)?(?:@(\w+))?")
_KINDS = {"()": FUNCTION, "!": EXCEPTION, ":": CLASS, None: OBJECT}


@dataclass
class Name:
    kind: str
    value: Any = None  # of a constant
    only: str = ""  # the board or the build that has it, "" for all
    names: dict[str, Name] = field(default_factory=dict)  # of a class
    aliases: tuple[str, ...] = ()  # of a module: what a file of that name wins over
    frozen: bool = False  # a module of Python


@functools.cache
def table() -> dict[str, Name]:
    """Everything in the table: modules by name, types without a name by "of " and theirs."""
    found: dict[str, Name] = {}
    names: dict[str, Name] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        section = _SECTION.fullmatch(line)
        if section is not None:
            path, after = section.groups()
            names = _begun(found, path, after).names
        elif not line.startswith("#"):
            names.update(map(_name, line.split()))
    return found


def _begun(found: dict[str, Name], path: str, after: str) -> Name:
    """The entry that a section describes."""
    module, *inner = path.split(".")
    if not inner:
        words, _, only = after.partition("@")
        aliases = tuple(word for word in words.split() if word != "frozen")
        kind = TYPE if module.startswith(INSTANCE) else MODULE
        found[module] = Name(kind, None, only, {}, aliases, "frozen" in words)
    entry = found[module]
    for each in inner:
        entry = entry.names[each]
    return entry


def _name(word: str) -> tuple[str, Name]:
    match = _WORD.fullmatch(word)
    assert match is not None, word
    name, sign, only = match.groups()
    if sign and sign.startswith("="):
        return name, Name(CONSTANT, json.loads(sign[1:]), only or "")
    return name, Name(_KINDS[sign], None, only or "")


@functools.cache
def modules(board: str, build: str) -> dict[str, dict[str, Name]]:
    """The modules of one board with their names."""
    has = ("", board, build)
    return {
        name: _of(entry.names, has)
        for name, entry in table().items()
        if entry.only in has and not name.startswith(INSTANCE)
    }


def _of(names: dict[str, Name], has: tuple[str, ...]) -> dict[str, Name]:
    return {
        name: Name(entry.kind, entry.value, "", _of(entry.names, has))
        for name, entry in names.items()
        if entry.only in has
    }


def everywhere(module: str) -> dict[str, Name]:
    """The names of a module on any board and build; `module` may be a weak name."""
    return table()[weak().get(module, module)].names


def of_any_type() -> set[str]:
    """Names that objects of some type of the core have, and those of the modules' classes."""
    found: set[str] = set()
    waiting = [entry for entry in table().values() if not entry.frozen]
    while waiting:
        entry = waiting.pop()
        if entry.kind == CLASS or entry.kind == TYPE:
            found.update(entry.names)
        waiting += entry.names.values()
    return found


@functools.cache
def weak() -> dict[str, str]:
    """Names that a file of that name wins over -> the module that they stand for."""
    return {alias: name for name, entry in table().items() for alias in entry.aliases}


def plain(names: dict[str, Name]) -> dict[str, Any]:
    """Names as a VM gets them: the value of a constant, a dict for a class, else None."""
    return {
        name: plain(entry.names) if entry.kind == CLASS else entry.value
        for name, entry in names.items()
    }


def errno_names() -> dict[int, str]:
    """What uerrno names; of two names of a number the first."""
    found: dict[int, str] = {}
    for name, entry in everywhere("uerrno").items():
        if isinstance(entry.value, int):
            found.setdefault(entry.value, name)
    return found
