"""Values as bytes, for both ends of the stream: the table is in docs/vm-stream.md.

In the language that CPython and MicroPython 1.11 both know.
"""

try:
    import struct
except ImportError:  # 1.11 without weak links
    import ustruct as struct


def _sized(out, tag, data):
    out += tag
    out += struct.pack(">I", len(data))
    out += data


def put(out, value):
    """Append one value to a bytearray. TypeError for what does not travel."""
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
        _sized(out, b"S", value.encode("utf-8", "surrogatepass"))
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
            put(out, item)
    elif isinstance(value, dict):
        out += b"M"
        out += struct.pack(">I", len(value))
        for key in value:
            put(out, key)
            put(out, value[key])
    else:
        raise TypeError("{} cannot be handed to the board".format(type(value).__name__))


_FIXED = {78: None, 84: True, 70: False}  # N, T, F


class Reader:
    """Takes value after value from a frame; `at` is the place of the next one."""

    def __init__(self, data, at=0):
        self._data = data
        self.at = at

    def read(self):
        tag = self._data[self.at]
        self.at += 1
        if tag == 105:  # i
            value = struct.unpack_from(">i", self._data, self.at)[0]
            self.at += 4
            return value
        if tag in _FIXED:
            return _FIXED[tag]
        if tag == 68:  # D
            value = struct.unpack_from(">d", self._data, self.at)[0]
            self.at += 8
            return value
        size = struct.unpack_from(">I", self._data, self.at)[0]
        self.at += 4
        if tag == 76:  # L
            return [self.read() for _ in range(size)]
        if tag == 77:  # M
            value = {}
            for _ in range(size):
                key = self.read()
                value[key] = self.read()
            return value
        data = bytes(self._data[self.at : self.at + size])
        self.at += size
        if tag == 66:  # B
            return data
        if tag == 83:  # S
            return str(data, "utf-8", "surrogatepass")
        if tag == 73:  # I
            return int(str(data, "utf-8"))
        raise RuntimeError("unknown tag {} on the stream".format(tag))
