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
from emulator.vm.language.single import rounded
from emulator.vm.language.tables import on_board


def json_names() -> dict[str, Any]:
    names: dict[str, Any] = texts.json_names(stream_writer, DeviceOSError, on_board)
    return names


def _in_single(names: dict[str, Any]) -> dict[str, Any]:
    """Functions whose results are in single precision, constants as well."""

    def made(function: Callable[..., Any]) -> Callable[..., Any]:
        def calculate(*values: Any) -> Any:
            try:
                result = function(*values)
            except OverflowError:
                raise ValueError("math domain error") from None
            if type(result) is tuple:
                return tuple(map(rounded, result))
            result = rounded(result)
            if result in _INFINITE and not any(value in _INFINITE for value in values):
                raise ValueError("math domain error")
            return result

        return calculate

    return {name: made(value) if callable(value) else rounded(value)
            for name, value in names.items()}  # fmt: skip


_INFINITE = (math.inf, -math.inf)

modules.ERRNO_NAMES.update(errno_names())
CORE: dict[str, Callable[[], dict[str, Any]]] = {
    "ujson": lambda: json_names(),
    "ure": ure.names,
    "ustruct": ustruct.names,
    "ucollections": collections.names,
    "ubinascii": zlib.ubinascii_names,
    "uzlib": zlib.uzlib_names,
    "math": lambda: _in_single(modules.some(math, modules.MATH)),
    "cmath": lambda: _in_single(modules.some(cmath, modules.CMATH)),
    "array": lambda: {"array": array.Array},
    "uerrno": modules.errno_names,
}
