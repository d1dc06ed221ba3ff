"""print(), input() and the streams of sys: emulator/vm/console.py for this VM."""

import builtins

import board
import errors
from texts import device_text
from wire import exchange

LOOK_US = 10000000  # as in emulator/vm/console.py


def writer(stream):
    """`write` of a native stream. A class of the device with a write() method is none."""
    if not getattr(type(stream), "native_stream", False):
        raise errors.OSError("stream operation not supported")
    return stream.write


def write(text):
    exchange("vm.write", text)


def _separator(text):
    if isinstance(text, bytes):
        return text.decode()
    if not isinstance(text, str):
        raise TypeError("can't convert '{}' object to str implicitly".format(type(text).__name__))
    return text


def print_(*values, sep=" ", end="\n", file=None, **other):
    if other:
        raise TypeError("extra keyword arguments given")
    sep, end = _separator(sep), _separator(end)
    out = write if file is None else writer(file)
    board.spend()
    out(sep.join([device_text(value) for value in values]) + end)


def input_(prompt=""):
    write(str(prompt))
    return _typed("vm.readline").rstrip("\r\n")


def _typed(name, *args):
    """What was typed; while nothing is, time passes."""
    while True:
        text = exchange(name, *args)
        if text:
            return text
        board.call("rtc.sleep_us", LOOK_US)


class Stream:
    """sys.stdin, sys.stdout and sys.stderr."""

    native_stream = True

    def write(self, text):
        write(text if isinstance(text, str) else bytes(text).decode())
        return len(text)

    def read(self, size=-1):
        return _typed("vm.read", size)

    def readline(self):
        return _typed("vm.readline")

    def close(self):
        pass


def install():
    builtins.print = print_
    builtins.input = input_
