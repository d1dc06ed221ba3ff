"""Frames of the journal on flash: how measurements and clock readings are written.

    marker 0xA5 | version, type | length of the content, 2 bytes | content | check value, 4 bytes

The check value (utils/checksum.py) covers all before it but the marker. The content is one CBOR
array:

    type 1, measurement   [boot, epoch, sequence, rtc_s, name, value, exponent, unit, name, ...]
    type 2, clock         [boot, epoch, rtc_s, utc_s, rate_ppm]; utc_s 0: none in this epoch

Each frame can be read without any other. A stretch that was torn or zeroed is skipped up to the
next marker whose frame is whole.
"""

from micropython import const

from utils import cbor, cbor_read, checksum
from utils._journal_values import encoded

MEASUREMENT = const(0x11)  # version 1 in the upper four bits
CLOCK = const(0x12)

_MARKER = b"\xa5"
_HEAD_BYTES = const(4)
_MOST_BYTES = const(4000)  # of a frame, so that it fits into a segment


def measurement(boot, epoch, sequence, rtc_s, records):
    """Return a frame. Raises ValueError if it would be longer than a segment holds."""
    items = [cbor.integer(value) for value in (boot, epoch, sequence, rtc_s)]
    for name, value, exponent, unit in records:
        items += [cbor.text(name), encoded(value), cbor.integer(exponent), encoded(unit)]
    return _frame(MEASUREMENT, items)


def clock(boot, epoch, anchor):
    """Return a frame. anchor: (rtc_s, utc_s, rate_ppm) or None."""
    rtc_s, utc_s, rate_ppm = anchor or (0, 0, 0)
    return _frame(CLOCK, [cbor.integer(each) for each in (boot, epoch, rtc_s, utc_s, rate_ppm)])


def whole(content):
    """Yield (place, end, type) of each whole frame."""
    place = content.find(_MARKER)
    while place >= 0:
        end = _end(content, place)
        if end:
            yield place, end, content[place + 1]
        place = content.find(_MARKER, end or place + 1)


def read(content, place):
    """Return (boot, epoch, sequence, rtc_s, records) of the measurement whose frame begins there.

    Raises ValueError if its content is that of another program.
    """
    items = _items(content, place, 4)
    records = []
    for index in range(4, len(items), 4):
        name, value, exponent, unit = (items + [None] * 3)[index : index + 4]
        records.append((name, value, exponent, unit or None))
    return tuple(items[:4]) + (records,)


def clocks(content, place):
    """Return [(epoch, (rtc_s, utc_s, rate_ppm))] of a clock frame, [] if it has no good time."""
    try:
        items = _items(content, place, 5)
    except ValueError:
        return []
    return [(items[1], tuple(items[2:5]))] if items[3] else []


def _items(content, place, numbers):
    items, _ = cbor_read.item(content, place + _HEAD_BYTES)
    if isinstance(items, list) and len(items) >= numbers:
        if all(isinstance(number, int) for number in items[:numbers]):
            return items
    raise ValueError("frame {!r}".format(items))


def _frame(kind, items):
    content = cbor.array(items)
    checked = bytes((kind,)) + len(content).to_bytes(2, "big") + content
    if len(checked) > _MOST_BYTES:
        raise ValueError("%d bytes; allowed: %d" % (len(checked), _MOST_BYTES))
    return _MARKER + checked + checksum.of(checked)


def _end(content, place):
    """Return where the frame that begins at `place` ends, 0 if none is whole there."""
    head = content[place : place + _HEAD_BYTES]
    if len(head) < _HEAD_BYTES or head[1] not in (MEASUREMENT, CLOCK):
        return 0
    checked = place + _HEAD_BYTES + int.from_bytes(head[2:], "big")
    end = checked + checksum.BYTES
    if checksum.of(content[place + 1 : checked]) != content[checked:end]:
        return 0
    return end
