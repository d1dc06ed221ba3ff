"""The stream over standard input and output: for a MicroPython that runs as a process."""

import sys

from core import core

struct = core("struct")


def _binary(stream, number, mode):
    """The bytes of a standard stream: MicroPython 1.11 opens a file by its number."""
    return stream.buffer if hasattr(stream, "buffer") else open(number, mode)


class Link:
    def __init__(self):
        self._in = _binary(sys.stdin, 0, "rb")
        self._out = _binary(sys.stdout, 1, "wb")

    def exchange(self, frame):
        self._out.write(struct.pack(">I", len(frame)))
        self._out.write(frame)
        size = struct.unpack(">I", self._read(4))[0]
        return self._read(size)

    def _read(self, size):
        data = self._in.read(size)
        while data and len(data) < size:
            more = self._in.read(size - len(data))
            if not more:
                break
            data += more
        if not data or len(data) < size:
            raise SystemExit  # nobody is there any more
        return data
