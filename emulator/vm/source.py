"""Device source as a MicroPython VM is given it: checked, its loops counted, its imports ours.

What the board's compiler refuses is refused here, though the VM may know it: by compiling it for
the CPython VM. Each turn of each loop calls `__tick__()` of emulator/vm/device/board.py, for the
reasons that emulator/vm/guard.py gives. Each import statement becomes a call of
emulator/vm/device/importer.py: not every VM looks for `__import__` before it imports by itself,
nor does every one say who imports. No line is added, so that tracebacks stay right.
"""

from __future__ import annotations

import ast
import functools
import itertools

from emulator.vm.compiler import PARSED, compile_device, compiles

_COMPOUND = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.AsyncWith, ast.FunctionDef,
    ast.AsyncFunctionDef, ast.ClassDef,
)  # fmt: skip
_Edit = tuple[int, int, bytes]  # from this byte up to that one: these instead


@functools.lru_cache(maxsize=256)
def prepare(source: bytes, filename: str) -> str:
    """The text to compile on the VM. SyntaxError, with `filename`, as the board would raise it."""
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError:
        raise SyntaxError("invalid syntax", (filename, 1, None, None)) from None
    compile_device(text, filename)
    editor = _Editor(text, filename)
    imports = editor.imports("__import__", "__from__")
    return editor.edited([*editor.ticks(), *editor.parsed(), *imports])


@functools.lru_cache(maxsize=256)
def prepare_firmware(text: str, filename: str) -> str:
    """The same of one of the firmware's own modules, which see each other and no file."""
    editor = _Editor(text, filename)
    return editor.edited(editor.imports("__firmware__", "__firmware_from__"))


class _Editor:
    def __init__(self, text: str, filename: str) -> None:
        text = text.replace("\r\n", "\n").replace("\r", "\n")  # as both parsers do
        self._data = text.encode()
        self._tree = ast.parse(text, filename)
        lengths = [len(line) + 1 for line in self._data.split(b"\n")]
        self._starts = [0, *itertools.accumulate(lengths)]  # of each line

    def edited(self, edits: list[_Edit]) -> str:
        data = self._data
        for start, end, piece in sorted(edits, reverse=True):
            data = data[:start] + piece + data[end:]
        return data.decode()

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def ticks(self) -> list[_Edit]:
        found = []
        for node in ast.walk(self._tree):
            if isinstance(node, ast.While):
                found += self._around(node.test, b"__while__((", b"))")
            elif isinstance(node, (ast.For, ast.AsyncFor)):
                first = node.body[0]
                if isinstance(first, _COMPOUND):
                    found += self._around(node.iter, b"__each__((", b"))")
                else:
                    start, _ = self._span(first)
                    found.append((start, start, b"__tick__();"))
        return found

    def parsed(self) -> list[_Edit]:
        """The text that exec(), eval() and compile() are given."""
        found = []
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call) and compiles(node):
                found += self._around(node.args[0], PARSED.encode() + b"((", b"))")
        return found

    def _around(self, node: ast.expr, before: bytes, after: bytes) -> list[_Edit]:
        start, end = self._span(node)
        return [(start, start, before), (end, end, after)]

    def imports(self, whole: str, some: str) -> list[_Edit]:
        """Calls in place of import statements: `whole` gives a module, `some` a list of names."""
        found = []
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Import):
                text = "; ".join(_import(alias, whole) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                text = _import_from(node, some)
            else:
                continue
            start, end = self._span(node)
            lines = "\n" * self._data[start:end].count(b"\n")
            found.append((start, end, f"{text[:-1]}{lines}{text[-1:]}".encode()))
        return found


def _import(alias: ast.alias, function: str) -> str:
    top, *inner = alias.name.split(".")
    path = "".join(f".{part}" for part in inner) if alias.asname else ""
    return f"{alias.asname or top} = ({function}({alias.name!r}, __globals__()){path})"


def _import_from(node: ast.ImportFrom, function: str) -> str:
    names = [alias.name for alias in node.names]
    asked = f"{function}({node.module or ''!r}, __globals__(), {tuple(names)!r}, {node.level})"
    if names == ["*"]:
        return f"({asked})"
    targets = ", ".join(alias.asname or alias.name for alias in node.names)
    return f"({targets},) = ({asked})"
