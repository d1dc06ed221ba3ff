"""int(), str(), bytearray() and the like as the device has them, and what else makes values.

The types themselves stay CPython's, so that isinstance() and the firmware know them; a call of one
by its name becomes a call of these (emulator/vm/language/rewriting.py).
Source: MicroPython 1.11 py/objint.c, py/objstr.c, py/objarray.c, py/objfloat.c, py/parsenum.c.
"""

from __future__ import annotations

import math
import re
from typing import Any

from emulator.vm.language.single import Single, rounded, single
from emulator.vm.language.tables import Table
from emulator.vm.language.texts import board_text

_MOST = 1e300  # of what single() takes for a float
HEAP_BYTES = 2_560 * 1024
_PREFIXES = {"0x": 16, "0o": 8, "0b": 2}
_BUFFERS = (bytes, bytearray, memoryview)
_FULL_RO = 284  # inspect.BufferFlags


def make_int(value: Any = 0, *base: Any) -> Any:
    kind = type(value)
    if kind is bytes or kind is str:
        text = value.decode("latin-1") if kind is bytes else value
        return _int_of(text, base[0] if base else 0)
    if isinstance(value, (bytearray, memoryview)) or (base and not isinstance(value, str)):
        raise TypeError(f"can't convert {kind.__name__} to int")
    return int(value, *base)


def _int_of(text: str, base: int) -> int:
    if base != 0 and not 2 <= base <= 36:
        raise ValueError("int() arg 2 must be >= 2 and <= 36")
    digits = text.strip(" \t\n\r\v\f").lower()
    sign = -1 if digits[:1] == "-" else 1
    digits = digits[1:] if digits[:1] in "+-" and digits else digits
    prefixed = _PREFIXES.get(digits[:2])
    if prefixed is not None and base in (0, prefixed):
        digits, base = digits[2:], prefixed
    base = base or 10
    try:
        if not digits or digits[0] in "+-_" or not digits.isascii() or digits != digits.strip():
            raise ValueError
        return sign * int(digits.replace("_", ""), base)
    except ValueError:
        raise ValueError(f"invalid syntax for integer with base {base}") from None


_FLOAT = re.compile(
    r"\s*[+-]?(\d[\d_]*\.?[\d_]*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|inf|infinity|nan)\s*", re.IGNORECASE
)


def make_float(value: Any = 0.0, /) -> Single:
    if isinstance(value, (str, bytes)):
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        if not _FLOAT.fullmatch(text):
            raise ValueError("invalid syntax for number")
        return single(float(text.replace("_", "")))
    if isinstance(value, (int, float)):
        return single(value if abs(value) < _MOST else math.copysign(math.inf, value))
    raise TypeError(f"can't convert {type(value).__name__} to float")


def make_str(value: Any = "", *encoding: Any) -> str:
    kind = type(value)
    if kind is str and not encoding:
        return str(value)
    if encoding:
        if not isinstance(value, _BUFFERS):
            raise TypeError("object with buffer protocol required")
        return decoded(value)
    return str(board_text(value))


def decoded(value: Any, *encoding: Any) -> str:
    """Bytes as a text: always UTF-8, whatever encoding is named."""
    try:
        return bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        raise UnicodeError from None


def make_bytes(value: Any = b"", *encoding: Any) -> bytes:
    if isinstance(value, str):
        if not encoding:
            raise TypeError("string argument without an encoding")
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, int):
        _fits(value)
    return bytes(value)


def _fits(size: int) -> None:
    if not 0 <= size < HEAP_BYTES:
        raise MemoryError(f"memory allocation failed, allocating {size & 0xFFFFFFFF} bytes")


