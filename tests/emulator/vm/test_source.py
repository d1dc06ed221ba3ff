"""Device source as a VM is served it: import statements as calls, no line moved."""

from __future__ import annotations

import ast

import pytest

from emulator.vm.source import prepare, prepare_firmware


@pytest.mark.parametrize(
    ("written", "served"),
    [
        ("import a", "a = (__import__('a', __globals__()))"),
        ("import a.b.c", "a = (__import__('a.b.c', __globals__()))"),
        ("import a.b.c as d", "d = (__import__('a.b.c', __globals__()).b.c)"),
        ("import a, b as c", "a = (__import__('a', __globals__())); "
         "c = (__import__('b', __globals__()))"),
        ("from a import b", "(b,) = (__from__('a', __globals__(), ('b',), 0))"),
        ("from a import b as c, d", "(c, d,) = (__from__('a', __globals__(), ('b', 'd'), 0))"),
        ("from a import *", "(__from__('a', __globals__(), ('*',), 0))"),
        ("from .. import b", "(b,) = (__from__('', __globals__(), ('b',), 2))"),
        ("from .a import b", "(b,) = (__from__('a', __globals__(), ('b',), 1))"),
    ],
)  # fmt: skip
def test_an_import_statement_is_a_call(written: str, served: str) -> None:
    assert prepare(written.encode(), "a.py") == served


def test_no_line_moves_whatever_the_statement_is_in() -> None:
    source = (
        "x = 'ü'; from a import (  # why\r\n    b,\r\n    c as d,\r\n)\r\n"
        "for x in y:\n    import z\nwhile x: from a \\\n    import b; x = 0\nlast = 1\n"
    )
    served = prepare(source.encode(), "a.py")
    [last] = [node for node in ast.parse(served).body if isinstance(node, ast.Assign)][-1:]
    assert ast.unparse(last) == "last = 1"
    assert last.lineno == 9
    assert "__tick__();z = (__import__('z', __globals__()))" in served
    kinds = {type(node) for node in ast.walk(ast.parse(served))}
    assert not kinds & {ast.Import, ast.ImportFrom}


def test_modules_of_the_firmware_import_by_calls_of_their_own() -> None:
    served = prepare_firmware("import _board\nfrom utime import ticks_us\n", "machine.py")
    assert served == (
        "_board = (__firmware__('_board', __globals__()))\n"
        "(ticks_us,) = (__firmware_from__('utime', __globals__(), ('ticks_us',), 0))\n"
    )
