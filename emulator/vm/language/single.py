"""Floats of single precision for CPython: each result is rounded to 24 bits of mantissa.

Single takes the place of float in device code: constants, results of division, values that come
from the firmware. Rounding a double result once gives what single precision gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from struct import Struct, error
from types import CodeType
from typing import Any

from emulator.vm.device.floats import float_text
from emulator.vm.language.formats import format_number

_new = float.__new__
_pack, _unpack = Struct("f").pack, Struct("f").unpack


def _single(value: float) -> float:
    """The nearest number of single precision, as CPython's own float."""
    try:
        return float(_unpack(_pack(value))[0])
    except OverflowError:
        return math.inf if value > 0 else -math.inf


class Single(float):
    """The device's float."""

    __slots__ = ()

    def __new__(cls, value: Any = 0.0, /) -> Single:
        return _new(Single, _single(value))

    def __repr__(self) -> str:
        return str(float_text(self))

    __str__ = __repr__

    def __format__(self, form: str) -> str:
        return str(format_number(self, form))

    def __round__(self, digits: Any = None) -> Any:
        if digits is None:
            return float.__round__(self)
        scale = single(10.0**digits)
        return single(single(float.__round__(single(self * scale))) / scale)

    def __divmod__(self, other: Any) -> Any:
        whole, rest = divmod(float(self), float(other))
        return single(whole), single(rest)


def single(value: float) -> Single:
    """The nearest number of single precision."""
    return _new(Single, _single(value))


def rounded(value: Any) -> Any:
    """The same value with its float, if it is one, in single precision."""
    return _new(Single, _single(value)) if type(value) is float else value


def _binary(name: str) -> Callable[[Any, Any], Any]:
    native: Callable[[Any, Any], Any] = getattr(float, name)

    def operation(self: Single, other: Any) -> Any:
        if other.__class__ is not Single:
            if not isinstance(other, (int, float)):
                return NotImplemented
            other = _single(other)
        result = native(self, other)
        try:
            return _new(Single, _unpack(_pack(result))[0])
        except OverflowError:
            return _new(Single, math.inf if result > 0 else -math.inf)
        except error:  # a complex number
            return result

    return operation


def _unary(name: str) -> Callable[[Any], Any]:
    native: Callable[[Any], Any] = getattr(float, name)
    return lambda self: _new(Single, native(self))


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    for _form in (f"__{_name}__", f"__r{_name}__"):
        setattr(Single, _form, _binary(_form))
for _name in ("__neg__", "__pos__", "__abs__"):
    setattr(Single, _name, _unary(_name))
Single.__name__ = Single.__qualname__ = "float"


def with_singles(code: CodeType) -> CodeType:
    """The code with its floats, which Python's compiler makes doubles, in single precision."""
    return code.replace(co_consts=tuple(map(_constant, code.co_consts)))


def _constant(value: Any) -> Any:
    if type(value) is float:
        return single(value)
    if type(value) is tuple:
        return tuple(map(_constant, value))
    return with_singles(value) if isinstance(value, CodeType) else value
