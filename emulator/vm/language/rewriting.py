"""Which expressions of device source become calls, since CPython means something else by them.

    tree = AsBoard(tree).visit(tree)

Only those are rewritten that can differ: an addition of a number stays one, as does a name that
the file itself assigns to (`int = ...`).
"""

from __future__ import annotations

import ast
import operator
from typing import Any

from emulator.vm.language.attributes import NAMES
from emulator.vm.language.constructors import MAKERS
from emulator.vm.language.single import single

# Special methods that the board's core never asks for. Their names are changed.
_NEVER_ASKED = frozenset(
    f"__{name}__"
    for name in (
        "radd rsub rmul rtruediv rfloordiv rmod rpow rand ror rxor rlshift rrshift rdivmod"
        " imul itruediv ifloordiv imod ipow iand ior ixor ilshift irshift get set delete"
        " set_name setattr delattr getattribute init_subclass float index missing slots"
    ).split()
)

_NOT_IN = ast.NotIn  # codespell:ignore
_FOLDED: dict[type[ast.operator], Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}  # fmt: skip


class AsBoard(ast.NodeTransformer):
    def __init__(self, tree: ast.AST) -> None:
        self._assigned = _assigned(tree)
        self._in_class = [False]

    def _call(self, node: ast.AST, name: str, *args: ast.expr) -> ast.Call:
        call = ast.Call(ast.Name(name, ast.Load()), list(args), [])
        ast.copy_location(call, node)
        ast.copy_location(call.func, node)
        for part in args:
            if not hasattr(part, "lineno"):
                ast.copy_location(part, node)
        return call

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        left, right, operation = node.left, node.right, node.op
        folded = _folded(left, right, operation)
        if folded is not None:
            return ast.copy_location(folded, node)
        if isinstance(operation, ast.Div):
            return self._call(node, "__div__", left, right)
        if isinstance(operation, ast.Add):
            if _number(left) or _number(right) or _text(left, str):
                return node
            return self._call(node, "__plus__", left, right)
        if isinstance(operation, ast.Pow):
            if _number(right) and isinstance(right, ast.Constant) and type(right.value) is int:
                return node
            return self._call(node, "__pow__", left, right)
        if isinstance(operation, ast.Mod):
            if _number(left) or (_number(right) and not _text(left, str)):
                return node
            return self._call(node, "__percent__", left, right)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        names = {ast.Add: "__iplus__", ast.Div: "__idiv__"}
        function = names.get(type(node.op))
        if function is None or (isinstance(node.op, ast.Add) and _number(node.value)):
            return node
        if isinstance(node.target, ast.Name):
            loaded = ast.copy_location(ast.Name(node.target.id, ast.Load()), node)
            value = self._call(node, function, loaded, node.value)
            return ast.copy_location(ast.Assign([node.target], value), node)
        if isinstance(node.op, ast.Div):  # what the item or attribute is of is not evaluated twice
            node.value = self._call(node.value, "__divisor__", node.value)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) != 1 or not isinstance(node.ops[0], (ast.In, _NOT_IN)):
            return node
        if isinstance(node.comparators[0], (ast.Tuple, ast.List, ast.Set)):
            return node
        asked: ast.expr = self._call(node, "__within__", node.left, node.comparators[0])
        if isinstance(node.ops[0], _NOT_IN):
            asked = ast.copy_location(ast.UnaryOp(ast.Not(), asked), node)
        return asked

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        piece = node.slice
        if not isinstance(piece, ast.Slice) or piece.step is None:
            return node
        if not isinstance(node.ctx, ast.Load):
            node.slice = self._call(node, "__nostep__")
            return node
        none = [ast.copy_location(ast.Constant(None), node) for _ in range(3)]
        given = (piece.lower, piece.upper, piece.step)
        parts = [part or none[at] for at, part in enumerate(given)]
        return self._call(node, "__stepped__", node.value, self._call(node, "__slice__", *parts))

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr in _NEVER_ASKED:
            node.attr = _changed(node.attr)
        if not isinstance(node.ctx, ast.Load) or node.attr not in NAMES:
            return node
        return self._call(node, "__attr__", node.value, ast.Constant(node.attr))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        function = node.func
        if isinstance(function, ast.Name) and function.id in MAKERS:
            if function.id not in self._assigned:
                function.id = MAKERS[function.id][0]
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        self.generic_visit(node)
        return self._call(node, "__table__", node, ast.Constant(len(node.keys)))

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        self.generic_visit(node)
        return self._call(node, "__table__", node, ast.Constant(0))

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.generic_visit(node)
        if node.name is not None:
            loaded = ast.copy_location(ast.Name(node.name, ast.Load()), node)
            caught = self._call(node, "__caught__", loaded)
            target = ast.copy_location(ast.Name(node.name, ast.Store()), node)
            node.body.insert(0, ast.copy_location(ast.Assign([target], caught), node))
        return node

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self.generic_visit(node)
        if node.args.kwarg is not None:
            name = node.args.kwarg.arg
            loaded = ast.copy_location(ast.Name(name, ast.Load()), node.body[0])
            made = self._call(node.body[0], "__table__", loaded)
            target = ast.copy_location(ast.Name(name, ast.Store()), node.body[0])
            node.body.insert(0, ast.copy_location(ast.Assign([target], made), node.body[0]))
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self._in_class.append(True)
        self.generic_visit(node)
        self._in_class.pop()
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef) and statement.name in _NEVER_ASKED:
                statement.name = _changed(statement.name)
            if isinstance(statement, ast.Assign):
                for target in statement.targets:
                    if isinstance(target, ast.Name) and target.id in _NEVER_ASKED:
                        target.id = _changed(target.id)
        return node


def _folded(left: ast.expr, right: ast.expr, operation: ast.operator) -> ast.Constant | None:
    """A calculation with a float that CPython's compiler would do in double precision."""
    function = _FOLDED.get(type(operation))
    if function is None or not (_number(left) and _number(right)):
        return None
    values = [left.value, right.value]  # type: ignore[attr-defined]
    if not any(type(value) is float for value in values):
        return None
    try:
        return ast.Constant(float(function(*map(single, values))))
    except (ArithmeticError, TypeError):
        return None


def _changed(name: str) -> str:
    return f"{name}board"


def _number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))


def _text(node: ast.expr, kind: type) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is kind


def _assigned(tree: ast.AST) -> set[str]:
    """Names that the source gives to something of its own."""
    found: set[str] = set()
    for node in ast.walk(tree):
        name: Any = None
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            name = node.id
        elif isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            name = node.name
        elif isinstance(node, ast.alias):
            name = node.asname or node.name
        if name in MAKERS:
            found.add(name)
    return found
