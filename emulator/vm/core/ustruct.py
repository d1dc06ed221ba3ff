"""ustruct of MicroPython 1.11 on a 32-bit core: packing truncates silently, input may be longer.

Source: MicroPython 1.11 py/modstruct.c, py/binary.c.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any, Literal

from emulator.vm.language.constructors import make_memoryview
from emulator.vm.language.single import single

_SIZES = {"b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "l": 4, "L": 4, "q": 8, "Q": 8,
          "f": 4, "d": 8, "P": 4, "O": 4, "S": 4}  # fmt: skip

_NAMES: dict[str, Literal["little", "big"]] = {"<": "little", ">": "big"}


def _layout(form: str | bytes, base: int = 0) -> Iterator[tuple[str, int, int]]:
    """(type, offset, size) of each item; ("", end, 0) last."""
    text = form.decode() if isinstance(form, bytes) else form
    native = text[:1] not in ("<", ">", "!")
    if text[:1] in ("<", ">", "!", "@"):
        text = text[1:]
    at = base
    count = ""
    for char in text:
        if char.isdigit():
            count += char
            continue
        times = int(count) if count else 1
        count = ""
        if char == "s":
            yield "s", at, times
            at += times
        else:
            size = _SIZES.get(char)
            if size is None:
                raise ValueError("bad typecode")
            for _ in range(times):
                if native:
                    at = (at + size - 1) // size * size
                yield char, at, size
                at += size
    if count:
        raise ValueError("bad typecode")
    yield "", at, 0


def _order(form: str | bytes) -> str:
    """The byte order as CPython's struct writes it."""
    first = form[:1] if isinstance(form, str) else form[:1].decode()
    return ">" if first in (">", "!") else "<"


def calcsize(form: str | bytes, /) -> int:
    *_, (_, end, _) = _layout(form)
    return end


def unpack_from(form: str | bytes, data: Any, offset: int = 0, /) -> tuple[Any, ...]:
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogateescape")
    buffer = bytes(make_memoryview(data))
    if offset < 0:
        offset += len(buffer)
    order = _order(form)
    values: list[Any] = []
    for kind, at, size in _layout(form, offset):
        piece = buffer[at : at + size]
        if len(piece) < size or at < 0 or at > len(buffer):
            raise ValueError("buffer too small")
        if kind == "s":
            values.append(piece)
        elif kind in ("f", "d"):
            values.append(single(struct.unpack(order + kind, piece)[0]))
        elif kind:
            values.append(int.from_bytes(piece, _NAMES[order], signed=kind.islower()))
    return tuple(values)


def unpack(form: str | bytes, data: Any, /) -> tuple[Any, ...]:
    return unpack_from(form, data, 0)


def pack_into(form: str | bytes, buffer: Any, offset: int, /, *values: Any) -> None:
    order = _order(form)
    view = make_memoryview(buffer).cast("B")
    if view.readonly:
        raise TypeError("object with buffer protocol required")
    if offset < 0:
        offset += len(view)
    rest = list(values)
    for kind, at, size in _layout(form, offset):
        if at + size > len(view) or at < 0:
            raise ValueError("buffer too small")
        if not kind:
            continue
        if not rest:
            return  # too few values: the remainder is left as it is
        view[at : at + size] = _packed(kind, size, rest.pop(0), order)


def _packed(kind: str, size: int, value: Any, order: str) -> bytes:
    if kind == "s":
        if not isinstance(value, (bytes, bytearray, memoryview, str)):
            raise TypeError("object with buffer protocol required")
        raw = value.encode() if isinstance(value, str) else bytes(value)
        return raw[:size].ljust(size, b"\0")
    if kind in ("f", "d"):
        try:
            return struct.pack(order + kind, value)
        except OverflowError:
            return struct.pack(order + kind, math.copysign(math.inf, value))
        except struct.error:
            raise TypeError(f"can't convert {type(value).__name__} to float") from None
    if isinstance(value, float) or not hasattr(value, "__index__"):
        raise TypeError(f"can't convert {type(value).__name__} to int")
    return (int(value) & ((1 << 8 * size) - 1)).to_bytes(size, _NAMES[order])


def pack(form: str | bytes, /, *values: Any) -> bytes:
    buffer = bytearray(calcsize(form))
    pack_into(form, buffer, 0, *values)
    return bytes(buffer)


def names() -> dict[str, Any]:
    return {"calcsize": calcsize, "pack": pack, "pack_into": pack_into, "unpack": unpack,
            "unpack_from": unpack_from}  # fmt: skip
