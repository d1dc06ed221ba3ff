"""The groups of requirements.in, and the lines of requirements.lock that belong to a group."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_HEADING = re.compile(r"^# \[(\w+)\] (.+)$")
_NAME = re.compile(r"^[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Group:
    about: str  # what it is for
    names: tuple[str, ...]  # packages asked for, without those that they need


@dataclass(frozen=True)
class Pin:
    """One entry of the lock file. A package has several if its version depends on the computer."""

    name: str
    text: str  # as pip wants it: version, marker, hashes
    via: frozenset[str]  # packages that need it


def groups(text: str) -> dict[str, Group]:
    """Read requirements.in."""
    found: dict[str, Group] = {}
    name = ""
    for line in text.splitlines():
        heading, package = _HEADING.match(line), _NAME.match(line)
        if heading:
            name = heading[1]
            found[name] = Group(heading[2], ())
        elif package:
            group = found[name]
            found[name] = Group(group.about, (*group.names, _normal(package[0])))
    return found


def pins(text: str) -> list[Pin]:
    """Read requirements.lock, as `uv pip compile` writes it."""
    found = []
    for block in re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]:
        lines = block.splitlines()
        comments = " ".join(line.strip(" #") for line in lines if line.lstrip().startswith("#"))
        entry = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
        name = _NAME.match(block)
        assert name is not None
        via = frozenset(map(_normal, comments.removeprefix("via ").split()))
        found.append(Pin(_normal(name[0]), entry.rstrip(), via))
    return found


def belonging(asked: Collection[str], known: list[Pin]) -> list[Pin]:
    """Those of the packages that are asked for, and of all that they need."""
    wanted = set(asked)
    while more := {pin.name for pin in known if pin.via & wanted} - wanted:
        wanted |= more
    return [pin for pin in known if pin.name in wanted]


def _normal(name: str) -> str:
    """The one spelling of a package's name (PyPA, names and normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()
