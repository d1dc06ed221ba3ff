"""Modules of the core as a Pycom board has them, for both VMs in the language that both know.

Each function gives the names of one module; what only one VM has comes as an argument. The heap is
the board's (its size, and what a collection costs): emulator/board/system.py.
Source: Pycom firmware 1.20.2.r4, py/modgc.c, py/modmicropython.c, py/modsys.c, py/modthread.c,
py/modmath.c, py/modcmath.c, esp32/mpthreadport.c, boards/*/mpconfigboard.h; newlib sys/errno.h. No
schedule() on this port.
"""

import builtins

try:
    from floats import float32
except ImportError:  # in CPython, where this folder is a package
    from emulator.vm.device.floats import float32

STACK_BYTES = 5 * 1024  # of a thread, at least
MATH = (
    "e pi sqrt pow exp log cos sin tan acos asin atan atan2 ceil copysign fabs floor fmod frexp "
    "ldexp modf isfinite isinf isnan trunc radians degrees"
)
CMATH = "e pi phase polar rect exp log sqrt cos sin"
ERRNO_NAMES = {}  # number -> name in uerrno, of the board's table: newlib's, not Linux's

# Before the board's take their place
_next = builtins.next
_pow = builtins.pow
_round = builtins.round


def some(module, names):
    """Those of the names, separated by blanks, that the module has."""
    return {name: getattr(module, name) for name in names.split() if hasattr(module, name)}


def oserror_text(args, named):
    """str() of an OSError; `named`: of no class below it, so that numbers have names."""
    if len(args) != 1:
        return str(args) if args else ""
    number = args[0]
    if named and type(number) is int and number in ERRNO_NAMES:
        return "[Errno {}] {}".format(number, ERRNO_NAMES[number])
    return str(number)


def errno_names():
    names = {name: number for number, name in ERRNO_NAMES.items()}
    names["errorcode"] = dict(ERRNO_NAMES)
    return names


def builtin_names():
    """Builtins that take less than those of a later core."""

    def round_(value, *digits):
        if digits and isinstance(value, int):
            raise NotImplementedError("round() of an int with a number of digits")
        if not digits or type(value) is not float:
            return _round(value, *digits)
        scale = float32(10.0 ** digits[0])
        # decided in single precision; the result is the float of this VM that prints so
        return _round(float32(_round(float32(float32(value) * scale)) / scale), *digits)

    return {
        "next": lambda iterator: _next(iterator),
        "pow": lambda base, exponent: _pow(base, exponent),
        "round": round_,
    }


def gc_names(call, collect=lambda: None):
    """collect: what the VM does beside the board's part of it."""
    state = {"enabled": True, "threshold": -1}

    def collect_all():
        collect()
        return call("system.gc_collect")

    def enable():
        state["enabled"] = True

    def disable():
        state["enabled"] = False

    def threshold(amount=None):
        if amount is None:
            return state["threshold"]
        state["threshold"] = amount // 16 * 16 if amount > 0 else -1

    return {
        "collect": collect_all,
        "mem_free": lambda: call("system.mem_free"),
        "mem_alloc": lambda: call("system.mem_alloc"),
        "enable": enable,
        "disable": disable,
        "isenabled": lambda: state["enabled"],
        "threshold": threshold,
    }


def micropython_names(write):
    level = [0]

    def opt_level(value=None):
        if value is None:
            return level[0]
        level[0] = value

    def mem_info(verbose=None):
        write("stack: 1024 out of 11264\nGC: total: 2560000, used: 100000, free: 2460000\n")

    def qstr_info(verbose=None):
        write("qstr pool: n_pool=1\n")

    return {
        "const": lambda value: value,
        "opt_level": opt_level,
        "mem_info": mem_info,
        "qstr_info": qstr_info,
        "stack_use": lambda: 1024,
        "alloc_emergency_exception_buf": lambda size: None,
        "heap_lock": lambda: None,
        "heap_unlock": lambda: None,
        "kbd_intr": lambda char: None,
    }


def sys_names(platform, path, modules, stream, writer, traceback, namedtuple):
    """writer(stream) gives its `write`; traceback(error) the text that is printed."""

    def leave(*status):
        if len(status) > 1:
            raise TypeError("function expected at most 1 arguments, got {}".format(len(status)))
        raise SystemExit(*status)

    def print_exception(error, file=stream):
        if not isinstance(error, BaseException):
            writer(file)(str(error) + "\n")
            return
        writer(file)(traceback(error))

    return {
        "platform": platform,
        "version": "3.4.0",
        "version_info": (3, 4, 0),
        "implementation": namedtuple("", ("name", "version"))("micropython", (1, 11, 0)),
        "byteorder": "little",
        "maxsize": 0x7FFFFFFF,
        "path": path,
        "argv": [],
        "modules": modules,
        "stdin": stream,
        "stdout": stream,
        "stderr": stream,
        "exit": leave,
        "print_exception": print_exception,
    }


def thread_names(take, start, ident):
    """take(lock) waits until nobody holds the lock and takes it: sets its `held`."""
    stack = [STACK_BYTES]

    class Lock:
        """Not re-entrant; no timeout."""

        def __init__(self):
            self.held = False

        def acquire(self, waitflag=1, timeout=-1):
            if self.held and not waitflag:
                return False
            take(self)
            return True

        def release(self):
            if not self.held:
                raise RuntimeError
            self.held = False

        def locked(self):
            return self.held

        def __enter__(self):
            return self.acquire()

        def __exit__(self, kind, error, trace):
            self.release()

    def start_new_thread(function, args, keywords=None):
        return start(function, tuple(args), dict(keywords or {}))

    def stack_size(size=0):
        before, stack[0] = stack[0], max(size, STACK_BYTES)
        return before

    def leave():
        raise SystemExit

    return {
        "LockType": Lock,
        "allocate_lock": Lock,
        "start_new_thread": start_new_thread,
        "stack_size": stack_size,
        "get_ident": ident,
        "exit": leave,
    }