class Bytearray(bytearray):
    """The device's bytearray: whatever is stored into it is cut to 8 bits; it has few methods."""

    def __init__(self, value: Any = b"", *encoding: Any) -> None:
        if isinstance(value, str):
            value = value.encode("utf-8", "surrogateescape")
        elif isinstance(value, int):
            _fits(value)
        elif not isinstance(value, _BUFFERS) and not hasattr(value, "typecode"):
            value = bytes([_byte(item) for item in value])
        raw = value.tobytes() if hasattr(value, "typecode") else value
        bytearray.__init__(self, raw)

    def append(self, value: Any) -> None:
        bytearray.append(self, _byte(value))

    def extend(self, values: Any) -> None:
        bytearray.extend(self, _buffer(values))

    def decode(self, *encoding: Any) -> str:
        return decoded(self)

    def __iadd__(self, values: Any) -> Any:
        bytearray.extend(self, _buffer(values))
        return self

    def __add__(self, values: Any) -> Any:
        return Bytearray(bytearray.__add__(self, _buffer(values)))

    def __getitem__(self, place: Any) -> Any:
        found = bytearray.__getitem__(self, place)
        return found if found.__class__ is int else Bytearray(found)

    def __setitem__(self, place: Any, value: Any) -> None:
        if place.__class__ is slice:
            if not isinstance(value, _BUFFERS) and not hasattr(value, "typecode"):
                raise NotImplementedError("array/bytes required on right side")
            bytearray.__setitem__(self, place, value)
        else:
            bytearray.__setitem__(self, place, _byte(value))

    def __delitem__(self, place: Any) -> None:
        raise TypeError("'bytearray' object doesn't support item deletion")

    def __mul__(self, count: Any) -> Any:
        raise TypeError(f"unsupported types for __mul__: 'bytearray', '{type(count).__name__}'")

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"bytearray({bytes(self)!r})"

    __str__ = __repr__


Bytearray.__name__ = Bytearray.__qualname__ = "bytearray"


class _Lacking:
    """An attribute that CPython's type has and the device's has not."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        raise AttributeError(f"'{owner.__name__}' object has no attribute '{self._name}'")


for _name in dir(bytearray):
    if not _name.startswith("__") and _name not in ("append", "extend", "decode"):
        _lack = _Lacking()
        _lack.__set_name__(Bytearray, _name)
        setattr(Bytearray, _name, _lack)


def _byte(value: Any) -> int:
    if isinstance(value, int):
        return value & 0xFF
    raise TypeError(f"can't convert {type(value).__name__} to int")


def _buffer(values: Any) -> Any:
    if isinstance(values, str):
        return values.encode("utf-8", "surrogateescape")
    if isinstance(values, _BUFFERS):
        return values
    if hasattr(values, "typecode"):
        return values.tobytes()
    raise TypeError("object with buffer protocol required")


def make_dict(*args: Any, **keywords: Any) -> Table:
    return Table(*args, **keywords)


def make_memoryview(value: Any) -> Any:
    if hasattr(value, "__buffer__"):  # PEP 688, which CPython knows from 3.12 on
        return value.__buffer__(_FULL_RO)
    return memoryview(value.encode() if isinstance(value, str) else value)


_TYPES = {Single: float, Table: dict, Bytearray: bytearray}


def type_of(*args: Any) -> Any:
    if len(args) == 1:
        kind = type(args[0])
        return _TYPES.get(kind, kind)
    name, bases, body = args
    return type(name, tuple(bases), dict(body))


def sum_(values: Any, start: Any = 0, /) -> Any:
    return rounded(sum(values, start))


# name of the type -> name of the function that a call of it becomes, and the function
MAKERS: dict[str, tuple[str, Any]] = {
    "int": ("__new_int__", make_int),
    "float": ("__new_float__", make_float),
    "str": ("__new_str__", make_str),
    "bytes": ("__new_bytes__", make_bytes),
    "bytearray": ("__new_bytearray__", Bytearray),
    "memoryview": ("__new_memoryview__", make_memoryview),
    "dict": ("__new_dict__", make_dict),
    "type": ("__new_type__", type_of),
}
