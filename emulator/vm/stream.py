"""The stream between the host and a MicroPython VM: frames and the values in them.

A frame is a length (four bytes, big-endian) and so many bytes. Described in docs/vm-stream.md; the
other end is emulator/vm/device/wire.py.
"""

from __future__ import annotations

import struct
from typing import Any

VERSION = 1
PENDING = 1  # flags of an answer: interrupts are waiting
RAISED = 2  # the value is [type, arguments] of an exception
MOST_BYTES = 64 << 20  # more is no frame


def encode(value: Any) -> bytes:
    out = bytearray()
    _put(out, value)
    return bytes(out)


def _put(out: bytearray, value: Any) -> None:
    if value is None:
        out += b"N"
    elif isinstance(value, bool):
        out += b"T" if value else b"F"
    elif isinstance(value, int):
        if -0x40000000 <= value < 0x40000000:
            out += b"i" + struct.pack(">i", value)
        else:
            _sized(out, b"I", str(int(value)).encode())
    elif isinstance(value, float):
        out += b"D" + struct.pack(">d", value)
    elif isinstance(value, str):
        _sized(out, b"S", value.encode("utf-8", "surrogatepass"))
    elif isinstance(value, (bytes, bytearray, memoryview)):
        _sized(out, b"B", bytes(value))
    elif isinstance(value, (list, tuple)):
        out += b"L" + struct.pack(">I", len(value))
        for item in value:
            _put(out, item)
    elif isinstance(value, dict):
        out += b"M" + struct.pack(">I", len(value))
        for key, item in value.items():
            _put(out, key)
            _put(out, item)
    else:
        raise TypeError(f"{type(value).__name__} cannot travel on the stream")


def _sized(out: bytearray, tag: bytes, data: bytes) -> None:
    out += tag + struct.pack(">I", len(data)) + data


def decode_all(data: bytes) -> list[Any]:
    """All values of a frame."""
    values = []
    at = 0
    while at < len(data):
        value, at = _take(data, at)
        values.append(value)
    return values


_CONSTANTS = {b"N": None, b"T": True, b"F": False}


def _take(data: bytes, at: int) -> tuple[Any, int]:
    tag = data[at : at + 1]
    at += 1
    if tag in _CONSTANTS:
        return _CONSTANTS[tag], at
    if tag == b"i":
        return struct.unpack_from(">i", data, at)[0], at + 4
    if tag == b"D":
        return struct.unpack_from(">d", data, at)[0], at + 8
    size = struct.unpack_from(">I", data, at)[0]
    at += 4
    if tag == b"L":
        items = []
        for _ in range(size):
            item, at = _take(data, at)
            items.append(item)
        return items, at
    if tag == b"M":
        table = {}
        for _ in range(size):
            key, at = _take(data, at)
            table[key], at = _take(data, at)
        return table, at
    piece = data[at : at + size]
    if tag == b"S":
        return piece.decode("utf-8", "surrogatepass"), at + size
    if tag == b"B":
        return piece, at + size
    if tag == b"I":
        return int(piece), at + size
    raise ValueError(f"unknown tag {tag!r}")
