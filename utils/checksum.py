"""Check value of what is kept: four bytes, by which damage is found.

    from utils import checksum
    kept = content + checksum.of(content)

It is the beginning of a SHA-256, which the chip computes in hardware: this firmware has no CRC,
and one in Python takes 200 ms for a sector of the flash. Raises OSError if a hash of somebody
else was left open (Pycom firmware 1.20.2.r4, moduhashlib.c).
"""

from micropython import const

BYTES = const(4)


def of(content):
    """Return the check value of bytes, 4 bytes."""
    import uhashlib

    return uhashlib.sha256(content).digest()[:BYTES]
