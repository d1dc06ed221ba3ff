"""Compiles device source for CPython: refuses what MicroPython 1.11 refuses, and adds the guards.

- Syntax that the device's compiler does not know is a SyntaxError here as well.
- `NAME = const(expression)` is folded as on the device; a name that begins with an underscore is
  thereby gone from the module.
- Annotations of functions are dropped: the device's compiler skips them, so that they may name
  what does not exist there.
- Every loop calls `__tick__()` (emulator/vm/guard.py), so that a loop that never calls the board
  is noticed; every `try` lets a Halt of the board pass, so that no `except:` outlives a reset.
- What CPython's types and operators do in another way goes through emulator/vm/language, and
  floats become those of single precision.
- The text given to exec(), eval() and compile() goes through `__parsed__()`, which charges for
  compiling it: by their names, since a MicroPython VM calls its own ones.

File names in code objects are those of the host, for debuggers; line numbers are unchanged.
Source: MicroPython 1.11 py/grammar.h, py/parse.c.
"""

from __future__ import annotations

import ast
import contextlib
import operator
import warnings
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from emulator.vm import kept
from emulator.vm.language.rewriting import AsBoard
from emulator.vm.language.single import with_singles
from emulator.vm.lexing import readable

TICK = "__tick__"
PARSED = "__parsed__"
COMPILING = ("exec", "eval", "compile")  # whose first argument is source
HALT = "__halt__"

_INVALID = "invalid syntax"
# What the board's compiler says; CPython's own explanations it does not know
OWN_TEXTS = frozenset(
    (_INVALID, "*x must be assignment target", "can't have multiple *x",
     "non-keyword arg after */**", "can't have multiple **x", "can't assign to expression",
     "constant must be an integer", "invalid micropython decorator")
)  # fmt: skip
_FOREIGN_NAMES = (
    "JoinedStr", "NamedExpr", "AnnAssign", "Match", "TryStar", "TypeAlias", "TemplateStr",
)  # fmt: skip
_FOREIGN = tuple(getattr(ast, name) for name in _FOREIGN_NAMES if hasattr(ast, name))

_cache: dict[tuple[str, str], CodeType] = {}  # by source and mode


def compile_device(
    source: str, filename: str, mode: str = "exec", watch: ast.NodeTransformer | None = None
) -> CodeType:
    """Compile device source. SyntaxError as the device would raise it.

    watch: changes the tree for a check of what the program does when it runs.
    """
    key = (source, mode)
    code = _cache.get(key) if watch is None else None
    if code is None and watch is None and mode == "exec":
        code = kept.load(source)
        if code is not None:
            code = _cache[key] = with_singles(code)
    if code is not None and code.co_filename != filename:
        code = _cache[key] = _moved(code, filename)  # the same file on another flash
    if code is None:
        with _unwarned():
            tree = ast.parse(readable(source, mode, filename), filename, mode)
        _Refuse(filename).visit(tree)
        tree = _Unannotated().visit(tree)
        tree = _Globals().visit(tree)
        tree = _Fold(filename).visit(tree)
        tree = _Guard().visit(tree)
        if any(name + "(" in source for name in COMPILING):
            tree = _Parsed().visit(tree)
        if watch is not None:
            tree = ast.fix_missing_locations(watch.visit(tree))
        else:
            tree = AsBoard(tree).visit(tree)
        with _unwarned():
            code = compile(tree, filename, mode, dont_inherit=True)
        if watch is None:
            if mode == "exec":
                kept.store(source, code)
            code = _cache[key] = with_singles(code)
    return code


