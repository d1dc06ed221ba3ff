"""The measurements of the journal in RTC memory: names and units once, then values.

    count, 1 byte | place of the last layout, 2 | base sequence, 4 | base rtc_s, 4

and then CBOR arrays one after another:

    layout        [[boot, epoch, name, exponent, unit, name, ...]], where it changes
    measurement   [sequence - base, rtc_s - base, value, value, ...]

24 measurements of six values take 570 bytes that way.
"""

from micropython import const

from utils import cbor
from utils._journal_values import encoded

MOST = const(32)  # measurements: what a power cut costs at most

_HEAD_BYTES = const(11)


class Image:
    """A list of measurements as bytes; `content` is kept and read back."""

    def __init__(self, content=b""):
        """Damaged content counts as empty: it is kept with a check value of its own."""
        self.content = content if len(content) > _HEAD_BYTES else b""
        self._added = None  # the last measurement that was added here

    @property
    def count(self):
        return self.content[0] if self.content else 0

    def add(self, boot, epoch, sequence, rtc_s, records, room):
        """Append one measurement. False if there is no place for it in `room` bytes."""
        if self.count >= MOST:
            return False
        head, body = self.content[:_HEAD_BYTES], self.content[_HEAD_BYTES:]
        if not head:
            head = b"\0\0\0" + sequence.to_bytes(4, "big") + rtc_s.to_bytes(4, "big")
        place = int.from_bytes(head[1:3], "big")
        layout = [cbor.integer(boot), cbor.integer(epoch)]
        values = [sequence - _number(head, 3), rtc_s - _number(head, 7)]
        values = [cbor.integer(value) for value in values]
        for name, value, exponent, unit in records:
            layout += [cbor.text(name), cbor.integer(exponent), encoded(unit)]
            values.append(encoded(value))
        layout = cbor.array([cbor.array(layout)])
        if not body or body[place : place + len(layout)] != layout:
            place = len(body)
            body += layout
        body += cbor.array(values)
        if _HEAD_BYTES + len(body) > room:
            return False
        self.content = bytes((self.count + 1,)) + place.to_bytes(2, "big") + head[3:] + body
        self._added = boot, epoch, sequence, rtc_s, records
        return True

    def measurements(self):
        """Yield (boot, epoch, sequence, rtc_s, records), oldest first."""
        if self._added and self.count == 1:
            yield self._added
            return
        from utils import cbor_read  # on demand: most cycles have no older ones

        content, place, layout = self.content, _HEAD_BYTES, []
        try:
            while place < len(content):
                items, place = cbor_read.item(content, place)
                if isinstance(items[0], list):
                    layout = items[0]
                    continue
                records = []
                for index in range(2, len(items)):
                    name, exponent, unit = layout[index * 3 - 4 : index * 3 - 1]
                    records.append((name, items[index], exponent, unit or None))
                sequence, rtc_s = items[0] + _number(content, 3), items[1] + _number(content, 7)
                yield layout[0], layout[1], sequence, rtc_s, records
        except (IndexError, TypeError, ValueError):
            pass  # of another version of this program

    def remove(self, keys):
        """Take out the measurements whose (boot, sequence) is in `keys`."""
        left = Image()
        for each in self.measurements():
            if (each[0], each[2]) not in keys:
                left.add(*(each + (len(self.content) + _HEAD_BYTES,)))
        self.content, self._added = left.content, left._added


def _number(head, place):
    return int.from_bytes(head[place : place + 4], "big")
