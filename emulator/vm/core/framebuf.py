"""framebuf of this firmware: drawing into a buffer of the program.

The letters are those that text() of MicroPython's WebAssembly build draws, asked for at the first.
Source: Pycom firmware 1.20.2.r4, extmod/modframebuf.c.
"""

from __future__ import annotations

import functools
import subprocess
from typing import Any

from emulator.vm import webassembly
from emulator.vm.language.constructors import make_memoryview

MVLSB, RGB565, GS4_HMSB, MONO_HLSB, MONO_HMSB, GS2_HMSB, GS8 = range(7)
_BITS = {MVLSB: 1, RGB565: 16, GS4_HMSB: 4, MONO_HLSB: 1, MONO_HMSB: 1, GS2_HMSB: 2, GS8: 8}
_UNKNOWN = 127  # what is drawn for a letter beyond these


@functools.cache
def _letters() -> bytes:
    """8 columns a letter, from the blank to 127; the lowest bit is on top."""
    script = str(webassembly.HERE / "letters.mjs")
    command = [webassembly.program(), script, str(webassembly.package())]
    drawn = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return bytes.fromhex(drawn)


def _int(value: Any) -> int:
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"can't convert {type(value).__name__} to int")


class FrameBuffer:
    """Methods clip to the buffer's width and height. A buffer that is too small for them raises
    IndexError, where a board writes behind it."""

    def __init__(
        self, buffer: Any, width: int, height: int, form: int, stride: int | None = None, /
    ) -> None:
        view = make_memoryview(buffer)
        if view.readonly:
            raise TypeError("object with buffer protocol required")
        self._bytes = view.cast("B")
        self._width, self._height, self._form = _int(width), _int(height), _int(form)
        if self._form not in _BITS:
            raise ValueError("invalid format")
        self._bits = _BITS[self._form]
        self._stride = self._width if stride is None else _int(stride)
        if self._form != MVLSB and self._bits < 8:  # whole bytes
            in_byte = 8 // self._bits
            self._stride = (self._stride + in_byte - 1) // in_byte * in_byte

    def __buffer__(self, flags: int) -> memoryview:
        """As long as if each pixel had a byte, but for what there is: a board shows the memory
        behind it as well."""
        count = self._stride * self._height * (2 if self._form == RGB565 else 1)
        return self._bytes[:count]

    def __bytes__(self) -> bytes:
        return bytes(self.__buffer__(0))

    def __repr__(self) -> str:
        if type(self) is FrameBuffer:
            return "<FrameBuffer>"
        return f"<{type(self).__name__} object at {id(self) & 0xFFFFFFFF:x}>"

    # one pixel

    def _place(self, x: int, y: int) -> tuple[int, int]:
        """Byte and lowest bit of a pixel."""
        if self._form == MVLSB:
            return (y >> 3) * self._stride + x, y & 7
        at = (x + y * self._stride) * self._bits
        byte, bit = at >> 3, at & 7
        if self._form in (MONO_HLSB, GS4_HMSB):  # the first pixel has the highest bits
            bit = 8 - self._bits - bit
        return byte, bit

    def _get(self, x: int, y: int) -> int:
        byte, bit = self._place(x, y)
        if self._bits == 16:
            return self._bytes[byte] | self._bytes[byte + 1] << 8
        return self._bytes[byte] >> bit & ((1 << self._bits) - 1)

    def _set(self, x: int, y: int, color: int) -> None:
        if not (0 <= x < self._width and 0 <= y < self._height):
            return
        byte, bit = self._place(x, y)
        if self._bits == 16:
            self._bytes[byte : byte + 2] = (color & 0xFFFF).to_bytes(2, "little")
            return
        mask = (1 << self._bits) - 1
        color = (color != 0) if self._bits == 1 else color & mask
        self._bytes[byte] = self._bytes[byte] & ~(mask << bit) | color << bit

    def _fill(self, x: int, y: int, width: int, height: int, color: int) -> None:
        left, right = max(x, 0), min(self._width, x + width)
        for row in range(max(y, 0), min(self._height, y + height)):
            if self._bits < 8:
                for column in range(left, right):
                    self._set(column, row, color)
            elif left < right:
                size = self._bits // 8
                pixel = (color & ((1 << self._bits) - 1)).to_bytes(size, "little")
                first = (left + row * self._stride) * size
                self._bytes[first : first + (right - left) * size] = pixel * (right - left)

    # what a program calls

    def fill(self, color: int, /) -> None:
        color = _int(color)
        used = self._width * self._height * self._bits // 8
        even = self._form != MVLSB or self._height % 8 == 0
        if self._bits < 8 and self._stride == self._width and even and used <= len(self._bytes):
            value = 0xFF * (color != 0)
            if self._bits > 1:
                value = (color & ((1 << self._bits) - 1)) * (0x55 if self._bits == 2 else 0x11)
            self._bytes[:used] = bytes([value]) * used
        else:
            self._fill(0, 0, self._width, self._height, color)

    def fill_rect(self, x: int, y: int, width: int, height: int, color: int, /) -> None:
        self._fill(*map(_int, (x, y, width, height, color)))

    def pixel(self, x: int, y: int, *color: int) -> int | None:
        if len(color) > 1:
            raise TypeError(f"function expected at most 4 arguments, got {3 + len(color)}")
        x, y = _int(x), _int(y)
        if color:
            self._set(x, y, _int(color[0]))
            return None
        inside = 0 <= x < self._width and 0 <= y < self._height
        return self._get(x, y) if inside else None

    def hline(self, x: int, y: int, width: int, color: int, /) -> None:
        self.fill_rect(x, y, width, 1, color)

    def vline(self, x: int, y: int, height: int, color: int, /) -> None:
        self.fill_rect(x, y, 1, height, color)

    def rect(self, x: int, y: int, width: int, height: int, color: int, /) -> None:
        self.fill_rect(x, y, width, 1, color)
        self.fill_rect(x, y + height - 1, width, 1, color)
        self.fill_rect(x, y, 1, height, color)
        self.fill_rect(x + width - 1, y, 1, height, color)

    def line(self, x: int, y: int, x_end: int, y_end: int, color: int, /) -> None:
        x, y, x_end, y_end, color = map(_int, (x, y, x_end, y_end, color))
        long, step = abs(x_end - x), 1 if x_end > x else -1
        short, side = abs(y_end - y), 1 if y_end > y else -1
        steep = short > long
        if steep:
            x, y, long, short, step, side = y, x, short, long, side, step
        error = 2 * short - long
        for _ in range(long):
            self._set(*((y, x) if steep else (x, y)), color)
            while error >= 0:
                y += side
                error -= 2 * long
            x += step
            error += 2 * short
        self._set(x_end, y_end, color)

    def blit(self, source: FrameBuffer, x: int, y: int, key: int = -1, /) -> None:
        x, y, key = _int(x), _int(y), _int(key) & 0xFFFFFFFF
        for row in range(max(0, y), min(self._height, y + source._height)):
            for column in range(max(0, x), min(self._width, x + source._width)):
                color = source._get(column - x, row - y)
                if color != key:
                    self._set(column, row, color)

    def scroll(self, right: int, down: int, /) -> None:
        """What comes in is a copy of what was there."""
        right, down = _int(right), _int(down)
        columns = range(max(0, right), self._width + min(0, right))
        rows = range(max(0, down), self._height + min(0, down))
        for y in rows if down < 0 else reversed(rows):
            for x in columns if right < 0 else reversed(columns):
                self._set(x, y, self._get(x - right, y - down))

    def text(self, text: Any, x: int, y: int, color: int = 1, /) -> None:
        if not isinstance(text, (str, bytes)):
            kind = type(text).__name__
            raise TypeError(f"can't convert '{kind}' object to str implicitly")
        x, y, color = _int(x), _int(y), _int(color)
        for code in text.encode() if isinstance(text, str) else text:
            letter = 8 * ((code if 32 <= code <= _UNKNOWN else _UNKNOWN) - 32)
            for bits in _letters()[letter : letter + 8]:
                for row in range(8):
                    if bits >> row & 1:
                        self._set(x, y + row, color)
                x += 1


def _framebuffer1(buffer: Any, width: int, height: int, *stride: int) -> FrameBuffer:
    return FrameBuffer(buffer, width, height, MVLSB, *stride)


def names() -> dict[str, Any]:
    return {
        "FrameBuffer": FrameBuffer, "FrameBuffer1": _framebuffer1, "MVLSB": MVLSB,
        "MONO_VLSB": MVLSB, "RGB565": RGB565, "GS2_HMSB": GS2_HMSB, "GS4_HMSB": GS4_HMSB,
        "GS8": GS8, "MONO_HLSB": MONO_HLSB, "MONO_HMSB": MONO_HMSB,
    }  # fmt: skip
