"""Device code keeps to what a Pycom board has; and the check that says so finds each trespass."""

from __future__ import annotations

import pytest

from devkit.checks import device_syntax, sources
from devkit.checks.sources import ROOT
from emulator.vm.mpy import compiled

DEVICE_FILES = [name for name in sources.all_files(ROOT) if sources.runs_on_micropython(name)]
OWN = device_syntax.own_modules(DEVICE_FILES) | device_syntax.package_modules(ROOT)

# Not in the language of MicroPython 1.11: its compiler refuses these.
NOT_COMPILED = [
    'x = f"{y}"',
    "while (x := y()):\n    pass",
    "x: int = 1",
    "class A:\n    x: int = 1",
    "x = {**a}",
    "x = [*a]",
    "x = (1, *a)",
    "x = {*a}",
    "f(*a, *b)",
    "f(**a, **b)",
    "f(*a, 1)",
    "x = a @ b",
    "x @= b",
    "def f(a, /):\n    pass",
    "async def f():\n    return [x async for x in y]",
    "match x:\n    case 1:\n        pass",
    "try:\n    pass\nexcept* OSError:\n    pass",
    "from micropython import const\n_X = const(False)",
    "from micropython import const\n_X = const('a')",
]

# (what is written, what the check says about it). Source: MicroPython 1.11 with the switches of
# Pycom firmware 1.20.2.r4; the language as its compiler and modules behave.
REFUSED = [
    ("class A(metaclass=B):\n    pass", "class keywords"),
    ("class A(OSError, ValueError):\n    pass", "two builtin bases"),
    ("try:\n    pass\nexcept TimeoutError:\n    pass", "no TimeoutError"),
    ("try:\n    pass\nexcept (OSError, ConnectionError):\n    pass", "no ConnectionError"),
    ("x = vars(y)", "no vars"),
    ("x = e.errno", "no .errno"),
    ("x = a.partition(',')", ".partition()"),
    ("x = 'a b'.splitlines()", ".splitlines()"),
    ("x = a.zfill(2)", ".zfill()"),
    ("def f(title):\n    return title.title()", ".title()"),
    ("import machine\nx = machine.unique_id().hex()", ".hex()"),
    ("x = a.hex()", ".hex()"),
    ("x = bytes.fromhex('00')", ".fromhex()"),
    ("x = h.hexdigest()", ".hexdigest()"),
    ("x = n.bit_length()", ".bit_length()"),
    ("x = a.startswith(('a', 'b'))", "takes no tuple"),
    ("x = next(y, None)", "next() takes at most 1"),
    ("x = pow(a, b, m)", "pow() takes at most 2"),
    ("x = round(y, -1)", "round()"),
    ("print('a', flush=True)", "flush="),
    ("x = a.decode('utf-8', errors='replace')", "errors="),
    ("x = n.to_bytes(4, 'big', signed=True)", "signed="),
    ("import json\nx = json.dumps(y, sort_keys=True)", "sort_keys="),
    ("x = lte.send_at_cmd('AT', delay=100)", "delay="),
    ("x = '{0.name}'.format(y)", "str.format()"),
    ("import ure\nx = ure.match('[0-9]{15}', y)", "counted repetition"),
    ("import re\nx = re.compile('(?P<a>b)')", "(?...)"),
    ("import re\nx = re.sub('a', 'b', y)", "re has no sub"),
    ("import time\nx = time.monotonic()", "time has no monotonic"),
    ("import os\nx = os.path.join('a', 'b')", "os has no path"),
    ("from os import path", "os has no path"),
    ("import math\nx = math.inf", "math has no inf"),
    ("import utime as time\nx = time.monotonic()", "time has no monotonic"),
    ("import math\nx = math.log10(y)", "math has no log10"),
    ("from math import tanh", "math has no tanh"),
    ("import ssl\nx = ssl.PROTOCOL_TLSv1", "ssl has no PROTOCOL_TLSv1"),
    ("import machine\nx = machine.Pin.PULL_BOTH", "machine.Pin has no PULL_BOTH"),
    ("from network import WLAN\nx = WLAN.MONITOR", "WLAN has no MONITOR"),
    ("from utimeq import ticks_diff", "utimeq has no ticks_diff"),
    ("import uio as io\nx = io.IOBase", "io has no IOBase"),
    ("x = compile(y, 'f', 'exec')", "no compile"),
    ("def f():\n    return f.__name__", "no .__name__"),
    ("class A:\n    def __radd__(self, other):\n        return 1", "no __radd__"),
    ("class A:\n    def __get__(self, a, b):\n        return 1", "no __get__"),
    ("import uwebsocket", "no module uwebsocket"),
    ("import random", "no module random"),
    ("from collections import deque", "no module collections"),
    ("import os.path", "os has no path"),
    ("import emulator.board", "no module emulator.board"),
    ("import machine\nmachine.reset()", "runs at import"),
    ("for x in y:\n    z(x)", "runs at import"),
]

