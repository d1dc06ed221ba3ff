"""Command lines taken apart: names, forms and parameters (ITU-T V.250 5.2 to 5.4).

>>> [(part.name, part.form, part.args) for part in parts('+CGDCONT=1,"IP",;+CSQ;E0')]
[('+CGDCONT', 'set', [1, 'IP', None]), ('+CSQ', 'execute', []), ('E', 'set', [0])]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from emulator.modem.engine import Arg, Args, CmeError

SIGNS = "+^!#*$%"
_NAME = re.compile(r"[+^!#*$%][A-Za-z0-9_.:/\-]*")
_BASIC = re.compile(r"(&?[A-Za-z])([0-9]*)")
_REGISTER = re.compile(r"[Ss]([0-9]+)")
_NUMBER = re.compile(r"[+-]?[0-9]+")


@dataclass
class Part:
    """One command of a line. `form` is set, read, test or execute."""

    name: str
    form: str
    args: Args = field(default_factory=list)


def parts(text: str) -> Iterator[Part]:
    """The commands of a line, without its AT, one by one: those before a bad one are executed."""
    position = 0
    while True:
        while position < len(text) and text[position] in " \t;":
            position += 1
        if position >= len(text):
            return
        part, position = _next(text, position)
        yield part


def _next(text: str, position: int) -> tuple[Part, int]:
    if text[position] in SIGNS:
        return _extended(text, position)
    if text[position] in "Dd":
        end = _end(text, position)
        return Part("D", "set", [text[position + 1 : end].strip()]), end
    register = _REGISTER.match(text, position)
    if register:
        return _suffixed(text, "S" + register.group(1), register.end())
    basic = _BASIC.match(text, position)
    if not basic:
        raise CmeError(4)
    name, digits = basic.group(1).upper(), basic.group(2)
    if digits:
        return Part(name, "set", [int(digits)]), basic.end()
    return Part(name, "execute"), basic.end()


def _extended(text: str, position: int) -> tuple[Part, int]:
    match = _NAME.match(text, position)
    assert match is not None  # the caller has seen the sign
    return _suffixed(text, match.group().upper(), match.end())


def _suffixed(text: str, name: str, position: int) -> tuple[Part, int]:
    """Whatever follows the name of an extended command or S register, up to the separator."""
    end = _end(text, position)
    rest = text[position:end].strip()
    if not rest:
        return Part(name, "execute"), end
    if rest == "?":
        return Part(name, "read"), end
    if rest[0] != "=":
        raise CmeError(50)
    rest = rest[1:].strip()
    if rest == "?":
        return Part(name, "test"), end
    return Part(name, "set", arguments(rest)), end


def _end(text: str, position: int) -> int:
    """Where the command ends: at the next semicolon outside quotes, or with the line."""
    quoted = False
    for index in range(position, len(text)):
        if text[index] == '"':
            quoted = not quoted
        elif text[index] == ";" and not quoted:
            return index
    if quoted:
        raise CmeError(50)
    return len(text)


def arguments(text: str) -> Args:
    """Parameters between commas. A comma inside quotes belongs to the string."""
    pieces = [""]
    quoted = False
    for char in text:
        if char == '"':
            quoted = not quoted
        if char == "," and not quoted:
            pieces.append("")
        else:
            pieces[-1] += char
    return [_argument(piece.strip()) for piece in pieces]


def _argument(piece: str) -> Arg:
    if not piece:
        return None
    if piece[0] == '"':
        if len(piece) < 2 or piece[-1] != '"' or '"' in piece[1:-1]:
            raise CmeError(50)
        return piece[1:-1]
    if '"' in piece:
        raise CmeError(50)
    return int(piece) if _NUMBER.fullmatch(piece) else piece
