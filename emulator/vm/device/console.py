"""print() and what a value looks like on the console: emulator/vm/console.py for this VM.

Floats are shown as the single-precision floats of a Pycom board: seven significant digits.
"""

import builtins

import board
import errors
from core import core
from wire import exchange

struct = core("struct")


def float32(value):
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def float_text(value):
    text = "{:.7g}".format(float32(value))
    for mark in ".en":
        if mark in text:
            return text
    return text + ".0"


def device_text(value, as_repr=False):
    """str() or repr() of a value as the board shows it."""
    kind = type(value)
    if kind is str:
        return repr(value) if as_repr else value
    if kind is float:
        return float_text(value)
    if kind is list:
        return "[" + ", ".join([device_text(item, True) for item in value]) + "]"
    if kind is tuple:
        comma = "," if len(value) == 1 else ""
        return "(" + ", ".join([device_text(item, True) for item in value]) + comma + ")"
    if kind is dict:
        pairs = [device_text(k, True) + ": " + device_text(v, True) for k, v in value.items()]
        return "{" + ", ".join(pairs) + "}"
    if as_repr and isinstance(value, BaseException):
        return kind.__name__ + device_text(value.args)
    return repr(value) if as_repr else str(value)


def writer(stream):
    """`write` of a native stream. A class of the device with a write() method is none."""
    if not getattr(type(stream), "native_stream", False):
        raise errors.OSError("stream operation not supported")
    return stream.write


def write(text):
    exchange("vm.write", text)


def print_(*values, sep=" ", end="\n", file=None):
    out = write if file is None else writer(file)
    board.spend()
    out(sep.join([device_text(value) for value in values]) + end)


def input_(prompt=""):
    write(str(prompt))
    line = exchange("vm.readline")
    if not line:
        raise EOFError
    return line.rstrip("\r\n")


class Stream:
    """sys.stdin, sys.stdout and sys.stderr."""

    native_stream = True

    def write(self, text):
        write(text if isinstance(text, str) else bytes(text).decode())
        return len(text)

    def read(self, size=-1):
        return exchange("vm.read", size)

    def readline(self):
        return exchange("vm.readline")

    def close(self):
        pass


def install():
    builtins.print = print_
    builtins.input = input_
