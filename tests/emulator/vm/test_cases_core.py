"""Scripts with the output of a 1.11 core that has the board's switches, on each runtime.

The scripts and their outputs are in cases/core; the head of each says what it shows. Obtained with
a unix build of the core of firmware 1.20.2.r4 (words of 32 bits, single floats). With VM_COMMAND
naming such a core they run there as well.
"""

from __future__ import annotations

import difflib
import os
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from emulator.emulator import Emulator

CASES = Path(__file__).parent / "cases" / "core"
NAMES = sorted(path.stem for path in CASES.glob("*.py"))
CORE = shlex.split(os.environ.get("VM_COMMAND", ""))
LEAST_LINES = 1533  # of 1,703 under ./dev run
LEAST_SCRIPTS = 62  # of 102 under ./dev run --vm

# What is not as the core of the board has it, for each runtime
CPYTHON: dict[str, str] = {
    "array_type": "no array('O'); an array shows the methods of CPython's",
    "async_functions": "`async for` and `async with` want awaitables of the core's kind",
    "big_ints": "pow() of three arguments: the class of the exception",
    "builtin_functions": "no type() of a builtin function or of ..., no reversed object",
    "byte_store_truncates": "what does not fit into an item of a memoryview is refused",
    "bytearray_methods": "bytearrays can be compared by order",
    "calls": "the key of a dict is evaluated before its value",
    "class_features": "names with two underscores are mangled; dir() of a class is sorted",
    "class_refusals": "a negative __len__, __str__ of no text, an __eq__ that takes no hash away",
    "complex_numbers": "complex numbers are of double precision, and have conjugate()",
    "dict_methods": "| joins dicts",
    "exception_attributes": "args of an exception can be assigned, and attributes added",
    "exception_classes": "two builtin exceptions as bases do not conflict",
    "exception_texts": "a class without __init__ takes no arguments",
    "exception_texts_statements": "`del` of an unknown name, object.__init__ of anything",
    "exec_eval": "locals() is not globals(); compile() is there",
    "float_arithmetic": "int and float are compared exactly; complex numbers",
    "generator_throw": "no pend_throw()",
    "generators": "no pend_throw()",
    "import_py_before_mpy": "no byte code: the program runs from source",
    "memory_error": "the heap never runs out",
    "memoryview_type": "what does not fit is refused; the attributes of CPython's memoryview",
    "range_object": "ranges are equal by value and of any length, and have index()",
    "reflected_operators": "== takes the result of __eq__ as it is, and asks the other side",
    "set_methods": "the order of a set",
    "statements": "__exit__ is given a traceback",
    "str_format": "None with a width",
    "str_split": "split() takes keywords, rsplit(None, n) is known",
    "struct_formats": "q is aligned at 8 bytes as on the ESP32, at 4 on the 32-bit PC of the core",
    "syntax_refused": "f(a=1, a=2), def f(*), async with outside, a lone backslash",
    "uio_streams": "dir() shows helpers of the firmware's files",
    "ure_matching": "a set counts characters, not bytes",
    "ure_objects": "a match() of a str by a pattern of bytes",
}
MICROPYTHON: dict[str, str] = {
    "array_type": "no decode(), floats of double precision, extend() with a list",
    "async_functions": "`async for` and `async with` want awaitables of the core's kind",
    "big_ints": "pow() of three arguments: the class of the exception",
    "builtin_names": "compile() and NotImplemented are in ROM, help() is not",
    "bytearray_methods": "bytearrays can be compared by order",
    "class_features": "the order of dir() of a class",
    "complex_numbers": "complex numbers are of double precision, and have conjugate()",
    "descriptors": "__get__, __setattr__ and the like are asked",
    "dict_methods": "get() takes a keyword; | joins dicts",
    "exception_texts": "functions have names, an int() that fails shows its text",
    "exception_texts_statements": "methods tell what an argument should be",
    "float_arithmetic": "double precision",
    "float_rounding": "str.format() and % round the double, not digit by digit",
    "float_text_forms": "str.format() and % show a double",
    "import_py_before_mpy": "byte code of version 4 is of another core",
    "math_values": "double precision",
    "memory_error": "the heap never runs out",
    "memoryview_type": "bytearray + memoryview is refused",
    "namedtuple_deque": "a deque can be iterated, and has items by number",
    "operators_of_a_class": "__float__ and __index__ are asked",
    "reflected_operators": "__radd__ and the like are asked, and == gives what __eq__ does",
    "str_format": "_ separates thousands",
    "struct_formats": "q is aligned at 8 bytes as on the ESP32, at 4 on the 32-bit PC of the core",
    "struct_pack": "a float has double precision",
    "syntax_refused": "f(a=1, a=2), async with outside of an async function",
    "uio_streams": "dir() shows helpers of the firmware's files",
    "ure_matching": "a class in a set is one",
    "ure_objects": "sub() of a pattern; a match() of a str by a pattern of bytes",
}
_DIFFERENCES = {"cpython": CPYTHON, "micropython": MICROPYTHON}


def printed(case: str, folder: Path, vm: str, command: list[str]) -> list[str]:
    """The lines that the board prints; the script lies on a flash of its own."""
    out: list[str] = []
    shutil.copy(CASES / f"{case}.py", folder)
    options: dict[str, Any] = {"vm": vm, "vm_command": command}
    with Emulator(flash=folder, console=out.append, max_hours=1, **options) as emulator:
        emulator.run([f"{case}.py"])
    return "".join(out).splitlines()


def expected(case: str) -> list[str]:
    return (CASES / f"{case}.out").read_text(encoding="utf-8").splitlines()


def cases(runtime: str) -> list[Any]:
    known = _DIFFERENCES[runtime]
    return [
        pytest.param(name, marks=pytest.mark.xfail(reason=known[name], strict=True))
        if name in known
        else name
        for name in NAMES
    ]


@pytest.mark.parametrize("case", cases("cpython"))
def test_cpython_prints_what_the_core_prints(case: str, tmp_path: Path) -> None:
    assert printed(case, tmp_path, "cpython", []) == expected(case)


@pytest.mark.parametrize("case", cases("micropython"))
def test_the_vm_prints_what_the_core_prints(case: str, tmp_path: Path) -> None:
    assert printed(case, tmp_path, "micropython", []) == expected(case)


@pytest.mark.skipif(not CORE, reason="not run: VM_COMMAND names no core of 1.11")
@pytest.mark.parametrize("case", NAMES)
def test_the_core_of_the_board_prints_it(case: str, tmp_path: Path) -> None:
    assert printed(case, tmp_path, "micropython", CORE) == expected(case)


def test_nearly_all_lines_agree_on_cpython(tmp_path: Path) -> None:
    agree = 0
    for case in NAMES:
        folder = tmp_path / case
        folder.mkdir()
        pair = expected(case), printed(case, folder, "cpython", [])
        blocks = difflib.SequenceMatcher(None, *pair, autojunk=False).get_matching_blocks()
        agree += sum(block.size for block in blocks)
    assert agree >= LEAST_LINES


def test_the_lists_name_what_is_there_and_leave_enough() -> None:
    assert len(NAMES) == 102
    for known in _DIFFERENCES.values():
        assert set(known) <= set(NAMES)
        assert all(known.values())
    assert len(NAMES) - len(MICROPYTHON) >= LEAST_SCRIPTS
