"""A folder of releases as `./dev release` writes it, with signatures that nobody has made."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from pathlib import Path

KEY = bytes(range(32))


def address(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()[:6]).decode()


def envelope(seq: int, base: int, size: int = 700) -> bytes:
    body = f"set 1\nseq {seq}\nbase {base}\n".encode().ljust(size, b".")
    return b"PYU1\x01" + len(body).to_bytes(2, "big") + body + bytes(384)


def key_file(version: int) -> bytes:
    return b"PYK1" + version.to_bytes(2, "big") + b"\x01\x01" + bytes(384 + 384)


class Folder:
    def __init__(self, path: Path, *nodes: str) -> None:
        self.path = path
        for name in ("objects", "nodes"):
            (path / name).mkdir(parents=True)
        for node in nodes:
            (path / "nodes" / f"{node}.key").write_text(KEY.hex() + "\n", encoding="ascii")

    def release(self, seq: int, *bases: int) -> None:
        folder = self.path / str(seq)
        folder.mkdir()
        (folder / "set").write_text(f"set 1\nseq {seq}\n", encoding="ascii")
        for base in bases:
            self.replace(folder / f"from-{base}", envelope(seq, base))

    def add(self, data: bytes) -> str:
        self.replace(self.path / "objects" / address(data), data)
        return address(data)

    def roll_out(self, text: str) -> None:
        self.replace(self.path / "rollout.toml", text.encode())

    def keys(self, version: int) -> bytes:
        self.replace(self.path / "keys", key_file(version))
        return key_file(version)

    def replace(self, path: Path, data: bytes) -> None:
        part = path.with_name(path.name + ".part")
        part.write_bytes(data)
        os.replace(part, path)


def ask(
    node: str, kind: int = 1, running: int = 6, wanted: int = 7, keys: int = 1,
    nonce: bytes = b"nonce of 12b",
) -> bytes:  # fmt: skip
    numbers = running.to_bytes(3, "big") + wanted.to_bytes(3, "big") + keys.to_bytes(2, "big")
    return bytes((1, kind)) + numbers + nonce + node.encode()


def answer(
    node: str, kind: int, seq: int, content: bytes = b"", nonce: bytes = b"nonce of 12b",
    key: bytes = KEY,
) -> bytes:  # fmt: skip
    """What a server has to answer, as the format is written down."""
    digest = hashlib.sha256(content).digest() if content else bytes(32)
    body = seq.to_bytes(3, "big") + len(content).to_bytes(2, "big") + digest
    said = b"pyu1" + bytes((kind, len(node))) + node.encode() + nonce + body
    return bytes((kind,)) + body + hmac.new(key, said, hashlib.sha256).digest()
