"""The texts of SDI-12: checksum, replies, identification.

    _sdi12_text.values("0+3.14OqZ", "0", True)      # [3.14]

A reply is refused unless it is exactly what the standard allows: SensorError("crc"), whatever is
wrong with it, since a line is disturbed far more often than a probe is built wrongly.

Written against the SDI-12 specification 1.4 (SDI-12 Support Group), sections 4.4 and 4.4.12.
"""

from micropython import const
from ucollections import namedtuple

from sensors import SensorError

DIGITS = "0123456789"
ADDRESSES = DIGITS + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

# Lengths of replies in characters with address and line end; values without checksum.
ADDRESS_MOST = const(3)
START_MOST = const(8)
IDENTIFICATION_MOST = const(35)
CHECKSUM = const(3)
VALUES_MOST = const(38)  # after M
VALUES_MOST_LONG = const(78)  # after C and R

_DIGITS_MOST = const(7)  # of one value
_IDENTIFICATION_LEAST = const(17)  # address, version, vendor, model; some leave the rest out
_POLYNOMIAL = const(0xA001)

# version: "1.3", of the standard; the others as the probe says them, without spaces at the end
Identification = namedtuple(
    "Identification", ("address", "version", "vendor", "model", "firmware", "optional")
)


def checksum(text):
    """Return the three characters behind `text` (a str) in a reply with checksum."""
    crc = 0
    for character in text:
        crc ^= ord(character)
        for _ in range(8):
            crc = crc >> 1 ^ _POLYNOMIAL if crc & 1 else crc >> 1
    return "".join([chr(0x40 | crc >> shift & 0x3F) for shift in (12, 6, 0)])


def answered(text, address):
    """Return the address that a reply consists of; any one if `address` is "?"."""
    if len(text) != 1 or text not in (ADDRESSES if address == "?" else address):
        raise SensorError("crc")
    return text


def start(text, address, digits):
    """Return (seconds until ready, number of values) of a reply to M (1 digit) or C (2)."""
    body = _body(text, address)
    if len(body) != 3 + digits or not _all_digits(body):
        raise SensorError("crc")
    return int(body[:3]), int(body[3:])


def values(text, address, with_checksum):
    """Return the values of a reply to D or R as floats; an empty list if there are none."""
    body = _body(text, address)
    if with_checksum and body:  # who has nothing to say may have forgotten about checksums as well
        if len(body) < CHECKSUM or checksum(text[:-CHECKSUM]) != text[-CHECKSUM:]:
            raise SensorError("crc")
        body = body[:-CHECKSUM]
    found = []
    place = 0
    while place < len(body):
        end = place + 1
        while end < len(body) and body[end] not in "+-":
            end += 1
        found.append(_number(body[place:end]))
        place = end
    return found


def identification(text, address):
    """Return the Identification of a reply to I."""
    body = _body(text, address)
    if not _IDENTIFICATION_LEAST <= len(text) < IDENTIFICATION_MOST or not _all_digits(body[:2]):
        raise SensorError("crc")
    for character in body:
        if not " " <= character <= "~":
            raise SensorError("crc")
    version = "{}.{}".format(body[0], body[1])
    vendor, model = body[2:10].rstrip(), body[10:16].rstrip()
    return Identification(address, version, vendor, model, body[16:19].rstrip(), body[19:])


def _body(text, address):
    if text[:1] != address:
        raise SensorError("crc")
    return text[1:]


def _all_digits(text):
    for character in text:
        if character not in DIGITS:
            return False
    return True


def _number(text):
    """Return a float for a sign, up to seven digits and a point between or beside them."""
    before, after = _split(text[1:])
    digits = before + after
    if text[0] not in "+-" or not 1 <= len(digits) <= _DIGITS_MOST or not _all_digits(digits):
        raise SensorError("crc")
    # One division of two integers is rounded once; the parser of this VM is less exact.
    value = int(digits) / 10 ** len(after)
    return -value if text[0] == "-" else value


def _split(text):
    """What stands before the first point, and what behind it."""
    place = text.find(".")
    if place < 0:
        return text, ""
    return text[:place], text[place + 1 :]
