"""str() and repr() of values of device code on CPython.

Source: MicroPython 1.11 py/obj*.c (the print functions), py/objexcept.c.
"""

from __future__ import annotations

from inspect import CO_GENERATOR
from pathlib import Path
from types import (
    BuiltinFunctionType,
    FunctionType,
    GeneratorType,
    MethodType,
    MethodWrapperType,
    WrapperDescriptorType,
)
from typing import Any

from emulator.vm.device.floats import float_text

_OWN = str(Path(__file__).parents[2])  # the emulation, and the firmware's modules in it
_FUNCTIONS = (BuiltinFunctionType, MethodWrapperType, WrapperDescriptorType, type(str.join))


def text_of(error: BaseException) -> str:
    """str() of an exception as on the device: a KeyError gives its key, not the repr of it."""
    if type(error).__str__ in (KeyError.__str__, SyntaxError.__str__, BaseException.__str__):
        if not error.args:
            return ""
        return board_text(error.args[0] if len(error.args) == 1 else error.args)
    return str(error)


def board_text(value: Any, as_repr: bool = False) -> str:
    kind = type(value)
    if kind is str:
        return ascii(value) if as_repr else str(value)
    if kind is int or value is None or kind is bool:
        return str(value)
    if kind is float:
        return str(float_text(value))
    if kind is bytes:
        return _bytes_text(value)
    if kind is list:
        return "[" + _joined(value) + "]"
    if kind is tuple:
        return "(" + _joined(value) + ("," if len(value) == 1 else "") + ")"
    if kind is set:
        return "{" + _joined(value) + "}" if value else "set()"
    if isinstance(value, dict) and kind.__name__ == "dict":
        pairs = [f"{board_text(key, True)}: {board_text(value[key], True)}" for key in value]
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, BaseException):
        return _error_text(value, as_repr)
    if isinstance(value, type):
        return f"<class '{value.__name__}'>"
    return _object_text(value, kind, as_repr)


def _joined(values: Any) -> str:
    return ", ".join([board_text(item, True) for item in values])


def _bytes_text(value: bytes) -> str:
    """Quoted as a str is: by " where there is a ' and no "."""
    text = repr(value)
    if b"'" not in value or b'"' in value:
        return text
    return 'b"' + text[2:-1].replace("\\'", "'") + '"'


def _error_text(error: BaseException, as_repr: bool) -> str:
    from emulator.vm.language.failures import as_on_board  # it uses this

    error = as_on_board(error)
    if not as_repr:
        return text_of(error)
    own = type(error).__repr__
    if own is BaseException.__repr__ or own.__module__ == "emulator.vm.errors":
        return type(error).__name__ + board_text(error.args)
    return repr(error)


def _object_text(value: Any, kind: type, as_repr: bool) -> str:
    address = f"{id(value) & 0xFFFFFFFF:x}"
    if isinstance(value, FunctionType):
        code = value.__code__
        if code.co_filename.startswith(_OWN):
            return "<function>"
        if code.co_flags & CO_GENERATOR:
            return "<generator>"
        name = "lambda" if value.__name__ == "<lambda>" else value.__name__
        return f"<function {name} at 0x{address}>"
    if isinstance(value, MethodType):
        return "<bound_method>"
    if isinstance(value, _FUNCTIONS):
        return "<function>"
    if isinstance(value, GeneratorType):
        return f"<generator object '{value.__name__}' at {address}>"
    if kind is memoryview:
        return "<memoryview>"
    own: Any = (kind.__str__, kind.__repr__)
    if not as_repr and own[0] is not object.__str__:
        return str(value)
    if own[1] is not object.__repr__:
        if kind.__module__ == "builtins" and kind.__name__.endswith("iterator"):
            return f"<{'reversed' if 'reverse' in kind.__name__ else 'iterator'}>"
        return repr(value)
    if kind.__module__ == "builtins":
        return f"<{kind.__name__}>"
    return f"<{kind.__name__} object at {address}>"
