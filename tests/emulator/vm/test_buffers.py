"""uctypes and framebuf on both runtimes: buffers that are shared, and drawing in each format.

What the core of 1.11 prints is in cases/core; here is what those scripts leave out, as its source
has it (extmod/moductypes.c, modframebuf.c).
"""

from __future__ import annotations

import pytest

from tests.device import Bare

pytestmark = pytest.mark.both_runtimes

SHARED = """
import uctypes as u, ustruct
data = bytearray(range(1, 65))
at = u.addressof(data)
layout = {"bytes": (u.ARRAY | 0, u.UINT8 | 4), "words": (u.ARRAY | 4, u.UINT16 | 2),
          "parts": (u.ARRAY | 8, 2, {"a": u.UINT8 | 0, "b": u.INT32 | 1}),
          "bits": u.BFUINT16 | 20 | 3 << u.BF_POS | 7 << u.BF_LEN, "float": u.FLOAT32 | 24}
s = u.struct(at, layout, u.LITTLE_ENDIAN)
s.words[1] = 70000
s.parts[1].b = -5
s.bits = 300
s.float = 1.5
print(bytes(data[4:28]))
part = s.bytes
part[1] = 0x155
data[0] = 0x41
ustruct.pack_into("<H", part, 2, 0x4243)
print(part, len(part), ustruct.unpack("<I", part), bytes(data[:4]) == bytes(part))
print(bytes(memoryview(s)[:2]), u.addressof(memoryview(data)[4:]) - at)
for address in (0x3FF44004, 0x60000000 - 1):
    try:
        print(u.bytes_at(address, 4))
    except Exception as error:
        print(type(error).__name__)
"""
SHARED_PRINTS = """
b'\\x05\\x06p\\x11\\t\\n\\x0b\\x0c\\r\\x0e\\xfb\\xff\\xff\\xff\\x13\\x14e\\x15\\x17\\x18\\x00\\x00\\xc0?'
bytearray(b'AUCB') 4 (1111708993,) True
b'AU' 4
NotEmulated
NotEmulated
"""

DRAWN = """
import framebuf as f
from machine import I2C
class Display(f.FrameBuffer):
    def __init__(self, form, stride):
        self.data = bytearray(9 * 10 * 2)
        super().__init__(self.data, 9, 9, form, stride)
sums = []
for form in range(7):
    d = Display(form, 10)
    d.fill(2)
    d.fill_rect(-2, 5, 6, 9, 3)
    d.line(8, -2, 1, 9, 1)
    d.rect(2, 2, 5, 5, 0x1234)
    d.scroll(-1, 2)
    d.text("g\\xfc", 1, -3, 1)
    d.blit(d, 3, 6, 2)
    sums.append(sum((place + 1) * value for place, value in enumerate(d.data)))
print(sums, d.pixel(9, 0), isinstance(d, f.FrameBuffer), hasattr(f.FrameBuffer1(d, 4, 4), "poly"))
try:
    I2C(0).writeto(0x3C, d)
except OSError as error:
    print(error)
"""


def test_structures_share_the_bytes_of_the_program(device: Bare) -> None:
    assert device.run(SHARED) == SHARED_PRINTS.lstrip()


def test_drawing_gives_the_bytes_that_the_core_gives(device: Bare) -> None:
    sums = "[11610, 107554, 34261, 32175, 20745, 26869, 41422]"  # of a core's own framebuf
    assert device.run(DRAWN) == sums + " None True False\nI2C bus error\n"
