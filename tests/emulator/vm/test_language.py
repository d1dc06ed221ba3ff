"""The language of the device: builtins, syntax, exceptions (MicroPython 1.11 on a Pycom board)."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.both_runtimes


@pytest.mark.parametrize(
    "name",
    [
        *"TimeoutError FileNotFoundError ConnectionError PermissionError".split(),
        "UnicodeDecodeError",
        *"BrokenPipeError IOError ModuleNotFoundError RecursionError vars breakpoint".split(),
        *"format ascii aiter exit quit".split(),
        pytest.param("NotImplemented", marks=pytest.mark.cpython(reason="this VM has it in ROM")),
    ],
)
def test_builtins_that_a_board_lacks(device, name):
    assert "NameError" in device.run(f"print({name})")


@pytest.mark.parametrize(
    "source",
    [
        "x = f'{1}'",
        "x: int = 1",
        "if (x := 1): pass",
        "a @ b",
        "a @= b",
        "def f(a, /): pass",
        "x = [*y]",
        "x = {**y}",
        "f(*a, *b)",
        "f(*a, b)",
        "f(**a, **b)",
        "match x:\n    case 1: pass",
        "from micropython import const\nX = const('a')",
        "from micropython import const\nX = const(1)\nX = 2",
        "from micropython import const\nX = const(False)",
    ],
)
def test_syntax_that_the_device_refuses(device, source):
    assert "SyntaxError" in device.run(f"if 0:\n    pass\n{source}\n")


@pytest.mark.parametrize(
    ("expression", "printed"),
    [
        ("51.123456", "51.12346"),
        ("1600000000.5", "1.6e+09"),
        ("[16777217.0, 0.1 + 0.2]", "[1.677722e+07, 0.3]"),
        ("1.0, float('nan')", "1.0 nan"),
        ("KeyError('k')", "k"),
        ("repr(OSError(2)), OSError(2)", "OSError(2,) [Errno 2] ENOENT"),
        ("OSError('text'), OSError(118), OSError(9999)", "text [Errno 118] EHOSTUNREACH 9999"),
        ("OSError(1, 'two').args", "(1, 'two')"),
        pytest.param(
            "hasattr(OSError(5), 'errno')",
            "False",
            marks=pytest.mark.cpython(reason="hasattr() does not look into properties"),
        ),
        ("[ValueError('a')]", "[ValueError('a',)]"),
        ("eval('1+1')", "2"),
        ("b'%d %s|%s' % (5, b'x', 'y')", "b'5 x|y'"),
        ("{'a': (1.5,)}", "{'a': (1.5,)}"),
    ],
)
def test_what_is_printed(device, expression, printed):
    assert device.values(expression) == printed


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("next(iter([]), 1)", "TypeError"),
        ("pow(2, 3, 5)", "TypeError"),
        ("iter(int, 1)", "TypeError"),
        ("round(123, -1)", "NotImplementedError"),
        ("'54 %RH of 9.5' % ()", "TypeError: format string needs more arguments"),
        ("'%d' % (1, 2.5)", "TypeError: format string didn't convert all arguments"),
        ("print('', flush=True)", "TypeError"),
        ("open('none')", "OSError: [Errno 2] ENOENT"),
        ("OSError(5).strerror", "'OSError' object has no attribute 'strerror'"),
        ("'{}'.format()", "tuple index out of range"),
        ("'{:d}'.format('a')", "unknown format code 'd' for object of type 'str'"),
        ("'%d' % 'a'", "can't convert str to int"),
        ("bytes([300])", "bytes value out of range"),
        ("int(float('inf'))", "can't convert inf to int"),
    ],
)
def test_what_is_refused(device, expression, error):
    assert error in device.run(expression)


def test_annotations_of_functions_are_not_evaluated(device):
    printed = device.run("""
        def both(first: Missing, *rest: missing.Kind, last: 1 / 0 = 3) -> Tuple[float, float]:
            return first, last
        class Part:
            def read(self, count: "bytes" = 1) -> None[0]:
                return count
        print(both(1), Part().read())
        """)
    assert printed == "(1, 3) 1\n"


def test_a_class_takes_no_keywords(device):
    assert "TypeError" in device.run("class X(object, metaclass=type): pass")


def test_only_native_streams_can_be_printed_to(device):
    printed = device.run("""
        import sys, uio
        class Mine:
            def write(self, text): pass
        stream = uio.StringIO()
        try:
            1 / 0
        except ZeroDivisionError as e:
            sys.print_exception(e, stream)
            for bad in (Mine(), 3):
                try:
                    sys.print_exception(e, bad)
                except OSError:
                    print("refused")
        print("more", file=stream)
        print(stream.getvalue())
        """)
    assert printed.startswith("refused\nrefused\nTraceback")
    assert 'File "main.py", line 7, in <module>\nZeroDivisionError' in printed
    assert printed.endswith("more\n\n")


def test_an_exception_of_ones_own_is_caught_as_oserror(device):
    printed = device.run("""
        class ModemError(OSError):
            pass
        try:
            raise ModemError("send", None, [])
        except OSError as e:
            print(e.args, isinstance(e, ModemError))
        """)
    assert printed == "('send', None, []) True\n"


def test_identity_of_the_board(make_device):
    for name in ("GPy", "FiPy"):
        device = make_device(name=name)
        code = """
            import sys, os
            print(sys.platform, sys.version, sys.implementation.version, os.uname().release)
            print(hasattr(os.uname(), "lorawan"), sys.maxsize)
            """
        lorawan = name == "FiPy"
        assert device.run(code) == (f"{name} 3.4.0 (1, 11, 0) 1.20.2.r4\n{lorawan} 2147483647\n")
