"""math, cmath, array and uerrno of this firmware.

Source: Pycom firmware 1.20.2.r4, py/modmath.c, py/modcmath.c, py/objarray.c, extmod/moduerrno.c.
"""

from __future__ import annotations

import array as host_array
import cmath
import math
from typing import Any

from emulator.vm.errors import ERRNO_NAMES

_MATH = """
    e pi sqrt pow exp log cos sin tan acos asin atan atan2 ceil copysign fabs floor fmod frexp
    ldexp modf isfinite isinf isnan trunc radians degrees expm1 log2 log10 cosh sinh tanh acosh
    asinh atanh erf erfc gamma lgamma
""".split()
_CMATH = "e pi phase polar rect exp log log10 sqrt cos sin".split()

# Type codes of the device with items as wide as there ("l" and "L" have 4 bytes).
_ARRAY_CODES = {"b": "b", "B": "B", "h": "h", "H": "H", "i": "i", "I": "I", "l": "i", "L": "I",
                "q": "q", "Q": "Q", "f": "f", "d": "d"}  # fmt: skip


def math_names() -> dict[str, Any]:
    return {name: getattr(math, name) for name in _MATH}


def cmath_names() -> dict[str, Any]:
    return {name: getattr(cmath, name) for name in _CMATH}


class Array(host_array.array):
    """array.array: a sequence that grows by append and extend, nothing more."""

    def __new__(cls, typecode: str, values: Any = ()) -> Array:
        code = _ARRAY_CODES.get(typecode)
        if code is None:
            raise ValueError("bad typecode")
        if isinstance(values, (bytes, bytearray)):
            made = super().__new__(cls, code)
            made.frombytes(values)
            return made
        made = super().__new__(cls, code)
        for value in values:
            made.append(value)
        return made

    def append(self, value: Any) -> None:
        if self.typecode not in "fd" and isinstance(value, int):
            bits = 8 * self.itemsize
            value &= (1 << bits) - 1
            if self.typecode.islower() and value >> (bits - 1):
                value -= 1 << bits
        super().append(value)


Array.__name__ = Array.__qualname__ = "array"


def array_names() -> dict[str, Any]:
    return {"array": Array}


def uerrno_names() -> dict[str, Any]:
    names: dict[str, Any] = {name: number for number, name in ERRNO_NAMES.items()}
    names["errorcode"] = dict(ERRNO_NAMES)
    return names
