"""Exceptions of CPython with the class and the text that the board's core gives them.

    error = as_on_board(error)      # the same one, or another in place of it

What device code raises itself, and what the firmware raises, stays as it is: only texts that
CPython's core is known for are looked for.
Source: MicroPython 1.11 py/runtime.c, py/obj*.c, py/argcheck.c, with normal error reporting.
"""

from __future__ import annotations

import re
import traceback
from types import FrameType, FunctionType
from typing import Any

_CLASSES: tuple[tuple[type[BaseException], type[BaseException]], ...] = (
    (UnboundLocalError, NameError),
    (RecursionError, RuntimeError),
    (UnicodeDecodeError, UnicodeError),
    (UnicodeEncodeError, UnicodeError),
    (TabError, IndentationError),
    (ModuleNotFoundError, ImportError),
)
_OPERATORS = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod",
    "**": "pow", "<<": "lshift", ">>": "rshift", "&": "and", "|": "or", "^": "xor",
    "<": "lt", ">": "gt", "<=": "le", ">=": "ge", "divmod()": "divmod", "** or pow()": "pow",
    "+=": "iadd", "-=": "isub", "*=": "imul", "/=": "itruediv", "//=": "ifloordiv", "%=": "imod",
    "<<=": "ilshift", ">>=": "irshift", "&=": "iand", "|=": "ior", "^=": "ixor", "**=": "ipow",
}  # fmt: skip
_UNARY = {"+": "pos", "-": "neg", "~": "invert"}

