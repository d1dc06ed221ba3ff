"""Device source as a MicroPython VM is given it: checked, and with its loops counted.

What the board's compiler refuses is refused here, though the VM may know it: by compiling it for
the CPython VM. Each turn of each loop calls `__tick__()` of emulator/vm/device/board.py, for the
reasons that emulator/vm/guard.py gives. No line is added, so that tracebacks stay right.
"""

from __future__ import annotations

import ast
import functools

from emulator.vm.compiler import compile_device

_COMPOUND = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.AsyncWith, ast.FunctionDef,
    ast.AsyncFunctionDef, ast.ClassDef,
)  # fmt: skip


@functools.lru_cache(maxsize=256)
def prepare(source: bytes, filename: str) -> str:
    """The text to compile on the VM. SyntaxError, with `filename`, as the board would raise it."""
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError:
        raise SyntaxError("invalid syntax", (filename, 1, None, None)) from None
    compile_device(text, filename)
    return _with_ticks(text, filename)


def _with_ticks(text: str, filename: str) -> str:
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    for line, column, piece in sorted(_insertions(ast.parse(text, filename)), reverse=True):
        whole = lines[line - 1]
        lines[line - 1] = whole[:column] + piece + whole[column:]
    return b"".join(lines).decode()


def _insertions(tree: ast.Module) -> list[tuple[int, int, bytes]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.While):
            found += _around(node.test, b"__while__((", b"))")
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            first = node.body[0]
            if isinstance(first, _COMPOUND):
                found += _around(node.iter, b"__each__((", b"))")
            else:
                found.append((first.lineno, first.col_offset, b"__tick__();"))
    return found


def _around(node: ast.expr, before: bytes, after: bytes) -> list[tuple[int, int, bytes]]:
    assert node.end_lineno is not None and node.end_col_offset is not None
    return [
        (node.lineno, node.col_offset, before),
        (node.end_lineno, node.end_col_offset, after),
    ]
