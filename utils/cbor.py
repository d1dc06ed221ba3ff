"""CBOR (RFC 8949) from integers, texts and bytes: what a report needs, encoding only.

    from utils import cbor
    item = cbor.array([cbor.text("t"), cbor.decimal(-2, 2423)])      # ["t", 24.23]

Every function returns the shortest encoding as bytes. There are no floats: those of this VM have
single precision, and a decimal fraction (tag 4) is exact.
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


def _head(major, number):
    """The initial byte of an item and the number that follows it, 0 to 2 ** 64 - 1."""
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
