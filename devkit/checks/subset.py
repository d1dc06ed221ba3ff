"""What Pycom's MicroPython lacks of Python, as tables: names, members, arguments, modules.

Core of MicroPython 1.11 with the switches of Pycom firmware 1.20.2 (esp32/mpconfigport.h, the
modules in esp32/mods, the weak links in esp32/mpconfigport.h); Python 3.4 is its language.
"""

from __future__ import annotations

# Builtins of CPython that do not exist. Naming one raises NameError, an exception in an
# `except` clause only at the moment an exception reaches it.
NO_BUILTINS = frozenset(
    "ascii breakpoint format vars aiter anext copyright credits exit quit license"
    " NotImplemented WindowsError IOError EnvironmentError"
    " TimeoutError FileNotFoundError FileExistsError PermissionError IsADirectoryError"
    " NotADirectoryError InterruptedError BlockingIOError ChildProcessError ProcessLookupError"
    " ConnectionError ConnectionResetError ConnectionRefusedError ConnectionAbortedError"
    " BrokenPipeError UnicodeDecodeError UnicodeEncodeError UnicodeTranslateError RecursionError"
    " ReferenceError FloatingPointError BufferError TabError ModuleNotFoundError"
    " ExceptionGroup BaseExceptionGroup Warning UserWarning DeprecationWarning RuntimeWarning"
    " ResourceWarning SystemError".split()
)

EXCEPTIONS = frozenset(
    "BaseException ArithmeticError AssertionError AttributeError EOFError Exception GeneratorExit"
    " ImportError IndentationError IndexError KeyError KeyboardInterrupt LookupError MemoryError"
    " NameError NotImplementedError OSError OverflowError RuntimeError StopIteration SyntaxError"
    " SystemExit TypeError UnicodeError ValueError ZeroDivisionError".split()
)

# Methods that no type here has. A class of the same file may define one of these names itself.
NO_METHODS = frozenset(
    "partition rpartition splitlines center ljust rjust zfill title capitalize swapcase casefold"
    " expandtabs isalnum isidentifier isnumeric isdecimal isprintable istitle format_map"
    " translate maketrans removeprefix removesuffix hex fromhex hexdigest bit_length"
    " is_integer as_integer_ratio with_traceback move_to_end _replace _asdict _make"
    " read_text write_text".split()
)

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

# Members that modules lack, under both of a module's names.
_NO_MEMBERS = {
    "time": "monotonic monotonic_ns perf_counter perf_counter_ns time_ns strftime strptime"
    " process_time ctime asctime struct_time",
    "os": "path makedirs walk environ replace fsync getenv scandir removedirs popen system sep"
    " linesep name",
    "re": "sub subn findall finditer split fullmatch escape IGNORECASE MULTILINE DOTALL VERBOSE",
    "json": "JSONDecodeError JSONEncoder",
    "math": "inf nan isclose factorial gcd hypot prod tau log1p comb perm dist",
    "sys": "getsizeof settrace getrecursionlimit setrecursionlimit getrefcount",
    "binascii": "crc32 crc_hqx b2a_hex a2b_hex",
    "struct": "Struct iter_unpack error",
    "hashlib": "new blake2b sha3_256 pbkdf2_hmac scrypt",
    "socket": "AF_INET6 gethostbyname create_connection gaierror herror inet_aton inet_ntoa"
    " inet_pton inet_ntop",
    "machine": "soft_reset lightsleep",
    "micropython": "schedule",
    "gc": "get_objects get_count get_stats freeze",
    "collections": "OrderedDict Counter defaultdict ChainMap",
}
NO_MEMBERS = {
    alias: frozenset(members.split())
    for module, members in _NO_MEMBERS.items()
    for alias in (module, "u" + module)
}

# Modules of the firmware, by all their names.
MODULES = frozenset(
    "network pycom sys gc math cmath array micropython builtins uos usocket uselect utime uhashlib"
    " ucrypto ubinascii ussl uerrno uqueue uio ucollections ustruct _thread uctypes uzlib ujson"
    " ure utimeq framebuf umachine"
    " machine os socket select binascii struct re json time hashlib crypto ssl errno queue"
    " sqnsbrz sqnscodec sqnscrc sqnstp sqnsupgrade _boot _main".split()
)
