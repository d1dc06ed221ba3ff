"""The set of a build, all modules that run together, and what it changes in the one before it.

    modules = sets.built()
    release = sets.following(previous, modules, seq=7)      # previous: a Release, None at first
    sets.changes(previous, release)                         # (new and changed, names that go)

A node with slots has a set in each of them. To no set belong boot.py, boot_trial.py and main.py,
which never change in the field, the configuration and the credentials. A deployment's own modules
in the device folders do belong, and so do packages from PyPI.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from devkit.build import packages
from devkit.build.components import DROP_IN, components, imports
from devkit.build.targets import PYCOM, is_script
from devkit.release.format import (
    MOST_BYTES,
    MOST_COMPONENTS,
    MOST_SEQ,
    MOST_SIZE,
    Component,
    set_digest,
)
from emulator.device_files import CREDENTIALS, FIXED, ROOT, source

STAYS = (*FIXED, "config.py", CREDENTIALS)
TRIAL = (3, 24)  # starts that may fail, cycles without a confirmed report


@dataclass(frozen=True)
class Module:
    name: str  # "networking.nbiot"; of a package "networking.__init__"
    kind: str  # "mpy", or "py" for what stays source on a board
    data: bytes
    source: bytes
    requires: frozenset[str]  # names of the modules that it imports, at once or later

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Release:
    """A set with its number; `sec` counts the releases that close a hole, `trial` is what a node
    allows it: (starts that may fail, cycles until a report is confirmed)."""

    seq: int
    components: tuple[Component, ...]  # by name
    sec: int = 0
    trial: tuple[int, int] = TRIAL

    @property
    def digest(self) -> str:
        return set_digest(self.components)


def built(root: Path = ROOT) -> list[Module]:
    """The set of this tree, compiled for Pycom firmware 1.20.2, by name.

    Raises ValueError for a file that does not compile, requirements.NotInstalled.
    """
    here = [one for one in components(root).values() if one.kind != DROP_IN]
    own = {path for one in here for path in one.files}
    fetched = packages.for_device(root)
    files = {path: source(path, root) for path in own if path.as_posix() not in STAYS}
    files |= {path: file for package in fetched for path, file in package.files.items()}
    found = []
    for path, file in files.items():
        text = file.read_bytes()
        data = PYCOM.deployed(text, path)
        requires = _requires(path, root) if path in own else frozenset()
        if is_script(path):  # the board compiles it: what it refuses is told now
            PYCOM.compiled(text, path)
        kind = "py" if is_script(path) else "mpy"
        names = requires & set(map(name_of, files))
        found.append(Module(name_of(path), kind, data, text, names))
    return sorted(found, key=lambda module: module.name)


def rewritten(module: Module, source: bytes) -> Module:
    """The module with another source, compiled."""
    path = Path(*module.name.split(".")).with_suffix(".py")
    return replace(module, source=source, data=PYCOM.deployed(source, path))


def name_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts)


def following(
    previous: Release | None,
    modules: list[Module],
    seq: int,
    sec: int = 0,
    trial: tuple[int, int] = TRIAL,
) -> Release:
    """The release of these modules. The version of a component is the number of the release in
    which its content last changed. It requires of another one at least the version that changed
    together with it."""
    before = {each.name: each for each in previous.components} if previous else {}
    versions = {}
    for one in modules:
        old = before.get(one.name)
        same = old is not None and (old.kind, old.sha256) == (one.kind, one.sha256)
        versions[one.name] = old.version if old is not None and same else seq

    def least(name: str, required: str) -> int:
        if versions[name] == versions[required] == seq:
            return seq
        return dict(before[name].requires).get(required, 1) if name in before else 1

    components = [
        Component(
            one.name,
            one.kind,
            versions[one.name],
            len(one.data),
            one.sha256,
            tuple((required, least(one.name, required)) for required in sorted(one.requires)),
        )
        for one in modules
    ]
    return Release(seq, tuple(components), sec, trial)


def changes(base: Release | None, release: Release) -> tuple[list[Component], list[str]]:
    """(components whose line is another one than in `base`, names that it has no more)."""
    before = {each.name: each for each in base.components} if base else {}
    added = [each for each in release.components if before.get(each.name) != each]
    names = {each.name for each in release.components}
    return added, sorted(set(before) - names)


def fetched(base: Release | None, release: Release) -> list[Component]:
    """The components that a node with `base` downloads: those with other content."""
    before = {(each.name, each.kind, each.sha256) for each in base.components} if base else set()
    return [each for each in release.components
            if (each.name, each.kind, each.sha256) not in before]  # fmt: skip


def problem(release: Release) -> str | None:
    """What no node would accept of it, in a line."""
    sizes = {each.name: each.size for each in release.components}
    large = [name for name, size in sizes.items() if size > MOST_SIZE]
    if release.seq > MOST_SEQ:
        return f"release {release.seq}; allowed: 1 to {MOST_SEQ}"
    if len(sizes) > MOST_COMPONENTS:
        return f"{len(sizes)} components; allowed: {MOST_COMPONENTS}"
    if large:
        return f"{large[0]} has {sizes[large[0]]} bytes; allowed: {MOST_SIZE}"
    if sum(sizes.values()) > MOST_BYTES:
        return f"{sum(sizes.values())} bytes in all; allowed: {MOST_BYTES}"
    return None


def _requires(path: Path, root: Path) -> frozenset[str]:
    """Of a package's file all modules count: which of them is needed stands in no import of
    ours."""
    found = imports(path, root, plugins=False)
    names = {name_of(each) for each in found.needed | found.on_demand}
    for package in packages.for_device(root):
        if package.provides & found.foreign:
            names |= {name_of(each) for each in package.files}
    return frozenset(names - {name_of(path)})
