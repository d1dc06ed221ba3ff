"""Stubs: `.pyi` files by which an editor knows the documented functions of compiled modules.

    stubs/networking/nbiot.pyi      signatures, defaults, named tuples and docstrings, no bodies

A module on the board is bytecode without docstrings. Point the editor's search path at `stubs/`
of a build (in pyrightconfig.json: {"extraPaths": ["dist/pycom-1.20.2/stubs"]}).
"""

from __future__ import annotations

import ast
from pathlib import Path

from devkit.build.components import components
from emulator.device_files import ROOT, SCRIPTS

FOLDER = "stubs"
_IMPORT = "from typing import Any, NamedTuple"
_TYPES = ("int", "str", "float", "bytes")


def stubs(root: Path = ROOT) -> dict[Path, str]:
    """Path below stubs/ -> text, for each public module; those of lib/ stand at the top."""
    found = {}
    for component in components(root).values():
        for path in component.files:
            if path.as_posix() not in SCRIPTS and (path.stem[0] != "_" or path.stem == "__init__"):
                name = path.relative_to("lib") if path.parts[0] == "lib" else path
                source = (root / path).read_text(encoding="utf-8")
                found[name.with_suffix(".pyi")] = stub(source)
    return found


def stub(source: str) -> str:
    """The public names of a module, without the code behind them."""
    tree = ast.parse(source)
    documented = ast.get_docstring(tree) is not None
    tree.body = [kept for node in tree.body for kept in _public(node)]
    tree.body.insert(int(documented), ast.parse(_IMPORT).body[0])
    return ast.unparse(tree) + "\n"


def _public(node: ast.stmt) -> list[ast.stmt]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return [node]  # a docstring
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [_without_body(node)] if _is_public(node.name) else []
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        name = node.targets[0].id
        return [_declaration(name, node.value)] if _is_public(name) else []
    return []


def _is_public(name: str) -> bool:
    return name[0] != "_" or name in ("__init__", "__enter__", "__exit__", "__iter__", "__next__")


def _without_body(node: ast.FunctionDef | ast.ClassDef) -> ast.stmt:
    inner = node.body if isinstance(node, ast.ClassDef) else node.body[:1]
    kept = [each for one in inner for each in _public(one)]
    node.body = kept or [ast.Expr(ast.Constant(...))]
    if isinstance(node, ast.ClassDef):
        node.bases = []  # of the firmware, or private
        return node
    # a default that is no constant is a name, which the stub may lack
    node.args.defaults = [
        default if isinstance(default, ast.Constant) else ast.Constant(...)
        for default in node.args.defaults
    ]
    return node


def _declaration(name: str, value: ast.expr) -> ast.stmt:
    """A constant by its type; a named tuple by its fields."""
    fields = _named_tuple_fields(value)
    if fields is not None:
        return ast.parse(
            f"class {name}(NamedTuple):\n" + "".join(f"    {field}: Any\n" for field in fields)
        ).body[0]
    kind = type(value.value).__name__ if isinstance(value, ast.Constant) else ""
    if ast.unparse(value).startswith("const("):
        kind = "int"
    return ast.parse(f"{name}: {kind if kind in _TYPES else 'Any'}").body[0]


def _named_tuple_fields(value: ast.expr) -> list[str] | None:
    if not (isinstance(value, ast.Call) and ast.unparse(value.func) == "namedtuple"):
        return None
    names = value.args[1]
    if isinstance(names, ast.Call):  # "a b c".split()
        names = names.func.value if isinstance(names.func, ast.Attribute) else names
    given = ast.literal_eval(names)
    return given.replace(",", " ").split() if isinstance(given, str) else list(given)
