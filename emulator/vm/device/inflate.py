"""uzlib by the VM's own decompressor: module deflate, or uzlib where the VM has that."""

try:
    import io
except ImportError:  # MicroPython 1.11
    import uio as io
try:
    import deflate
except ImportError:
    deflate = None


def _opened(stream, wbits):
    if deflate is None:
        raise NotImplementedError("this VM has no module deflate")
    if wbits < 0:
        return deflate.DeflateIO(stream, deflate.RAW, -wbits)
    if wbits > 15:
        return deflate.DeflateIO(stream, deflate.GZIP, wbits - 16)
    return deflate.DeflateIO(stream, deflate.ZLIB, wbits)


class DecompIO:
    native_stream = True

    def __init__(self, stream, wbits=0):
        self._inner = _opened(_Native(stream), wbits)

    def read(self, size=-1):
        return self._inner.read(size)

    def readinto(self, buffer):
        return self._inner.readinto(buffer)

    def readline(self):
        return self._inner.readline()


class _Native(io.IOBase):
    """A stream of the firmware as one that the VM's C code can read."""

    def __init__(self, stream):
        self._stream = stream

    def readinto(self, buffer):
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def ioctl(self, request, argument):
        return 0


def decompress(data, wbits=0, bufsize=0):
    try:
        return _opened(io.BytesIO(data), wbits).read()
    except Exception:
        raise ValueError(-3)
