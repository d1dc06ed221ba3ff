"""What a node gets before its first update: a release in a slot, keys, and its state in NVS.

given = provision.of_release(Path("releases"), Path("keys"), "field-7", "a")
given.files, given.nvs                    # below /flash; in the order in which it is written
provision.emulated(flash, board, given)   # an emulated board has it
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.release import keys as key_folder
from devkit.release import store
from devkit.release.format import set_file, set_list
from devkit.release.sets import Release
from emulator.board.board import Board
from emulator.device_files import CREDENTIALS, FIXED, flash_files

_CONFIRMED, _SLOT_B = 1 << 28, 1 << 27  # bits of "ota" in NVS (ota/_word.py)


@dataclass(frozen=True)
class Provision:
    """files: path below /flash -> content. nvs: the last pair makes the slot the one that runs."""

    seq: int
    files: dict[str, bytes]
    nvs: tuple[tuple[str, int | str], ...]


def name_of(unique_id: bytes) -> str:
    """The name that a board without _DEVICE_NAME has in its reports (utils/names.py)."""
    turned = int.from_bytes(unique_id, "big") << 2
    turned = (turned | turned >> 48) & 0xFFFFFFFFFFFF
    return base64.urlsafe_b64encode(turned.to_bytes(6, "big")).decode()


def of_release(releases: Path, keys: Path, node: str, slot: str) -> Provision:
    """The newest release, for a node that has a device key in `keys`.

    Raises StoreTrouble, KeyTrouble.
    """
    return _of_release(releases, keys, key_folder.device_key(keys, node), slot)


def for_new_node(releases: Path, keys: Path, slot: str) -> Provision:
    """As `of_release`, for a rehearsal with a node that has no device key yet: it gets none here.

    Raises StoreTrouble, KeyTrouble.
    """
    store.check_root(releases, keys)
    return _of_release(releases, keys, bytes(32), slot)


def _of_release(releases: Path, keys: Path, device_key: bytes, slot: str) -> Provision:
    key_folder.read_key_file(keys)  # of this root key
    files = key_folder.root_modulus(keys), (keys / "keys").read_bytes()
    release = store.read(releases, _newest(releases, keys))
    return made(releases, release, files, device_key, slot)


def made(
    releases: Path, release: Release, keys: tuple[bytes, bytes], device_key: bytes, slot: str
) -> Provision:
    """keys: modulus of the root key, and the key file. Raises StoreTrouble."""
    files = {f"{slot}/{each.path}": store.content(releases, each) for each in release.components}
    listed = set_list(release.seq, release.sec, release.trial, release.components)
    files[f"{slot}/set"] = set_file(listed, device_key)
    files["keys/root"], files["keys/release"] = keys
    seq = release.seq
    word = _CONFIRMED | (_SLOT_B if slot == "b" else 0) | seq
    none = (("ota_bad", 0), ("ota_failed", 0))  # whatever the board has rejected before
    numbers = (*none, ("ota_floor", seq), ("ota_sec", release.sec), ("ota", word))
    return Provision(seq, files, (("ota_key", device_key.hex()), *numbers))


def has_key(keys: Path, node: str) -> bool:
    return (keys / "nodes" / f"{node}.key").is_file()


def node_key(releases: Path, keys: Path, node: str) -> bool:
    """Have a device key for this node, also where the collector looks. True if it is a new one."""
    _newest(releases, keys)
    is_new = not has_key(keys, node)
    if is_new:
        key_folder.add_node(keys, node)
    store.write_keys(releases, keys)
    return is_new


def _newest(releases: Path, keys: Path) -> int:
    found = store.numbers(releases)
    if not found:
        made = f"./dev release --keys {keys} --out {releases}"
        raise store.StoreTrouble(f"there is no release in {releases}; allowed: {made}")
    return found[-1]


def emulated(flash: Path, board: Board, given: Provision) -> None:
    """Make an emulated board one with slots: its flash, which is empty, and its NVS."""
    files = {path.as_posix(): file for path, file in flash_files().items()}
    content = {name: files[name].read_bytes() for name in (*FIXED, "config.py", CREDENTIALS)
               if name in files}  # fmt: skip
    for path, data in (content | given.files).items():
        (flash / path).parent.mkdir(parents=True, exist_ok=True)
        (flash / path).write_bytes(data)
    nvs: Any = board.services["nvs"]
    for key, value in given.nvs:
        nvs.put(key, value)
