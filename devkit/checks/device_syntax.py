"""Device code keeps to the language and the library that a Pycom board has.

mpy-cross finds what the board cannot compile (devkit/checks/device_compile.py); this finds what
compiles and fails in the field: missing methods, builtins, arguments and modules
(devkit/checks/subset.py), patterns that never match, and what happens at import. Where that is
wrong, `# subset: reason` on the line says so.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from devkit.checks import sources, subset
from devkit.checks.problem import Problem
from emulator import names
from emulator.names import Name

_PARDON = re.compile(r"#.*\bsubset: \w")
_COUNTED = re.compile(r"(?<!\\)\{\d")
_EXTENSION = re.compile(r"\(\?[^:)]")
_FIELD_ACCESS = re.compile(r"(?<!\{)\{\w*[.\[][^{}]*\}")

Finding = tuple[int, str]


def problems(root: Path, names: list[str]) -> list[Problem]:
    own = own_modules(sources.all_files(root)) | package_modules(root)
    found = []
    for name in names:
        text = (root / name).read_text(encoding="utf-8")
        found += [
            Problem(name, line, "device-syntax", what) for line, what in look(text, name, own)
        ]
    return found


def own_modules(names: list[str]) -> set[str]:
    """Top-level names that device code can import because the project brings them along."""
    own = set()
    for name in filter(sources.runs_on_micropython, names):
        path = PurePosixPath(name)
        if path.parts[0] in ("lib", "emulator"):
            path = PurePosixPath(*path.parts[1:] if path.parts[0] == "lib" else path.parts[2:])
        own.add(path.parts[0].removesuffix(".py"))
    return own


def package_modules(root: Path) -> set[str]:
    """Top-level names from packages of PyPI that go on the board with our own files."""
    from devkit.build import packages

    return {name for package in packages.for_device(root) for name in package.provides}


def look(text: str, name: str = "module.py", own: set[str] | None = None) -> list[Finding]:
    """What is wrong with one file: (line, what), in the order of lines."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []  # mpy-cross reports it
    lines = text.splitlines()
    found = set(_imports(tree, own or set(), sources.is_firmware(name)))
    found |= set(_calls_at_import(tree, name))
    known = _Known.of(tree)
    for node in ast.walk(tree):
        for what in _of_node(node, known):
            found.add((getattr(node, "lineno", 1), what))
    return sorted(item for item in found if not _PARDON.search(lines[item[0] - 1]))


@dataclass
class _Known:
    """What the file itself binds, and so cannot be blamed for."""

    names: set[str] = field(default_factory=set)  # everything
    functions: set[str] = field(default_factory=set)  # and methods, classes
    nameless: set[str] = field(default_factory=set)  # the functions and methods alone
    modules: set[str] = field(default_factory=set)  # imported, and not the firmware's
    of_firmware: dict[str, Name] = field(default_factory=dict)  # imported from it, by their names

    @classmethod
    def of(cls, tree: ast.Module) -> _Known:
        known = cls()
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                known._import(node)
        imported = set(known.names)
        known.names.clear()
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                known.names.add(node.name)
                known.functions.add(node.name)
                if not isinstance(node, ast.ClassDef):
                    known.nameless.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                known.names.add(node.id)
            elif isinstance(node, ast.arg):
                known.names.add(node.arg)
        for name in known.names | known.modules:  # may be something else
            known.of_firmware.pop(name, None)
        known.names |= imported
        return known

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            module = getattr(node, "module", None) or alias.name
            bound = alias.asname or alias.name.split(".")[0]
            self.names.add(bound)
            if module.split(".")[0] not in subset.MODULES:
                self.modules.add(bound)
            elif "." not in module:
                entry = subset.module(module)
                if isinstance(node, ast.Import):
                    self.of_firmware[bound] = entry
                elif alias.name in entry.names:
                    self.of_firmware[bound] = entry.names[alias.name]

    def meant(self, node: ast.expr) -> Name | None:
        """The firmware's module or class that an expression names, if it can be nothing else."""
        if isinstance(node, ast.Name):
            return self.of_firmware.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self.meant(node.value)
            return None if owner is None else owner.names.get(node.attr)
        return None


def _of_node(node: ast.AST, known: _Known) -> Iterator[str]:
    if isinstance(node, ast.Call):
        yield from _call_target(node, known)
    elif isinstance(node, ast.Name):
        if node.id in subset.NO_BUILTINS and node.id not in known.names:
            yield f"the board has no {node.id}"
    elif isinstance(node, ast.Attribute):
        yield from _attribute(node, known)
    elif isinstance(node, ast.ClassDef):
        yield from _class(node)
    elif isinstance(node, ast.FunctionDef) and node.name in subset.NO_SPECIAL_METHODS:
        yield f"no {node.name} on the board: nothing calls it"


