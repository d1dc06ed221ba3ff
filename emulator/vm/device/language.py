"""The language as the board's core has it, where the core of this VM is a later one.

Source that the board serves calls these (emulator/vm/source.py).
"""

import builtins

import board

_native_hasattr = builtins.hasattr
_native_int = builtins.int
_native_bytearray = builtins.bytearray
_TEXT = "center partition rpartition splitlines"
_LACKS = {
    str: _TEXT,
    bytes: _TEXT + " hex fromhex",
    bytearray: _TEXT + " hex fromhex find rfind index rindex count split rsplit replace startswith"
    " endswith strip lstrip rstrip join lower upper isdigit isalpha isspace islower isupper"
    " format",
    memoryview: "hex",
}
_LACKS = {kind: _LACKS[kind].split() for kind in _LACKS}
_FUNCTION = "__name__ __code__ __globals__ __defaults__ __closure__".split()
_CLASS = "__doc__ __bases__ __dict__ __base__ __mro__".split()
_caught = [None]


_FUNCTIONS = (type(lambda: _caught), type(len), type([].append))


def _lacks(owner, name):
    kind = type(owner)
    if kind is type:
        return name in _CLASS or name in _LACKS.get(owner, ())
    if kind in _FUNCTIONS:
        return name in _FUNCTION
    if isinstance(owner, BaseException):
        return name == "errno" or (name == "value" and not isinstance(owner, StopIteration))
    return name in _LACKS.get(kind, ())


def _no_attribute(owner):
    raise AttributeError


def lack(kind, names):
    """Take names, separated by blanks, from a class that is made here."""
    _LACKS[kind] = names.split()  # hasattr() takes a property that raises for an attribute
    for name in _LACKS[kind]:
        setattr(kind, name, property(_no_attribute))


def hasattr_(owner, name):
    return not _lacks(owner, name) and _native_hasattr(owner, name)


def attribute(owner, name):
    """owner.name: one of the names that the source of the board is looked through for."""
    kind = type(owner)
    own = _OWN.get((kind, name))
    if own is not None:
        return lambda *args: own(owner, *args)
    if owner is int and name == "from_bytes":
        return _from_bytes
    if _lacks(owner, name):
        raise AttributeError("'{}' object has no attribute '{}'".format(kind.__name__, name))
    return getattr(owner, name)


def _to_bytes(number, length, order, *signed):
    if length < 0:
        raise ValueError
    cut = _native_int(number) & ((1 << (8 * length)) - 1)
    return cut.to_bytes(length, "little" if order == "little" else "big") if length else b""


def _from_bytes(data, order, *signed):
    if isinstance(data, (list, tuple)):
        raise TypeError("object with buffer protocol required")
    return _native_int.from_bytes(data, "little" if order == "little" else "big")


def _extend(data, more):
    if isinstance(more, (list, tuple)):
        raise TypeError("object with buffer protocol required")
    data.extend(more)


def _begins(text, part, *limits):
    _one_text(part)
    return text.startswith(part, *limits)


def _ends(text, part):
    _one_text(part)
    return text.endswith(part)


def _one_text(part):
    if isinstance(part, tuple):
        raise TypeError("can't convert 'tuple' object to str implicitly")


_OWN = {
    (int, "to_bytes"): _to_bytes,
    (int, "from_bytes"): lambda number, *args: _from_bytes(*args),
    (bytearray, "extend"): _extend,
    (str, "startswith"): _begins,
    (str, "endswith"): _ends,
}


def make_int(value=0, *base):
    if isinstance(value, bytearray):
        raise TypeError("can't convert bytearray to int")
    if base or not isinstance(value, (str, bytes)):
        return _native_int(value, *base)
    return _native_int(value, 10 if _decimal(value) else 0)


def _decimal(text):
    """Whether it has no prefix: 010 is ten."""
    text = text if isinstance(text, str) else text.decode()
    digits = text.strip().lstrip("+-")
    return digits[:2].lower() not in ("0x", "0o", "0b")


def make_bytearray(*args):
    if len(args) == 1 and isinstance(args[0], str):
        return _native_bytearray(args[0].encode())
    return _native_bytearray(*args)


def caught(error):
    _caught[0] = error


def exc_info():
    error = _caught[0]
    return (None, None, None) if error is None else (type(error), error, None)


def _read(path):
    """The text of a file for execfile()."""
    with open(path) as file:
        return board.parsed(file.read(), "exec")


def install():
    builtins.__read__ = _read
    builtins.hasattr = hasattr_
    builtins.__attr__ = attribute
    builtins.__new_int__ = make_int
    builtins.__new_bytearray__ = make_bytearray
    builtins.__caught__ = caught
