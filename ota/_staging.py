"""What has been fetched of a release: /flash/new, over as many cycles as it takes.

    from ota import _staging
    offer = _staging.read(key)                       # Offer, None if there is none
    _staging.write(offer, key)
    _staging.begin()                                 # another release: all that was there goes
    outcome = _staging.fetch(session, hex_digest, size, budget)

The file "offer" says which release it is and how far it is, with the tag of the device key. The
content of a component stands under its address, 8 characters of its SHA-256, while it is fetched
with ".p" behind that: the length of that part is all that a download needs to go on.
"""

from micropython import const
from ucollections import namedtuple

from ota import _slots
from utils import logging

# state: see below. bad: how often content came that was not what the release says
Offer = namedtuple("Offer", ("seq", "length", "sha256", "state", "bad"))

AUTHORIZED = const(0)  # the server named the envelope
VERIFIED = const(1)  # the envelope is there, its signature and its manifest are good
COMPLETE = const(2)  # so is the content of each new component
FILLING = const(3)  # the other slot is being filled

WHOLE, LATER, MISMATCH = "whole", "later", "mismatch"

_APPEND = const(4096)  # bytes that are written together: a block of LittleFS
_LARGE, _SMALL = const(1024), const(512)

_log = logging.Logger("ota")


class Budget:
    """What a cycle may spend. bytes: content that may be fetched. deadline: of timing."""

    def __init__(self, most_bytes, deadline):
        self.bytes = most_bytes
        self.deadline = deadline
        self.size = _LARGE  # of a block
        self.lost = 0  # in a row

    def is_spent(self):
        return self.bytes <= 0 or self.deadline.expired() or self.lost > 2


def address(sha256):
    """Return the address of content with this SHA-256, hex digits."""
    import ubinascii

    text = ubinascii.b2a_base64(ubinascii.unhexlify(sha256[:12]))[:8]
    return str(text.replace(b"+", b"-").replace(b"/", b"_"), "ascii")


def place(sha256):
    """Return the path of whole content."""
    return _slots.STAGING + "/" + address(sha256)


def read(key):
    import ubinascii

    from ota import _keys

    try:
        with open(_slots.STAGING + "/offer") as file:
            text, tag = file.read().rsplit(" ", 1)
        if str(ubinascii.hexlify(_keys.hmac(key, text.encode())), "ascii") != tag:
            return None
        seq, length, sha256, state, bad = text.split(" ")
        return Offer(int(seq), int(length), sha256, int(state), int(bad))
    except (OSError, ValueError):
        return None


def write(offer, key):
    import ubinascii

    from ota import _keys

    text = "%d %d %s %d %d" % offer
    tag = str(ubinascii.hexlify(_keys.hmac(key, text.encode())), "ascii")
    with open(_slots.STAGING + "/offer", "w") as file:
        file.write(text + " " + tag)


def begin():
    import uos

    if _slots.size_of(_slots.STAGING) is None:
        uos.mkdir(_slots.STAGING)
    else:
        _slots.empty(_slots.STAGING, True)


def size_of(sha256, size):
    """Return how many of `size` bytes are there."""
    path = place(sha256)
    if _slots.size_of(path) == size:
        return size
    return min(size, _slots.size_of(path + ".p") or 0)


def fetch(session, sha256, size, budget):
    """Fetch content, or go on with it: WHOLE, its SHA-256 is right; LATER; MISMATCH, it is gone.

    Never takes more than `size` bytes.
    """
    import uos

    path = place(sha256)
    if _slots.size_of(path) == size:
        return WHOLE
    part = path + ".p"
    length = _slots.size_of(part) or 0
    if length > size or length < size and length % _SMALL:
        _slots.remove(part)  # the end of another content
        length = 0
    while length < size:
        end = min(size, length + _APPEND - length % _APPEND)
        waiting = b""
        while length + len(waiting) < end and not budget.is_spent():
            data = _block(session, sha256, length + len(waiting), size, budget)
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


def _block(session, sha256, start, size, budget):
    """Return the bytes from `start` on; None if they did not come, b"" if they are others."""
    import ubinascii

    block = _SMALL if start % _LARGE else budget.size
    found = session.block("u/" + address(sha256), start // block, block)
    if not found:
        budget.lost += 1
        if budget.lost > 1:
            budget.size = _SMALL
        return None
    data, is_last, etag = found
    budget.lost = 0
    budget.bytes -= len(data)
    end = start + len(data)
    full = len(data) == block or is_last and data
    if not full or end > size or is_last != (end == size):
        return b""
    if etag != ubinascii.unhexlify(sha256[:16]):
        return b""
    return data