def _call_target(node: ast.Call, known: _Known) -> Iterator[str]:
    owner, name = _called(node)
    missing = subset.NO_KEYWORDS.get(name, set()) & {keyword.arg for keyword in node.keywords}
    if missing and name not in known.functions:
        yield f"{name}() takes no {', '.join(f'{word}=' for word in sorted(missing))}"
    if owner is None:
        most = subset.MOST_ARGUMENTS.get(name)
        if most is not None and len(node.args) > most:
            yield f"{name}() takes at most {most} argument{'s' * (most > 1)}"
        if name == "round" and len(node.args) == 2 and isinstance(node.args[1], ast.UnaryOp):
            yield "round() to tens does not work"
        return
    if name in ("startswith", "endswith") and node.args and isinstance(node.args[0], ast.Tuple):
        yield f"{name}() takes no tuple"
    if name in subset.NO_METHODS and name not in known.functions and owner not in known.modules:
        yield f"no type on the board has .{name}()"
    if owner in ("re", "ure") and name in ("match", "search", "compile"):
        yield from _pattern(node)
    if name == "format" and _is_text(node.func.value):  # type: ignore[attr-defined]
        if _FIELD_ACCESS.search(node.func.value.value):  # type: ignore[attr-defined]
            yield "str.format() knows no {name.attribute} or {name[index]}"


def _called(node: ast.Call) -> tuple[str | None, str]:
    """(what stands before the dot, the name called); None before the dot for a plain name."""
    if isinstance(node.func, ast.Name):
        return None, node.func.id
    if isinstance(node.func, ast.Attribute):
        before = node.func.value
        return before.id if isinstance(before, ast.Name) else "", node.func.attr
    return "", ""


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _pattern(node: ast.Call) -> Iterator[str]:
    pattern = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else ""
    if isinstance(pattern, bytes):
        pattern = pattern.decode("latin-1")
    if not isinstance(pattern, str):
        return
    if _COUNTED.search(pattern):
        yield "a counted repetition ({n}) in a pattern never matches"
    if _EXTENSION.search(pattern):
        yield "patterns know no (?...) but (?:...)"


def _attribute(node: ast.Attribute, known: _Known) -> Iterator[str]:
    hint = subset.NO_ATTRIBUTES.get(node.attr)
    if hint and node.attr not in known.names:
        yield f"no .{node.attr} on the board: {hint}"
    if node.attr == "__name__" and isinstance(node.value, ast.Name):
        if node.value.id in known.nameless:
            yield f"no .__name__ on the board: {node.value.id} is a function"
    owner = known.meant(node.value)
    if owner is not None and owner.kind in _OPEN and _lacks(owner, node.attr):
        yield f"{ast.unparse(node.value)} has no {node.attr} on the board"


_OPEN = (names.MODULE, names.CLASS)  # whose names the table holds


def _lacks(owner: Name, name: str) -> bool:
    return not owner.frozen and name not in owner.names and not name.startswith("__")


def _class(node: ast.ClassDef) -> Iterator[str]:
    builtin = [
        base.id
        for base in node.bases
        if isinstance(base, ast.Name) and base.id in subset.EXCEPTIONS
    ]
    if len(builtin) > 1:
        yield f"two builtin bases ({', '.join(builtin)}) conflict in their layout"
    if node.keywords:
        yield "class keywords such as metaclass="


def _imports(tree: ast.Module, own: set[str], firmware: bool) -> Iterator[Finding]:
    allowed = subset.MODULES | own | ({"_board"} if firmware else set())
    tried = _inside_try_import(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            modules = [node.module or ""]
            for alias in () if firmware else node.names:
                if modules[0] in subset.MODULES and alias.name != "*":
                    if _lacks(subset.module(modules[0]), alias.name):
                        yield node.lineno, f"{modules[0]} has no {alias.name} on the board"
        else:
            continue
        for module in modules:
            first, _, member = module.partition(".")
            if member and first in subset.MODULES:
                yield node.lineno, f"{first} has no {member} on the board"
            elif first not in allowed and node not in tried:
                yield node.lineno, f"the board has no module {module}"


def _inside_try_import(tree: ast.Module) -> set[ast.AST]:
    """Imports that are allowed to fail, because an `except ImportError` is ready for it."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(
            isinstance(handler.type, ast.Name) and handler.type.id == "ImportError"
            for handler in node.handlers
        ):
            found.update(inner for statement in node.body for inner in ast.walk(statement))
    return found


def _calls_at_import(tree: ast.Module, name: str) -> Iterator[Finding]:
    """Importing a module must not do anything; programs are there to be run."""
    if name in ("boot.py", "main.py") or name.startswith("examples/"):
        return
    for node in tree.body:
        if isinstance(node, (ast.For, ast.While, ast.With, ast.Delete)) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        ):
            yield node.lineno, "runs at import"
