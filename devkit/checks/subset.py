"""What Pycom's MicroPython lacks of Python: names, members, arguments, modules.

What there is says the table of the firmware's names (emulator/names). What a program for CPython
would look for is a list here, less what the table has. Python 3.4 is the language.
Source: MicroPython 1.11 with the switches of Pycom firmware 1.20.2 (esp32/mpconfigport.h).
"""

from __future__ import annotations

from emulator import names

# Of CPython, of any version
_CPYTHON = frozenset(
    "ascii breakpoint compile format vars aiter anext copyright credits exit quit license"
    " NotImplemented WindowsError IOError EnvironmentError"
    " TimeoutError FileNotFoundError FileExistsError PermissionError IsADirectoryError"
    " NotADirectoryError InterruptedError BlockingIOError ChildProcessError ProcessLookupError"
    " ConnectionError ConnectionResetError ConnectionRefusedError ConnectionAbortedError"
    " BrokenPipeError UnicodeDecodeError UnicodeEncodeError UnicodeTranslateError RecursionError"
    " ReferenceError FloatingPointError BufferError TabError ModuleNotFoundError EncodingWarning"
    " ExceptionGroup BaseExceptionGroup Warning UserWarning DeprecationWarning RuntimeWarning"
    " BytesWarning FutureWarning ImportWarning PendingDeprecationWarning SyntaxWarning"
    " UnicodeWarning ResourceWarning SystemError PythonFinalizationError".split()
)
BUILTINS = names.everywhere("builtins")

# Builtins that do not exist. Naming one raises NameError, an exception in an `except` clause only
# at the moment an exception reaches it.
NO_BUILTINS = _CPYTHON - set(BUILTINS)

EXCEPTIONS = frozenset(name for name, entry in BUILTINS.items() if entry.kind == names.EXCEPTION)

# Methods of CPython's types that no type here has. A class of the same file may define one of
# these names itself.
_METHODS = frozenset(
    "partition rpartition splitlines center ljust rjust zfill title capitalize swapcase casefold"
    " expandtabs isalnum isascii isidentifier isnumeric isdecimal isprintable istitle format_map"
    " translate maketrans removeprefix removesuffix hex fromhex hexdigest bit_length bit_count"
    " is_integer as_integer_ratio with_traceback add_note move_to_end _replace _asdict _make"
    " read_text write_text tobytes tolist tofile frombytes fromlist byteswap".split()
)
NO_METHODS = _METHODS - names.of_any_type()

# Attributes that no object here has.
NO_ATTRIBUTES = {
    "errno": "use e.args[0], which may be a number or a text",
    "strerror": "use e.args",
    "__cause__": "exceptions carry no cause",
    "__context__": "exceptions carry no context",
    "__traceback__": "use sys.print_exception(e)",
    "__doc__": "docstrings do not exist at run time",
    "__annotations__": "annotations do not exist at run time",
    "__qualname__": "use __class__.__name__",
    "_fields": "a namedtuple has none",
}

# Keyword arguments that a call does not take (or takes and ignores), by the name called.
NO_KEYWORDS = {
    "print": {"flush"},
    "decode": {"errors"},
    "encode": {"errors"},
    "to_bytes": {"signed", "length", "byteorder"},
    "from_bytes": {"signed", "byteorder"},
    "dumps": {"indent", "sort_keys", "separators", "default", "cls", "ensure_ascii"},
    "dump": {"indent", "sort_keys", "separators", "default", "cls", "ensure_ascii"},
    "send_at_cmd": {"delay"},
    "open": {"errors", "newline"},
    "split": {"sep", "maxsplit"},
    "sum": {"start"},
    "int": {"base"},
}

# The most positional arguments of builtins that take more elsewhere.
MOST_ARGUMENTS = {"iter": 1, "next": 1, "pow": 2}

# Methods that a class may define and that are never called: switched off on this firmware, or
# younger than its language.
NO_SPECIAL_METHODS = frozenset(
    "__radd__ __rsub__ __rmul__ __rtruediv__ __rfloordiv__ __rmod__ __rdivmod__ __rpow__"
    " __rlshift__ __rrshift__ __rand__ __ror__ __rxor__ __rmatmul__ __matmul__ __imatmul__"
    " __get__ __set__ __delete__ __set_name__ __getattribute__ __init_subclass__"
    " __class_getitem__ __missing__".split()
)

# Modules of the firmware, by all their names.
MODULES = frozenset(
    name for name in names.table() if not name.startswith(names.INSTANCE)
) | frozenset(names.weak())


def module(name: str) -> names.Name:
    """One of MODULES, with what it has on any board and build."""
    return names.table()[names.weak().get(name, name)]
