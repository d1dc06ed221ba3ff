"""The file system at /flash: a folder of the host that behaves as FAT or LittleFS on a board.

Files are written through a buffer and reach the folder at flush or close, as on the device: after
a reset in between, FAT has a file of its old length (0 after opening with "w"), LittleFS its old
content.

Fault points (point "file"; subjects "open NAME", "read NAME", "write NAME", "close NAME",
"rename A B", "remove NAME", "mkdir NAME", "rmdir NAME", "stat NAME", "listdir NAME"):

    do = "fail"        OSError(errno), default 5 (EIO)
    do = "full"        OSError(28) (ENOSPC)
    do = "power_cut"   the power fails: when = "before", "during" (default) or "after" it;
                       during a write: half of it is on the flash; during a rename onto an existing
                       file on FAT: the target is gone, the source still there

Source: Pycom firmware 1.20.2.r4, esp32/mods/moduos.c, extmod/vfs_fat*.c, esp32/littlefs/;
latencies: docs/emulation.md.
"""

from __future__ import annotations

import shutil
from errno import EACCES, EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR
from pathlib import Path
from typing import Any

from emulator.board.board import Board
from emulator.board.flashfile import OpenFile
from emulator.board.flashspace import (
    BLOCK_BYTES,
    ENOTEMPTY,
    EPOCH_2000_S,
    ERASE_US,
    FAT,
    LITTLEFS,
    LOOKUP_US,
    NAME_LIMIT,
    PAGE_US,
    SIZE_BYTES,
    FlashSpace,
)


