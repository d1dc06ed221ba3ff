"""The releases in a folder, as `./dev release` writes them, and the roll-out of the newest.

    releases = Releases(Path("RELEASES"), report)
    envelope = releases.target("kCsQxGOU", 6)       # of the newest for a node that runs release 6
    envelope.seq, envelope.content.digest
    releases.content("rE4XwvGb")                    # Content of an address, or None

    RELEASES/7/from-6        envelope of release 7 for a node that runs release 6
    RELEASES/objects/ADDRESS content of a component
    RELEASES/keys            key file
    RELEASES/nodes/ID.key    device key, 64 hex digits
    RELEASES/rollout.toml    share = 100, stop_above = 0.1

An address is the first 6 bytes of the SHA-256 of a content, in URL-safe base64. The folder may
change at any time: it is looked at again after a second. Paths are never made of what a stranger
sends: nodes are found by the names of the files that are there, addresses have 8 characters.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

SEQ_MAX = 262_143
CONTENT_MAX = 65_536
OBJECTS_MAX = 64  # in memory
REREAD_S = 1.0
LOOKED_AT = 8  # newest releases, file by file
_SEQ = re.compile(r"[1-9][0-9]{0,5}")
_ADDRESS = re.compile(r"[A-Za-z0-9_-]{8}")
_KEY = re.compile(r"[0-9a-fA-F]{64}")
_KEY_FILE_MAGIC = b"PYK1"  # then the version in 2 bytes
_ENVELOPE_MAGIC, _HEAD, _SIGNATURE = b"PYU1", 7, 384  # bytes
ENVELOPE_MAX = 65_535  # bytes: its length has 2 of an answer; nodes take less

Report = Callable[[str, bool], None]  # (text, whether it is good news)


@dataclass(frozen=True)
class Content:
    data: bytes
    digest: bytes  # SHA-256

    @classmethod
    def of(cls, data: bytes) -> Content:
        return cls(data, hashlib.sha256(data).digest())

    @property
    def address(self) -> str:
        return base64.urlsafe_b64encode(self.digest[:6]).decode()


@dataclass(frozen=True)
class Envelope:
    seq: int
    content: Content


@dataclass(frozen=True)
class Rollout:
    share: float = 100.0  # percent of the nodes that get offers
    stop_above: float = 0.1  # share of those that rejected it, of those that tried

    def includes(self, node: str, seq: int) -> bool:
        """Return whether a node belongs to the share. A larger share includes a smaller one."""
        drawn = hashlib.sha256(f"{seq} {node}".encode()).digest()
        return int.from_bytes(drawn[:4], "big") < self.share / 100 * 2**32


@dataclass
class _Folder:
    """What is there at one time."""

    envelopes: dict[int, dict[int, Envelope]] = field(default_factory=dict)  # base, then seq
    seqs: set[int] = field(default_factory=set)
    nodes: dict[str, Path] = field(default_factory=dict)
    key_file: Content | None = None
    rollout: Rollout | None = None  # None: it cannot be read
    problem: str = ""  # why
    own: dict[str, Content] = field(default_factory=dict)  # envelopes and key file, by address
    objects: dict[str, Content] = field(default_factory=dict)  # the last asked for


class Releases:
    """Safe to use from several threads."""

    def __init__(self, path: Path, report: Report = lambda text, ok: None) -> None:
        """report: told what is offered, or why nothing is, whenever that changes."""
        self._path, self._report = path, report
        self._lock = threading.Lock()
        self._folder = _Folder()
        self._looked_s = float("-inf")
        self._seen: object = None  # what the folder looked like
        self._told = ""
        self.offers = ""  # text, for people

    def is_one(self) -> bool:
        """Return whether `./dev release` wrote the folder: it has a release, or a key file and no
        private key."""
        has_keys = (self._path / "keys").is_file() and not any(self._path.glob("*.pem"))
        return has_keys or bool(self._releases())

    def look(self) -> None:
        """Report what is offered, if it has changed. Call it each second: no node may ask."""
        folder = self._current()
        newest = max((seq for fits in folder.envelopes.values() for seq in fits), default=None)
        text = folder.problem or "offers nothing: no release has an envelope yet"
        if folder.rollout and newest:
            text = f"offers release {newest} to {folder.rollout.share:g} % of the nodes"
        if text != self._told:
            self._told, self.offers = text, "" if folder.problem else text
            self._report(text, not folder.problem)

    def target(self, node: str, running: int) -> Envelope | None:
        """Return the newest release for a node that runs `running`; None if it gets none now."""
        folder = self._current()
        fits = folder.envelopes.get(running, {})
        seq = max(fits, default=0)
        if seq <= running or node not in folder.nodes or folder.rollout is None:
            return None
        return fits[seq] if folder.rollout.includes(node, seq) else None

    def has(self, seq: int) -> bool:
        return seq in self._current().seqs

    @property
    def stop_above(self) -> float:
        rollout = self._current().rollout
        return rollout.stop_above if rollout else 0.0

    @property
    def key_file(self) -> Content | None:
        return self._current().key_file

    @property
    def key_version(self) -> int:
        found = self.key_file
        return int.from_bytes(found.data[4:6], "big") if found else 0

    def device_key(self, node: str) -> bytes | None:
        path = self._current().nodes.get(node)
        text = _read(path, 100).decode("ascii", "replace").strip() if path else ""
        return bytes.fromhex(text) if _KEY.fullmatch(text) else None

    def content(self, address: str) -> Content | None:
        if not _ADDRESS.fullmatch(address):
            return None
        folder = self._current()
        found = folder.own.get(address) or folder.objects.get(address)
        if found is None:
            found = Content.of(_read(self._path / "objects" / address, CONTENT_MAX))
            if found.address != address:  # damaged, or not there
                return None
            if len(folder.objects) >= OBJECTS_MAX:
                folder.objects.clear()
            folder.objects[address] = found
        return found

    # The folder

    def _current(self) -> _Folder:
        with self._lock:
            if time.monotonic() - self._looked_s >= REREAD_S:
                self._looked_s = time.monotonic()
                seen = self._look()
                if seen != self._seen:
                    self._seen, self._folder = seen, self._read_folder()
            return self._folder

    def _look(self) -> object:
        """Return what changes when a file of the folder does."""
        paths = [self._path / name for name in ("nodes", "keys", "rollout.toml")]
        found = self._releases()  # older ones get files, or lose them, and no other content
        paths += found + self._envelopes(found[-LOOKED_AT:])
        return [(path, _stat(path)) for path in paths]

    def _releases(self) -> list[Path]:
        found = [path for path in self._path.glob("[1-9]*") if _SEQ.fullmatch(path.name)]
        found = [path for path in found if int(path.name) <= SEQ_MAX]
        return sorted(found, key=lambda path: int(path.name))

    @staticmethod
    def _envelopes(found: list[Path]) -> list[Path]:
        return [each for path in found for each in sorted(path.glob("from-[1-9]*"))]

    def _read_folder(self) -> _Folder:
        found = self._releases()
        folder = _Folder(seqs={int(path.name) for path in found})
        for path in self._envelopes(found):
            seq, base = int(path.parent.name), path.name.removeprefix("from-")
            data = _read(path, ENVELOPE_MAX)
            if _is_envelope(data) and _SEQ.fullmatch(base):  # else it is being written
                content = Content.of(data)
                folder.envelopes.setdefault(int(base), {})[seq] = Envelope(seq, content)
                folder.own[content.address] = content
        folder.nodes = {path.stem: path for path in (self._path / "nodes").glob("*.key")}
        keys = _read(self._path / "keys", CONTENT_MAX)
        if keys.startswith(_KEY_FILE_MAGIC):
            folder.key_file = Content.of(keys)
            folder.own[folder.key_file.address] = folder.key_file
        folder.rollout, folder.problem = self._read_rollout()
        return folder

    def _read_rollout(self) -> tuple[Rollout | None, str]:
        """Return the roll-out, and what is wrong with it."""
        if sys.version_info >= (3, 11):
            import tomllib
        else:  # a package that a collector without releases does not need
            import tomli as tomllib
        path = self._path / "rollout.toml"
        try:
            return _rollout(tomllib.loads(path.read_text(encoding="utf-8"))), ""
        except FileNotFoundError:
            return Rollout(), ""
        except (OSError, ValueError) as wrong:  # tomllib's own is a ValueError, too
            return None, f"{path}: {wrong}; nothing is offered"


def _is_envelope(data: bytes) -> bool:
    """Return whether it is whole: magic, key number, length of the body, body, signature."""
    whole = len(data) == _HEAD + int.from_bytes(data[5:7], "big") + _SIGNATURE
    return whole and data.startswith(_ENVELOPE_MAGIC)


def _rollout(table: dict[str, object]) -> Rollout:
    for name, value in table.items():
        most = {"share": 100, "stop_above": 1}.get(name)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if most is None or not is_number or not 0 <= value <= most:  # type: ignore[operator]
            allowed = "share = 0 to 100, stop_above = 0 to 1"
            raise ValueError(f"{name} = {value}; allowed: {allowed}")
    return Rollout(**table)  # type: ignore[arg-type]


def _stat(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _read(path: Path, most: int) -> bytes:
    """Return the content of a file; b"" if it is longer or cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError:
        return b""
    return data if len(data) <= most else b""