# For each class of exception: what CPython says, and what the board says in its place. {0} is the
# first group.
_TEXTS: dict[type[BaseException], list[tuple[str, str]]] = {
    TypeError: [
        (r"unsupported operand type\(s\) for (.+): '(.+)' and '(.+)'", "@binary"),
        (r"'(\S+)' not supported between instances of '(.+)' and '(.+)'", "@binary"),
        (r"bad operand type for unary (.): '(.+)'", "@unary"),
        (r"bad operand type for abs\(\): '(.+)'", "unsupported type for __abs__: '{0}'"),
        (r'can only concatenate str \(not "(.+)"\) to str',
         "can't convert '{0}' object to str implicitly"),
        (r'can only concatenate (\w+) \(not "(.+)"\) to \w+',
         "unsupported types for __add__: '{0}', '{1}'"),
        (r"can't concat \w+ to bytes|can't concat \w+ to bytearray|a bytes-like object is "
         r"required, not '.+'|object supporting the buffer API required|memoryview: a bytes-like "
         r"object is required, not '.+'|cannot convert '.+' object to bytes",
         "object with buffer protocol required"),
        (r"'(.+)' object is not (subscriptable|callable|iterable|an iterator|reversible)",
         "'{0}' object isn't {1}"),
        (r"'(.+)' object does(?:n't| not) support item (assignment|deletion)",
         "'{0}' object doesn't support item {1}"),
        (r"cannot unpack non-iterable (.+) object", "'{0}' object isn't iterable"),
        (r"unhashable type: '(.+)'", "unsupported type for __hash__: '{0}'"),
        (r"(?:byte|(\w+)) ?(?:index|indices) must be integers(?: or slices)?, not '?(\w+)'?",
         "{0} indices must be integers, not {1}"),
        (r".*takes from \d+ to (\d+) positional arguments? but (\d+) (?:was|were) given",
         "function takes {0} positional arguments but {1} were given"),
        (r".*takes (\d+) positional arguments? but (\d+) (?:was|were) given",
         "function takes {0} positional arguments but {1} were given"),
        (r"(.*)\(\) missing \d+ required positional arguments?: '(\w+)'.*", "@missing"),
        (r".*missing \d+ required keyword-only arguments?: '(\w+)'.*",
         "function missing required keyword argument '{0}'"),
        (r".*got an unexpected keyword argument '(.+)'", "unexpected keyword argument '{0}'"),
        (r".*got multiple values for (?:keyword )?argument '(.+)'",
         "function got multiple values for argument '{0}'"),
        (r".*takes no keyword arguments|.*takes no keyword arguments \(.*\)",
         "function doesn't take keyword arguments"),
        (r".*(?:expected|takes) at most (\d+) (?:positional )?arguments?,? (?:got |\()(\d+)"
         r"(?: given\))?", "function expected at most {0} arguments, got {1}"),
        (r".*(?:expected|takes) at least (\d+) (?:positional )?arguments?,? (?:got |\()(\d+)"
         r"(?: given\))?", "function missing {0} required positional arguments"),
        (r".*takes (?:exactly )?one argument \((\d+) given\)",
         "function takes 1 positional arguments but {0} were given"),
        (r".*takes (?:exactly )?(\d+) (?:positional )?arguments? \((\d+) given\)",
         "function takes {0} positional arguments but {1} were given"),
        (r".*expected (\d+) arguments?, got (\d+)",
         "function takes {0} positional arguments but {1} were given"),
        (r".*takes no arguments \((\d+) given\)",
         "function takes 0 positional arguments but {0} were given"),
        (r"'(.+)' object cannot be interpreted as an integer", "can't convert {0} to int"),
        (r"int\(\) argument must be .*, not '(.+)'", "can't convert {0} to int"),
        (r"(?:float\(\) argument must be .*, not '(.+)'|must be real number, not (.+))",
         "can't convert {0}{1} to float"),
        (r"descriptor '.+' for '.+' objects doesn't apply to an? '.+' object|unbound method .*",
         "argument has wrong type"),
        (r"isinstance\(\) arg 2 must be .*",
         "issubclass() arg 2 must be a class or a tuple of classes"),
        (r"%[diouxXc] format: .+ is required, not (.+)", "can't convert {0} to int"),
        (r"sequence item \d+: expected .*",
         "join expects a list of str/bytes objects consistent with self object"),
        (r"'(.+)' object does not support the (?:asynchronous )?context manager protocol.*",
         "@manager"),
    ],
    ZeroDivisionError: [(r".*", "divide by zero")],
    IndexError: [
        (r"(list|bytearray) assignment index out of range", "{0} index out of range"),
        (r"pop index out of range", "list index out of range"),
        (r"Replacement index \d+ out of range for positional args tuple",
         "tuple index out of range"),
        (r"range object index out of range", "range index out of range"),
        (r"index out of range", "bytes index out of range"),
        (r"index out of bounds on dimension 1", "memoryview index out of range"),
    ],
    NameError: [
        (r"name '(.+)' is not defined", "name '{0}' isn't defined"),
        (r"(?:cannot access (?:local|free) variable|local variable|free variable) .*",
         "local variable referenced before assignment"),
    ],
    ValueError: [
        (r"invalid literal for int\(\) with base (\d+): .*",
         "invalid syntax for integer with base {0}"),
        (r"cannot convert float NaN to integer", "can't convert NaN to int"),
        (r"could not convert string to float: .*", "invalid syntax for number"),
        (r"list\.remove\(x\): x not in list|tuple\.index\(x\): x not in tuple|.* is not in "
         r"(?:list|tuple)", "object not in sequence"),
        (r"subsection not found", "substring not found"),
        (r"(?:bytes|byte) must be in range\(0, 256\)", "bytes value out of range"),
        (r"Unknown format code (.+) for object of type (.+)",
         "unknown format code {0} for object of type {1}"),
        (r"(?:max|min)\(\) (?:arg is an empty sequence|iterable argument is empty)",
         "arg is an empty sequence"),
        (r"not enough values to unpack \(expected (?:at least )?\d+, got (\d+)\)",
         "need more than {0} values to unpack"),
        (r"dictionary update sequence element #\d+ has length .*",
         "dict update sequence has wrong length"),
        (r"range\(\) arg 3 must not be zero|slice step cannot be zero", "zero step"),
    ],
    OverflowError: [
        (r"cannot convert float infinity to integer", "can't convert inf to int"),
        (r"cannot fit 'int' into an index-sized integer|Python int too large to convert.*",
         "overflow converting long int to machine word"),
    ],
    RuntimeError: [(r"No active exception to reraise", "no active exception to reraise")],
    AttributeError: [
        (r"module '.*' has no attribute '(.+)'", "'module' object has no attribute '{0}'"),
        (r"property '(.+)' of '(.+)' object has no (?:setter|deleter)",
         "'{1}' object has no attribute '{0}'"),
    ],
}  # fmt: skip
_UNINDENT = "unindent does not match any outer indentation level"
_COMPILED = {
    kind: [(re.compile(pattern, re.DOTALL), text) for pattern, text in rows]
    for kind, rows in _TEXTS.items()
}


