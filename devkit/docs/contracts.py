"""What the contracts of bearers and protocols ask for, as their __init__.py lists it."""

from __future__ import annotations

import ast
import re

from emulator.device_files import ROOT

_ENTRY = re.compile(r"^(?:session\.)?(\w+)(?:\(.*?\))?(?:\s{2,}\S|$)", re.MULTILINE)


def names(package: str) -> list[str]:
    """The things that a contract lists, up to its first other list, in order."""
    text = (ROOT / package / "__init__.py").read_text(encoding="utf-8")
    listed = (ast.get_docstring(ast.parse(text)) or "").split("\n\n")
    [entries] = [each for each in listed if re.match(r"\w+(\(cfg\))? {2,}", each)][:1]
    return _ENTRY.findall(entries)


def optional(package: str) -> list[str]:
    """What a member may leave out: the lists behind the first one."""
    text = (ROOT / package / "__init__.py").read_text(encoding="utf-8")
    listed = (ast.get_docstring(ast.parse(text)) or "").split("\n\n")
    entries = [each for each in listed if re.match(r"\w+(\(\w*\))? {2,}", each)][1:]
    return _ENTRY.findall("\n".join(entries))


def bearer() -> str:
    return ", ".join(f"`{name}`" for name in names("networking")) + "."
