"""The space of the flash: which names there are, how much room, what operations cost, what fails.

Both file systems work in sectors of 4096 bytes, each erased and programmed as a whole. LittleFS
keeps a folder as a pair of sectors and a file of up to 512 bytes in that of its folder; each step
is one new copy of the folder's sector. FAT writes its table and the folder's sector in place.

What a power cut or a reset during an operation leaves:

- LittleFS: the state before the step, always.
- FAT, as measured on the firmware's driver (an overwrite, 96 of 120 cuts that did not make the
  whole flash unreadable): a file of length 0 in 66, none in 24, half of the new content else.
  A rename over a file: that file is gone, the other still there.

Nothing outside the folder can be reached, neither by ".." nor by a symbolic link.
Source: Pycom firmware 1.20.2.r4, esp32/mods/moduos.c, extmod/vfs_fat*.c, esp32/littlefs/;
latencies: docs/emulation.md.
"""

from __future__ import annotations

import os
import posixpath
from collections import Counter
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
SECTOR_US = ERASE_US + BLOCK_BYTES // PAGE_BYTES * PAGE_US
# Sectors written for what the file system knows of its files, by step. Replacing a file of 5 KB by
# a new one and a rename erases 9 sectors on FAT and 5 on LittleFS, which is what was measured.
# FAT writes its table only where a file takes another cluster, and all of it in place; LittleFS
# writes the two sectors of a folder in turn, and data to sectors that were free.
UPDATES: dict[int, dict[str, dict[str, int]]] = {
    FAT: {
        "create": {"folder": 1, "table": 1},
        "commit": {"folder": 1, "table": 1},
        "remove": {"folder": 1, "table": 1},
        "rename": {"folder": 1},
        "mkdir": {"folder": 2, "table": 1},
    },
    LITTLEFS: {
        "create": {"folder": 1},
        "commit": {"folder": 1},
        "remove": {"folder": 1},
        "rename": {"folder": 1},
        "mkdir": {"folder": 3},
    },
}
INLINE_BYTES = 512  # LittleFS: what fits into an eighth of a block stays with its name
FORMAT_SECTORS = {FAT: 4, LITTLEFS: 2}
# Blocks of a folder, and of the root (FAT: boot sector, two copies of the table, root)
FOLDER_BLOCKS = {FAT: 1, LITTLEFS: 2}
ROOT_BLOCKS = {FAT: 4, LITTLEFS: 2}
CUT_ON_FAT = {"empty": 66, "lost": 24, "torn": 6}

NAME_LIMIT = {FAT: 128, LITTLEFS: 1022}
SIZE_BYTES = 4 * 1024 * 1024  # boards with 8 MB of flash