def as_on_board(error: BaseException) -> BaseException:
    """The exception that the board would have in place of this one."""
    kind = type(error)
    for found, wanted in _CLASSES:
        if kind is found:
            made = wanted(*_arguments(error, wanted))
            return made.with_traceback(error.__traceback__)
    if kind is IndentationError and "expected an indented block" in str(error.args[:1]):
        return SyntaxError("invalid syntax").with_traceback(error.__traceback__)
    if kind is SyntaxError or kind is IndentationError:
        if len(error.args) > 1:
            error.args = (_syntax(error),)
        return error
    if kind is StopIteration or len(error.args) != 1 or type(error.args[0]) is not str:
        return error
    if kind in _COMPILED:
        text = _text(error, kind)
        if text is None:
            return error
        if text.startswith("@manager "):
            made = AttributeError(f"'{text[9:]}' object has no attribute '__exit__'")
            return made.with_traceback(error.__traceback__)
        error.args = (text,)
    return error


def _syntax(error: BaseException) -> str:
    """CPython explains; the board's parser says but this, and its compiler what ours says."""
    from emulator.vm.compiler import OWN_TEXTS  # it imports this package

    text = error.args[0]
    if isinstance(error, IndentationError):
        return "unexpected indent" if "unexpected" in text else _UNINDENT
    return text if text in OWN_TEXTS else "invalid syntax"


def _arguments(error: BaseException, kind: type[BaseException]) -> tuple[Any, ...]:
    if kind is UnicodeError:
        return ()
    if kind is IndentationError:
        return (_syntax(error),)
    if kind is RuntimeError:
        return ("maximum recursion depth exceeded",)
    text = _text(error, kind)
    return error.args if text is None else (text,)


def _text(error: BaseException, kind: type[BaseException]) -> str | None:
    said = str(error.args[0]) if error.args else ""
    for pattern, text in _COMPILED.get(kind, ()):
        found = pattern.fullmatch(said)
        if found is None:
            continue
        groups = [group or "" for group in found.groups()]
        if text == "@binary":
            name = _OPERATORS.get(groups[0], groups[0])
            return f"unsupported types for __{name}__: '{groups[1]}', '{groups[2]}'"
        if text == "@unary":
            return f"unsupported type for __{_UNARY[groups[0]]}__: '{groups[1]}'"
        if text == "@missing":
            return _missing(error, *groups)
        if text == "@manager":
            return f"@manager {groups[0]}"
        return text.format(*groups)
    return None


def _missing(error: BaseException, qualified: str, name: str) -> str | None:
    """How the board counts what a call lacks: by the place of the argument."""
    function = _function(error, qualified)
    if function is None:
        return "function missing required positional argument #0"
    code = function.__code__
    place = code.co_varnames.index(name)
    plain = not code.co_kwonlyargcount and not code.co_flags & 0x0C
    if plain:
        needed = code.co_argcount - len(function.__defaults__ or ())
        return f"function takes {needed} positional arguments but {place} were given"
    return f"function missing required positional argument #{place}"


def _function(error: BaseException, qualified: str) -> FunctionType | None:
    """The function of that qualified name, as the frame that called it sees it."""
    frames: list[FrameType] = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if not frames:
        return None
    owner, _, name = qualified.split("<locals>.")[-1].rpartition(".")
    seen = {**frames[-1].f_globals, **frames[-1].f_locals}
    for value in (seen.get(owner or name), *seen.values()):
        if owner:  # a class, or an object of it
            kind = value if isinstance(value, type) else type(value)
            value = getattr(kind, name, None) if kind.__name__ == owner else None
        if isinstance(value, FunctionType) and value.__name__ == name:
            return value
    return None
