"""The space of the flash: which names there are, how much room, what operations cost, what fails.

Nothing outside the folder can be reached, neither by ".." nor by a symbolic link.
Source: Pycom firmware 1.20.2.r4, esp32/mods/moduos.c, extmod/vfs_fat*.c, esp32/littlefs/;
latencies: docs/emulation.md.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EINVAL, ENODEV, ENOENT, ENOSPC
from pathlib import Path

from emulator.board.board import Board, Service
from emulator.board.constants import DATA_SHEET, ESTIMATE, constant

FAT, LITTLEFS = 0, 1
BLOCK_BYTES = 4096
PAGE_BYTES = 256
ENOTEMPTY = 90  # the number that the board has for it

# finding a name
LOOKUP_US = constant(1_000, "us", ESTIMATE, "no source found")
# one 4 KiB sector
ERASE_US = constant(45_000, "us", DATA_SHEET, "W25Q64JV, typical; an erase takes 400 ms at most")
# programming 256 bytes
PAGE_US = constant(600, "us", DATA_SHEET, "W25Q64JV, typical; an erase takes 400 ms at most")
# Updating what the file system knows about a file: FAT writes its table and the directory sector,
# LittleFS programs a page of a metadata pair.
UPDATE_US = {FAT: 2 * ERASE_US, LITTLEFS: 2 * PAGE_US}

EPOCH_2000_S = 946_684_800
NAME_LIMIT = {FAT: 128, LITTLEFS: 1022}
SIZE_BYTES = 4 * 1024 * 1024  # boards with 8 MB of flash


class FlashSpace(Service):
    def __init__(
        self, board: Board, root: Path, fs_type: int = FAT, size_bytes: int = SIZE_BYTES
    ) -> None:
        super().__init__(board)
        if fs_type not in UPDATE_US:
            raise ValueError(f"fs_type = {fs_type!r}; allowed: {FAT} (FAT), {LITTLEFS} (LittleFS)")
        self.fs_type = fs_type
        self.size_bytes = size_bytes
        self.cwd = "/flash"
        self.root = root.resolve()
        self._root = str(self.root)

    # names

    def absolute(self, path: str) -> str:
        """Path on the device, without "." and "..", which cannot leave the root."""
        return posixpath.normpath(posixpath.join(self.cwd, path)).replace("//", "/")

    def host_path(self, path: str) -> Path | None:
        """The host's file behind a path of the device, existing or not; None: no such place."""
        full = self.absolute(path)
        if full != "/flash" and not full.startswith("/flash/"):
            return None
        if "\0" in full:
            return None
        host = self._root + full[len("/flash") :]
        return None if self._leads_out(host) else Path(host)

    def _leads_out(self, place: str) -> bool:
        """Whether a symbolic link below the root leads out of it. Most paths have no link, and
        resolving each of them would take most of the time of an import."""
        above = place
        while len(above) > len(self._root):
            if os.path.islink(above):
                resolved = Path(place).resolve()
                return resolved != self.root and self.root not in resolved.parents
            above = os.path.dirname(above)
        return False

    def import_path(self, path: str) -> Path | None:
        """As host_path, for imports: on LittleFS the working directory does not matter to them."""
        if self.fs_type == LITTLEFS:
            path = posixpath.join("/flash", path)
        return self.host_path(path)

    def place(self, path: str) -> Path:
        """As host_path; OSError for a place that is on no mounted file system."""
        host = self.host_path(path)
        if host is None:
            inside = self.absolute(path).startswith("/flash")
            raise OSError(ENOENT if inside else ENODEV)
        if len(host.name) > NAME_LIMIT[self.fs_type]:
            raise OSError(EINVAL)
        return host

    def existing(self, path: str) -> Path:
        host = self.place(path)
        if not host.exists():
            raise OSError(ENOENT)
        return host

    # room

    def used_bytes(self) -> int:
        files = [path for path in self.root.rglob("*") if path.is_file()]
        return sum(self._taken(path.stat().st_size) for path in files)

    def free_bytes(self) -> int:
        return max(0, self.size_bytes - self.used_bytes())

    def need(self, old_size: int, new_size: int) -> None:
        """OSError(28) unless a file can grow from one size to the other."""
        growth = self._taken(new_size) - self._taken(old_size)
        if growth > 0 and growth > self.free_bytes():
            raise OSError(ENOSPC)

    def _taken(self, size: int) -> int:
        """Bytes that a file of this size takes away: whole blocks; on LittleFS at least one."""
        least = 0 if self.fs_type == FAT else 1
        return max(least, -(-size // BLOCK_BYTES)) * BLOCK_BYTES

    # faults and time

    @contextmanager
    def operation(self, subject: str) -> Iterator[str]:
        """Around one operation: strikes faults and traces it. Yields the instant of a power cut
        ("", "during", "after"); the operation acts on "during" where that means anything."""
        cut = ""
        for fault in self.board.faults.due("file", subject):
            if fault.do == "full":
                raise OSError(ENOSPC)
            if fault.do == "fail":
                raise OSError(fault.keys().errno)
            if fault.do == "power_cut":
                cut = fault.keys().when
        if cut == "before":
            self.board.cut_power()
        yield cut
        self.board.trace.add("file", subject)
        if cut:
            self.board.cut_power()

    def spend_update(self) -> None:
        self.board.spend_us(UPDATE_US[self.fs_type])

    def spend_write(self, size: int) -> None:
        """Time for `size` bytes of content, and for what the file system notes about them."""
        sectors = -(-size // BLOCK_BYTES)
        self.board.spend_us(sectors * ERASE_US + -(-size // PAGE_BYTES) * PAGE_US)
        self.spend_update()

    def shown(self, path: str) -> str:
        """Path relative to /flash, as traces and fault subjects have it."""
        full = self.absolute(path)
        return full[len("/flash/") :] if full.startswith("/flash/") else full
