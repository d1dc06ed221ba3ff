"""Components: what can be taken by itself, and what each needs, found from the device tree.

Every module of a device folder is a component, under its own name (`nbiot`, `si7021`, `timing`,
`microATsocket`); so is what a folder's `__init__.py` offers, under the name of the folder, and the
scripts in the root together are the component `application`. A module whose name begins with an
underscore is no component: it belongs to those of its folder that import it, and to what the
`__init__.py` offers if none does, as in ota/. A package in lib/ is one component. Those
that one loads on demand are a component of the kind `extra`: _nbiot_uart.py and
_nbiot_uart_choice.py are `nbiot_uart`.

What a component requires follows from its imports. Three things that imports do not tell stand in
the sources as well: an import with the comment `# on demand` serves one function that the rest
does without; the application calls them all. A file of lib/ whose first line begins with
`# drop-in` is for programs written for another library, and goes with no node. And the application
finds plug-ins by the names that stand in config.py (`plugins.find("networking", ...)`).
"""

from __future__ import annotations

import ast
import functools
import marshal
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from devkit import application
from emulator.device_files import ROOT, config_file, device_files, source
from emulator.vm import kept

APPLICATION = "application"
EXTRA = "extra"
DROP_IN = "drop-in"
CONTRACT = "contract"  # what an __init__.py is: how the members of its folder are used
KINDS = {"networking": "bearer", "sensors": "sensor", "protocols": "protocol", "utils": "util",
         "lib": "lib", "ota": CONTRACT}  # fmt: skip
ON_DEMAND, DROP_IN_MARK = "# on demand", "# drop-in"


@dataclass(frozen=True)
class Component:
    name: str
    kind: str  # bearer, sensor, protocol, util, lib, drop-in, contract, extra, application
    files: tuple[Path, ...]  # its own, relative to the root, sorted
    needs: tuple[Path, ...]  # all that has to be on a board for it to work, its own included
    requires: tuple[str, ...]  # the components that the others of these files belong to
    optional: tuple[str, ...]  # components that some of its functions load on demand
    foreign: tuple[str, ...]  # modules that it imports and this tree has not: firmware, packages


def components(root: Path = ROOT) -> dict[str, Component]:
    """All components of the tree by name, sorted. ValueError if two have the same name."""
    graph = _graph(root)
    own = _own_files(graph)
    owners = {
        path: name
        for name, (kind, files) in own.items()
        for path in files
        if kind == EXTRA or not _part(path)
    }

    def belonging(paths: Iterable[Path], but: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted({owners[path] for path in paths if path in owners} - set(but)))

    found = {}
    for name, (kind, files) in own.items():
        owner = own[name.rpartition("_")[0]][1] if kind == EXTRA else []
        if kind == "lib" and any(_is_drop_in(path, root) for path in files):
            kind = DROP_IN
        needed = _closure([*files, *owner], graph, on_demand=name == APPLICATION)
        on_demand = {path for each in needed for path in graph[each].on_demand}
        requires = belonging(needed, [name])
        found[name] = Component(
            name=name,
            kind=kind,
            files=tuple(files),
            needs=tuple(needed),
            requires=requires,
            optional=belonging(on_demand, [name, *requires]),
            foreign=tuple(sorted({module for path in needed for module in graph[path].foreign})),
        )
    return found


def _is_drop_in(path: Path, root: Path) -> bool:
    return source(path, root).read_text(encoding="utf-8").startswith(DROP_IN_MARK)


def needs(path: Path, root: Path = ROOT) -> list[Path]:
    """A file and all device files that it imports, anywhere in its text, sorted."""
    return _closure([path], _graph(root))


def _graph(root: Path) -> dict[Path, Imports]:
    return {path: imports(path, root) for path in device_files(root)}


def _closure(
    paths: Iterable[Path], graph: dict[Path, Imports], on_demand: bool = False
) -> list[Path]:
    found: set[Path] = set()
    waiting = list(paths)
    while waiting:
        current = waiting.pop()
        if current in graph and current not in found:
            found.add(current)
            waiting += [current.parent / "__init__.py", *graph[current].needed]
            waiting += graph[current].on_demand if on_demand else ()
    return sorted(found)


def _own_files(graph: dict[Path, Imports]) -> dict[str, tuple[str, list[Path]]]:
    """Name of each component -> its kind and the files that are its own."""
    found: dict[str, tuple[str, list[Path]]] = {}
    for path in graph:
        if _part(path):
            continue
        if len(path.parts) == 1:
            found.setdefault(APPLICATION, (APPLICATION, []))[1].append(path)
            continue
        kind = KINDS[path.parts[0]]
        name = path.stem
        if kind == "lib" and len(path.parts) > 2:  # a package is taken whole
            found.setdefault(path.parts[1], (kind, []))[1].append(path)
            continue
        if name == "__init__":
            name, kind = path.parts[-2], CONTRACT if len(path.parts) == 2 else kind
        if name in found:
            raise ValueError(f"two components are called {name!r}: {found[name][1][0]} and {path}")
        found[name] = kind, sorted([path, *_parts(path, graph)])
    found |= _extras(found, graph)
    owned = {path for _, files in found.values() for path in files}
    for path in sorted(set(graph) - owned):  # a part that its folder's `__init__` stands for: ota/
        if path.parent.name in found:
            found[path.parent.name][1].append(path)
    return dict(sorted(found.items()))


def _extras(
    found: dict[str, tuple[str, list[Path]]], graph: dict[Path, Imports]
) -> dict[str, tuple[str, list[Path]]]:
    """The parts that are loaded on demand, by their owner and the first word behind its name."""
    extras: dict[str, set[Path]] = {}
    for name, (_, files) in found.items():
        for part in {each for path in files for each in graph[path].on_demand if _part(each)}:
            word = part.stem.removeprefix(f"_{name}_").split("_")[0]
            needed = {each for each in _parts(part, graph) if each not in files}
            extras.setdefault(f"{name}_{word}", set()).update({part} | needed)
    return {name: (EXTRA, sorted(files)) for name, files in extras.items()}


