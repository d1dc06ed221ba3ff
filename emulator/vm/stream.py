"""The stream between the host and a MicroPython VM: frames and the values in them.

A frame is a length (four bytes, big-endian) and so many bytes. Described in docs/vm-stream.md; the
other end is emulator/vm/device/wire.py.
"""

from __future__ import annotations

from typing import Any

from emulator.vm.device import values

VERSION = 1
PENDING = 1  # flags of an answer: interrupts are waiting
RAISED = 2  # the value is [type, arguments] of an exception
MOST_BYTES = 64 << 20  # more is no frame


def encode(value: Any) -> bytes:
    out = bytearray()
    values.put(out, value)
    return bytes(out)


def decode_all(data: bytes) -> list[Any]:
    """All values of a frame."""
    reader = values.Reader(data)
    found = []
    while reader.at < len(data):
        found.append(reader.read())
    return found
