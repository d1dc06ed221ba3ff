"""Receiving: +SQNSRECV. What rings and when is in open.py.

    +SQNSRECV: <connId>,<len>[,"<ip>",<port>]
    <len bytes, or 2 x len hex characters>

Source: Sequans Monarch; how an empty read answers and what becomes of a datagram longer than
asked for differs between builds: scenario keys nothing_to_read and long_datagram.
"""

from __future__ import annotations

from emulator.modem.engine import Args, CmeError, Command, Result, at_most, integer
from emulator.modem.family import Family
from emulator.modem.sockets.open import Slot
from emulator.modem.sockets.send import MOST_BYTES
from emulator.network.addresses import Endpoint

NOTHING = 4  # what drivers take for "nothing to read"


class Receiving(Family):
    def commands(self) -> dict[str, Command]:
        return {"+SQNSRECV": Command(set=self._receive, test=f"+SQNSRECV: (1-6),(1-{MOST_BYTES})")}

    def _receive(self, args: Args) -> Result:
        at_most(args, 2)
        slot = self.modem.sockets.slot(args)
        most = integer(args, 1, 1, MOST_BYTES)
        found = self._next(slot, args, most)
        if found is None:
            if self.modem.options.nothing_to_read == "error":
                raise CmeError(NOTHING)
            return [f"+SQNSRECV: {slot.number},0", b""]
        data, sender = found
        head = f"+SQNSRECV: {slot.number},{len(data)}"
        if sender is not None and slot.socket is not None and slot.socket.from_any:
            head += f',"{sender[0]}",{sender[1]}'
        return [head, slot.shown(data)]

    def _next(self, slot: Slot, args: Args, most: int) -> tuple[bytes, Endpoint | None] | None:
        if slot.socket is None and slot.leftover:
            data = bytes(slot.leftover[:most])
            del slot.leftover[:most]
            return data, None
        return self.modem.sockets.open_socket(args).read(most)
