"""The folder of releases, RELEASES: what the collector offers (collector/updates/releases.py).

    RELEASES/7/set             the list of release 7: the set file of a slot without its tag
    RELEASES/7/from-6          signed: what release 7 makes of release 6, and of up to 7 before it
    RELEASES/objects/ADDRESS   content of a component
    RELEASES/sources/ADDRESS   its source, for emulated boards; served to nobody
    RELEASES/keys, root.pub    key file, and the modulus of the root key that signed it
    RELEASES/nodes/ID.key      device keys, readable by their owner only
    RELEASES/rollout.toml      which nodes get the newest release; yours to edit

A release is written under another name and gets its own when it is complete: a collector that runs
never offers half of one.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from devkit.release import keys as key_folder
from devkit.release.format import (
    MOST_BODY,
    Component,
    Manifest,
    address,
    envelope,
    set_list,
)
from devkit.release.sets import Module, Release, changes, fetched
from emulator.vm import mpy

BASES = 8  # of the releases before it, a release can be made of
ROLLOUT = """\
# Read again whenever it changes. docs/updates.md
share = 100  # percent of the nodes that are offered the newest release
stop_above = 0.1  # share of the nodes that tried and rejected it: above it no node is offered it
"""


class StoreTrouble(ValueError):
    """RELEASES cannot be used; one line says why."""


@dataclass(frozen=True)
class Step:
    """From one release to another, as a node fetches it."""

    base: int
    envelope: bytes
    content: tuple[Component, ...]

    @property
    def download_bytes(self) -> int:
        """Payload: the signed list and the contents."""
        return len(self.envelope) + sum(each.size for each in self.content)


# reading


def numbers(folder: Path) -> list[int]:
    """Of all releases, ascending."""
    if not folder.is_dir():
        return []
    found = [path.name for path in folder.iterdir() if (path / "set").is_file()]
    return sorted(int(name) for name in found if name.isdecimal() and name.isascii())


def read(folder: Path, seq: int) -> Release:
    """Raises StoreTrouble."""
    path = folder / str(seq) / "set"
    try:
        head, lines = _split(path.read_text(encoding="ascii"))
        tries, cycles = head["trial"].split()
        found = Release(
            int(head["seq"]), tuple(map(_component, lines)), int(head["sec"]),
            (int(tries), int(cycles)),
        )  # fmt: skip
        if found.seq != seq:
            raise ValueError
    except (OSError, ValueError, KeyError):
        raise StoreTrouble(f"{path}: is no list of release {seq}") from None
    return found


def check_folder(folder: Path) -> None:
    """StoreTrouble for a folder that has other things in it, and no releases."""
    begun = (folder / "objects").is_dir() and (folder / "sources").is_dir()
    if folder.is_dir() and any(folder.iterdir()) and not begun:
        raise StoreTrouble(
            f"{folder}: has other files and no release; allowed: a new or an empty folder, or one"
            " of ./dev release"
        )


def check_root(folder: Path, keys: Path) -> None:
    """StoreTrouble for keys that no node of these releases would take: of another root key, or of
    a folder as it was before ./dev keys rotate.

    Raises KeyTrouble.
    """
    known = folder / "root.pub"
    if known.is_file() and known.read_bytes() != key_folder.root_modulus(keys):
        raise StoreTrouble(f"{folder} was made with another root key than that of {keys}")
    if not (folder / "keys").is_file():
        return
    served, given = key_folder.read_key_file(folder), key_folder.read_key_file(keys)
    if given.version < served.version:
        kid = list(given.moduli)[-1]
        counts = "is not the newest one" if kid in served.moduli else "no longer counts"
        raise StoreTrouble(
            f"release key {kid} of {keys} {counts} in {folder / 'keys'}; allowed: the folder of"
            f" keys with key file {served.version} or a later one, this one is {given.version}"
        )


def content(folder: Path, component: Component) -> bytes:
    """Raises StoreTrouble for one that is missing or another one than the list says."""
    path = folder / "objects" / _address(component)
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != component.sha256:
        raise StoreTrouble(f"{path}: is not the content of {component.name}")
    return data


def emulate(folder: Path, release: Release) -> None:
    """Let emulated boards run a release, whatever this tree has become since.

    Raises StoreTrouble.
    """
    for component in release.components:
        path = folder / "sources" / _address(component)
        if component.kind == "mpy":
            data = content(folder, component)
            if not path.is_file():
                raise StoreTrouble(f"{path}: the source of {component.name} is not there")
            mpy.keep(path.read_bytes(), data)


def _address(component: Component) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(component.sha256)[:6]).decode()


def _split(text: str) -> tuple[dict[str, str], list[str]]:
    lines = text.splitlines()
    head = dict(line.split(" ", 1) for line in lines[:4])
    if list(head) != ["set", "seq", "sec", "trial"]:
        raise ValueError
    return head, lines[4:]


def _component(line: str) -> Component:
    name, kind, version, size, sha256, required = line.split(" ")
    pairs = [each.split(":") for each in required.split(",")] if required != "-" else []
    requires = tuple((other, int(least)) for other, least in pairs)
    return Component(name, kind, int(version), int(size), sha256, requires)


# writing


def steps(folder: Path, release: Release, keys: Path) -> list[Step]:
    """The signed lists that make this release of the last ones, the newest first.

    Raises StoreTrouble, KeyTrouble.
    """
    kid, key = key_folder.newest(keys)
    found = []
    for seq in numbers(folder)[: -BASES - 1 : -1]:
        base = read(folder, seq)
        added, removed = changes(base, release)
        manifest = Manifest(
            release.seq, base.digest, release.digest, tuple(added), tuple(removed), release.sec,
            release.trial, before=base.components,
        )  # fmt: skip
        if len(manifest.body) > MOST_BODY:
            raise StoreTrouble(
                f"what release {release.seq} changes in release {seq} takes"
                f" {len(manifest.body)} bytes to list; allowed: {MOST_BODY}"
            )
        step = Step(seq, envelope(manifest.body, kid, key), tuple(fetched(base, release)))
        found.append(step)
    return found


def write(
    folder: Path, release: Release, modules: Iterable[Module], made: Iterable[Step], keys: Path
) -> None:
    """Add a release, and the keys as they are now."""
    for name in ("objects", "sources"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for module in modules:
        _put(folder / "objects" / address(module.data), module.data)
        _put(folder / "sources" / address(module.data), module.source)
    write_keys(folder, keys)
    if not (folder / "rollout.toml").exists():
        _put(folder / "rollout.toml", ROLLOUT.encode())
    fresh = folder / f".new-{release.seq}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    listed = set_list(release.seq, release.sec, release.trial, release.components)
    (fresh / "set").write_bytes(listed)
    for step in made:
        (fresh / f"from-{step.base}").write_bytes(step.envelope)
    fresh.rename(folder / str(release.seq))


def write_keys(folder: Path, keys: Path) -> None:
    """Bring key file and device keys up to date: what nodes need of them, no private key.

    Raises StoreTrouble, KeyTrouble."""
    check_root(folder, keys)
    key_folder.read_key_file(keys)  # of this root key
    _put(folder / "root.pub", key_folder.root_modulus(keys))
    _put(folder / "keys", (keys / "keys").read_bytes())
    for file in sorted((keys / "nodes").glob("*.key")):
        put_node(folder, file.stem, key_folder.device_key(keys, file.stem))


def put_node(folder: Path, node: str, key: bytes) -> None:
    """Let the collector know a device key."""
    nodes = folder / "nodes"
    nodes.mkdir(mode=0o700, parents=True, exist_ok=True)
    _put(nodes / ".gitignore", b"*\n")
    _put(nodes / f"{node}.key", f"{key.hex()}\n".encode(), 0o600)


def copy(folder: Path, other: Path, release: Release) -> None:
    """Add a release of `folder` to another folder, without the signed lists that make it."""
    for each in release.components:
        for name in ("objects", "sources"):
            (other / name).mkdir(parents=True, exist_ok=True)
            path = Path(name) / _address(each)
            if (folder / path).is_file():
                shutil.copyfile(folder / path, other / path)
    (other / str(release.seq)).mkdir()
    shutil.copyfile(folder / f"{release.seq}/set", other / f"{release.seq}/set")


def _put(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace a file in one step, if it is another one."""
    if path.is_file() and path.read_bytes() == data:
        return
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
        stream.write(data)
    new.replace(path)
