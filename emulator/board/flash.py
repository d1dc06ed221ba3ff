"""The file system at /flash: a folder of the host that behaves as FAT or LittleFS on a board.

Files are written through a buffer and reach the folder at flush or close, as on the device: after
a reset in between, FAT has a file of its old length (0 after opening with "w"), LittleFS its old
content, or one of length 0 if the name is new.

The file system is that of the stored setting (emulator/board/nvs.py): LittleFS where it was never
written. Another one than that of the last start finds nothing to mount: the flash is formatted.

Fault points (point "file"; subjects "open NAME", "read NAME", "write NAME", "close NAME",
"rename A B", "remove NAME", "mkdir NAME", "rmdir NAME", "stat NAME", "listdir NAME"):

    do = "fail"        OSError(errno), default 5 (EIO)
    do = "full"        OSError(28) (ENOSPC)
    do = "power_cut"   the power fails: when = "before", "during" (default) or "after" it
    do = "reset"       the ESP32 is reset, with the same keys and `cause`
                       emulator/board/flashspace.py says what "during" leaves

Fault point "time": do = "zeros" makes a stretch of a file read as zeros (file, start, bytes), as
FAT leaves sectors that belong to a file and were never written.

Source: Pycom firmware 1.20.2.r4, esp32/mods/moduos.c, extmod/vfs_fat*.c, esp32/littlefs/;
latencies: docs/emulation.md.
"""

from __future__ import annotations

import shutil
from errno import EACCES, EEXIST, EINVAL, EISDIR, ENODEV, ENOENT, ENOTDIR
from pathlib import Path
from typing import Any

from emulator.board import options
from emulator.board.board import SOFT_RESET, Board
from emulator.board.faults import Fault, Zeros
from emulator.board.flashfile import OpenFile, leave
from emulator.board.flashspace import (
    BLOCK_BYTES,
    ENOTEMPTY,
    FAT,
    FOLDER_BLOCKS,
    FORMAT_SECTORS,
    LITTLEFS,
    LOOKUP_US,
    NAME_LIMIT,
    PAGE_US,
    SIZE_BYTES,
    FlashSpace,
)

FRESH_SCRIPTS = {
    "boot.py": b"# boot.py -- run on boot-up\r\n",
    "main.py": b"# main.py -- put your code here!\r\n",
}