class FlashSpace(Service):
    mount = "/flash"

    def __init__(
        self, board: Board, root: Path, fs_type: int = LITTLEFS, size_bytes: int = SIZE_BYTES
    ) -> None:
        super().__init__(board)
        if fs_type not in UPDATES:
            raise ValueError(f"fs_type = {fs_type!r}; allowed: {FAT} (FAT), {LITTLEFS} (LittleFS)")
        self.fs_type = fs_type
        self.size_bytes = size_bytes
        # sectors erased since power-on: (area, folder or file) -> number; the area is "data",
        # "folder", "table" (of FAT) or "format"
        self.worn: Counter[tuple[str, str]] = Counter()
        self._random = board.rng("flash.cut")
        self.written_s: dict[Path, int] = {}  # when the board wrote a file, by its own clock
        self.cwd = "/flash"
        self.root = root.resolve()
        self._root = str(self.root)

    # names

    def absolute(self, path: str) -> str:
        """Path on the device, without "." and "..", which cannot leave the root."""
        return posixpath.normpath(posixpath.join(self.cwd, path)).replace("//", "/")

    def host_path(self, path: str) -> Path | None:
        """The host's file behind a path of the device, existing or not; None: no such place."""
        host = self._place(path)
        return None if host is None or self.leads_out(host) else Path(host)

    def _place(self, path: str) -> str | None:
        full = self.absolute(path)
        if full != self.mount and not full.startswith(self.mount + "/"):
            return None
        return None if "\0" in full else self._root + full[len(self.mount) :]

    def leads_out(self, place: str) -> bool:
        """Whether a symbolic link below the root leads out of it. Most paths have no link, and
        resolving each of them would take most of the time of an import."""
        above = place
        while len(above) > len(self._root):
            if os.path.islink(above):
                resolved = Path(place).resolve()
                return resolved != self.root and self.root not in resolved.parents
            above = os.path.dirname(above)
        return False

    def import_place(self, path: str) -> str | None:
        """Where host_path looks, for imports: on LittleFS the working directory does not matter to
        them. What is there may lead out of the flash."""
        return self._place(posixpath.join("/flash", path) if self.fs_type == LITTLEFS else path)

    def import_path(self, path: str) -> str | None:
        """As host_path, for imports; None as well if no file is there."""
        host = self.import_place(path)
        return None if host is None or not os.path.isfile(host) or self.leads_out(host) else host

    def place(self, path: str) -> Path:
        """As host_path; OSError for a place that is on no mounted file system."""
        host = self.host_path(path)
        if host is None:
            inside = self.absolute(path).startswith(self.mount)
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
        folder_bytes = FOLDER_BLOCKS[self.fs_type] * BLOCK_BYTES
        used = ROOT_BLOCKS[self.fs_type] * BLOCK_BYTES
        for path in self.root.rglob("*"):
            used += folder_bytes if path.is_dir() else self._taken(path.stat().st_size)
        return used

    def free_bytes(self) -> int:
        return max(0, self.size_bytes - self.used_bytes())

    def need(self, old_size: int, new_size: int) -> None:
        """OSError(28) unless a file can grow from one size to the other."""
        growth = self._taken(new_size) - self._taken(old_size)
        if growth > 0 and growth > self.free_bytes():
            raise OSError(ENOSPC)

    def _taken(self, size: int) -> int:
        """Bytes that a file of this size takes away: whole blocks; on LittleFS at least one, as a
        pair of a folder that is full of small files is split."""
        least = 0 if self.fs_type == FAT else 1
        return max(least, -(-size // BLOCK_BYTES)) * BLOCK_BYTES

    # faults and time

    @contextmanager
    def operation(self, subject: str) -> Iterator[str]:
        """Around one operation: strikes faults and traces it. Yields what a cut during it is to
        leave: "" for an operation that is carried out, else "old", "torn", "empty" or "lost"."""
        end = None
        for fault in self.board.faults.due("file", subject):
            if fault.do == "full":
                raise OSError(ENOSPC)
            if fault.do == "fail":
                raise OSError(fault.keys().errno)
            end = fault
        when = end.keys().when if end is not None else ""
        if end is not None and when == "before":
            self.board.break_off(end)
        yield self._left(end.keys().left) if end is not None and when == "during" else ""
        self.board.trace.add("file", subject)
        if end is not None:
            self.board.break_off(end)

    def _left(self, wanted: str) -> str:
        if self.fs_type == LITTLEFS:
            return "old"
        return wanted or self._random.choices(list(CUT_ON_FAT), list(CUT_ON_FAT.values()))[0]

    @property
    def erases(self) -> int:
        """Sectors erased since power-on."""
        return self.worn.total()

    def spend_update(self, step: str, host: Path, table: bool = True) -> None:
        """Time for what the file system notes of a step. table: FAT's, where it changes."""
        folder = host.parent.as_posix()[len(self._root) :]
        for area, count in UPDATES[self.fs_type][step].items():
            if area == "folder":
                self.spend_sectors(count, area, folder)
            elif table:
                self.spend_sectors(count, area)

    def spend_write(self, host: Path, first: int, old_size: int, new_size: int) -> None:
        """Time for the content of a file that has changed from `first` on, and for what is noted
        of it. A sector that is changed in part is written whole: on FAT in place, on LittleFS as a
        copy."""
        inline = self.fs_type == LITTLEFS and new_size <= INLINE_BYTES
        if not inline and new_size > first:
            sectors = (new_size - 1) // BLOCK_BYTES - first // BLOCK_BYTES + 1
            self.spend_sectors(sectors, "data", host.as_posix()[len(self._root) :])
        self.spend_update("commit", host, self._taken(old_size) != self._taken(new_size))

    def spend_sectors(self, count: int, area: str, place: str = "") -> None:
        self.worn[area, place] += count
        self.board.spend_us(count * SECTOR_US)

    def shown(self, path: str) -> str:
        """Path relative to /flash, as traces and fault subjects have it."""
        full = self.absolute(path)
        return full[len("/flash/") :] if full.startswith("/flash/") else full
