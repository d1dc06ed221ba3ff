"""Device source as a MicroPython VM is given it: checked, its loops counted, its imports ours.

What the board's compiler refuses is refused here, though the VM may know it: by compiling it for
the CPython VM. What CPython's parser does not know goes to the VM as it is. Each turn of each loop
calls `__tick__()` of emulator/vm/device/board.py, for the reasons that emulator/vm/guard.py gives.
Each import statement becomes a call of emulator/vm/device/importer.py: not every VM looks for
`__import__` before it imports by itself, nor does every one say who imports. What the VM's core
does in another way than that of the board is a call of emulator/vm/device/language.py. No line is
added, so that tracebacks stay right.
"""

from __future__ import annotations

import ast
import functools
import itertools

from emulator.vm.compiler import PARSED, compile_device, compiles
from emulator.vm.lexing import readable

_COMPOUND = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.AsyncWith, ast.FunctionDef,
    ast.AsyncFunctionDef, ast.ClassDef,
)  # fmt: skip
# From this byte up to that one: these instead. The third is the order of those at one place: what
# closes an inner expression, what closes an outer one, what opens an outer one, an inner one.
_Edit = tuple[int, int, int, bytes]
# What this VM's core does in another way (emulator/vm/device/language.py)
_CALLS = ("int", "bytearray")
_ATTRIBUTES = frozenset(
    "to_bytes from_bytes extend startswith endswith center partition rpartition splitlines hex"
    " fromhex find decode __name__ value".split()
)


@functools.lru_cache(maxsize=256)
def prepare(source: bytes, filename: str) -> str:
    """The text to compile on the VM. SyntaxError, with `filename`, as the board would raise it."""
    text = source.decode("utf-8", "surrogateescape")
    return prepare_text(text, filename, "exec")


def prepare_text(text: str, filename: str, mode: str) -> str:
    """The same of a text that exec() or eval() are given."""
    text = readable(text, mode, filename)
    try:
        editor = _Editor(text, filename, mode)
    except (SyntaxError, ValueError):  # this VM's parser may know it
        return text
    compile_device(text, filename, mode)
    imports = editor.imports("__import__", "__from__")
    return editor.edited([*editor.ticks(), *editor.parsed(), *editor.language(), *imports])


@functools.lru_cache(maxsize=256)
def prepare_firmware(text: str, filename: str) -> str:
    """The same of one of the firmware's own modules, which see each other and no file."""
    editor = _Editor(text, filename)
    return editor.edited(editor.imports("__firmware__", "__firmware_from__"))


class _Editor:
    def __init__(self, text: str, filename: str, mode: str = "exec") -> None:
        text = text.replace("\r\n", "\n").replace("\r", "\n")  # as both parsers do
        self._data = text.encode()
        self._tree = ast.parse(text, filename, mode)
        lengths = [len(line) + 1 for line in self._data.split(b"\n")]
        self._starts = [0, *itertools.accumulate(lengths)]  # of each line

    def edited(self, edits: list[_Edit]) -> str:
        out, at = [], 0
        for start, end, _, piece in sorted(edits):
            out += [self._data[at:start], piece]
            at = end
        return b"".join([*out, self._data[at:]]).decode("utf-8", "surrogateescape")

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def ticks(self) -> list[_Edit]:
        found = []
        for depth, node in enumerate(ast.walk(self._tree)):
            if isinstance(node, ast.While):
                found += self._around(node.test, depth, b"__while__((", b"))")
            elif isinstance(node, (ast.For, ast.AsyncFor)):
                first = node.body[0]
                if isinstance(first, _COMPOUND):
                    found += self._around(node.iter, depth, b"__each__((", b"))")
                else:
                    start, _ = self._span(first)
                    found.append((start, start, 0, b"__tick__();"))
        return found

    def parsed(self) -> list[_Edit]:
        """The text that exec(), eval() and compile() are given."""
        found = []
        for depth, node in enumerate(ast.walk(self._tree)):
            if isinstance(node, ast.Call) and compiles(node):
                after = f"),'{node.func.id}')".encode()  # type: ignore[attr-defined]
                found += self._around(node.args[0], depth, PARSED.encode() + b"((", after)
        return found

    def language(self) -> list[_Edit]:
        """What is a call since this VM's core does something else."""
        found: list[_Edit] = []
        for depth, node in enumerate(ast.walk(self._tree)):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                if node.attr in _ATTRIBUTES:
                    found += self._attribute(node, depth)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                if node.func.id in _CALLS:
                    start, end = self._span(node.func)
                    found.append((start, end, depth, f"__new_{node.func.id}__".encode()))
                elif node.func.id == "execfile" and len(node.args) == 1:
                    start, end = self._span(node.func)
                    found.append((start, end, depth, b"exec"))
                    found += self._around(node.args[0], depth, b"__read__((", b"))")
            elif isinstance(node, ast.ExceptHandler) and b"exc_info" in self._data:
                found += self._handler(node)
        return found

    def _attribute(self, node: ast.Attribute, depth: int) -> list[_Edit]:
        start, end = self._span(node)
        point = self._data.rindex(b".", 0, end - len(node.attr))
        lines = "\n" * self._data[point:end].count(b"\n")
        return [(start, start, depth, b"__attr__("),
                (point, end, depth, f",{lines}'{node.attr}')".encode())]  # fmt: skip

    def _handler(self, node: ast.ExceptHandler) -> list[_Edit]:
        """For sys.exc_info(), which this VM's core has not."""
        first = node.body[0]
        if isinstance(first, _COMPOUND):
            return []
        start, _ = self._span(first)
        found = [(start, start, -1, f"__caught__({node.name or '__e__'});".encode())]
        if node.type is not None and node.name is None:
            _, end = self._span(node.type)
            found.append((end, end, 0, b" as __e__"))
        elif node.type is None:
            at = self._starts[node.lineno - 1] + node.col_offset + len("except")
            found.append((at, at, 0, b" BaseException as __e__"))
        return found

    def _around(self, node: ast.expr, depth: int, before: bytes, after: bytes) -> list[_Edit]:
        start, end = self._span(node)
        return [(start, start, depth, before), (end, end, -depth - 1, after)]

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
            found.append((start, end, 0, f"{text[:-1]}{lines}{text[-1:]}".encode()))
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
