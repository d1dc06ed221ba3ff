"""The stream over standard input and output: for a MicroPython that runs as a process."""

import struct
import sys


class Link:
    def __init__(self):
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer

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
