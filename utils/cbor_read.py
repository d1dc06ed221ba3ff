"""CBOR (RFC 8949): decoding, as far as a journal and a server's answer need it.

    from utils import cbor_read
    value, end = cbor_read.item(b"\\xa1\\x01\\x1a\\x65\\x00\\x00\\x00")      # ({1: 1694498816}, 7)

Gives int, str, bytes, bool, None, lists and dicts. The content of a tag stands for the tag. Floats
and simple values that are none of these give None, because this VM has single precision. Anything
else, such as an item of unknown length, raises ValueError and no other exception.
"""

from micropython import const

_MOST_BYTES = const(4096)
_MOST_DEPTH = const(8)
_SIMPLE = {20: False, 21: True}


def item(data, start=0):
    """Return (value, place behind it) of the item that begins at `start`.

    data: bytes of at most 4096. Raises ValueError if there is no whole item, if it is nested more
    than 8 deep, or if a map has a key that is neither int nor str, or the same key twice.
    """
    if len(data) > _MOST_BYTES:
        raise ValueError("{} bytes of CBOR; allowed: {}".format(len(data), _MOST_BYTES))
    return _item(data, start, _MOST_DEPTH)


def _item(data, place, depth):
    if depth == 0:
        raise ValueError("CBOR nested too deep")
    major, number, place = _head(data, place)
    if major == 0:
        return number, place
    if major == 1:
        return -1 - number, place
    if major == 2 or major == 3:
        content = _taken(data, place, number)
        return (content if major == 2 else _text(content)), place + number
    if major == 4:
        return _array(data, place, number, depth - 1)
    if major == 5:
        return _map(data, place, number, depth - 1)
    if major == 6:
        return _item(data, place, depth - 1)
    return _SIMPLE.get(number) if data[place - 1] < 0xF8 else None, place


def _head(data, place):
    """Return (major type, number, place behind them)."""
    if not 0 <= place < len(data):
        raise ValueError("CBOR ends too early")
    first = data[place]
    number = first & 0x1F
    place += 1
    if number < 24:
        return first >> 5, number, place
    if number > 27:
        raise ValueError("CBOR of unknown length")
    length = 1 << (number - 24)
    return first >> 5, int.from_bytes(_taken(data, place, length), "big"), place + length


def _taken(data, place, length):
    if length > len(data) - place:
        raise ValueError("CBOR ends too early")
    return bytes(data[place : place + length])


def _text(content):
    try:
        return content.decode()
    except ValueError:
        raise ValueError("CBOR text is not UTF-8")


def _array(data, place, count, depth):
    items = []
    if count > len(data) - place:  # each takes a byte at least
        raise ValueError("CBOR ends too early")
    for _ in range(count):
        value, place = _item(data, place, depth)
        items.append(value)
    return items, place


def _map(data, place, count, depth):
    items = {}
    if count > len(data) - place:
        raise ValueError("CBOR ends too early")
    for _ in range(count):
        key, place = _item(data, place, depth)
        if not isinstance(key, (int, str)) or key in items:
            raise ValueError("key of a CBOR map: {!r}".format(key))
        items[key], place = _item(data, place, depth)
    return items, place
