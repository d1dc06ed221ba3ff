"""Imports follow the firmware: py/builtinimport.c, esp32/mpconfigport.h of 1.20.2.r4."""

from __future__ import annotations

import pytest

from emulator.vm.mpy import DEPLOYED, compiled

pytestmark = pytest.mark.both_runtimes
BYTE_CODE = pytest.mark.cpython(reason="MicroPython runs byte code")

FILES = {
    "a.py": "name = 'a.py'\n",
    "a.mpy": "M",
    "a/__init__.py": "name = 'package'\n",
    "a/inner.py": "from . import peer\nfrom .peer import value\nfrom .. import nothing\n",
    "bare/peer.py": "value = 7\n__all__ = ['nothing']\n_hidden = 1\n",
    "bare/deep/leaf.py": "from ..peer import value\nfrom .. import peer\n",
    "lib/inlib.py": "value = 'lib'\n",
    "inlib.mpy": "M",
    "time.py": "value = 'mine'\n",
    "network.py": "value = 'mine'\n",
    "pycom.py": "value = 'mine'\n",
    "utime.py": "value = 'mine'\n",
    "half.py": "first = 1\nraise ValueError('broken')\nsecond = 2\n",
    "only.mpy": "M",
    "bad.py": "x = (\n",
    "consts.py": "from micropython import const\n_A = const(3)\nB = const(_A + 4)\nc = _A * 2\n",
}


@pytest.fixture
def device(device):
    for path, text in FILES.items():
        device.put(path, text)
    return device


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("import a; print(a.name)", "package"),
        ("import bare.peer; print(bare.peer.value)", "7"),
        ("import bare.peer as z; print(z.value)", "7"),
        ("from bare.deep import leaf; print(leaf.value, leaf.peer.value)", "7 7"),
        ("from bare.peer import *; print(value, '_hidden' in globals())", "7 False"),
        ("import time; print(time.value)", "mine"),
        ("import network; print(hasattr(network, 'value'))", "False"),
        ("import pycom; print(hasattr(pycom, 'value'))", "False"),
        ("import utime; print(hasattr(utime, 'value'))", "False"),
        ("import os, uos; print(os is uos)", "True"),
        ("import machine, umachine; print(machine is umachine)", "True"),
        ("import a, sys; print(sys.modules['a'] is a, 'uos' in sys.modules)", "True False"),
        ("import sys; sys.path.append('/flash/bare'); import peer; print(peer.value)", "7"),
        ("import consts; print(consts.B, consts.c, hasattr(consts, '_A'))", "7 6 False"),
        ("import a; print(a.__path__, a.__file__)", "a a/__init__.py"),
    ],
)
def test_what_an_import_finds(device, code, printed):
    assert device.run(code).strip() == printed


@pytest.mark.parametrize(
    "name",
    "collections io random urandom asyncio uasyncio uheapq logging functools itertools typing "
    "enum abc traceback contextlib copy string datetime threading zlib websocket btree unittest "
    "urequests _board _pin numpy pathlib".split(),
)
def test_what_a_board_lacks_cannot_be_imported(device, name):
    code = f"try:\n    import {name}\nexcept ImportError as e:\n    print(e)\n"
    assert device.run(code) == f"no module named '{name}'\n"


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("import a.peer", "ImportError: no module named 'a.peer'"),
        ("from a import peer", "ImportError: no module named 'a.peer'"),
        ("from bare.peer import nothing", "ImportError: cannot import name nothing"),
        pytest.param("import only", "ImportError: only.mpy is byte code", marks=BYTE_CODE),
        # '' comes before lib
        pytest.param("import inlib", "ImportError: inlib.mpy is byte code", marks=BYTE_CODE),
        ("from . import x", "KeyError: __main__"),
        ("from .bare import peer", "KeyError: __main__"),
        ("import bad", "SyntaxError: "),
    ],
)
def test_imports_that_fail(device, statement, error):
    assert error in device.run(statement)
    assert device.outcome.kind == "exception"


def test_a_module_that_raised_stays_half_made(device):
    printed = device.run("""
        try:
            import half
        except ValueError as e:
            print(e)
        import half
        print(half.first, hasattr(half, "second"))
        import sys
        sys.modules.pop("half")
        try:
            import half
        except ValueError as e:
            print("again")
        """)
    assert printed == "broken\n1 False\nagain\n"


BIG = "\n".join(f"def function_{n}(value):\n    return value + {n}\n" for n in range(60))


@pytest.mark.parametrize(
    ("install", "expected_us"),
    [
        ("py", (36_000 + 500) * len(BIG) / 1024),
        ("mpy", (14_000 + 500 / 0.28) * len(compiled(BIG.encode(), "module.py", DEPLOYED)) / 1024),
        ("frozen", 1_000 + 500 * len(BIG) / 1024),
    ],
)
def test_importing_takes_the_time_of_the_form_of_installation(make_device, install, expected_us):
    device = make_device(install=install)
    device.put("big.py", BIG)
    code = "import utime; a = utime.ticks_us(); import big; print(utime.ticks_us() - a)"
    assert int(device.run(code)) == pytest.approx(expected_us, abs=60)


def test_each_boot_imports_anew(device):
    device.put("state.py", "count = 0\n")
    code = "import state; state.count += 1; print(state.count)"
    assert device.run(code) == device.run(code) == "1\n"


def test_an_unknown_form_of_installation_is_refused(make_device):
    with pytest.raises(ValueError, match="install = 'zip'; allowed: py, mpy, frozen"):
        make_device(install="zip")
