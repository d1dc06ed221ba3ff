"""The folder of keys: written by ./dev keys, read by ./dev release and ./dev deploy.

    DIR/root.pem         root key: signs key files only
    DIR/root.pub         its modulus, 384 bytes, for the boards
    DIR/release-1.pem    release key; the number is its kid
    DIR/keys             key file: the release keys that count
    DIR/nodes/ID.key     device key of a node, 64 hex digits

All but root.pub and keys are secret, and readable by their owner only. A file of a key is never
overwritten. `KeyTrouble` says in one line what is wrong with the folder.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicNumbers,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256

from devkit.release.format import KEY_BYTES, key_file, modulus

EXPONENT = 65537
MOST_KEYS = 2  # in a key file
MOST_KID = 255
MOST_VERSION = 0xFFFF
_SECRET = 0o600
_PUBLIC = 0o644
_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
NODE_ALLOWED = "1 to 63 letters, digits, '_', '-' and '.', a letter or digit first"
_PEM = re.compile(r"release-([1-9]\d{0,2})\.pem")


class KeyTrouble(Exception):
    pass


class KeyFile(NamedTuple):
    version: int
    moduli: dict[int, bytes]  # by kid, the newest one last


def is_vetted(found: bytes) -> bool:
    """Whether MicroPython 1.11 divides every number correctly by this modulus (ota/_rsa.py)."""
    digits = [found[at : at + 2] for at in range(0, len(found), 2)]
    return len(found) == KEY_BYTES and found[0] >= 0x80 and b"\xff\xff" not in digits


def rsa_key() -> RSAPrivateKey:
    """Make an RSA-3072 key with a vetted modulus: one in 300 is thrown away."""
    while True:
        key = generate_private_key(EXPONENT, 8 * KEY_BYTES)
        if is_vetted(modulus(key)):
            return key


def is_node(node: str) -> bool:
    """Whether this can be the id of a node: it is the name of a file here."""
    return bool(_NODE.fullmatch(node))


# writing


def create(folder: Path) -> list[Path]:
    """Make root key, release key and key file in a new folder. Returns what was written."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise KeyTrouble(f"{folder}: is there already; allowed: a new or an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    _write(folder / ".gitignore", b"*\n", _PUBLIC)
    root, release = rsa_key(), rsa_key()
    return [
        _write(folder / "root.pem", _pem(root), _SECRET),
        _write(folder / "root.pub", modulus(root), _PUBLIC),
        _write(folder / "release-1.pem", _pem(release), _SECRET),
        _write(folder / "keys", key_file(1, {1: modulus(release)}, root), _PUBLIC),
    ]


def add_node(folder: Path, node: str) -> Path:
    """Make the device key of a node. Returns its file."""
    if not is_node(node):
        raise KeyTrouble(f"node id {node!r}; allowed: {NODE_ALLOWED}")
    read_key_file(folder)  # this is a folder of keys
    nodes = folder / "nodes"
    nodes.mkdir(mode=0o700, exist_ok=True)
    return _write(nodes / f"{node}.key", f"{secrets.token_hex(32)}\n".encode(), _SECRET)


def rotate(folder: Path, *, retire: bool = False) -> tuple[Path, KeyFile]:
    """Make a release key and a key file of the next version; (file of the key, the key file).

    The key file names the new key and the one before it. With `retire` it names the new one alone,
    and nodes refuse what any earlier key has signed.
    """
    root, before = _root(folder), read_key_file(folder)
    kid = max([*before.moduli, *(kid for kid, _ in _releases(folder))]) + 1
    if kid > MOST_KID or before.version == MOST_VERSION:
        raise KeyTrouble(f"{folder}: no number is left for another key; allowed: 255 keys")
    key = rsa_key()
    kept = {} if retire else dict(list(before.moduli.items())[1 - MOST_KEYS :])
    now = KeyFile(before.version + 1, {**kept, kid: modulus(key)})
    made = _write(folder / f"release-{kid}.pem", _pem(key), _SECRET)
    next_file = folder / "keys.new"
    next_file.unlink(missing_ok=True)  # of a run that was interrupted
    _write(next_file, key_file(now.version, now.moduli, root), _PUBLIC)
    next_file.replace(folder / "keys")
    return made, now


