"""array of this firmware. Source: Pycom firmware 1.20.2.r4, py/objarray.c."""

from __future__ import annotations

import array as host_array
from typing import Any

# Type codes of the device with items as wide as there ("l" and "L" have 4 bytes).
_ARRAY_CODES = {"b": "b", "B": "B", "h": "h", "H": "H", "i": "i", "I": "I", "l": "i", "L": "I",
                "q": "q", "Q": "Q", "f": "f", "d": "d"}  # fmt: skip


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
