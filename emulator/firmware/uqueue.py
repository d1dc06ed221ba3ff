"""uqueue of the firmware. Source: Pycom firmware 1.20.2.r4, esp32/mods/moduqueue.c."""

import utime

_LONG_MS = 50  # between two looks at a queue that has been waited for during some minutes


class Queue:
    def __init__(self, maxsize=1):
        if maxsize <= 0:
            raise ValueError("queue size cannot be infinite")
        self._max = maxsize
        self._items = []

    def put(self, item, block=True, timeout=None):
        if not self._wait(lambda: len(self._items) < self._max, block, timeout):
            raise OSError("Full")
        self._items.append(item)

    def get(self, block=True, timeout=None):
        if not self._wait(lambda: self._items, block, timeout):
            raise OSError("Empty")
        return self._items.pop(0)

    def empty(self):
        return not self._items

    def full(self):
        return len(self._items) >= self._max

    def _wait(self, ready, block, timeout_ms):
        waited_ms = 0
        while not ready():
            if not block or (timeout_ms is not None and waited_ms >= timeout_ms):
                return False
            pause_ms = min(max(1, waited_ms // 4096), _LONG_MS)
            if timeout_ms is not None:
                pause_ms = min(pause_ms, timeout_ms - waited_ms)
            utime.sleep_ms(pause_ms)
            waited_ms += pause_ms
        return True
