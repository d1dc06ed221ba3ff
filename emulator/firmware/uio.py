"""uio of the firmware: files on the flash, and streams in memory.

Source: Pycom firmware 1.20.2.r4, extmod/vfs_fat_file.c, py/objstringio.c, py/stream.c.
"""

from _arguments import method
from _board import call


class _Stream:
    """What all of them share. A native stream: print() and the like accept it."""

    native_stream = True

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.close()


class _File(_Stream):
    """What binary and text files share."""

    def __init__(self, handle):
        self._handle = handle

    def seek(self, offset, whence=0):
        return call("flash.seek", self._handle, offset, whence)

    tell = method("flash.tell", "_handle")
    flush = method("flash.flush", "_handle")
    close = method("flash.close", "_handle")

    def readlines(self):
        return list(self)

    def readinto(self, buf, size=None):
        data = call("flash.read", self._handle, len(buf) if size is None else size)
        buf[: len(data)] = data
        return len(data)

    def write(self, data):
        return call("flash.write", self._handle, _raw(data))


class FileIO(_File):
    def read(self, size=-1):
        return call("flash.read", self._handle, -1 if size is None else size)

    def readline(self, size=-1):
        return call("flash.readline", self._handle, size)


class TextIOWrapper(_File):
    """Sizes count characters."""

    def read(self, size=-1):
        if size is None or size < 0:
            return call("flash.read", self._handle, -1).decode()
        data = b""
        missing = size
        while missing > 0:
            part = call("flash.read", self._handle, missing)
            if not part:
                break
            data += part
            missing = _missing(data, size)
        return data.decode()

    def readline(self, size=-1):
        return call("flash.readline", self._handle, size).decode()


def _raw(data):
    if isinstance(data, int):
        raise TypeError("object with buffer protocol required")
    return data.encode() if isinstance(data, str) else bytes(data)


def _missing(data, size):
    """How many bytes at least are missing until `data` holds `size` whole characters."""
    count = 0
    at = 0
    while at < len(data):
        first = data[at]
        at += 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
        count += 1
    return size - count + at - len(data)


def open(name, mode="r", buffering=-1, encoding=None):
    if isinstance(name, (bytes, bytearray)):
        name = bytes(name).decode()
    handle = call("flash.open", name, mode)
    return FileIO(handle) if "b" in mode else TextIOWrapper(handle)


class _Memory(_Stream):
    def __init__(self, content):
        self._content = content
        self._at = 0
        self._open = True

    def _check(self):
        if not self._open:
            raise ValueError("I/O operation on closed file")

    def read(self, size=-1):
        self._check()
        end = len(self._content) if size is None or size < 0 else self._at + size
        piece = self._content[self._at : end]
        self._at += len(piece)
        return piece

    def readline(self, size=-1):
        self._check()
        end = self._content.find(self._newline, self._at)
        length = (len(self._content) if end < 0 else end + 1) - self._at
        return self.read(length if size < 0 else min(size, length))

    def readinto(self, buf):
        data = self.read(len(buf))
        buf[: len(data)] = _raw(data)
        return len(data)

    def write(self, data):
        self._check()
        piece = self._as_own(data)
        before = self._content[: self._at]
        before += self._fill * (self._at - len(before))
        self._content = before + piece + self._content[self._at + len(piece) :]
        self._at += len(piece)
        return len(_raw(piece))

    def seek(self, offset, whence=0):
        self._check()
        self._at = max(0, offset + (0, self._at, len(self._content))[whence])
        return self._at

    def flush(self):
        pass

    def getvalue(self):
        self._check()
        return self._content

    def close(self):
        self._open = False


class StringIO(_Memory):
    _newline = "\n"
    _fill = "\0"

    def __init__(self, content=""):
        # A number is a size to reserve.
        super().__init__("" if isinstance(content, int) else self._as_own(content))

    def _as_own(self, data):
        return data if isinstance(data, str) else bytes(data).decode()


class BytesIO(_Memory):
    _newline = b"\n"
    _fill = b"\0"

    def __init__(self, content=b""):
        super().__init__(b"" if isinstance(content, int) else _raw(content))

    def _as_own(self, data):
        return _raw(data)
