"""Frames of the journal on flash: how measurements and clock readings are written.

    marker 0xA5 | version, type | length of the content, 2 bytes | content | check value, 4 bytes

The check value (utils/checksum.py) covers all before it but the marker. The content is one CBOR
array:

    type 1, measurement   [place of its layout, sequence - base, rtc_s - base, value, value, ...]
    type 2, clock         [boot, epoch, rtc_s, utc_s, rate_ppm]; utc_s 0: none in this epoch
    type 3, layout        [[boot, epoch, name, exponent, unit, name, ...], sequence, rtc_s]: bases

A measurement needs its layout, at most 512 bytes before it in the same segment. A stretch that was
torn or zeroed is skipped up to the next marker whose frame is whole.
"""

from micropython import const

from utils import cbor, cbor_read, checksum
from utils._journal_values import encoded

MEASUREMENT = const(0x11)  # version 1 in the upper four bits
CLOCK = const(0x12)
LAYOUT = const(0x13)

_MARKER = b"\xa5"
_HEAD_BYTES = const(4)
_MOST_BYTES = const(4000)  # of a measurement and its layout, so that they fit into a segment
_REACH = const(512)  # a layout serves so far, so that damage costs no more than what is there


def measurement(place, layout, boot, epoch, sequence, rtc_s, records):
    """Return (bytes to write at this place of a segment, layout for the next measurement).

    layout: None in a new segment. Raises ValueError if it is longer than a segment holds.
    """
    names = [cbor.integer(boot), cbor.integer(epoch)]
    for name, _, exponent, unit in records:
        names += [cbor.text(name), cbor.integer(exponent), encoded(unit)]
    names = cbor.array(names)
    data = b""
    if layout is None or place - layout[0] > _REACH or not layout[3].startswith(names):
        data = _frame(LAYOUT, [names, cbor.integer(sequence), cbor.integer(rtc_s)])
        layout = (place, sequence, rtc_s, names)
    items = [layout[0], sequence - layout[1], rtc_s - layout[2]]
    items = [cbor.integer(each) for each in items] + [encoded(record[1]) for record in records]
    data += _frame(MEASUREMENT, items)
    if len(data) > _MOST_BYTES:
        raise ValueError("%d bytes; allowed: %d" % (len(data), _MOST_BYTES))
    return data, layout


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


def layout(content, place):
    """Return the layout whose frame is there, as for measurement(); ValueError if none is."""
    end = _end(content, place)
    if end and content[place + 1] == LAYOUT:
        items, _ = cbor_read.item(content, place + _HEAD_BYTES)
        if isinstance(items, list) and len(items) == 3 and isinstance(items[0], list):
            names = content[place + _HEAD_BYTES + 1 : end - checksum.BYTES]
            return place, items[1], items[2], names
    raise ValueError("no layout at %d" % place)


def read(content, place, layouts):
    """Return (boot, epoch, sequence, rtc_s, records) of the measurement whose frame begins there.

    layouts: {} for each content; filled here. Raises ValueError if the layout is damaged, or the
    content that of another program.
    """
    items = _items(content, place, 3)
    if items[0] not in layouts:
        _, sequence, rtc_s, names = layout(content, items[0])
        layouts[items[0]] = cbor_read.item(names)[0], sequence, rtc_s
    names, sequence, rtc_s = layouts[items[0]]
    if len(names) != 3 * len(items) - 7:
        raise ValueError("frame {!r}".format(items))
    records = []
    for index in range(3, len(items)):
        name, exponent, unit = names[3 * index - 7 : 3 * index - 4]
        records.append((name, items[index], exponent, unit or None))
    return names[0], names[1], sequence + items[1], rtc_s + items[2], records


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
    if len(content) > _MOST_BYTES:
        raise ValueError("%d bytes; allowed: %d" % (len(content), _MOST_BYTES))
    checked = bytes((kind,)) + len(content).to_bytes(2, "big") + content
    return _MARKER + checked + checksum.of(checked)


def _end(content, place):
    """Return where the frame that begins at `place` ends, 0 if none is whole there."""
    head = content[place : place + _HEAD_BYTES]
    if len(head) < _HEAD_BYTES or not MEASUREMENT <= head[1] <= LAYOUT:
        return 0
    checked = place + _HEAD_BYTES + int.from_bytes(head[2:], "big")
    end = checked + checksum.BYTES
    if checksum.of(content[place + 1 : checked]) != content[checked:end]:
        return 0
    return end
