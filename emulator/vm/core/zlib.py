"""ubinascii and uzlib of MicroPython 1.11.

Source: MicroPython 1.11 extmod/modubinascii.c, extmod/moduzlib.c.
"""

from __future__ import annotations

import binascii
import zlib
from typing import Any

from emulator.vm.errors import DeviceOSError
from emulator.vm.language.constructors import Bytearray


def _buffer(data: Any) -> bytes:
    if isinstance(data, str):
        return data.encode("utf-8", "surrogateescape")
    if isinstance(data, (bytes, bytearray, memoryview)) or hasattr(data, "typecode"):
        return bytes(data)
    raise TypeError("object with buffer protocol required")


def hexlify(data: Any, sep: Any = None, /) -> bytes:
    raw = _buffer(data)
    text = binascii.hexlify(raw)
    if sep is None:
        return text
    mark = sep.encode() if isinstance(sep, str) else bytes(sep)
    return mark[:1].join(text[at : at + 2] for at in range(0, len(text), 2))


def unhexlify(data: Any, /) -> bytes:
    raw = _buffer(data)
    if len(raw) % 2:
        raise ValueError("odd-length string")
    try:
        return binascii.unhexlify(raw)
    except binascii.Error:
        raise ValueError("non-hex digit found") from None


def a2b_base64(data: Any, /) -> bytes:
    raw = _buffer(data)
    try:
        return binascii.a2b_base64(raw)
    except binascii.Error:
        raise ValueError("incorrect padding") from None


def b2a_base64(data: Any, /) -> bytes:
    raw = _buffer(data)
    return binascii.b2a_base64(raw)


def ubinascii_names() -> dict[str, Any]:
    return {"hexlify": hexlify, "unhexlify": unhexlify, "a2b_base64": a2b_base64,
            "b2a_base64": b2a_base64}  # fmt: skip


def decompress(data: Any, wbits: int = 0, bufsize: int = 0, /) -> bytearray:
    """wbits below 0: a raw deflate stream; else one with a zlib header."""
    try:
        return Bytearray(zlib.decompress(bytes(data), wbits if wbits < 0 else zlib.MAX_WBITS))
    except zlib.error:
        raise ValueError(-3) from None


class DecompIO:
    native_stream = True

    def __init__(self, stream: Any, wbits: int = 0, /) -> None:
        """wbits: 0..15 zlib header, 16..31 gzip header, below 0 raw deflate."""
        self._stream = stream
        self._out = b""
        self._engine = zlib.decompressobj(wbits if wbits < 0 or wbits > 15 else zlib.MAX_WBITS)

    def read(self, size: int = -1, /) -> bytes:
        while (size < 0 or len(self._out) < size) and not self._engine.eof:
            chunk = self._stream.read(64)
            if not chunk:
                break
            try:
                self._out += self._engine.decompress(chunk)
            except zlib.error:
                raise DeviceOSError(22) from None
        count = len(self._out) if size < 0 else size
        piece, self._out = self._out[:count], self._out[count:]
        return piece

    def readinto(self, buffer: Any, /) -> int:
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def readline(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            char = self.read(1)
            if not char:
                break
            line += char
        return line


def uzlib_names() -> dict[str, Any]:
    return {"decompress": decompress, "DecompIO": DecompIO}
