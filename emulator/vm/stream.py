"""The stream between the host and a MicroPython VM: frames and the values in them.

A frame is a length (four bytes, big-endian) and so many bytes. Described in docs/vm-stream.md; the
other end is emulator/vm/device/wire.py.
"""

from __future__ import annotations

import functools
import struct
from typing import Any

from emulator.vm.device import values

VERSION = 1
PENDING = 1  # flags of an answer: interrupts are waiting
RAISED = 2  # the value is [type, arguments] of an exception
MOST_BYTES = 64 << 20  # more is no frame


_INT = struct.Struct(">ci")
_INTS = range(-0x40000000, 0x40000000)  # that travel as such
_SHORT = 64  # bytes of a frame that is worth keeping
_FIXED = frozenset((type(None), bool, int, float, str, bytes))


def encode(value: Any) -> bytes:
    if value is None:
        return b"N"
    if type(value) is int and value in _INTS:
        return _INT.pack(b"i", value)
    out = bytearray()
    values.put(out, value)
    return bytes(out)


def decode_all(data: bytes) -> list[Any]:
    """All values of a frame."""
    kept = _decoded(data) if len(data) <= _SHORT else None
    return _decode(data) if kept is None else list(kept)


@functools.lru_cache(maxsize=1024)
def _decoded(data: bytes) -> tuple[Any, ...] | None:
    """The same, as the calls of a program are mostly repeated; None if one can be changed."""
    found = _decode(data)
    return tuple(found) if all(type(value) in _FIXED for value in found) else None


def _decode(data: bytes) -> list[Any]:
    reader = values.Reader(data)
    found = []
    while reader.at < len(data):
        found.append(reader.read())
    return found
