"""What has been fetched of a release: /flash/new, over as many cycles as it takes.

    from ota import _staging
    offer = _staging.read()                         # [seq, length, sha256, verified, bad] or None
    _staging.write(offer)
    download = _staging.Download(session, 8192, timing.Deadline(60000), 1024)
    outcome = download.whole(sha256, size)          # WHOLE, LATER, MISMATCH

The file "offer" says which envelope it is: number of the release, length, SHA-256; verified: 1 if
its signature and its manifest were found good; bad: how often content came that was not what the
release says. It has the tag of the device key. A content stands under its address, 8 characters
of its SHA-256; while it is fetched, with ".p" behind that: the length of this part is all that a
download needs to go on. SHA-256 are hex digits.
"""

from micropython import const

from ota import _keys, _slots

WHOLE, LATER, MISMATCH = "whole", "later", "mismatch"

OFFER = "/flash/new/offer"
_APPEND = const(4096)  # bytes that are written together: a block of LittleFS
_LEAST = const(64)  # bytes of a block
_MOST_LOST = const(3)  # blocks, in a row


def address(sha256):
    """Return the address of content."""
    import ubinascii

    text = str(ubinascii.b2a_base64(ubinascii.unhexlify(sha256[:12]))[:8], "ascii")
    return text.replace("+", "-").replace("/", "_")


def place(sha256):
    """Return the path of whole content."""
    return _slots.STAGING + "/" + address(sha256)


def read():
    try:
        words = str(_slots.content(OFFER), "utf-8").split()
    except ValueError:
        words = ()
    if len(words) != 6 or _tag(words[:5]) != words[5]:
        return None
    return [int(words[0]), int(words[1]), words[2], int(words[3]), int(words[4])]


def write(offer):
    words = [str(each) for each in offer]
    with open(OFFER, "wb") as file:
        file.write(" ".join(words + [_tag(words)]))


def _tag(words):
    return _slots.hexed(_keys.hmac(_keys.device_key(), " ".join(words).encode()))


class Download:
    """What a cycle may fetch: most_bytes, and nothing is asked for after the deadline.

    block: bytes of a block, a power of two from 64 to 1024; after two lost in a row a half of it.
    """

    def __init__(self, session, most_bytes, deadline, block):
        self._session = session
        self._bytes = most_bytes
        self._deadline = deadline
        self._block = block
        self._lost = 0

    def whole(self, sha256, size):
        """Fetch content, or go on with it; never more than `size` bytes. MISMATCH: it was another
        one, which is gone."""
        import uos

        path = place(sha256)
        if _slots.size_of(path) == size:
            return WHOLE
        part = path + ".p"
        length = _slots.size_of(part) or 0
        if length > size or length < size and length % _LEAST:
            _slots.remove(part)
            length = 0
        while length < size:
            end = min(size, length + _APPEND - length % _APPEND)
            waiting = b""
            while length + len(waiting) < end and self._may_go_on():
                data = self._next(sha256, length + len(waiting), size)
                if data == b"":
                    _slots.remove(part)
                    return MISMATCH
                waiting += data or b""
            if waiting:
                with open(part, "ab") as file:
                    file.write(waiting)
            length += len(waiting)
            if length < end:
                return LATER
        if _slots.sha256(part) != sha256:
            _slots.remove(part)
            return MISMATCH
        uos.rename(part, path)
        return WHOLE

    def _may_go_on(self):
        return self._bytes > 0 and self._lost < _MOST_LOST and not self._deadline.expired()

    def _next(self, sha256, start, size):
        """Return the bytes from `start` on; None if they did not come, b"" for other ones."""
        block = self._block
        while start % block:  # the next ones are as long as they were in an earlier cycle
            block //= 2
        found = self._session.block("u/" + address(sha256), start // block, block)
        if not found:
            self._lost += 1
            if self._lost > 1:
                self._block = max(_LEAST, block // 2)
            return None
        data, is_last, _ = found
        self._lost = 0
        self._bytes -= len(data)
        end = min(start + block, size)
        return data if (start + len(data), bool(is_last)) == (end, end == size) else b""
