"""Exceptions as a Pycom board knows them, and how it prints them.

OSError gets the error numbers and the missing `errno` of the board: the class of this file takes
the place of the builtin one. Source: MicroPython 1.11 py/objexcept.c.
"""

import builtins
import sys

from core import core
from modules import oserror_text

io = core("io")

_native_print = sys.print_exception
_hidden = []  # beginnings of file names that no traceback shows
file_names = {}  # of copies that the VM runs: what tracebacks show instead
_place = [None, "", 0]  # of the last SyntaxError that the board found: error, path, line


class OSError(OSError):  # noqa: A001 - it takes the place of the builtin one
    @property
    def errno(self):
        raise AttributeError("'OSError' object has no attribute 'errno'")

    def __str__(self):
        return oserror_text(self.args, type(self) is OSError)

    def __repr__(self):
        return type(self).__name__ + repr(self.args)


class TimeoutError(OSError):  # noqa: A001 - no builtin of the board; sockets raise it
    pass


def made(name, args):
    """The exception that the board raised: [type, arguments] from the stream."""
    if name in ("SyntaxError", "IndentationError"):
        error = getattr(builtins, name)(args[0])
        _place[:] = [error, args[1], args[2]]
        return error
    if name == "OSError":
        return OSError(*args)
    if name == "TimeoutError":
        return TimeoutError(*args)
    return getattr(builtins, name, RuntimeError)(*args)


def hide(prefix):
    _hidden.append(prefix)


def _renamed(line):
    parts = line.split('"')
    parts[1] = file_names.get(parts[1], parts[1])
    return '"'.join(parts)


def _shown(line):
    for prefix in _hidden:
        if line.startswith('  File "' + prefix):
            return False
    return True


def text(error):
    """The traceback as the firmware prints it; what a board has in C leaves no line."""
    stream = io.StringIO()
    _native_print(error, stream)
    lines = ["Traceback (most recent call last):"]
    if "  File " not in stream.getvalue() and error is not _place[0]:
        lines = []  # never raised
    for line in stream.getvalue().split("\n"):
        if line.startswith("  File "):
            line = _renamed(line)
            if _shown(line):
                lines.append(line)
    if error is _place[0]:
        lines.append('  File "{}", line {}'.format(_place[1], _place[2]))
    lines.append("{}: {}".format(type(error).__name__, error))
    return "\n".join(lines) + "\n"


def install():
    builtins.OSError = OSError
