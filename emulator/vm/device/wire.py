"""The stream between this VM and the emulated board, and the values that travel on it.

    wire.open(link)                       # link.exchange(frame) -> the frame of the answer
    wire.exchange("rtc.time")             # carried out by the board; its exceptions are raised
    wire.pending                          # the last answer said that interrupts are waiting

The protocol is described in docs/vm-stream.md. Runs on MicroPython 1.11 and later.
"""

import errors
from core import core

struct = core("struct")

_TYPE = type


class Wire:
    def __init__(self):
        self.pending = False
        self._link = None

    def open(self, link):
        self._link = link

    def exchange(self, name, *args):
        """One call: the value of the answer, or the exception it carries."""
        out = bytearray()
        encode(out, name)
        for value in args:
            encode(out, value)
        answer = self._link.exchange(out)
        flags = answer[0]
        self.pending = bool(flags & 1)
        value = Reader(answer, 1).read()
        if flags & 2:
            raise errors.made(value[0], value[1])
        return value


def _sized(out, tag, data):
    out += tag
    out += struct.pack(">I", len(data))
    out += data


def encode(out, value):
    """Append one value to a bytearray."""
    if value is None:
        out += b"N"
    elif value is True:
        out += b"T"
    elif value is False:
        out += b"F"
    elif isinstance(value, int):
        if -0x40000000 <= value < 0x40000000:
            out += b"i"
            out += struct.pack(">i", value)
        else:
            _sized(out, b"I", str(int(value)).encode())
    elif isinstance(value, str):
        _sized(out, b"S", value.encode())
    elif isinstance(value, (bytes, bytearray)):
        _sized(out, b"B", value)
    elif isinstance(value, memoryview):
        _sized(out, b"B", bytes(value))
    elif isinstance(value, float):
        out += b"D"
        out += struct.pack(">d", value)
    elif isinstance(value, (list, tuple)):
        out += b"L"
        out += struct.pack(">I", len(value))
        for item in value:
            encode(out, item)
    elif isinstance(value, dict):
        out += b"M"
        out += struct.pack(">I", len(value))
        for key in value:
            encode(out, key)
            encode(out, value[key])
    else:
        raise TypeError("{} cannot be handed to the board".format(_TYPE(value).__name__))


class Reader:
    def __init__(self, data, at):
        self._data = data
        self._at = at

    def read(self):
        tag = self._data[self._at]
        self._at += 1
        if tag == 78:  # N
            return None
        if tag == 84:  # T
            return True
        if tag == 70:  # F
            return False
        if tag == 105:  # i
            value = struct.unpack_from(">i", self._data, self._at)[0]
            self._at += 4
            return value
        if tag == 68:  # D
            value = struct.unpack_from(">d", self._data, self._at)[0]
            self._at += 8
            return value
        size = struct.unpack_from(">I", self._data, self._at)[0]
        self._at += 4
        if tag == 76:  # L
            return [self.read() for _ in range(size)]
        if tag == 77:  # M
            value = {}
            for _ in range(size):
                key = self.read()
                value[key] = self.read()
            return value
        data = bytes(self._data[self._at : self._at + size])
        self._at += size
        if tag == 66:  # B
            return data
        if tag == 83:  # S
            return str(data, "utf-8")
        if tag == 73:  # I
            return int(str(data, "utf-8"))
        raise RuntimeError("unknown tag {} on the stream".format(tag))


wire = Wire()
exchange = wire.exchange
