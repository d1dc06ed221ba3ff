"""array of this firmware. Source: Pycom firmware 1.20.2.r4, py/objarray.c, py/binary.c."""

from __future__ import annotations

import array as host_array
from typing import Any

from emulator.vm.language.constructors import decoded
from emulator.vm.language.single import rounded
from emulator.vm.language.texts import board_text

# Type codes of the device with items as wide as there ("l" and "L" have 4 bytes). P and S
# are addresses; there are no arrays of objects here.
_ARRAY_CODES = {"b": "b", "B": "B", "h": "h", "H": "H", "i": "i", "I": "I", "l": "i", "L": "I",
                "q": "q", "Q": "Q", "f": "f", "d": "d", "P": "I", "S": "I"}  # fmt: skip
_BUFFERS = (bytes, bytearray, memoryview)


class Array(host_array.array):
    """array.array: a sequence that grows by append and extend, nothing more."""

    code: str

    def __new__(cls, typecode: str, values: Any = ()) -> Any:
        code = _ARRAY_CODES.get(typecode[:1])
        if code is None:
            raise ValueError("bad typecode")
        made = super().__new__(cls, code)
        made.code = typecode[0]
        if isinstance(values, _BUFFERS):
            raw = bytes(values)
            made.frombytes(raw[: len(raw) // made.itemsize * made.itemsize])
            return made
        for value in values:
            made.append(value)
        return made

    def _kept(self, value: Any) -> Any:
        """The value, cut to the bits of an item."""
        if self.typecode in "fd":
            return value
        if not isinstance(value, int):
            raise TypeError(f"can't convert {type(value).__name__} to int")
        bits = 8 * self.itemsize
        value &= (1 << bits) - 1
        return value - (1 << bits) if self.typecode.islower() and value >> (bits - 1) else value

    def append(self, value: Any) -> None:
        host_array.array.append(self, self._kept(value))

    def extend(self, values: Any) -> None:
        if isinstance(values, str):
            values = values.encode()
        if not isinstance(values, (*_BUFFERS, host_array.array)):
            raise TypeError("object with buffer protocol required")
        raw = bytes(values)
        host_array.array.frombytes(self, raw[: len(raw) // self.itemsize * self.itemsize])

    def decode(self, *encoding: Any) -> str:
        return decoded(self)

    def __getitem__(self, place: Any) -> Any:
        found = host_array.array.__getitem__(self, place)
        return self._like(found) if isinstance(found, host_array.array) else rounded(found)

    def __setitem__(self, place: Any, value: Any) -> None:
        if isinstance(place, slice):
            host_array.array.__setitem__(self, place, self._like(value))
        else:
            host_array.array.__setitem__(self, place, self._kept(value))

    def __iter__(self) -> Any:
        return map(rounded, host_array.array.__iter__(self))

    def _like(self, items: Any) -> Array:
        made: Array = Array(self.code)
        host_array.array.frombytes(made, items.tobytes() if hasattr(items, "tobytes") else items)
        return made

    def __add__(self, values: Any) -> Any:
        made = self._like(self)
        made.extend(values)
        return made

    def __iadd__(self, values: Any) -> Any:
        self.extend(values)
        return self

    def __mul__(self, count: Any) -> Any:
        raise TypeError(f"unsupported types for __mul__: 'array', '{type(count).__name__}'")

    def __contains__(self, item: Any) -> bool:
        raise NotImplementedError

    def __repr__(self) -> str:
        items = ", ".join([board_text(item, True) for item in self])
        return f"array('{self.code}', [{items}])" if len(self) else f"array('{self.code}')"


Array.__name__ = Array.__qualname__ = "array"
