"""The stream between this VM and the emulated board.

    wire.open(link)                       # link.exchange(frame) -> the frame of the answer
    wire.exchange("rtc.time")             # carried out by the board; its exceptions are raised
    wire.pending                          # the last answer said that interrupts are waiting

The protocol is described in docs/vm-stream.md. Runs on MicroPython 1.11 and later.
"""

import errors
import values

NONE = 78  # tag of values.py


class Wire:
    def __init__(self):
        self.pending = False
        self._link = None
        self._names = {}  # of calls, as they travel

    def open(self, link):
        self._link = link

    def exchange(self, name, *args):
        """One call: the value of the answer, or the exception it carries."""
        start = self._names.get(name)
        if start is None:
            start = self._names[name] = bytearray()
            values.put(start, name)
        out = start
        if args:
            out = start[:]
            for value in args:
                values.put(out, value)
        answer = self._link.exchange(out)
        flags = answer[0]
        self.pending = bool(flags & 1)
        value = None
        if answer[1] != NONE:  # which most calls return
            value = values.Reader(answer, 1).read()
        if flags & 2:
            raise errors.made(value[0], value[1])
        return value


wire = Wire()
exchange = wire.exchange
