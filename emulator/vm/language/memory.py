"""memoryview of the device: items and slices of a buffer, and nothing else.

Source: MicroPython 1.11 py/objarray.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Memory:
    """Passes for a memoryview of CPython, which cannot be derived from."""

    __slots__ = ("view",)
    view: memoryview
    __class__: type = property(lambda self: memoryview)  # type: ignore[assignment]

    def __init__(self, value: Any, _view: memoryview | None = None) -> None:
        if _view is None:
            if isinstance(value, str):
                value = value.encode("utf-8", "surrogateescape")
            _view = value.view if type(value) is Memory else memoryview(value)
        self.view = _view

    def __len__(self) -> int:
        return len(self.view)

    def __getitem__(self, place: Any) -> Any:
        if place.__class__ is slice:
            return Memory(None, self.view[place])
        return self.view[place]

    def __setitem__(self, place: Any, value: Any) -> None:
        view = self.view
        if view.readonly:
            raise TypeError("'memoryview' object doesn't support item assignment")
        if place.__class__ is slice:
            if type(value) is Memory:
                value = value.view
            part = view[place].cast("B")
            raw = bytes(value)
            if len(raw) != len(part):
                raise ValueError("lhs and rhs should be compatible")
            part[:] = raw
            return
        if view.format not in ("f", "d"):
            if not isinstance(value, int):
                raise TypeError(f"can't convert {type(value).__name__} to int")
            bits = 8 * view.itemsize
            value &= (1 << bits) - 1
            if view.format.islower() and value >> (bits - 1):
                value -= 1 << bits
        view[place] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.view)

    def __bytes__(self) -> bytes:
        return self.view.tobytes()

    def __eq__(self, other: object) -> bool:
        return bool(self.view == (other.view if type(other) is Memory else other))

    __hash__ = None  # type: ignore[assignment]

    def __contains__(self, item: Any) -> bool:
        raise NotImplementedError

    def __repr__(self) -> str:
        return "<memoryview>"


Memory.__name__ = Memory.__qualname__ = "memoryview"


def buffer(value: Any) -> Any:
    """What CPython takes as a buffer."""
    return value.view if type(value) is Memory else value
