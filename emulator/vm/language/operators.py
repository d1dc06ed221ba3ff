"""Operators between the builtin types of the device, where CPython's do something else.

Device source calls these in place of the operators (emulator/vm/language/rewriting.py).
Source: MicroPython 1.11 py/objstr.c, py/objarray.c, py/sequence.c, py/objint.c.
"""

from __future__ import annotations

import operator
from typing import Any, NoReturn

from emulator.vm.language.formats import percent
from emulator.vm.language.single import rounded, single

_BUFFERS = (bytes, bytearray)


def divide(left: Any, right: Any) -> Any:
    if left.__class__ is int and right.__class__ is int:
        return single(left) / single(right)
    return rounded(left / right)


def divide_in_place(left: Any, right: Any) -> Any:
    if left.__class__ is int and right.__class__ is int:
        return single(left) / single(right)
    return rounded(operator.itruediv(left, right))


def power(left: Any, right: Any) -> Any:
    if left.__class__ is int and right.__class__ is int and right < 0:
        return single(left) ** single(right)
    return rounded(left**right)


def modulo(left: Any, right: Any) -> Any:
    if left.__class__ is str:
        return percent(left, right)
    if left.__class__ is bytes:
        values = right if b"%r" in left else _latin(right)
        return percent(left.decode("latin-1"), values).encode("latin-1")
    return left % right


def _latin(value: Any) -> Any:
    """Values for a text that stands for bytes: %s shows bytes as they are."""
    if type(value) is tuple:
        return tuple(map(_latin, value))
    raw = value.encode("utf-8", "surrogateescape") if type(value) is str else value
    return raw.decode("latin-1") if type(raw) is bytes else value


def add(left: Any, right: Any) -> Any:
    """A str behind bytes is a buffer of its UTF-8 bytes."""
    kind = left.__class__
    if right.__class__ is str and kind in _BUFFERS:
        return left + right.encode("utf-8", "surrogateescape")
    return left + right


def add_in_place(left: Any, right: Any) -> Any:
    kind = left.__class__
    if right.__class__ is str and kind is bytes:
        return left + right.encode("utf-8", "surrogateescape")
    left += right
    return left


def contains(item: Any, container: Any) -> Any:
    kind = container.__class__
    if kind is bytes and item.__class__ is str:
        return item.encode() in container
    if item.__class__ is int and (issubclass(kind, bytearray) or kind is memoryview):
        raise NotImplementedError
    try:
        return item in container
    except TypeError as error:
        if str(error).startswith("argument of type"):
            kinds = f"'{type(container).__name__}', '{type(item).__name__}'"
            raise TypeError(f"unsupported types for : {kinds}") from None
        raise


def stepped(value: Any, piece: slice) -> Any:
    """value[a:b:step]: of lists and ranges only."""
    one = piece.step is None or piece.step == 1
    if not one and isinstance(value, (str, bytes, bytearray, tuple, memoryview)):
        raise NotImplementedError("only slices with step=1 (aka None) are supported")
    return value[piece]


def no_step(*_: Any) -> NoReturn:
    """Nothing can be stored into such a slice."""
    raise NotImplementedError("only slices with step=1 (aka None) are supported")


def as_divisor(value: Any) -> Any:
    return single(value) if value.__class__ is int else value


NAMES: dict[str, Any] = {
    "__div__": divide, "__idiv__": divide_in_place, "__pow__": power, "__percent__": modulo,
    "__plus__": add, "__iplus__": add_in_place, "__within__": contains, "__stepped__": stepped,
    "__nostep__": no_step, "__divisor__": as_divisor,
}  # fmt: skip
