"""The folder of keys: made by ./dev keys, read by ./dev release and ./dev deploy.

    DIR/root.pem         the root key, which signs key files only
    DIR/root.pub         its modulus, for the boards
    DIR/release-1.pem    release keys; the number is the kid
    DIR/keys             the key file: which release keys count
    DIR/nodes/ID.key     the device key of a node, 64 hex digits

All but `root.pub` and `keys` are secret: readable by their owner only. Nothing is overwritten.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from devkit.release.format import KEY_BYTES, key_file, modulus

EXPONENT = 65537
MOST_KEYS = 2
MOST_KID = 255
MOST_VERSION = 0xFFFF
NODE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
NODE_ID_ALLOWED = "1 to 63 letters, digits, '_', '-' and '.', a letter or digit first"


class KeyTrouble(Exception):
    """One line that says what is wrong with the folder."""


def is_vetted(found: bytes) -> bool:
    """Whether MicroPython 1.11 divides every number by this modulus correctly (ota/_rsa.py)."""
    digits = [found[at : at + 2] for at in range(0, len(found), 2)]
    return len(found) == KEY_BYTES and bool(found[0] & 0x80) and b"\xff\xff" not in digits


def rsa_key() -> RSAPrivateKey:
    """A new RSA-3072 key with a vetted modulus: one in 300 is thrown away."""
    while True:
        key = generate_private_key(EXPONENT, 8 * KEY_BYTES)
        if is_vetted(modulus(key)):
            return key


def create(folder: Path) -> list[Path]:
    """Make the folder with a root key, a release key and the key file; what was written."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise KeyTrouble(f"{folder}: is there already; allowed: a new or an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / ".gitignore").write_text("*\n", encoding="ascii")
    root, release = rsa_key(), rsa_key()
    return [
        _private(folder / "root.pem", _pem(root)),
        _private(folder / "root.pub", modulus(root), 0o644),
        _private(folder / "release-1.pem", _pem(release)),
        _private(folder / "keys", key_file(1, {1: modulus(release)}, root), 0o644),
    ]


def _pem(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _private(file: Path, content: bytes, mode: int = 0o600) -> Path:
    """Write a new file with these permissions from the first byte on."""
    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(opened, "wb") as stream:
        stream.write(content)
    return file
