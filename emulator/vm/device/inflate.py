"""uzlib by the VM's own decompressor: module deflate, or uzlib where the VM has that."""

from core import core

io = core("io")
try:
    import deflate
except ImportError:
    deflate = None
    import uzlib


def _opened(data, wbits):
    stream = io.BytesIO(data)
    if deflate is None:
        return uzlib.DecompIO(stream, wbits)
    if wbits < 0:
        return deflate.DeflateIO(stream, deflate.RAW, -wbits)
    if wbits > 15:
        return deflate.DeflateIO(stream, deflate.GZIP, wbits - 16)
    return deflate.DeflateIO(stream, deflate.ZLIB, wbits)


class DecompIO:
    """It reads a stream of the firmware to its end at once: the VM's C code reads no stream of
    ours where io.IOBase is missing."""

    native_stream = True

    def __init__(self, stream, wbits=0):
        self._inner = _opened(stream.read(), wbits)

    def read(self, size=-1):
        return self._inner.read(size)

    def readinto(self, buffer):
        return self._inner.readinto(buffer)

    def readline(self):
        return self._inner.readline()


def decompress(data, wbits=0, bufsize=0):
    try:
        return _opened(data, wbits).read()
    except Exception:
        raise ValueError(-3)
