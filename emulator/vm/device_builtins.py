"""The builtins of the device: what MicroPython 1.11 on a Pycom board offers, and nothing else.

Source: Pycom firmware 1.20.2.r4, py/modbuiltins.c, py/objexcept.c, esp32/mpconfigport.h.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from typing import Any

from emulator import names
from emulator.board.board import Halt
from emulator.vm.compiler import HALT, PARSED, TICK, compile_device
from emulator.vm.console import ConsoleStream, stream_writer
from emulator.vm.device.modules import builtin_names
from emulator.vm.device.surface import missing
from emulator.vm.errors import DeviceOSError, DeviceTimeoutError
from emulator.vm.language.names import language_names
from emulator.vm.language.texts import board_text

KEYWORDS = ("False", "None", "True")
_SHARED = """
    ArithmeticError AssertionError AttributeError BaseException EOFError Exception GeneratorExit
    ImportError IndentationError IndexError KeyError KeyboardInterrupt LookupError MemoryError
    NameError NotImplementedError OverflowError RuntimeError StopAsyncIteration StopIteration
    SyntaxError SystemExit TypeError UnicodeError ValueError ZeroDivisionError
    Ellipsis False None True __name__
    abs all any bin bool bytearray bytes callable chr classmethod complex delattr dict dir divmod
    enumerate filter float frozenset getattr globals hasattr hash hex id int isinstance issubclass
    len list locals map max memoryview min object oct ord property range repr reversed set
    setattr slice sorted staticmethod str sum super tuple type zip
""".split()


def device_builtins(
    stream: ConsoleStream,
    importer: Callable[..., Any],
    opener: Callable[..., Any],
    tick: Callable[[], None],
    spend: Callable[[], None],
    parsed: Callable[[Any], Any],
) -> dict[str, Any]:
    """The namespace that device code finds its builtins in.

    opener: `open` of uio; spend: charges what a call into the firmware costs; parsed: charges what
    compiling a text costs and returns it.
    """
    names = {name: getattr(builtins, name) for name in _SHARED if hasattr(builtins, name)}
    names.update(
        __name__="builtins",
        __import__=importer,
        __build_class__=_build_class,
        OSError=DeviceOSError,
        open=opener,
        iter=_iter,
        **{TICK: tick, HALT: Halt, PARSED: parsed},
    )
    names.update(builtin_names())
    names.update(language_names())
    names.update(_console_functions(stream, spend))
    names.update(_code_functions())
    return names


def restrict(device: dict[str, Any], note: Callable[[str], None]) -> None:
    """Leave the builtins that a board has; what the emulation lacks of them refuses each use."""
    has = names.plain(names.everywhere("builtins"))
    for name in list(device):
        if not (name in has or name.startswith("__") or name in KEYWORDS):
            del device[name]
    for name in has:
        if name not in device:
            device[name] = missing(name, None, note)


def firmware_builtins(device: dict[str, Any], importer: Callable[..., Any]) -> dict[str, Any]:
    """The namespace of the firmware's own modules: all of CPython's, but the device's errors."""
    names = dict(vars(builtins))
    names.update(__import__=importer, OSError=DeviceOSError, TimeoutError=DeviceTimeoutError)
    names.update(open=device["open"], print=device["print"], input=device["input"])
    return names


def _build_class(body: Any, name: str, *bases: Any, **keywords: Any) -> Any:
    if keywords:
        raise TypeError("function doesn't take keyword arguments")
    if len(bases) > 1:
        keywords["metaclass"] = DepthFirst
    made = builtins.__build_class__(body, name, *bases, **keywords)
    if isinstance(made, type):
        made.__qualname__ = name
    return made


class DepthFirst(type):
    """Classes with several bases: attributes are looked for in the first base and all above it,
    then in the next one."""

    def mro(cls) -> list[type]:
        found: list[type] = [cls]
        for base in cls.__bases__:
            found += [each for each in base.__mro__ if each not in found and each is not object]
        return [*found, object]


def _iter(iterable: Any) -> Any:
    return iter(iterable)


def _separator(text: Any) -> str:
    if isinstance(text, bytes):
        return text.decode()
    if not isinstance(text, str):
        raise TypeError(f"can't convert '{type(text).__name__}' object to str implicitly")
    return text


def _console_functions(stream: ConsoleStream, spend: Callable[[], None]) -> dict[str, Any]:
    def device_print(
        *values: Any, sep: Any = " ", end: Any = "\n", file: Any = None, **other: Any
    ) -> None:
        if other:
            raise TypeError("extra keyword arguments given")
        sep, end = _separator(sep), _separator(end)
        write: Callable[[str], object] = stream.write if file is None else stream_writer(file)
        spend()
        write(sep.join(board_text(value) for value in values) + end)

    def device_input(prompt: str = "") -> str:
        stream.write(str(prompt))
        return stream.readline().rstrip("\r\n")

    return {"print": device_print, "input": device_input}


def _text(source: Any) -> str:
    if isinstance(source, (bytes, bytearray)):
        return bytes(source).decode("utf-8", "surrogateescape")
    if not isinstance(source, str):
        raise TypeError("object with buffer protocol required")
    return source


def _code_functions() -> dict[str, Any]:
    def scope(namespace: Any, local: Any) -> tuple[dict[str, Any], Any]:
        if namespace is None:
            frame = sys._getframe(2)
            return frame.f_globals, frame.f_locals if local is None else local
        if not isinstance(namespace, dict):
            raise TypeError("argument has wrong type")
        namespace.setdefault("__builtins__", sys._getframe(2).f_globals["__builtins__"])
        return namespace, namespace if local is None else local

    def device_eval(source: str, globals: Any = None, locals: Any = None) -> Any:
        space, local = scope(globals, locals)
        return eval(compile_device(_text(source), "<string>", "eval"), space, local)

    def device_exec(source: Any, globals: Any = None, locals: Any = None) -> None:
        space, local = scope(globals, locals)
        exec(compile_device(_text(source), "<string>"), space, local)

    def device_compile(source: str, filename: str, mode: str) -> Any:
        return compile_device(source, filename, mode)

    def device_execfile(path: str) -> None:
        space = sys._getframe(1).f_globals
        with space["__builtins__"]["open"](path) as file:
            exec(compile_device(file.read(), path), space)

    return {"eval": device_eval, "exec": device_exec, "compile": device_compile,
            "execfile": device_execfile}  # fmt: skip