def with_extras(found: dict[str, Component], name: str, words: Iterable[str]) -> Component:
    """A component with what else it can have. ValueError for an extra that it has not."""
    component = found[name]
    extras = {one.removeprefix(f"{name}_"): one for one in component.optional}
    extras = {word: one for word, one in extras.items() if found[one].kind == EXTRA}
    needs = set(component.needs)
    for word in words:
        if word not in extras:
            raise ValueError(f"{name} with {word!r}; allowed: {', '.join(extras) or 'nothing'}")
        needs.update(found[extras[word]].needs)
    return replace(component, needs=tuple(sorted(needs)))


def _part(path: Path) -> bool:
    return path.name.startswith("_") and path.name != "__init__.py"


def _parts(path: Path, graph: dict[Path, Imports]) -> set[Path]:
    """The underscore modules that it imports, and those that these import."""
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        for target in graph[waiting.pop()].needed:
            if _part(target) and target not in found:
                found.add(target)
                waiting.append(target)
    return found


# Imports of one file


@dataclass(frozen=True)
class Imports:
    needed: frozenset[Path]
    on_demand: frozenset[Path]
    foreign: frozenset[str]  # first part of the dotted name


def imports(path: Path, root: Path = ROOT, plugins: bool = True) -> Imports:
    """Which device files a device file imports, and which modules that are none.

    plugins: with those that a script of the application finds by names in the configuration."""
    text = source(path, root).read_text(encoding="utf-8")
    try:
        said = _said(text)
    except SyntaxError as error:
        raise ValueError(f"{path}:{error.lineno}: {error.msg}") from None
    needed: set[Path] = set()
    on_demand: set[Path] = set()
    foreign: set[str] = set()
    for module, members, is_on_demand in said:
        if module.startswith("."):  # beside it
            module = ".".join(path.parent.parts) + module.rstrip(".")
        found = _files(module, root)
        found += [file for name in members for file in _files(f"{module}.{name}", root)]
        (on_demand if is_on_demand else needed).update(found)
        if not found:
            foreign.add(module.split(".")[0])
    if plugins and len(path.parts) == 1:
        needed.update(_plugins(_plugin_folders(text), root))
    return Imports(frozenset(needed), frozenset(on_demand - needed), frozenset(foreign))


_Said = tuple[str, tuple[str, ...], bool]  # module, names from it, on demand


@functools.lru_cache(maxsize=256)
def _said(text: str) -> list[_Said]:
    """The imports of a source text. The trees that are built one after the other differ in a few
    files. Those of the project are kept between processes."""
    data = kept.read(text, _maker())
    if data is None:
        found = _found(text)
        kept.write(text, marshal.dumps(found), _maker())
        return found
    said: list[_Said] = marshal.loads(data)
    return said


@functools.cache
def _maker() -> str:
    """Of what is kept: this file, as it is, with this Python."""
    return f"{sys.version} {Path(__file__).read_text(encoding='utf-8')}"


def _found(text: str) -> list[_Said]:
    lines = text.splitlines()
    found = []
    todo: deque[ast.AST] = deque([ast.parse(text)])
    while todo:
        node = todo.popleft()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            on_demand = ON_DEMAND in lines[node.lineno - 1]
            found += [(module, members, on_demand) for module, members in _imported(node)]
        elif not isinstance(node, ast.expr):  # those are most of a tree, and import nothing
            todo.extend(ast.iter_child_nodes(node))
    return found


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(dotted name, with a dot before one of the same folder; what is taken from it)."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, ()
    else:
        yield "." * node.level + (node.module or ""), tuple(alias.name for alias in node.names)


def _files(module: str, root: Path) -> list[Path]:
    """The file of a module, as the board would find it in /flash and /flash/lib; [] if none."""
    path = module.replace(".", "/")
    names = [f"{base}{path}{end}" for base in ("", "lib/") for end in (".py", "/__init__.py")]
    return [Path(name) for name in names if os.path.isfile(f"{root}/{name}")][:1]


@functools.lru_cache(maxsize=16)
def _plugin_folders(text: str) -> frozenset[str]:
    """Of plug-ins that a script of the application finds by name: each folder in
    `plugins.find("FOLDER", ...)`, and folders whose contract is imported."""
    nodes = list(ast.walk(ast.parse(text)))
    folders = {
        node.args[0].value
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "find"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value in KINDS
    }
    folders |= {
        alias.name
        for node in nodes
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name in KINDS
    }
    return frozenset(folders)


def _plugins(folders: Iterable[str], root: Path) -> set[Path]:
    """The modules of these folders whose name is a text in config.py: what a script of the
    application finds by names in the configuration."""
    named = _texts(config_file(root)) if folders else set()
    if application.AUTO in named:
        named |= {application.resolved(bearer, application.AUTO, root) for bearer in named}
    choices = [Path(folder, f"{name}.py") for folder in folders for name in named]
    return {path for path in choices if (root / path).is_file()}


def _texts(settings: Path) -> set[str]:
    if not settings.is_file():
        return set()
    try:
        tree = ast.parse(settings.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise ValueError(f"{settings.name}:{error.lineno}: {error.msg}") from None
    last = {}  # of a field that is set twice, as a node's own file does, the last line counts
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else node
        last[ast.dump(target)] = node
    nodes = [part for node in last.values() for part in ast.walk(node)]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    return {text for text in texts if isinstance(text, str) and text.isidentifier()}
