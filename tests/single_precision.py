"""Finds device calculations that need more than the 24 bits of mantissa which a Pycom board has.

Its floats are single precision: a whole number above 2**24 that passes through one comes out as
another number. CPython and MicroPython's WebAssembly build have doubles and hide that. Here the
device code runs on CPython with every calculation done twice, in both precisions:

    vm = SinglePrecisionVm(board, flash, console)       # a runtime like CpythonVm
    vm.boot()
    vm.findings                                         # ["utils/timing.py:40: ..."]

Found are whole numbers that become a float and change by it, results beyond 2**24 that single
precision cannot hold, and int() or round() of a float that gives another number. Rounding in the
last digit is what floats do, and no finding. Text made of a float is not looked at.
"""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Callable
from types import CodeType
from typing import Any

from emulator.vm.compiler import compile_device
from emulator.vm.cpython import CpythonVm
from emulator.vm.device.texts import float32

LIMIT = 1 << 24

_OPERATORS: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
    ast.Pow: ("**", operator.pow),
}
_FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = dict(_OPERATORS.values())
# A list that grows by += stays the same list
_FUNCTIONS.update({"+=": operator.iadd, "*=": operator.imul})
_CONVERSIONS = ("int", "round", "float")


class Both(float):
    """A float as the board holds it, and what it would be in double precision."""

    exact: float

    def __new__(cls, exact: float, single: float | None = None) -> Both:
        self = super().__new__(cls, float32(exact if single is None else single))
        self.exact = exact
        return self


class SinglePrecisionVm(CpythonVm):
    def _start(self) -> None:
        super()._start()
        self._seen: set[str] = getattr(self, "_seen", set())
        self.importer.compile = self._compile  # type: ignore[method-assign]
        self.device_builtins.update(
            __calculate__=self._calculate, __constant__=self._constant, __convert__=self._convert
        )

    @property
    def findings(self) -> list[str]:
        return sorted(self._seen)

    def _compile(self, data: bytes, filename: str, device_path: str) -> CodeType:
        self.importer.device_paths[filename] = device_path
        return _watched(data.decode("utf-8"), filename, device_path)

    # what the watched code calls; `place` is "path:line"

    def _calculate(self, symbol: str, left: Any, right: Any, place: str) -> Any:
        function = _FUNCTIONS[symbol]
        numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
        floats = numbers and (isinstance(left, float) or isinstance(right, float))
        if not floats and not (numbers and symbol == "/"):
            return function(left, right)
        for value in (left, right):
            self._fits(value, place)
        single = function(float32(left), float32(right))
        exact = function(_exact(left), _exact(right))
        if isinstance(single, complex) or isinstance(exact, complex):
            return single
        if abs(exact) >= LIMIT and float32(single) != exact:
            self._seen.add(f"{place}: {symbol} gives {exact!r}, on a board {float32(single)!r}")
        return Both(exact, single)

    def _constant(self, value: float, place: str) -> Both:
        self._fits(value, place)
        return Both(value)

    def _convert(self, name: str, function: Any, place: str, *args: Any) -> Any:
        if args and name == "float" and isinstance(args[0], int):
            self._fits(args[0], place)
        if name == "float" or not (len(args) == 1 and isinstance(args[0], Both)):
            return function(*args)
        single, exact = function(float(args[0])), function(args[0].exact)
        if abs(single - exact) > 1 or (single != exact and abs(exact) >= LIMIT):
            self._seen.add(f"{place}: {name}() gives {exact}, on a board {single}")
        return single

    def _fits(self, value: float, place: str) -> None:
        if abs(value) >= LIMIT and float32(value) != value:
            self._seen.add(f"{place}: {value!r} is {float32(value)!r} as a float on a board")


@functools.cache
def _watched(source: str, filename: str, device_path: str) -> CodeType:
    return compile_device(source, filename, watch=_Watch(device_path))


def _exact(value: float) -> float:
    return value.exact if isinstance(value, Both) else float(value)


class _Watch(ast.NodeTransformer):
    def __init__(self, path: str) -> None:
        self._path = path

    def _call(self, node: ast.AST, name: str, *args: ast.expr, place_at: int | None = None) -> Any:
        line = getattr(node, "lineno", 0)
        values = list(args)
        at = len(values) if place_at is None else place_at
        values.insert(at, ast.Constant(f"{self._path}:{line}"))
        return ast.copy_location(ast.Call(ast.Name(name, ast.Load()), values, []), node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if type(node.op) not in _OPERATORS:
            return node
        symbol = ast.Constant(_OPERATORS[type(node.op)][0])
        return self._call(node, "__calculate__", symbol, node.left, node.right)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if type(node.op) not in _OPERATORS or not isinstance(node.target, ast.Name):
            return node  # an item's or attribute's owner must not be evaluated twice
        name = _OPERATORS[type(node.op)][0]
        symbol = ast.Constant(name + "=" if name + "=" in _FUNCTIONS else name)
        loaded = ast.copy_location(ast.Name(node.target.id, ast.Load()), node)
        value = self._call(node, "__calculate__", symbol, loaded, node.value)
        return ast.copy_location(ast.Assign([node.target], value), node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if type(node.value) is not float:
            return node
        return self._call(node, "__constant__", ast.Constant(node.value))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        plain = not node.keywords and not any(isinstance(a, ast.Starred) for a in node.args)
        if not (plain and isinstance(node.func, ast.Name) and node.func.id in _CONVERSIONS):
            return node
        name = ast.Constant(node.func.id)
        return self._call(node, "__convert__", name, node.func, *node.args, place_at=2)
