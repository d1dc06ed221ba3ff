"""What the MicroPython core itself brings: its C modules, as far as Python can imitate them.

A MicroPython VM has these by nature, so they are host code and no part of emulator/firmware. Each
maker returns the names of one module; a module is made anew at each boot. A file here that has the
name of a module, and makes it by `names()`, is known without a line here.
"""

from __future__ import annotations

import cmath
import importlib
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from emulator.names import errno_names
from emulator.names import table as table_of_names
from emulator.vm.console import stream_writer
from emulator.vm.core import array, collections, zlib
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


def _of_file(name: str) -> dict[str, Any]:
    names: dict[str, Any] = importlib.import_module(f"{__name__}.{name}").names()
    return names


_INFINITE = (math.inf, -math.inf)
_FILES = [file.stem for file in sorted(Path(__file__).parent.glob("*.py"))]

modules.ERRNO_NAMES.update(errno_names())
CORE: dict[str, Callable[[], dict[str, Any]]] = {
    **{name: partial(_of_file, name) for name in _FILES if name in table_of_names()},
    "ujson": lambda: json_names(),
    "ucollections": collections.names,
    "ubinascii": zlib.ubinascii_names,
    "uzlib": zlib.uzlib_names,
    "math": lambda: _in_single(modules.some(math, modules.MATH)),
    "cmath": lambda: _in_single(modules.some(cmath, modules.CMATH)),
    "array": lambda: {"array": array.Array},
    "uerrno": modules.errno_names,
}
