"""utimeq: a queue of what is due when, ordered over the wrap of the ticks.

Source: Pycom firmware 1.20.2.r4, extmod/modutimeq.c.
"""

from utime import ticks_diff


class utimeq:  # noqa: N801 - the name of the firmware
    def __init__(self, size):
        self._size = size
        self._items = []

    def push(self, time, callback, args):
        if len(self._items) >= self._size:
            raise IndexError("queue overflow")
        at = len(self._items)
        while at > 0 and ticks_diff(self._items[at - 1][0], time) > 0:
            at -= 1
        self._items.insert(at, (time, callback, args))

    def pop(self, out):
        if not self._items:
            raise IndexError("empty heap")
        out[0], out[1], out[2] = self._items.pop(0)

    def peektime(self):
        if not self._items:
            raise IndexError("empty heap")
        return self._items[0][0]

    def __len__(self):
        return len(self._items)

    def __bool__(self):
        return bool(self._items)