@contextlib.contextmanager
def _unwarned() -> Iterator[None]:
    """Without CPython's advice ("is" with a literal ...): a board's compiler gives none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _moved(code: CodeType, filename: str) -> CodeType:
    """The same code, of a file of another name."""
    constants = tuple(
        _moved(each, filename) if isinstance(each, CodeType) else each for each in code.co_consts
    )
    return code.replace(co_filename=filename, co_consts=constants)


def _error(text: str, filename: str, node: ast.AST) -> SyntaxError:
    line = getattr(node, "lineno", None)
    return SyntaxError(text, (filename, line, None, None))


class _Refuse(ast.NodeVisitor):
    """SyntaxError for what CPython knows and the device does not."""

    def __init__(self, filename: str) -> None:
        self._filename = filename

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, _FOREIGN):
            raise self._invalid(node)
        return super().visit(node)

    def _invalid(self, node: ast.AST) -> SyntaxError:
        return _error(_INVALID, self._filename, node)

    def _operation(self, node: ast.BinOp | ast.AugAssign) -> None:
        if isinstance(node.op, ast.MatMult):
            raise self._invalid(node)
        self.generic_visit(node)

    visit_BinOp = visit_AugAssign = _operation

    def _display(self, node: ast.List | ast.Tuple | ast.Set) -> None:
        loaded = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
        if loaded and any(isinstance(item, ast.Starred) for item in node.elts):
            raise _error("*x must be assignment target", self._filename, node)
        self.generic_visit(node)

    visit_List = visit_Tuple = visit_Set = _display

    def visit_Dict(self, node: ast.Dict) -> None:
        if None in node.keys:
            raise self._invalid(node)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        starred = [isinstance(item, ast.Starred) for item in node.args]
        if sum(starred) > 1:
            raise _error("can't have multiple *x", self._filename, node)
        if any(starred) and not starred[-1]:
            raise _error("non-keyword arg after */**", self._filename, node)
        if sum(keyword.arg is None for keyword in node.keywords) > 1:
            raise _error("can't have multiple **x", self._filename, node)
        self.generic_visit(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._decorators(node)
        self.generic_visit(node)

    visit_FunctionDef = visit_AsyncFunctionDef = _function

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._decorators(node)
        self.generic_visit(node)

    def _decorators(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        """A decorator is a dotted name, called or not; of those of `micropython` the compiler
        knows one, as this firmware has no code emitters, and leaves it out."""
        for decorator in list(node.decorator_list):
            name = decorator.func if isinstance(decorator, ast.Call) else decorator
            while isinstance(name, ast.Attribute):
                name = name.value
            if not isinstance(name, ast.Name):
                raise self._invalid(decorator)
            if name.id == "micropython" and isinstance(decorator, ast.Attribute):
                if decorator.attr != "bytecode":
                    raise _error("invalid micropython decorator", self._filename, decorator)
                node.decorator_list.remove(decorator)

    def visit_arguments(self, node: ast.arguments) -> None:
        if node.posonlyargs:
            raise self._invalid(node.posonlyargs[0])
        self.generic_visit(node)


class _Fold(ast.NodeTransformer):
    """Fold `const()` in the order of the text, whatever the scope: so the parser does it."""

    def __init__(self, filename: str) -> None:
        self._filename = filename
        self._values: dict[str, int] = {}

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        value = node.value
        is_const = (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Name)
            and value.func.id == "const"
        )
        if not is_const or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
            return self.generic_visit(node)
        assert isinstance(value, ast.Call)
        name = node.targets[0].id
        if name in self._values:
            raise _error("can't assign to expression", self._filename, node)
        operand = self.visit(value.args[0]) if len(value.args) == 1 else None
        number = _integer(operand)
        if number is None:
            raise _error("constant must be an integer", self._filename, node)
        self._values[name] = number
        folded = ast.copy_location(ast.Constant(number), node)
        if name.startswith("_"):
            return ast.copy_location(ast.Expr(folded), node)
        node.value = folded
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id not in self._values:
            return node
        if not isinstance(node.ctx, ast.Load):
            raise _error("can't assign to expression", self._filename, node)
        return ast.copy_location(ast.Constant(self._values[node.id]), node)


_OPERATORS: dict[type[ast.unaryop] | type[ast.operator], Callable[..., int]] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert,
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.LShift: operator.lshift,
    ast.RShift: operator.rshift, ast.BitOr: operator.or_, ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}  # fmt: skip


def _integer(node: ast.AST | None) -> int | None:
    """Value of an integer expression, None if it is not one that the parser can fold."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.UnaryOp):
        operands = [_integer(node.operand)]
    elif isinstance(node, ast.BinOp):
        operands = [_integer(node.left), _integer(node.right)]
    else:
        return None
    function = _OPERATORS.get(type(node.op))
    if function is None or None in operands:
        return None
    try:
        return function(*operands)
    except (ZeroDivisionError, ValueError):  # a negative count of a shift
        return None


class _Statements(ast.NodeTransformer):
    """Goes through statements and leaves out expressions, which are most of a tree."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        return node if isinstance(node, ast.expr) else super().generic_visit(node)


class _Unannotated(_Statements):
    """Drop the annotations of functions."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def _function(self, node: Any) -> Any:
        node.returns = None
        return self.generic_visit(node)

    visit_FunctionDef = visit_AsyncFunctionDef = _function


def compiles(node: ast.AST) -> bool:
    """Whether it is a call of one of COMPILING, by that name."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return False
    return node.func.id in COMPILING and bool(node.args)


class _Parsed(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if compiles(node):
            text = node.args[0]
            call = ast.Call(ast.copy_location(ast.Name(PARSED, ast.Load()), text), [text], [])
            node.args[0] = ast.copy_location(call, text)
        return node


class _Globals(_Statements):
    """Leave out a second `global` of a name, which CPython takes for a late one."""

    def __init__(self) -> None:
        self._seen: list[set[str]] = [set()]

    def _function(self, node: Any) -> Any:
        self._seen.append(set())
        self.generic_visit(node)
        self._seen.pop()
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _function

    def visit_Global(self, node: ast.Global) -> ast.AST:
        seen = self._seen[-1]
        node.names = [name for name in dict.fromkeys(node.names) if name not in seen]
        seen.update(node.names)
        return node if node.names else ast.copy_location(ast.Pass(), node)


class _Guard(_Statements):
    """Insert the tick of each loop and the passage of a Halt through each `try`."""

    def _loop(self, node: Any) -> Any:
        self.generic_visit(node)
        tick = ast.Expr(ast.Call(ast.Name(TICK, ast.Load()), [], []))
        for part in ast.walk(tick):
            ast.copy_location(part, node)
        node.body.insert(0, tick)
        return node

    visit_While = visit_For = visit_AsyncFor = _loop

    def visit_Try(self, node: ast.Try) -> ast.Try:
        self.generic_visit(node)
        if node.handlers:
            passage = ast.ExceptHandler(ast.Name(HALT, ast.Load()), None, [ast.Raise(None, None)])
            for part in ast.walk(passage):
                ast.copy_location(part, node.handlers[0])
            node.handlers.insert(0, passage)
        return node
