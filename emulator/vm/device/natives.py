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
import language
import modules
import texts
from core import core
from modules import some
from surface import missing
from wire import wire

binascii = core("binascii")
collections = core("collections")
os = core("os")
re = core("re")
struct = core("struct")


def _if_built_in(name):
    try:
        return core(name)
    except ImportError:
        return None


framebuf = _if_built_in("framebuf")
uctypes = _if_built_in("uctypes")

# Before the board's take their place
open = builtins.open  # noqa: A001
mkdir = os.mkdir
_BINASCII = "hexlify unhexlify a2b_base64 b2a_base64"
_STRUCT = "calcsize pack pack_into unpack unpack_from"

_CHIP = (0x3F400000, 0x60000000)  # addresses of an ESP32: flash, memory, peripherals

settings = {}  # what the board says of itself, given at the start


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
    names = some(binascii, _BINASCII)
    native = names["unhexlify"]

    def unhexlify(data):
        if len(data) % 2:
            raise ValueError("odd-length string")
        return native(data)

    b2a_base64 = names["b2a_base64"]
    names["b2a_base64"] = lambda data: b2a_base64(data)
    names["unhexlify"] = _as_on_board(unhexlify, _hex_text)
    return names


def _regex():
    names = {"DEBUG": 4096}
    for name in ("compile", "match", "search"):
        names[name] = _as_on_board(getattr(re, name), _regex_text)
    return names


def _sys():
    names = modules.sys_names(
        settings["platform"], settings["path"], sys.modules, console.Stream(), console.writer,
        errors.text, collections.namedtuple,
    )  # fmt: skip
    names["exc_info"] = language.exc_info
    return names


def _struct():
    """No padding by x and no half floats."""
    names = some(struct, _STRUCT)

    def known(function):
        def checked(form, *values):
            text = form if isinstance(form, str) else form.decode()
            if any(char in text for char in "x?epcnN=") or text[-1:].isdigit():
                raise ValueError("bad typecode")
            return function(form, *values)

        return checked

    return {name: known(names[name]) for name in names}


def _thread():
    """There is one thread only."""

    def take(lock):
        while lock.held:
            board.call("rtc.sleep_us", 1000000)
        lock.held = True

    def start(function, args, keywords):
        raise NotImplementedError("no threads on this VM: run the program without --vm")

    return modules.thread_names(take, start, lambda: 1)


def _zlib():
    return {
        "decompress": lambda *args: bytearray(inflate.decompress(*args)),
        "DecompIO": inflate.DecompIO,
    }


def _framebuf():
    """Without the shapes of later cores."""

    class FrameBuffer(framebuf.FrameBuffer):
        def __repr__(self):
            if type(self) is FrameBuffer:
                return "<FrameBuffer>"
            return "<{} object at {:x}>".format(type(self).__name__, id(self))

    language.lack(FrameBuffer, "ellipse poly")
    names = {name: getattr(framebuf, name) for name in dir(framebuf)}
    names["FrameBuffer"] = FrameBuffer
    names["FrameBuffer1"] = lambda buffer, width, height, *stride: FrameBuffer(
        buffer, width, height, framebuf.MVLSB, *stride
    )
    return names


def _uctypes():
    """What is at an address of the chip no buffer of the program shows."""

    def of_program(name):
        function = getattr(uctypes, name)

        def checked(address, *others):
            if _CHIP[0] <= address < _CHIP[1]:
                missing("uctypes." + name, None, _note)()
            return function(address, *others)

        return checked

    names = {name: getattr(uctypes, name) for name in dir(uctypes)}
    for name in ("struct", "bytes_at", "bytearray_at"):
        names[name] = of_program(name)
    return names


def install():
    names = modules.builtin_names()
    for name in names:
        setattr(builtins, name, names[name])
    has = settings["builtins"].split()
    for name in dir(builtins):
        if name[0] != "_" and name not in has and callable(getattr(builtins, name)):
            setattr(builtins, name, _absent(name))
    for name in has:
        if name == "help" or not hasattr(builtins, name):  # that of this VM is another text
            setattr(builtins, name, missing(name, None, _note))


def _absent(name):
    """In place of a builtin of this VM that boards do not have."""

    def function(*args, **keywords):
        raise NameError("name '{}' isn't defined".format(name))

    return function


def _note(path):
    wire.exchange("vm.missing", path)


def _builtins():
    return {name: getattr(builtins, name) for name in dir(builtins) if name[0] != "_"}


MAKERS = {
    "array": lambda: {"array": array.array},
    "builtins": _builtins,
    "cmath": lambda: some(cmath, modules.CMATH),
    "gc": lambda: modules.gc_names(board.call, gc.collect),
    "math": lambda: some(math, modules.MATH),
    "micropython": lambda: modules.micropython_names(console.write),
    "sys": _sys,
    "_thread": _thread,
    "ubinascii": _binascii,
    "ucollections": lambda: some(collections, "namedtuple deque"),
    "uerrno": modules.errno_names,
    "ujson": lambda: texts.json_names(console.writer, builtins.OSError),
    "ure": _regex,
    "ustruct": _struct,
    "uzlib": _zlib,
}
if framebuf is not None:
    MAKERS["framebuf"] = _framebuf
if uctypes is not None:
    MAKERS["uctypes"] = _uctypes
