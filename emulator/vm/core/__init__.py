"""What the MicroPython core itself brings: its C modules, as far as Python can imitate them.

A MicroPython VM has these by nature, so they are host code and no part of emulator/firmware. Each
maker returns the names of one module; a module is made anew at each boot.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

from emulator.names import errno_names
from emulator.vm.console import stream_writer
from emulator.vm.core import array, collections, ure, ustruct, zlib
from emulator.vm.device import modules, texts
from emulator.vm.errors import DeviceOSError

modules.ERRNO_NAMES.update(errno_names())
CORE: dict[str, Callable[[], dict[str, Any]]] = {
    "ujson": lambda: texts.json_names(stream_writer, DeviceOSError),
    "ure": ure.names,
    "ustruct": ustruct.names,
    "ucollections": collections.names,
    "ubinascii": zlib.ubinascii_names,
    "uzlib": zlib.uzlib_names,
    "math": lambda: modules.some(math, modules.MATH),
    "cmath": lambda: modules.some(cmath, modules.CMATH),
    "array": lambda: {"array": array.Array},
    "uerrno": modules.errno_names,
}
