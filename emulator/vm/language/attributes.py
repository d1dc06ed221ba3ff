"""Attributes of builtin types that the board lacks, or has in another form than CPython.

Device source asks here for the names in NAMES (emulator/vm/language/rewriting.py), and dir(),
hasattr() and getattr() for all.
Source: dir() of each type on a 1.11 core with the board's switches; MicroPython 1.11 py/objint.c,
py/objstr.c, py/objlist.c, py/objgenerator.c.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from types import (
    BuiltinFunctionType,
    BuiltinMethodType,
    EllipsisType,
    FunctionType,
    GeneratorType,
    MethodType,
    NoneType,
)
from typing import Any

from emulator.vm.language.constructors import Bytearray, decoded, type_of
from emulator.vm.language.formats import formatted
from emulator.vm.language.single import Single
from emulator.vm.language.tables import Table, sort

# What the board's dir() shows of an instance of each type
_TEXT = (
    "count endswith find format index isalpha isdigit islower isspace isupper join lower lstrip"
    " replace rfind rindex rsplit rstrip split startswith strip upper"
)
_SET = (
    "__contains__ copy difference intersection isdisjoint issubset issuperset"
    " symmetric_difference union"
)
_BOARD: dict[type, str] = {
    str: "encode " + _TEXT,
    bytes: "decode " + _TEXT,
    bytearray: "append decode extend",
    int: "from_bytes to_bytes",
    bool: "",
    float: "",
    complex: "imag real",
    list: "append clear copy count extend index insert pop remove reverse sort",
    tuple: "count index",
    dict: "__delitem__ __getitem__ __setitem__ clear copy fromkeys get items keys pop popitem"
    " setdefault update values",
    set: _SET + " add clear difference_update discard intersection_update pop remove"
    " symmetric_difference_update update",
    frozenset: _SET,
    range: "start step stop",
    memoryview: "",
    FunctionType: "",
    MethodType: "",
    BuiltinFunctionType: "",
    BuiltinMethodType: "",
    GeneratorType: "__next__ close pend_throw send throw",
    NoneType: "",
    EllipsisType: "",
    slice: "",
}
_EVERYWHERE = frozenset({"__class__", "__init__", "__new__"})
_OF_CLASSES = frozenset({"__name__", "__qualname__", "__module__", "__class__"})
_CLASS_LACKS = frozenset(
    "mro __mro__ __bases__ __base__ __subclasses__ __dict__ __doc__ __annotations__".split()
)
_ERROR_LACKS = frozenset(
    "__cause__ __context__ __traceback__ __suppress_context__ with_traceback add_note errno"
    " strerror filename filename2 characters_written name obj path encoding reason start end"
    " object msg text lineno offset code".split()
)
_SAME: dict[type, type] = {Bytearray: bytearray, Single: float, Table: dict}


def _lacks(kind: type, names: str) -> frozenset[str]:
    return frozenset(dir(kind)) - frozenset(names.split()) - _EVERYWHERE


_LACKING = {kind: _lacks(kind, names) for kind, names in _BOARD.items()}
_LACKING.update({own: _LACKING[kind] for own, kind in _SAME.items()})


# attributes in another form: each function is given the object


def _to_bytes(number: int) -> Callable[..., bytes]:
    def to_bytes(length: Any, order: Any, *signed: Any) -> bytes:
        if length < 0:
            raise ValueError
        value = int(number) & ((1 << (8 * length)) - 1)
        return value.to_bytes(length, "little" if order == "little" else "big")

    return to_bytes


def _from_bytes(_: Any) -> Callable[..., int]:
    def from_bytes(data: Any, order: Any, *rest: Any) -> int:
        raw = data.encode() if isinstance(data, str) else data
        if not isinstance(raw, (bytes, bytearray, memoryview)):
            raise TypeError("object with buffer protocol required")
        return int.from_bytes(bytes(raw), "little" if order == "little" else "big")

    return from_bytes


def _encode(text: str) -> Callable[..., bytes]:
    return lambda *encoding: text.encode("utf-8", "surrogateescape")


def _decode(data: bytes) -> Callable[..., str]:
    return lambda *encoding: decoded(data)


def _format(text: str) -> Callable[..., str]:
    return lambda *values, **named: formatted(text, values, named)


def _bytes_format(data: bytes) -> Callable[..., bytes]:
    def formatted(*values: Any, **named: Any) -> bytes:
        return data.decode("latin-1").format(*values, **named).encode("latin-1")

    return formatted


def _one_text(name: str) -> Callable[[Any], Callable[..., bool]]:
    """startswith, endswith: of one text, which may be a str behind bytes."""

    def make(text: Any) -> Callable[..., bool]:
        def asked(part: Any, *limits: Any) -> Any:
            if type(part) is tuple:
                raise TypeError("can't convert 'tuple' object to str implicitly")
            if type(part) is str and type(text) is bytes:
                part = part.encode()
            if name == "endswith" and limits:
                raise TypeError("function expected at most 2 arguments, got 3")
            return getattr(text, name)(part, *limits)

        return asked

    return make


_LOWER = {code: code + 32 for code in range(65, 91)}
_UPPER = {code: code - 32 for code in range(97, 123)}


def _in_case(table: dict[int, int]) -> Callable[[Any], Callable[[], Any]]:
    return lambda text: lambda: text.translate(table)


def _ascii(name: str) -> Callable[[Any], Callable[[], bool]]:
    """A test of letters, which those beyond ASCII are not."""

    def make(text: Any) -> Callable[[], bool]:
        def test() -> bool:
            known = "".join([char if char < "\x80" else "\x01" for char in text])
            return bool(getattr(known, name)())

        return test

    return make


def _sorted_in_place(values: list[Any]) -> Callable[..., None]:
    def run(**options: Any) -> None:
        sort(values, **options)

    return run


_OWN: dict[type, dict[str, Callable[[Any], Any]]] = {
    int: {"to_bytes": _to_bytes, "from_bytes": _from_bytes},
    str: {
        "encode": _encode, "format": _format, "startswith": _one_text("startswith"),
        "endswith": _one_text("endswith"),
        "lower": _in_case(_LOWER), "upper": _in_case(_UPPER),
        **{name: _ascii(name) for name in "isalpha isdigit isspace islower isupper".split()},
    },
    bytes: {"decode": _decode, "startswith": _one_text("startswith"),
            "endswith": _one_text("endswith"), "format": _bytes_format},
    list: {"sort": _sorted_in_place},
}  # fmt: skip

_FREQUENT = "append extend get items keys values pop insert copy clear count index find strip join"
NAMES = frozenset(
    {
        name
        for lacking in _LACKING.values()
        for name in lacking
        if not name.startswith("__") and name not in _FREQUENT.split()
    }
    | {name for own in _OWN.values() for name in own}
    | set(
        "__name__ __doc__ __dict__ __self__ __code__ __defaults__ __traceback__ __cause__".split()
    )
    | set("__context__ __bases__ __mro__ mro __subclasses__ __closure__ __globals__".split())
    | {"__class__", "__qualname__", "with_traceback", "format"}
)


def attribute(owner: Any, name: str) -> Any:
    """owner.name on the device."""
    kind = owner.__class__
    own = _OWN.get(kind)
    if own is not None and name in own:
        return own[name](owner)
    if isinstance(owner, type) and name in _OWN.get(owner, ()):
        return _unbound(owner, name)
    lacking = _LACKING.get(kind)
    if lacking is not None:
        if name in lacking:
            raise AttributeError(f"'{_shown(kind)}' object has no attribute '{name}'")
        if name == "__class__":
            return type_of(owner)
    elif isinstance(owner, type):
        return _of_class(owner, name)
    elif isinstance(owner, BaseException):
        if name in _ERROR_LACKS and not _made_by_program(owner, name):
            raise AttributeError(f"'{_shown(kind)}' object has no attribute '{name}'")
    elif name == "__qualname__":
        return kind.__qualname__
    return getattr(owner, name)


def _made_by_program(owner: BaseException, name: str) -> bool:
    """Whether the program's own class, or the program, has given it this attribute."""
    if name in getattr(owner, "__dict__", ()):
        return True
    return any(
        name in vars(each) for each in type(owner).__mro__ if each.__module__ != "builtins"
        and not each.__module__.startswith("emulator.")
    )  # fmt: skip


