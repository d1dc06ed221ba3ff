"""Service "sd": an SD card in its slot, a folder of the host; and the file systems of a board.

    slot.insert(Path("card"), size_mb)

`Files` is the flash with what is mounted beside it: a path below the mount point of a card is
handed to the card, which is FAT. A card that is taken out (fault point "time", do = "sd_out",
"sd_in") fails every access with OSError(5) from then on, also when it is in again, until it is
started and mounted anew. Sectors are not kept, and nobody formats the folder.
Source: Pycom firmware 1.20.2.r4, esp32/mods/pybsd.c, sd_diskio.c, extmod/vfs.c, vfs_fat.c.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import EINVAL, EIO, EPERM, EROFS
from pathlib import Path
from typing import Any

from emulator.board.board import Board, Service
from emulator.board.constants import ESTIMATE, constant
from emulator.board.flash import FAT, Flash
from emulator.board.flashfile import OpenFile
from emulator.board.flashspace import FlashSpace

FAILED = "the requested operation failed"
SECTOR_BYTES = 512
SECTORS_PER_MB = 2048
HANDLES = 1 << 16  # of a card's files

# the host and the card agree on what they are
START_US = constant(150_000, "us", ESTIMATE, "cards take up to 1 s; no source found")
# 4 KB through one data line, and what the card does with it
WRITE_US = constant(6_000, "us", ESTIMATE, "one line at 20 MHz, and the card; no source found")
READ_US = constant(300, "us", ESTIMATE, "a sector of 512 bytes; no source found")


class Card(Flash):
    """The FAT of a card while it is mounted."""

    def __init__(self, slot: Sd, mount: str, readonly: bool) -> None:
        assert slot.folder is not None
        FlashSpace.__init__(self, slot.board, slot.folder, FAT, slot.size_mb << 20)
        self.mount = mount
        self._slot, self._insertion, self._readonly = slot, slot.insertion, readonly
        self._files: dict[int, OpenFile] = {}
        self._last_handle = HANDLES
        self._fresh = False

    def check(self, writes: bool = False) -> None:
        """OSError where the card is not what was mounted any more."""
        if not self._slot.started or self._slot.insertion != self._insertion:
            raise OSError(EIO)
        if writes and self._readonly:
            raise OSError(EROFS)

    def spend_sectors(self, count: int, area: str, place: str = "") -> None:
        self.board.spend_us(count * WRITE_US)

    def do_format(self, path: str) -> None:
        raise RuntimeError(f"{self.root} is a folder of this computer: not erased for a board")


class Sd(Service):
    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.folder: Path | None = None
        self.size_mb = 0
        self.insertion = 0  # 0: no card; else which one
        self.started = False
        self._inserted = 0
        board.faults.on_time("sd_out", lambda fault: self._take_out())
        board.faults.on_time("sd_in", lambda fault: self._put_in())

    def insert(self, folder: Path, size_mb: int) -> None:
        self.folder, self.size_mb = folder.resolve(), size_mb
        self._put_in()

    def _put_in(self) -> None:
        if self.folder is not None and not self.insertion:
            self._inserted += 1
            self.insertion = self._inserted

    def _take_out(self) -> None:
        self.insertion = 0
        self.started = False

    def on_reset(self, cause: int) -> None:
        self.started = False

    def do_start(self) -> None:
        self.board.spend_us(START_US)
        self.started = bool(self.insertion)
        if not self.started:
            raise OSError(FAILED)

    def do_stop(self) -> None:
        self.started = False

    def do_sectors(self) -> int:
        return self.size_mb * SECTORS_PER_MB if self.started else 0

    def do_sector_bytes(self) -> int:
        return SECTOR_BYTES

    def do_read(self, number: int, size: int) -> bytes:
        """Whole sectors, of which only the mark of a boot sector is known; b"": it failed."""
        count = size // SECTOR_BYTES
        if not self.started or not count or not 0 <= number <= self.do_sectors() - count:
            return b""
        self.board.spend_us(count * READ_US)
        data = bytearray(count * SECTOR_BYTES)
        if number == 0:
            data[SECTOR_BYTES - 2 : SECTOR_BYTES] = b"\x55\xaa"
        return bytes(data)

    def do_mount(self, path: str, readonly: bool) -> None:
        files: Any = self.board.services["flash"]
        if not self.started:
            raise OSError(EIO)
        self.board.spend_us(READ_US)
        if path == Flash.mount or path in files.mounts:
            raise OSError(EPERM)
        files.mounts[path] = Card(self, path, readonly)

    def do_umount(self, path: str | None) -> None:
        """None: wherever the card is mounted."""
        files: Any = self.board.services["flash"]
        if path is None:
            path = next(iter(files.mounts), "")
        if files.mounts.pop(path, None) is None:
            raise OSError(EINVAL)
        if files.cwd == path or files.cwd.startswith(path + "/"):
            files.cwd = "/"


class Files(Flash):
    """The service "flash": all that is mounted, by path and by the handles of open files."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.mounts: dict[str, Card] = {}

    def on_reset(self, cause: int) -> None:
        self.mounts.clear()
        super().on_reset(cause)

    def mounted(self, path: str) -> Card | None:
        """The card that a path leads to."""
        full = self.absolute(path)
        for place, card in self.mounts.items():
            if full == place or full.startswith(place + "/"):
                return card
        return None

    def host_path(self, path: str) -> Path | None:
        card = self.mounted(path)
        return super().host_path(path) if card is None else card.host_path(self.absolute(path))

    def import_place(self, path: str) -> str | None:
        card = self.mounted(path) if self.mounts else None
        return super().import_place(path) if card is None else card._place(self.absolute(path))

    def leads_out(self, place: str) -> bool:
        for card in self.mounts.values():
            if place.startswith(card._root):
                return card.leads_out(place)
        return super().leads_out(place)

    def do_listdir(self, path: str) -> list[list[Any]]:
        card = self.mounted(path)
        if card is not None:
            card.check()
            return card.do_listdir(self.absolute(path))
        entries = super().do_listdir(path)
        if self.absolute(path) == "/":
            entries += [[place.lstrip("/"), 0x4000, 0] for place in self.mounts]
        return entries

    def do_chdir(self, path: str) -> None:
        card = self.mounted(path)
        if card is None:
            return super().do_chdir(path)
        card.check()
        card.do_chdir(self.absolute(path))
        self.cwd = card.cwd

    def do_open(self, path: str, mode: str) -> int:
        card = self.mounted(path)
        if card is None:
            return super().do_open(path, mode)
        card.check(writes=bool(set(mode) & set("wax+")))
        return card.do_open(self.absolute(path), mode)

    def do_rename(self, old: str, new: str) -> None:
        card = self.mounted(old)
        if card is not self.mounted(new):
            raise OSError(EPERM)  # of two file systems
        if card is None:
            return super().do_rename(old, new)
        card.check(writes=True)
        card.do_rename(self.absolute(old), self.absolute(new))

    def do_close(self, handle: int) -> None:
        for card in self.mounts.values():
            if handle in card._files:
                try:
                    card.check()
                except OSError:
                    del card._files[handle]
                    raise
                return card.do_close(handle)
        if handle <= HANDLES:
            super().do_close(handle)


def _by_path(name: str, writes: bool) -> Callable[..., Any]:
    def method(self: Files, path: str) -> Any:
        card = self.mounted(path)
        if card is None:
            return getattr(Flash, name)(self, path)
        card.check(writes)
        return getattr(card, name)(self.absolute(path))

    return method


def _by_handle(name: str) -> Callable[..., Any]:
    def method(self: Files, handle: int, *args: Any) -> Any:
        if handle <= HANDLES:
            return getattr(Flash, name)(self, handle, *args)
        for card in self.mounts.values():
            if handle in card._files:
                card.check()
                return getattr(card, name)(handle, *args)
        raise OSError(EINVAL)

    return method


for _name in ("do_stat", "do_statvfs"):
    setattr(Files, _name, _by_path(_name, False))
for _name in ("do_mkdir", "do_rmdir", "do_remove", "do_format"):
    setattr(Files, _name, _by_path(_name, True))
for _name in ("do_read", "do_readline", "do_write", "do_seek", "do_tell", "do_flush"):
    setattr(Files, _name, _by_handle(_name))
