"""Exceptions as the device knows them: OSError without `errno`, MicroPython's tracebacks.

MicroPython 1.11 has one OSError class; none of its subclasses (TimeoutError, ...) is a builtin,
the number is only in `args[0]`, and on Pycom boards that may as well be a text. Device code and
the firmware modules therefore get the classes of this file under their usual names.
Source: MicroPython 1.11 py/objexcept.c.
"""

from __future__ import annotations

import builtins
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from emulator.vm.device.modules import oserror_text
from emulator.vm.language.failures import as_on_board
from emulator.vm.language.texts import text_of


def _lacking(name: str) -> property:
    def refuse(error: object) -> NoReturn:
        raise AttributeError(f"'{type(error).__name__}' object has no attribute '{name}'")

    return property(refuse)


class DeviceOSError(OSError):
    """The builtin OSError of the device."""

    def __new__(cls, *args: Any, **_: Any) -> DeviceOSError:
        self = super().__new__(cls)
        self.args = args  # all of them: CPython's own would keep two
        return self

    errno = _lacking("errno")
    strerror = _lacking("strerror")
    filename = _lacking("filename")

    def __str__(self) -> str:
        return str(oserror_text(self.args, type(self) is DeviceOSError))

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self.args!r}"


class DeviceTimeoutError(DeviceOSError):
    """TimeoutError of sockets, LoRa and WLAN: no builtin, reachable as socket.timeout."""


DeviceOSError.__name__ = DeviceOSError.__qualname__ = "OSError"
DeviceTimeoutError.__name__ = DeviceTimeoutError.__qualname__ = "TimeoutError"


def for_device(error: OSError) -> OSError:
    """The device's form of an OSError that a component of the board raised."""
    if isinstance(error, DeviceOSError):
        return error
    if isinstance(error, builtins.TimeoutError):
        return DeviceTimeoutError(*error.args)
    return DeviceOSError(*error.args)


def message(error: BaseException) -> str:
    """The last line of a traceback."""
    return f"{type(error).__name__}: {text_of(error)}"


def format_exception(error: BaseException, device_path: Callable[[str], str | None]) -> str:
    """The text that the firmware prints for an uncaught exception.

    device_path: from the file name in a code object to the path on the device, None for code
    that is no device code (the firmware's modules are C code on a board and leave no line here).
    """
    place = (error.filename, error.lineno) if isinstance(error, SyntaxError) else (None, None)
    error = as_on_board(error)
    raised = error.__traceback__ is not None or place[0] is not None
    lines = ["Traceback (most recent call last):"] if raised else []
    for frame, line in traceback.walk_tb(error.__traceback__):
        path = device_path(frame.f_code.co_filename)
        if path is not None:
            lines.append(f'  File "{path}", line {line}, in {frame.f_code.co_name}')
    if place[0] is not None:
        path = device_path(place[0]) or place[0]
        lines.append(f'  File "{path}", line {place[1]}')
    lines.append(message(error))
    return "\n".join(lines) + "\n"