def _unbound(kind: type, name: str) -> Any:
    """A method of a builtin class, which wants the object first."""
    own = _OWN[kind][name]
    if name == "from_bytes":
        return own(kind)

    def method(owner: Any, *args: Any, **keywords: Any) -> Any:
        if not isinstance(owner, kind):
            raise TypeError("argument has wrong type")
        return own(owner)(*args, **keywords)

    return method


def _of_class(owner: Any, name: str) -> Any:
    lacking = _LACKING.get(owner)
    if lacking is not None and name in lacking and name not in _OF_CLASSES:
        raise AttributeError(f"type object '{_shown(owner)}' has no attribute '{name}'")
    if name in _CLASS_LACKS and (name == "__dict__" or name not in vars(owner)):
        raise AttributeError(f"type object '{_shown(owner)}' has no attribute '{name}'")
    if name == "__doc__":
        raise AttributeError(f"type object '{_shown(owner)}' has no attribute '{name}'")
    if name == "__qualname__":
        return owner.__qualname__.split(".")[-1]
    return getattr(owner, name)


def _shown(kind: type) -> str:
    if kind in (FunctionType, BuiltinFunctionType, MethodType):
        return "function" if kind is not MethodType else "bound_method"
    return kind.__name__


_MISSING = object()


def getattr_(owner: Any, name: Any, default: Any = _MISSING, /) -> Any:
    try:
        return attribute(owner, name)
    except AttributeError:
        if default is _MISSING:
            raise
        return default


def hasattr_(owner: Any, name: Any, /) -> bool:
    try:
        attribute(owner, name)
    except AttributeError:
        return False
    return True


def setattr_(owner: Any, name: Any, value: Any, /) -> None:
    if owner.__class__ is FunctionType:
        raise AttributeError(f"'function' object has no attribute '{name}'")
    builtins.setattr(owner, name, value)


def isinstance_(value: Any, kinds: Any, /) -> bool:
    if (value is True or value is False) and kinds is not bool:
        if kinds.__class__ is tuple:
            return bool in kinds or object in kinds
        return kinds is object or (kinds is not int and isinstance(value, kinds))
    return isinstance(value, kinds)


def issubclass_(kind: Any, kinds: Any, /) -> bool:
    if kind is bool:
        return (
            bool in kinds or object in kinds if type(kinds) is tuple else kinds in (bool, object)
        )
    return issubclass(kind, kinds)


def dir_(owner: Any) -> list[str]:
    """The names of an object that the board would show: classes have those of their own only."""
    kind = type(owner)
    board = _BOARD.get(_SAME.get(kind, kind)) if not isinstance(owner, type) else _BOARD.get(owner)
    if board is not None:
        return sorted(board.split())
    names = dir(owner)
    if isinstance(owner, type) or hasattr(owner, "__dict__"):
        names = [name for name in names if not hasattr(object, name)]
        hidden = _CLASS_LACKS | {"__weakref__", "__slots__", "__orig_bases__"}
        names = [name for name in names if name not in hidden]
    return names