class Flash(FlashSpace):
    def __init__(
        self, board: Board, root: Path, fs_type: int = FAT, size_bytes: int = SIZE_BYTES
    ) -> None:
        super().__init__(board, root, fs_type, size_bytes)
        self._next_type = fs_type
        self._files: dict[int, OpenFile] = {}
        self._last_handle = 0

    def on_reset(self, cause: int) -> None:
        self._files.clear()  # what was not flushed is lost
        self.cwd = "/flash"
        if self._next_type != self.fs_type:  # bootmgr() asked for the other one
            self.fs_type = self._next_type
            self._erase()

    # files

    def do_open(self, path: str, mode: str) -> int:
        """Open; returns a handle."""
        kinds = set(mode) - set("bt")
        if kinds - set("rwax+") or len(kinds & set("rwax")) != 1:
            raise ValueError("invalid mode")
        host = self.place(path)
        self.board.spend_us(LOOKUP_US)
        with self.operation(f"open {self.shown(path)}"):
            if host.is_dir():
                raise OSError(EISDIR if self.fs_type == LITTLEFS else EACCES)
            if "r" in mode and not host.is_file():
                raise OSError(ENOENT)
            if "x" in mode and host.exists():
                raise OSError(EEXIST)
            if not host.parent.is_dir():
                raise OSError(ENOENT)
            self._last_handle += 1
            self._files[self._last_handle] = OpenFile(self, host, self.shown(path), mode)
        return self._last_handle

    def _file(self, handle: int) -> OpenFile:
        file = self._files.get(handle)
        if file is None:
            raise OSError(EINVAL)  # what FatFs says of a closed file
        return file

    def do_read(self, handle: int, size: int) -> bytes:
        """Up to `size` bytes; below 0: all that is left."""
        return self._file(handle).read(size)

    def do_readline(self, handle: int, size: int) -> bytes:
        return self._file(handle).readline(size)

    def do_write(self, handle: int, data: bytes) -> int:
        return self._file(handle).write(data)

    def do_seek(self, handle: int, offset: int, whence: int) -> int:
        return self._file(handle).seek(offset, whence)

    def do_tell(self, handle: int) -> int:
        return self._file(handle).position

    def do_flush(self, handle: int) -> None:
        self._file(handle).flush()

    def do_close(self, handle: int) -> None:
        """Close. A second close of a LittleFS file corrupts memory before firmware 1.20.2.r5."""
        file = self._files.pop(handle, None)
        if file is not None:
            file.flush("close")
        elif self.fs_type == LITTLEFS and self.board.firmware <= "1.20.2.r4":
            raise RuntimeError("LittleFS file closed twice: corrupts memory on this firmware")

    # directories

    def do_listdir(self, path: str) -> list[list[Any]]:
        """[name, type, size] of each entry; type 0x4000 directory, 0x8000 file."""
        if self.absolute(path) == "/":
            return [["flash", 0x4000, 0]]
        host = self.existing(path)
        self.board.spend_us(LOOKUP_US)
        with self.operation(f"listdir {self.shown(path)}"):
            if not host.is_dir():
                raise OSError(ENOENT if self.fs_type == FAT else ENOTDIR)
            return [
                _entry(item)
                for item in sorted(host.iterdir())
                if self.host_path(f"{self.absolute(path)}/{item.name}")
            ]

    def do_stat(self, path: str) -> list[int]:
        if self.absolute(path) in ("/", "/flash"):
            return [0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        host = self.existing(path)
        self.board.spend_us(LOOKUP_US)
        with self.operation(f"stat {self.shown(path)}"):
            _, kind, size = _entry(host)
            written_s = int(host.stat().st_mtime) - EPOCH_2000_S
            return [kind, 0, 0, 0, 0, 0, size, *[max(0, written_s)] * 3]

    def do_mkdir(self, path: str) -> None:
        host = self.place(path)
        with self.operation(f"mkdir {self.shown(path)}"):
            if host.exists():
                raise OSError(EEXIST)
            if not host.parent.is_dir():
                raise OSError(ENOENT)
            self.need(0, BLOCK_BYTES)
            host.mkdir()
            self.spend_update()

    def do_rmdir(self, path: str) -> None:
        host = self.existing(path)
        with self.operation(f"rmdir {self.shown(path)}"):
            if not host.is_dir():
                raise OSError(ENOTDIR)
            self._remove_dir(host)

    def do_remove(self, path: str) -> None:
        host = self.existing(path)
        with self.operation(f"remove {self.shown(path)}"):
            if not host.is_dir():
                host.unlink()
                self.spend_update()
            elif self.fs_type == LITTLEFS:
                self._remove_dir(host)  # LittleFS knows one call for both
            else:
                raise OSError(EISDIR)

    def _remove_dir(self, host: Path) -> None:
        if any(host.iterdir()):
            raise OSError(ENOTEMPTY if self.fs_type == LITTLEFS else EACCES)
        host.rmdir()
        self.spend_update()

    def do_rename(self, old: str, new: str) -> None:
        """FAT deletes an existing target first; LittleFS replaces it in one step."""
        source, target = self.existing(old), self.place(new)
        with self.operation(f"rename {self.shown(old)} {self.shown(new)}") as cut:
            if target.is_dir() and source != target:
                raise OSError(EISDIR)
            if not target.parent.is_dir():
                raise OSError(ENOENT)
            if self.fs_type == FAT and target.exists() and source != target:
                target.unlink()
                self.spend_update()
            if cut == "during":
                self.board.cut_power()
            source.replace(target)
            self.spend_update()

    def do_chdir(self, path: str) -> None:
        if self.absolute(path) != "/" and not self.existing(path).is_dir():
            raise OSError(ENOENT)
        self.cwd = self.absolute(path)

    def do_getcwd(self) -> str:
        return self.cwd

    def do_statvfs(self, path: str) -> list[int]:
        blocks, free = self.size_bytes // BLOCK_BYTES, self.free_bytes() // BLOCK_BYTES
        limit = NAME_LIMIT[self.fs_type]
        return [BLOCK_BYTES, BLOCK_BYTES, blocks, free, free, 0, 0, 0, 0, limit]

    def do_sync(self) -> None:
        self.board.spend_us(PAGE_US)

    def do_format(self, path: str) -> None:
        """Erase everything; an empty boot.py and main.py remain, as after first start."""
        self._erase()
        self.board.spend_us(64 * ERASE_US)

    def do_type(self) -> int:
        return self.fs_type

    def do_set_type(self, fs_type: int) -> None:
        """Another file system from the next start on; changing it erases everything."""
        self._next_type = fs_type

    def _erase(self) -> None:
        if any((folder / ".git").exists() for folder in (self.root, *self.root.parents)):
            raise RuntimeError(f"{self.root} is in a git work tree: not erased for a board")
        for item in list(self.root.iterdir()):
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item)
            else:
                item.unlink()
        for name in ("boot.py", "main.py"):
            (self.root / name).touch()


def _entry(host: Path) -> list[Any]:
    if host.is_dir():
        return [host.name, 0x4000, 0]
    return [host.name, 0x8000, host.stat().st_size]
