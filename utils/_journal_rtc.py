"""The journal's part of the RTC memory, which outlives deep sleep only.

    rtc = _journal_rtc.Rtc()
    rtc.image.add(...)
    rtc.keep()

    version | measurements that wait on flash, 2 bytes | given up so far, 4 | image

utils/journal.py uses it, and add() alone where nothing more than a further measurement is to be
kept: a cycle without radio loads a third of the journal then.
"""

from micropython import const

from utils import _journal_image, _journal_values, store

UNKNOWN = const(65535)  # how many wait on flash
PART = "journal"
HEAD_BYTES = const(7)

_VERSION = const(1)


class Rtc:
    """is_good: whether there was a part. image: measurements, on_flash, gone: see above."""

    def __init__(self):
        kept = store.part(PART)
        self.is_good = len(kept) >= HEAD_BYTES and kept[0] == _VERSION
        self.on_flash = int.from_bytes(kept[1:3], "big") if self.is_good else UNKNOWN
        self.gone = int.from_bytes(kept[3:7], "big") if self.is_good else 0
        self.image = _journal_image.Image(kept[HEAD_BYTES:] if self.is_good else b"")

    def room(self):
        """Return how many bytes the image may have."""
        return store.room(PART) - HEAD_BYTES

    def keep(self):
        """Write the part. False if that fails."""
        head = bytes((_VERSION,)) + self.on_flash.to_bytes(2, "big")
        head += min(self.gone, 0xFFFFFFFF).to_bytes(4, "big")
        return store.keep_part(PART, head + self.image.content)


def add(sequence, rtc_s, epoch, records):
    """Add a measurement to those in RTC memory. Return the Rtc.

    None if that is not enough: something waits on flash, the memory is full, or a record cannot
    be kept as it is. Then nothing has changed, and Journal.add() does it.
    """
    rtc = Rtc()
    if not rtc.is_good or rtc.on_flash:
        return None
    try:
        plain = [_journal_values.plain(record) for record in records]
        measurement = [record for record in plain if record is not None]
        room = rtc.room()
        if rtc.image.add(store.boot_number(), epoch, sequence, rtc_s, measurement, room):
            return rtc if rtc.keep() else None
    except ValueError:
        pass
    return None
