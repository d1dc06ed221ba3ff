"""What the MicroPython core itself brings: its C modules, as far as Python can imitate them.

A MicroPython VM has these by nature, so they are host code and no part of emulator/firmware. Each
maker returns the names of one module; a module is made anew at each boot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.vm.core import collections, numbers, ujson, ure, ustruct, zlib

CORE: dict[str, Callable[[], dict[str, Any]]] = {
    "ujson": ujson.names,
    "ure": ure.names,
    "ustruct": ustruct.names,
    "ucollections": collections.names,
    "ubinascii": zlib.ubinascii_names,
    "uzlib": zlib.uzlib_names,
    "math": numbers.math_names,
    "cmath": numbers.cmath_names,
    "array": numbers.array_names,
    "uerrno": numbers.uerrno_names,
}