class Flash(FlashSpace):
    def __init__(
        self, board: Board, root: Path, fs_type: int = LITTLEFS, size_bytes: int = SIZE_BYTES
    ) -> None:
        super().__init__(board, root, fs_type, size_bytes)
        self._files: dict[int, OpenFile] = {}
        self._last_handle = 0
        self._fresh = False  # formatted since the last start
        board.faults.on_time("zeros", self._zeros)

    def on_reset(self, cause: int) -> None:
        self._files.clear()  # what was not flushed is lost
        self.cwd = "/flash"
        settings: Any = self.board.services.get("config")
        if settings is not None and settings.fs_type != self.fs_type and cause != SOFT_RESET:
            self.fs_type = settings.fs_type
            self._erase()
        if self._fresh:
            self._prepare()

    def _prepare(self) -> None:
        """What a start makes on a file system that has just been formatted (mptask.c)."""
        self._fresh = False
        for name in ("sys", "lib", "cert"):
            (self.root / name).mkdir(exist_ok=True)
        for name, text in FRESH_SCRIPTS.items():
            if not (self.root / name).exists():
                (self.root / name).write_bytes(text)

    def _zeros(self, fault: Fault) -> None:
        keys: Any = options.from_table(Zeros, fault.options, "fault zeros:")
        host = self.host_path(f"/flash/{keys.file}")
        if host is None or not host.is_file():
            return
        content = host.read_bytes()
        stop = keys.start + keys.bytes if keys.bytes else len(content)
        gone = content[keys.start : stop]
        host.write_bytes(content[: keys.start] + bytes(len(gone)) + content[stop:])

    # files

    def do_open(self, path: str, mode: str) -> int:
        """Open; returns a handle."""
        kinds = set(mode) - set("bt")
        if kinds - set("rwax+") or len(kinds & set("rwax")) != 1:
            raise ValueError("invalid mode")
        host = self.place(path)
        self.board.spend_us(LOOKUP_US)
        with self.operation(f"open {self.shown(path)}") as left:
            if host.is_dir():
                raise OSError(EISDIR if self.fs_type == LITTLEFS else EACCES)
            if "r" in mode and not host.is_file():
                raise OSError(ENOENT)
            if "x" in mode and host.exists():
                raise OSError(EEXIST)
            if not host.parent.is_dir():
                raise OSError(ENOENT)
            if left:
                if "w" in mode and host.exists():
                    leave(host, left, b"")
                return 0  # to nobody
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
        if self.absolute(path) in ("/", self.mount):
            return [0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        host = self.existing(path)
        self.board.spend_us(LOOKUP_US)
        with self.operation(f"stat {self.shown(path)}"):
            _, kind, size = _entry(host)
            written_s = self.written_s.get(host)
            if written_s is None:
                written_s = 0 if host.is_dir() else int(host.stat().st_mtime)
            return [kind, 0, 0, 0, 0, 0, size, *[written_s & ~1] * 3]

    def do_mkdir(self, path: str) -> None:
        host = self.place(path)
        with self.operation(f"mkdir {self.shown(path)}") as left:
            if host.exists():
                raise OSError(EEXIST)
            if not host.parent.is_dir():
                raise OSError(ENOENT)
            self.need(0, FOLDER_BLOCKS[self.fs_type] * BLOCK_BYTES)
            if left:
                return
            host.mkdir()
            self.spend_update("mkdir", host)

    def do_rmdir(self, path: str) -> None:
        host = self.existing(path)
        with self.operation(f"rmdir {self.shown(path)}") as left:
            if not host.is_dir():
                raise OSError(ENOTDIR)
            self._remove_dir(host, left)

    def do_remove(self, path: str) -> None:
        host = self.existing(path)
        with self.operation(f"remove {self.shown(path)}") as left:
            if left == "old":
                return
            if not host.is_dir():
                host.unlink()
                self.spend_update("remove", host)
            elif self.fs_type == LITTLEFS:
                self._remove_dir(host, left)  # LittleFS knows one call for both
            else:
                raise OSError(EISDIR)

    def _remove_dir(self, host: Path, left: str) -> None:
        if any(host.iterdir()):
            raise OSError(ENOTEMPTY if self.fs_type == LITTLEFS else EACCES)
        if left:
            return
        host.rmdir()
        self.spend_update("remove", host)

    def do_rename(self, old: str, new: str) -> None:
        """FAT deletes an existing target first; LittleFS replaces it in one step, and loses a file
        that is renamed to itself."""
        source, target = self.existing(old), self.place(new)
        with self.operation(f"rename {self.shown(old)} {self.shown(new)}") as left:
            if target.is_dir() and source != target:
                raise OSError(EISDIR)
            if not target.parent.is_dir():
                raise OSError(ENOENT)
            if self.fs_type == FAT and target.exists() and source != target:
                target.unlink()
                self.spend_update("remove", target)
            if left:
                return
            if self.fs_type == LITTLEFS and source == target:
                source.unlink()
            else:
                source.replace(target)
                self.written_s.pop(target, None)
                if source in self.written_s:
                    self.written_s[target] = self.written_s.pop(source)
            self.spend_update("rename", target)

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
        """Erase everything. The next start makes boot.py and main.py."""
        if not path.startswith("/"):
            raise OSError(f"{path} is not an absolute or invalid path")
        if path == "/":
            raise OSError("Cannot format root dir")
        if path != "/flash":
            raise OSError(ENODEV)
        self._erase()
        self.spend_sectors(FORMAT_SECTORS[self.fs_type], "format")

    def _erase(self) -> None:
        if any((folder / ".git").exists() for folder in (self.root, *self.root.parents)):
            raise RuntimeError(f"{self.root} is in a git work tree: not erased for a board")
        for item in list(self.root.iterdir()):
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item)
            else:
                item.unlink()
        self._files.clear()
        self._fresh = True


def _entry(host: Path) -> list[Any]:
    if host.is_dir():
        return [host.name, 0x4000, 0]
    return [host.name, 0x8000, host.stat().st_size]
