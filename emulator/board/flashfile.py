"""One open file of the flash: a buffer that reaches the folder at flush and close."""

from __future__ import annotations

from errno import EBADF, EINVAL
from pathlib import Path
from typing import Any

from emulator.board.constants import ESTIMATE, constant
from emulator.board.flashspace import FAT, FlashSpace

_READ_US_PER_KB = constant(
    120, "us/KB", ESTIMATE, "quad SPI at 40 MHz and a copy; no source found"
)


class OpenFile:
    def __init__(self, flash: FlashSpace, host: Path, name: str, mode: str) -> None:
        self._flash = flash
        self._host = host
        self._name = name
        self._readable = "r" in mode or "+" in mode
        self._writable = "r" not in mode or "+" in mode
        self._appends = "a" in mode
        existed = host.is_file()
        fresh = "w" in mode or "x" in mode or not existed
        self._content = bytearray() if fresh else bytearray(host.read_bytes())
        self._old_size = host.stat().st_size if existed else 0
        self._dirty = False
        self._first_changed = len(self._content)
        self.position = len(self._content) if self._appends else 0
        if fresh:
            self._create(existed)

    def _create(self, existed: bool) -> None:
        """FAT empties the file at once; LittleFS leaves an old one until the first commit, and
        writes the name of a new one."""
        if not existed:
            self._flash.need(0, 0)
        if self._flash.fs_type == FAT or not existed:
            self._host.write_bytes(b"")
            self._stamp()
            self._old_size = 0
            self._flash.spend_update("create", self._host)
        if self._flash.fs_type != FAT:
            self._dirty = True
            self._first_changed = 0

    def _stamp(self) -> None:
        rtc: Any = self._flash.board.services.get("rtc")
        if rtc is not None:
            self._flash.written_s[self._host] = rtc.do_time()

    def read(self, size: int) -> bytes:
        if not self._readable:
            raise OSError(EBADF)
        end = len(self._content) if size < 0 else self.position + size
        data = bytes(self._content[self.position : end])
        self.position += len(data)
        self._flash.board.spend_us(len(data) * _READ_US_PER_KB // 1024)
        for fault in self._flash.board.faults.due("file", f"read {self._name}"):
            if fault.do == "fail":
                raise OSError(fault.keys().errno)
        return data

    def readline(self, size: int) -> bytes:
        newline = self._content.find(b"\n", self.position)
        length = (len(self._content) if newline < 0 else newline + 1) - self.position
        return self.read(length if size < 0 else min(length, size))

    def write(self, data: bytes) -> int:
        if not self._writable:
            raise OSError(EBADF)
        with self._flash.operation(f"write {self._name}") as left:
            if self._appends:
                self.position = len(self._content)
            if left == "torn":
                data = data[: len(data) // 2]
            end = self.position + len(data)
            self._flash.need(self._old_size, end)
            if self.position > len(self._content):  # a gap after seek
                self._content.extend(bytes(self.position - len(self._content)))
            self._content[self.position : end] = data
            self._first_changed = min(self._first_changed, self.position)
            self.position = end
            self._dirty = True
            if left == "torn":  # the half that had left the buffer
                self._commit()
            elif left:
                self._leave(left)
        return len(data)

    def seek(self, offset: int, whence: int) -> int:
        base = {0: 0, 1: self.position, 2: len(self._content)}.get(whence)
        if base is None or base + offset < 0:
            raise OSError(EINVAL)
        self.position = base + offset
        return self.position

    def flush(self, verb: str = "flush") -> None:
        """Commit what was written; "close" is the verb of the last time."""
        if self._dirty:
            with self._flash.operation(f"{verb} {self._name}") as left:
                if left:
                    self._leave(left)
                else:
                    self._commit()

    def _leave(self, left: str) -> None:
        """What a cut leaves of the file."""
        leave(self._host, left, bytes(self._content[: len(self._content) // 2]))

    def _commit(self) -> None:
        self._flash.need(self._old_size, len(self._content))
        self._host.write_bytes(self._content)
        self._stamp()
        first, old_size, size = self._first_changed, self._old_size, len(self._content)
        self._old_size = self._first_changed = size
        self._dirty = False
        self._flash.spend_write(self._host, first, old_size, size)


def leave(host: Path, left: str, torn: bytes) -> None:
    """Make of a file what a cut has left of it."""
    if left == "lost":
        host.unlink(missing_ok=True)
    elif left != "old":
        host.write_bytes(torn if left == "torn" else b"")