ACCEPTED = [
    "x = 1_000_000",
    "def f(a: int, *, b: str = '') -> None:\n    pass",
    "a, *b = c",
    "x = f(*a, **b)",
    "async def f():\n    await g()",
    "x = {a: b for a, b in c}",
    "def f():\n    yield from g()",
    "def f(a):\n    nonlocal_ = a\n    return '{:,}'.format(a)",
    "x = '{{0.x}}'.format()",
    "class Error(OSError):\n    pass",
    "class A:\n    def center(self):\n        return self\n\n\nx = A().center()",
    "from micropython import const\n_A = const(1)\n_B = const(_A << 4 | 1)\n_C = const(-1)",
    "import ure\nx = ure.match('(?:a|b)+?', y)",
    "try:\n    import uasyncio\nexcept ImportError:\n    uasyncio = None",
    "import usocket, ucollections, network, pycom, machine, ubinascii",
    "from utils import timing",
    "from networking import nbiot",
    "import microATsocket",
    "import microATsocket as socket\nx = socket.AF_INET6",
    "from utils import text\nx = text.title('a')",
    "x = type(y).__name__",
    "from network import Sigfox\nx = Sigfox.RCZ1",
    "import socket\n\n\ndef f(socket):\n    return socket.shutdown()",
    "import os\nos = os or 1\nx = os.path",
    "x = a.partition(',')  # subset: an object of ours",
    "'''A text about f(*a, 1).'''",
]


@pytest.mark.parametrize("name", DEVICE_FILES)
def test_device_file_uses_what_a_board_has(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert device_syntax.look(text, name, OWN) == []


@pytest.mark.parametrize("text", NOT_COMPILED)
def test_the_compiler_of_the_board_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="SyntaxError"):
        compiled(text.encode() + b"\n", "module.py")


@pytest.mark.parametrize("text", ACCEPTED)
def test_the_compiler_of_the_board_accepts(text: str) -> None:
    assert compiled(text.encode() + b"\n", "module.py")


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=[text for text, _ in REFUSED])
def test_check_refuses(text: str, said: str) -> None:
    found = device_syntax.look(text, "utils/module.py", OWN)
    assert any(said in what for _, what in found), found


@pytest.mark.parametrize("text", ACCEPTED)
def test_check_accepts(text: str) -> None:
    own = {"utils", "networking", "microATsocket"}
    assert device_syntax.look(text, "utils/module.py", own) == []


def test_check_names_the_line() -> None:
    assert device_syntax.look("x = 1\ny = e.errno\n", "utils/module.py")[0][0] == 2


def test_application_may_run_when_it_is_run() -> None:
    assert device_syntax.look("main()", "main.py") == []


def test_firmware_may_know_the_board_and_device_code_may_not() -> None:
    text = "from _board import call"
    assert device_syntax.look(text, "emulator/firmware/machine.py") == []
    assert device_syntax.look(text, "utils/module.py") == [(1, "the board has no module _board")]
