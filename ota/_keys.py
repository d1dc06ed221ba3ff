"""The keys of a node, and what is computed with them: SHA-256, HMAC, the key file.

    from ota import _keys
    key = _keys.device_key()                        # 32 bytes, None if the node has none
    tag = _keys.hmac(key, b"part", b"another")
    keys = _keys.key_file(data, root)               # Keys, or a cause

The key file names the moduli that sign releases:

    b"PYK1" | version, 2 bytes | count, 1 or 2 | count x (kid, 1 byte | modulus, 384 bytes) |
    signature of the root key over all before it, 384 bytes

Numbers are big-endian. The firmware has one hash for the whole board: each one here is finished
before the next begins, also when an exception ends it.
"""

from micropython import const
from ucollections import namedtuple

_KEY_SIZE = const(32)  # bytes of the device key
_MOST_KEYS = const(2)
_BLOCK = const(64)  # bytes, of SHA-256
_HEAD = const(7)
_SIGNATURE = const(384)
_KEY = const(385)

# version: 0 to 65535. moduli: {kid: bytes}
Keys = namedtuple("Keys", ("version", "moduli"))


def sha256(*parts):
    """Return the SHA-256 of these bytes together."""
    import uhashlib

    whole = uhashlib.sha256()
    try:
        for part in parts:
            whole.update(part)
    finally:
        digest = whole.digest()
    return digest


def hmac(key, *parts):
    """Return the HMAC-SHA256 (RFC 2104) of these bytes together."""
    if len(key) > _BLOCK:
        key = sha256(key)
    key = key + bytes(_BLOCK - len(key))
    inner = sha256(bytes([byte ^ 0x36 for byte in key]), *parts)
    return sha256(bytes([byte ^ 0x5C for byte in key]), inner)


def same(one, other):
    """Return whether two byte strings are equal; the time does not tell where they differ."""
    if len(one) != len(other):
        return False
    wrong = 0
    for at in range(len(one)):
        wrong |= one[at] ^ other[at]
    return not wrong


def device_key():
    """Return the 32 bytes of the device key, which ./dev deploy --keys puts into NVS, or None."""
    import pycom
    import ubinascii

    text = pycom.nvs_get("ota_key", "")
    try:
        key = ubinascii.unhexlify(text)
    except (ValueError, TypeError):
        return None
    return key if len(key) == _KEY_SIZE else None


def key_file(data, root, above=-1):
    """Return the Keys of a key file, or a cause.

    root: modulus of the root key. above: the version that it has to exceed, for a file that is to
    replace another one.
    Causes: "key_file" damaged; "key_version" not above; "key_signature" not made by the root key.
    """
    from ota import _rsa

    count = data[6] if len(data) > _HEAD else 0
    end = _HEAD + count * _KEY
    if not 1 <= count <= _MOST_KEYS or len(data) != end + _SIGNATURE or data[:4] != b"PYK1":
        return "key_file"
    version = data[4] << 8 | data[5]
    if version <= above:
        return "key_version"
    if not _rsa.verify(sha256(data[:end]), data[end:], root):
        return "key_signature"
    moduli = {data[at]: data[at + 1 : at + _KEY] for at in range(_HEAD, end, _KEY)}
    if len(moduli) != count:  # the same kid twice
        return "key_file"
    return Keys(version, moduli)
