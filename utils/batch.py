"""Which cycles send: every n-th, the first after a reset, and those in which an alarm changes.

    batch = batch.Batch(24)
    batch.watch(measurements)       # of sensors.measure()
    if batch.due:
        ...
    batch.keep(is_sent)             # at the end of the cycle

State is in RTC memory (utils/store.py): the cycles since the last one that sent, and the names
whose values are outside their bounds. Any reset but the end of a deep sleep loses it. Then the
cycle sends, and which values are outside is found again without another message.
A cycle that was due stays due until everything is sent; how often that is tried is not decided
here (utils/backoff.py).
"""

from utils import logging, store

_PART = "batch"
_HEAD_BYTES = 3

_log = logging.Logger("batch")


class Batch:
    """due: whether this cycle sends. count: cycles since the last one that did, without this."""

    def __init__(self, every):
        kept = store.part(_PART)
        self.every = every
        self.count = int.from_bytes(kept[:2], "big")
        self.due = len(kept) < _HEAD_BYTES or bool(kept[2]) or self.count + 1 >= every
        self._outside = set(kept[_HEAD_BYTES:].decode().split())

    def watch(self, measurements):
        """Note which values are outside their bounds. What has changed makes the cycle due.

        A measurement that failed changes nothing.
        """
        for item in measurements:
            if item.outside is None or item.outside == (item.name in self._outside):
                continue
            self.due = True
            if item.outside:
                self._outside.add(item.name)
                _log.warning("alarm: %s is outside its bounds", item.name)
            else:
                self._outside.remove(item.name)
                _log.warning("alarm over: %s is inside its bounds", item.name)

    def keep(self, is_sent):
        """Keep the state over the deep sleep.

        is_sent: whether nothing waits any more, so that the next cycle is not due.
        """
        self.count = 0 if is_sent else min(self.count + 1, 65535)
        owed = self.due and not is_sent
        text = " ".join(sorted(self._outside)).encode()
        store.keep_part(_PART, self.count.to_bytes(2, "big") + bytes((owed,)) + text)