def _write(file: Path, content: bytes, mode: int) -> Path:
    """Write a file that must not be there. It has its permissions from the first byte on."""
    try:
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise KeyTrouble(f"{file}: is there already, and no key is overwritten") from None
    with os.fdopen(opened, "wb") as stream:
        stream.write(content)
    return file


def _pem(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


# reading


def read_key_file(folder: Path) -> KeyFile:
    """Read DIR/keys, and check its signature by DIR/root.pub."""
    data = _read(folder / "keys")
    root = RSAPublicNumbers(EXPONENT, int.from_bytes(root_modulus(folder), "big")).public_key()
    signed, signature = data[:-KEY_BYTES], data[-KEY_BYTES:]
    count = data[6] if len(data) > 6 else 0
    try:
        root.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        count = 0
    if not count:
        raise KeyTrouble(f"{folder / 'keys'}: is no key file of this root key")
    keys = [signed[7 + at * (1 + KEY_BYTES) :][: 1 + KEY_BYTES] for at in range(count)]
    return KeyFile(int.from_bytes(data[4:6], "big"), {key[0]: key[1:] for key in keys})


def check_private(folder: Path) -> None:
    """KeyTrouble for a folder without any private key, such as that of the releases."""
    read_key_file(folder)
    if not any(folder.glob("*.pem")):
        raise KeyTrouble(f"{folder}: no private key in it; allowed: a folder of ./dev keys new")


def exposed(folder: Path) -> str | None:
    """What is wrong if others than the owner can read private keys here, in a line.

    No reason to stop: on a memory stick with FAT, which has no modes, nothing can be done.
    """
    files = sorted([*folder.glob("*.pem"), *folder.glob("nodes/*.key")])
    wide = [file for file in files if stat.S_IMODE(file.stat().st_mode) & ~_SECRET]
    if not wide:
        return None
    mode, more = stat.S_IMODE(wide[0].stat().st_mode), len(wide) - 1
    others = f", and {more} more" if more else ""
    return f"warning: {wide[0]}{others}: mode {mode:03o}; allowed: {_SECRET:o}, only the owner"


def root_modulus(folder: Path) -> bytes:
    """The modulus of the root key, 384 bytes."""
    return _vetted(_read(folder / "root.pub"), folder / "root.pub")


def device_key(folder: Path, node: str) -> bytes:
    """The 32 bytes of a node's key."""
    file = folder / "nodes" / f"{node}.key"
    if not is_node(node) or not file.is_file():
        raise KeyTrouble(f"{file}: not there; allowed: ./dev keys node {folder} {node}")
    text = _read(file).decode("ascii", "replace").strip()
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise KeyTrouble(f"{file}: is no device key; allowed: 64 hex digits")
    return bytes.fromhex(text)


def newest(folder: Path) -> tuple[int, RSAPrivateKey]:
    """(kid, key) of the release key that signs: the last one of the key file."""
    kid, expected = list(read_key_file(folder).moduli.items())[-1]
    file = folder / f"release-{kid}.pem"
    key = _key(file)
    if modulus(key) != expected:
        raise KeyTrouble(f"{file}: is not key {kid} of {folder / 'keys'}")
    return kid, key


def _root(folder: Path) -> RSAPrivateKey:
    key = _key(folder / "root.pem")
    if modulus(key) != root_modulus(folder):
        raise KeyTrouble(f"{folder / 'root.pem'}: root.pub is that of another key")
    return key


def _releases(folder: Path) -> list[tuple[int, Path]]:
    found = [(_PEM.fullmatch(path.name), path) for path in folder.iterdir()]
    return [(int(match[1]), path) for match, path in found if match]


def _key(file: Path) -> RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(_read(file), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyTrouble(f"{file}: is no private key; allowed: what ./dev keys made") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size != 8 * KEY_BYTES:
        raise KeyTrouble(f"{file}: is no RSA key of {8 * KEY_BYTES} bits")
    _vetted(modulus(key), file)
    return key


def _vetted(found: bytes, file: Path) -> bytes:
    if not is_vetted(found):
        raise KeyTrouble(f"{file}: boards refuse this modulus; allowed: what ./dev keys made")
    return found


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise KeyTrouble(f"{file}: not there; allowed: a folder made by ./dev keys new") from None
