"""CBOR (RFC 8949) from integers, texts and bytes: encoding, as far as a report needs it.

    from utils import cbor
    item = cbor.array([cbor.text("t"), cbor.decimal(-2, 2423)])      # ["t", 24.23]

Every function returns the shortest encoding as bytes. Floats are not accepted, because this VM has
single precision. A number is a mantissa and a decimal exponent, and stays exact.
"""

from micropython import const

_UNSIGNED = const(0x00)  # major types, RFC 8949 3.1, in the upper three bits
_NEGATIVE = const(0x20)
_BYTES = const(0x40)
_TEXT = const(0x60)
_ARRAY = const(0x80)
_MAP = const(0xA0)
_TAG = const(0xC0)
_FALSE = b"\xf4"
_TRUE = b"\xf5"
_DECIMAL_FRACTION = const(4)
_HALF = b"\xf9"  # a float of 16 bits, IEEE 754 binary16


def _head(major, number):
    """Return the initial byte of an item and the number after it, 0 to 2 ** 64 - 1."""
    if number < 24:
        return bytes((major | number,))
    if number < 0x100:
        return bytes((major | 24, number))
    if number < 0x10000:
        return bytes((major | 25,)) + number.to_bytes(2, "big")
    if number < 0x100000000:
        return bytes((major | 26,)) + number.to_bytes(4, "big")
    if number < 0x10000000000000000:
        return bytes((major | 27,)) + number.to_bytes(8, "big")
    raise ValueError("number {}; allowed: up to 64 bits".format(number))


def integer(value):
    """An int from -2 ** 64 to 2 ** 64 - 1; ValueError for others."""
    return _head(_UNSIGNED, value) if value >= 0 else _head(_NEGATIVE, -1 - value)


label = integer  # key of a map; formats with other keys have a function of this name


def boolean(value):
    return _TRUE if value else _FALSE


def text(value):
    """A str, as UTF-8."""
    encoded = value.encode()
    return _head(_TEXT, len(encoded)) + encoded


def binary(value):
    """Bytes or a bytearray."""
    return _head(_BYTES, len(value)) + bytes(value)


def array(items):
    """A list of items that are encoded already."""
    return _head(_ARRAY, len(items)) + b"".join(items)


def mapping(items):
    """A map from a list of encoded items: key, value, key, value and so on."""
    return _head(_MAP, len(items) // 2) + b"".join(items)


def decimal(exponent, mantissa):
    """The decimal fraction mantissa * 10 ** exponent (RFC 8949 3.4.4)."""
    return _head(_TAG, _DECIMAL_FRACTION) + array([integer(exponent), integer(mantissa)])


def number(exponent, mantissa):
    """mantissa * 10 ** exponent in its shortest exact form: integer, half float or as `decimal`.

    -9.5 is a half float of 3 bytes, 24.2 a decimal fraction; zeros at the end are not written.
    """
    if mantissa == 0:
        return integer(0)
    while exponent < 0 and mantissa % 10 == 0:
        mantissa //= 10
        exponent += 1
    if exponent < 0:
        return _half(-exponent, mantissa) or decimal(exponent, mantissa)
    fraction = decimal(exponent, mantissa)
    if exponent < 20 and -1 << 64 <= mantissa * 10**exponent < 1 << 64:
        whole = integer(mantissa * 10**exponent)
        if len(whole) <= len(fraction):
            return whole
    return fraction


def _half(places, mantissa):
    """mantissa / 10 ** places as a half float (RFC 8949 3.3), None if that is not exact."""
    if places > 24 or mantissa % 5**places:
        return None
    steps = abs(mantissa) // 5**places  # of 2 ** -places
    while steps < 1024:
        steps *= 2
        places += 1
    while steps >= 2048 and steps % 2 == 0:
        steps //= 2
        places -= 1
    exponent = 25 - places  # biased by 15; the significand is 1024 to 2047 steps
    if steps >= 2048 or not 1 <= exponent <= 30:
        return None
    bits = exponent << 10 | (steps - 1024) | (0x8000 if mantissa < 0 else 0)
    return _HALF + bits.to_bytes(2, "big")
