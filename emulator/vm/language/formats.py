"""str.format and % of floats on CPython.

Source: MicroPython 1.11 py/objstr.c (mp_obj_str_format_helper, str_modulo_format), py/mpprint.c.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

from emulator.vm.device.floats import float_digits, float_text
from emulator.vm.language.texts import board_text

_ALIGN = "<>=^"
_FLOATS = "eEfFgG%"


def _number(text: str, at: int) -> tuple[int | None, int]:
    """(the digits from there on as a number or None, where they end)"""
    start = at
    while at < len(text) and text[at].isdigit():
        at += 1
    return (int(text[start:at]) if at > start else None), at


def format_number(value: float, form: str) -> str:
    """What "{:form}".format(value) makes of a float. ValueError for an unknown form."""
    at = 0
    fill, align, sign = " ", "", ""
    if len(form) > 1 and form[1] in _ALIGN:
        fill, align, at = form[0], form[1], 2
    elif form[:1] and form[0] in _ALIGN:
        align, at = form[0], 1
    if at < len(form) and form[at] in "+- ":
        sign, at = form[at], at + 1
    if at < len(form) and form[at] == "#":
        at += 1
    if at < len(form) and form[at] == "0":
        if not align:
            fill, align = "0", "="
        at += 1
    width, at = _number(form, at)
    if at < len(form) and form[at] == ",":
        at += 1
    precision = None
    if at < len(form) and form[at] == ".":
        precision, at = _number(form, at + 1)
    kind = form[at : at + 1]
    if at + len(kind) < len(form):
        raise ValueError("invalid format specifier")
    if not form:
        return float_text(value)
    if kind and kind not in _FLOATS + "n":
        raise ValueError(f"unknown format code '{kind}' for object of type 'float'")
    text = _digits(value, kind, precision, sign if sign in "+ " else "")
    return padded(text, width or 0, align or ">", fill)


def _digits(value: float, kind: str, precision: int | None, sign: str) -> str:
    if not kind or kind == "n":
        kind = "g"
        if precision is None:
            precision = 6
    if kind == "%":
        # six digits where none are asked for, as with f
        text = float_digits(value * 100.0, "f", 6 if precision is None else precision, sign=sign)
        return text + "%"
    text = float_digits(value, kind.lower(), -1 if precision is None else precision, sign=sign)
    return text.upper() if kind in "EFG" else text


def padded(text: str, width: int, align: str, fill: str) -> str:
    missing = width - len(text)
    if missing <= 0:
        return text
    if align == "<":
        return text + fill * missing
    if align == "^":
        return fill * (missing // 2) + text + fill * (missing - missing // 2)
    if align == "=" and text[0] in "+- ":
        return text[0] + fill * missing + text[1:]
    return fill * missing + text


_PLAIN = (str, int, float, bool, bytes)
_ASIDE = re.compile(r"\{[^{}:!]*[.\[]|:[^{}]*_\}|!a")


class Seen:
    """A value whose texts are those of the board."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __str__(self) -> str:
        return board_text(self._value)

    def __repr__(self) -> str:
        return board_text(self._value, True)

    def __format__(self, form: str) -> str:
        return format(str(self), form)


def seen(value: Any) -> Any:
    if isinstance(value, (int, float)) or (type(value) is str and value.isascii()):
        return value
    return SeenText(value) if type(value) is str else Seen(value)


class SeenText(str):
    """A str beyond ASCII, whose repr() has escapes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return ascii(str(self))


def _seen(values: Any) -> Any:
    if type(values) is tuple:
        return tuple(map(seen, values))
    if isinstance(values, dict):
        return {key: seen(values[key]) for key in values}
    return seen(values)


def formatted(form: str, values: tuple[Any, ...], named: dict[str, Any]) -> str:
    """form.format(*values, **named)."""
    if ("." in form or "[" in form or "_" in form or "!" in form) and _ASIDE.search(form):
        if re.search(r"\{[^{}:!]*[.\[]", form):
            raise NotImplementedError("attributes not supported yet")
        raise ValueError("invalid format specifier")
    return form.format(*map(seen, values), **{key: seen(named[key]) for key in named})


_DIRECTIVE = re.compile(
    r"%(\((?P<key>[^)]*)\))?(?P<spec>[#0\- +]*[\d*]*(\.[\d*]*)?)(?P<kind>.?)", re.DOTALL
)


def percent(form: str, values: Any) -> str:
    """form % values, its floats with the digits of a board."""
    values = _seen(values)
    if not any(kind in form for kind in "eEfFgG"):
        return form % values
    given = values if type(values) is tuple else (values,)
    queue = None if isinstance(values, dict) else iter(given)
    left: list[Any] = []  # for CPython's own %

    def put(found: re.Match[str]) -> str:
        kind, spec = found["kind"], found["spec"]
        if kind and kind not in "diouxXeEfFgGcrs%":
            raise ValueError(f"unsupported format character '{kind}' (0x{ord(kind):x})")
        if kind == "%" or not kind:
            return found[0]
        if queue is not None:
            stars = [next(queue) for _ in range(spec.count("*"))]
            if kind not in "eEfFgG" or found["key"] is not None:
                left.extend(stars)
                left.extend(itertools.islice(queue, 1))
                return found[0]
            for star in stars:
                spec = spec.replace("*", str(star), 1)
            value = next(queue)
        elif kind not in "eEfFgG" or found["key"] is None:
            return found[0]
        else:
            value = values[found["key"]]
        return _percent(spec, kind, value).replace("%", "%%")

    try:
        text = _DIRECTIVE.sub(put, form)
    except StopIteration:
        raise TypeError("not enough arguments for format string") from None
    if queue is None:
        return text % values
    left.extend(queue)
    return text % tuple(left)


def _percent(spec: str, kind: str, value: Any) -> str:
    flags = ""
    at = 0
    while at < len(spec) and spec[at] in "#0- +":
        flags += spec[at]
        at += 1
    width, at = _number(spec, at)
    precision = None
    if spec[at : at + 1] == ".":
        precision, at = _number(spec, at + 1)
        precision = precision or 0
    if not isinstance(value, (int, float)):
        raise TypeError(f"can't convert {type(value).__name__} to float")
    sign = "+" if "+" in flags else (" " if " " in flags else "")
    text = _digits(float(value), kind, precision, sign)
    align = "<" if "-" in flags else ("=" if "0" in flags else ">")
    return padded(text, width or 0, align, "0" if align == "=" else " ")
