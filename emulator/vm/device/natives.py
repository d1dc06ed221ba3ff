"""Modules that this VM has by nature, cut down to what the same module has on a Pycom board."""

import array
import builtins
import cmath
import gc
import math
import sys

import board
import console
import errors
import inflate
import jsontext
from core import core

binascii = core("binascii")
collections = core("collections")
os = core("os")
re = core("re")
struct = core("struct")

# Before the board's take their place
open = builtins.open  # noqa: A001
OSError = builtins.OSError  # noqa: A001
mkdir = os.mkdir
_next = builtins.next
_pow = builtins.pow
_round = builtins.round

_MATH = (
    "e pi sqrt pow exp log cos sin tan acos asin atan atan2 ceil copysign fabs floor fmod frexp "
    "ldexp modf isfinite isinf isnan trunc radians degrees expm1 log2 log10 cosh sinh tanh acosh "
    "asinh atanh erf erfc gamma lgamma"
)
_CMATH = "e pi phase polar rect exp log log10 sqrt cos sin"
_BINASCII = "hexlify unhexlify a2b_base64 b2a_base64"
_STRUCT = "calcsize pack pack_into unpack unpack_from"

settings = {}  # what the board says of itself, given at the start


def _some(module, names):
    found = {}
    for name in names.split():
        if hasattr(module, name):
            found[name] = getattr(module, name)
    return found


def _as_on_board(function, message):
    """The function with the board's text for its ValueError."""

    def checked(*args):
        try:
            return function(*args)
        except ValueError as error:
            raise ValueError(message(error.args[0]) if error.args else "")

    return checked


def _regex_text(text):
    return "Error in regex"


def _hex_text(text):
    return "odd-length string" if "odd" in text else "non-hex digit found"


def _binascii():
    names = _some(binascii, _BINASCII)
    native = names["unhexlify"]

    def unhexlify(data):
        if len(data) % 2:
            raise ValueError("odd-length string")
        return native(data)

    names["unhexlify"] = _as_on_board(unhexlify, _hex_text)
    return names


def _regex():
    names = {"DEBUG": 4096}
    for name in ("compile", "match", "search"):
        names[name] = _as_on_board(getattr(re, name), _regex_text)
    return names


def _errno():
    names = {"errorcode": dict(errors.ERRNO_NAMES)}
    for number in errors.ERRNO_NAMES:
        names[errors.ERRNO_NAMES[number]] = number
    return names


def _gc():
    state = {"enabled": True, "threshold": -1}

    def collect():
        gc.collect()
        board.call("system.gc_collect")

    def enable():
        state["enabled"] = True

    def disable():
        state["enabled"] = False

    def threshold(*amount):
        if not amount:
            return state["threshold"]
        state["threshold"] = amount[0]

    return {
        "collect": collect,
        "mem_free": lambda: board.call("system.mem_free"),
        "mem_alloc": lambda: board.call("system.mem_alloc"),
        "enable": enable,
        "disable": disable,
        "isenabled": lambda: state["enabled"],
        "threshold": threshold,
    }


def _micropython():
    level = [0]

    def opt_level(*value):
        if not value:
            return level[0]
        level[0] = value[0]

    def mem_info(*verbose):
        text = "stack: 1024 out of 11264\nGC: total: 2560000, used: 100000, free: 2460000\n"
        console.write(text)

    return {
        "const": lambda value: value,
        "opt_level": opt_level,
        "mem_info": mem_info,
        "qstr_info": lambda *verbose: console.write("qstr pool: n_pool=1\n"),
        "stack_use": lambda: 1024,
        "alloc_emergency_exception_buf": lambda size: None,
        "heap_lock": lambda: None,
        "heap_unlock": lambda: None,
        "kbd_intr": lambda char: None,
    }


def _sys():
    def leave(*status):
        raise SystemExit(*status)

    def print_exception(error, *file):
        out = console.writer(file[0]) if file else console.write
        out(errors.text(error))

    stream = console.Stream()
    return {
        "platform": settings["platform"],
        "version": "3.4.0",
        "version_info": (3, 4, 0),
        "implementation": collections.namedtuple("", ("name", "version"))(
            "micropython", (1, 11, 0)
        ),
        "byteorder": "little",
        "maxsize": 0x7FFFFFFF,
        "path": settings["path"],
        "argv": [],
        "modules": sys.modules,
        "stdin": stream,
        "stdout": stream,
        "stderr": stream,
        "exit": leave,
        "print_exception": print_exception,
    }


class Lock:
    """A lock of _thread; there is one thread only."""

    def __init__(self):
        self._held = False

    def acquire(self, waitflag=1, timeout=-1):
        while self._held:
            if not waitflag:
                return False
            board.call("rtc.sleep_us", 1000000)
        self._held = True
        return True

    def release(self):
        if not self._held:
            raise RuntimeError
        self._held = False

    def locked(self):
        return self._held

    def __enter__(self):
        return self.acquire()

    def __exit__(self, kind, error, trace):
        self.release()


def _thread():
    def start_new_thread(function, args, keywords=None):
        raise NotImplementedError("no threads on this VM: run the program without --vm")

    def leave():
        raise SystemExit

    return {
        "LockType": Lock,
        "allocate_lock": Lock,
        "start_new_thread": start_new_thread,
        "stack_size": lambda *size: 5120,
        "get_ident": lambda: 1,
        "exit": leave,
    }


def _zlib():
    return {"decompress": inflate.decompress, "DecompIO": inflate.DecompIO}


# Builtins that take less than this VM's


def next_(iterator):
    return _next(iterator)


def pow_(base, exponent):
    return _pow(base, exponent)


def round_(value, *digits):
    if digits and digits[0] < 0:
        raise NotImplementedError("round() with a negative number of digits")
    return _round(value, *digits)


def install():
    builtins.next = next_
    builtins.pow = pow_
    builtins.round = round_


def _builtins():
    return {name: getattr(builtins, name) for name in dir(builtins) if name[0] != "_"}


MAKERS = {
    "array": lambda: {"array": array.array},
    "builtins": _builtins,
    "cmath": lambda: _some(cmath, _CMATH),
    "gc": _gc,
    "math": lambda: _some(math, _MATH),
    "micropython": _micropython,
    "sys": _sys,
    "_thread": _thread,
    "ubinascii": _binascii,
    "ucollections": lambda: _some(collections, "namedtuple deque"),
    "uerrno": _errno,
    "ujson": jsontext.names,
    "ure": _regex,
    "ustruct": lambda: _some(struct, _STRUCT),
    "uzlib": _zlib,
}
