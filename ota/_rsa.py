"""The signature of a release: RSASSA-PKCS1-v1_5 with SHA-256 and RSA-3072 (RFC 8017, 8.2.2).

    from ota import _rsa
    _rsa.verify(digest, signature, modulus)      # True or False, never an exception

The block that a right signature gives is built and compared whole; nothing that was signed is
parsed. The exponent is 65537.

MicroPython 1.11 divides large integers wrongly, or for minutes, by some divisors (micropython
issue 6777). Of a divisor with its top bit set and no aligned 16-bit digit 0xFFFF each division is
right, so only such moduli are used: `is_vetted`. The key tool makes no others.
"""

from micropython import const

_SIZE = const(384)  # bytes of a modulus, and of a signature

# DigestInfo of SHA-256 in DER, RFC 8017 9.2 note 1
_INFO = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"


def is_vetted(modulus):
    """Return whether these bytes, big-endian, can be a modulus: see above; and it is odd."""
    if len(modulus) != _SIZE or not modulus[0] & 0x80 or not modulus[-1] & 1:
        return False
    for at in range(0, _SIZE, 2):
        if modulus[at] == 0xFF and modulus[at + 1] == 0xFF:
            return False
    return True


def verify(digest, signature, modulus):
    """Return whether `signature` is that of a message with this SHA-256, by the key of `modulus`.

    digest: 32 bytes. signature, modulus: bytes of any length and content; others than 384 bytes
    are refused. Takes 0.3 to 0.6 s on a board, estimated from instruction counts.
    """
    from ota import _keys

    if len(digest) != 32 or len(signature) != _SIZE or not is_vetted(modulus):
        return False
    n = int.from_bytes(modulus, "big")
    s = int.from_bytes(signature, "big")
    if s >= n:
        return False
    power = s
    for _ in range(16):
        power = power * power % n
    found = (power * s % n).to_bytes(_SIZE, "big")
    padding = b"\xff" * (_SIZE - 3 - len(_INFO) - 32)
    expected = b"\x00\x01" + padding + b"\x00" + _INFO + digest
    return _keys.same(found, expected)
