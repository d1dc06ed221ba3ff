"""Who may know whom: the imports of each file, checked against [tool.devkit.imports].

The comment above that table in pyproject.toml says how to read a row. `import a` followed by
`a.b` counts like `from a import b`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from devkit.checks import sources
from devkit.checks.problem import Problem


def problems(root: Path, names: list[str]) -> list[Problem]:
    table = sources.settings(root)
    modules = _modules(filter(sources.is_python, sources.all_files(root)))
    found: dict[tuple[str, str], Problem] = {}
    for name in names:
        rows = ((key, row) for key, row in table["imports"].items() if sources.fits(name, key))
        key, row = next(rows, ("a file that no row fits", ""))
        for line, used in _uses((root / name).read_text(encoding="utf-8")):
            target = used
            while target and target not in modules:
                target = target.rpartition(".")[0]
            module = modules.get(target) or (used if sources.fits(used, table["guarded"]) else "")
            if module and not _allowed(_dotted(name), module, row):
                text = f"{module}: not allowed; allowed for {key}: {_spelled(row, name)}"
                found.setdefault((name, module), Problem(name, line, "imports", text))
    return sorted(found.values())


def _dotted(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _modules(names: Iterator[str]) -> dict[str, str]:
    """What a file may write in an import -> the module of this project that it is."""
    found = {}
    for name in names:
        found[_dotted(name)] = _dotted(name)
        if name.startswith(("lib/", "emulator/firmware/_")):  # folders of the board's sys.path
            found[_dotted(name).rpartition(".")[2]] = _dotted(name)
    return found


def _uses(text: str) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything imported, and of each member that is then used."""
    try:
        nodes, bound = list(ast.walk(ast.parse(text))), {}
    except SyntaxError:
        return  # ruff reports it
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            base = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                yield node.lineno, base + alias.name
                first = alias.name.split(".")[0]
                bound[alias.asname or first] = base + (alias.name if alias.asname else first)
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in bound:
                yield node.lineno, f"{bound[node.value.id]}.{node.attr}"


def _allowed(name: str, module: str, row: str) -> bool:
    if "OWN" in row.split() and _component(name) and _component(name) == _component(module):
        return True
    row = row.replace("CONTRACT", name.split(".")[0])
    return sources.fits(module, row) or sources.fits(module + ".", row)


def _spelled(row: str, name: str) -> str:
    """A row as people read it, with what CONTRACT and OWN are for this file."""
    module = _dotted(name)
    meant = {
        "CONTRACT": f"{module.split('.')[0]} (its __init__.py)",
        "OWN": f"the own parts of {_component(module)}",
    }
    return ", ".join(meant.get(word, word) for word in row.split())


def _component(module: str) -> str:
    """Of networking._lora_keys, networking.lora and networking.lora.keys: networking.lora."""
    package, _, rest = module.partition(".")
    return rest and f"{package}.{rest.lstrip('_').split('.')[0].split('_')[0]}"
