"""uselect: waiting for several sockets and UARTs at once.

Source: Pycom firmware 1.20.2.r4, extmod/moduselect.c (MicroPython 1.11).
"""

from _arguments import to_float, to_int
from _board import call
from _buses import UART
from usocket import _wait, socket

POLLIN, POLLOUT, POLLERR, POLLHUP = 1, 4, 8, 16

_LOOK_US = 1000  # how often a UART is looked at


def _number(stream):
    if isinstance(stream, UART):
        return None
    if not isinstance(stream, socket):
        raise OSError("stream operation not supported")
    return stream.fileno()


def _collect(table, left_us):
    """[(object, mask)] of a list of [object, mask] of which something is ready."""
    wanted = [[_number(stream), mask] for stream, mask in table]
    uarts = [entry for entry in table if isinstance(entry[0], UART)]
    if not uarts:
        return _ready_sockets(table, wanted, left_us)
    wanted = [entry for entry in wanted if entry[0] is not None]
    while True:
        found = _ready_sockets(table, wanted, 0) if wanted else []
        for stream, mask in uarts:
            ready = mask & (POLLOUT | (POLLIN if stream.any() else 0))
            if ready:
                found.append((stream, ready))
        if found or left_us == 0:
            return found
        pause_us = _LOOK_US if left_us < 0 else min(left_us, _LOOK_US)
        call("rtc.sleep_us", pause_us)
        left_us -= pause_us if left_us > 0 else 0


def _ready_sockets(table, wanted, left_us):
    found = []
    for number, mask in _wait(wanted, left_us):
        for stream, _ in table:
            if isinstance(stream, socket) and stream.fileno() == number:
                found.append((stream, mask))
                break
    return found


def select(rlist, wlist, xlist, timeout=None):
    """Those that can be read, can be written, have an error; timeout in seconds."""
    table = []
    for streams, mask in ((rlist, POLLIN), (wlist, POLLOUT), (xlist, POLLERR | POLLHUP)):
        for stream in streams:
            entry = _entry(table, stream)
            if entry is None:
                table.append([stream, mask])
            else:
                entry[1] |= mask
    if timeout is not None:
        timeout = to_float(timeout)
    left_us = -1 if timeout is None or timeout < 0 else int(timeout * 1000) * 1000
    ready = _collect(table, left_us)
    result = ([], [], [])
    for stream, mask in ready:
        if mask & (POLLIN | POLLHUP) and _in(stream, rlist):
            result[0].append(stream)
        if mask & POLLOUT and _in(stream, wlist):
            result[1].append(stream)
        if mask & (POLLERR | POLLHUP) and _in(stream, xlist):
            result[2].append(stream)
    return result


def _in(stream, streams):
    return any(each is stream for each in streams)


def _entry(table, stream):
    for entry in table:
        if entry[0] is stream:
            return entry
    return None


class _Poll:
    def __init__(self):
        self._table = []

    def register(self, stream, eventmask=POLLIN | POLLOUT):
        _number(stream)
        if _entry(self._table, stream) is None:
            self._table.append([stream, eventmask])
        else:
            self.modify(stream, eventmask)

    def unregister(self, stream):
        self._table = [entry for entry in self._table if entry[0] is not stream]

    def modify(self, stream, eventmask):
        entry = _entry(self._table, stream)
        if entry is None:
            raise OSError(2)
        entry[1] = eventmask

    def poll(self, timeout=-1, flags=0):
        """[(object, mask), ...]; timeout in milliseconds, -1: without limit."""
        timeout = -1 if timeout is None else to_int(timeout)
        found = _collect(self._table, -1 if timeout < 0 else timeout * 1000)
        if flags & 1:  # one-shot: what was reported is not watched any more
            for stream, _ in found:
                self.modify(stream, 0)
        return found

    def ipoll(self, timeout=-1, flags=0):
        return iter(self.poll(timeout, flags))


def poll():
    return _Poll()
