"""str.format and % of floats on CPython.

Source: MicroPython 1.11 py/objstr.c (mp_obj_str_format_helper, str_modulo_format), py/mpprint.c.
"""

from __future__ import annotations

import itertools
import re
from typing import Any

from emulator.vm.device.floats import float_digits, float_text
from emulator.vm.language.texts import board_text

# fill, align, sign, zeros, width, precision, kind
_FORM = re.compile(r"(?:(.)?([<>=^]))?([+\- ])?#?(0)?(\d+)?,?(?:\.(\d+))?([eEfFgGn%])?", re.DOTALL)
_SPEC = re.compile(r"([#0\- +]*)(\d*)(?:\.(\d*))?")


def format_number(value: float, form: str) -> str:
    """What "{:form}".format(value) makes of a float. ValueError for an unknown form."""
    if not form:
        return str(float_text(value))
    found = _FORM.fullmatch(form)
    if found is None:
        raise ValueError("invalid format specifier")
    fill, align, sign, zeros, width, precision, kind = found.groups()
    if zeros and not align:
        fill, align = "0", "="
    text = _digits(value, kind, precision and int(precision), (sign or "").replace("-", ""))
    return padded(text, int(width or 0), align or ">", fill or " ")


def _digits(value: float, kind: str | None, precision: Any, sign: str) -> str:
    precision = 6 if precision is None else precision
    if kind == "%":
        return str(float_digits(value * 100.0, "f", precision, sign=sign)) + "%"
    kind = "g" if kind is None or kind == "n" else kind
    text = str(float_digits(value, kind.lower(), precision, sign=sign))
    return text.upper() if kind in "EFG" else text


def padded(text: str, width: int, align: str, fill: str) -> str:
    if align == "=" and text[0] in "+- ":
        return text[0] + text[1:].rjust(width - 1, fill)
    return format(text, f"{fill}{align.replace('=', '>')}{width}") if width else text


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
    return Seen(value)


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


_TOLD = {  # text of CPython -> of the board
    "not enough arguments for format string": "format string needs more arguments",
    "not all arguments converted during string formatting":
        "format string didn't convert all arguments",
    "format requires a mapping": "format needs a dict",
}  # fmt: skip


def percent(form: str, values: Any) -> str:
    """form % values, its floats with the digits of a board."""
    try:
        return _filled(form, _seen(values))
    except TypeError as error:
        told = _TOLD.get(str(error))
        if told is None:
            raise
        raise TypeError(told) from None


def _filled(form: str, values: Any) -> str:
    if not any(kind in form for kind in "eEfFgGab"):  # a and b: of CPython alone
        return form % values
    given = values if type(values) is tuple else (values,)
    queue = None if isinstance(values, dict) else iter(given)
    left: list[Any] = []  # for CPython's own %

    def put(found: re.Match[str]) -> str:
        kind, spec = found["kind"], found["spec"]
        if kind and kind not in "diouxXeEfFgGcrs%":
            if queue is not None:
                next(queue)  # a value is looked for first
            what = f"'{kind}' (0x{ord(kind):x}) at index {found.start('kind')}"
            raise ValueError(f"unsupported format character {what}")
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
        raise TypeError("format string needs more arguments") from None
    if queue is None:
        return text % values
    left.extend(queue)
    return text % tuple(left)


def _percent(spec: str, kind: str, value: Any) -> str:
    found = _SPEC.fullmatch(spec)
    assert found is not None
    flags, width, precision = found.groups()
    if not isinstance(value, (int, float)):
        raise TypeError(f"can't convert {type(value).__name__} to float")
    sign = "+" if "+" in flags else (" " if " " in flags else "")
    text = _digits(float(value), kind, None if precision is None else int(precision or 0), sign)
    align = "<" if "-" in flags else ("=" if "0" in flags else ">")
    return padded(text, int(width or 0), align, "0" if align == "=" else " ")
