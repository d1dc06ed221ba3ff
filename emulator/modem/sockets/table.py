"""The six connection ids of the modem: what is configured, what is open, what is left to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.modem.engine import Args, CmeError, integer
from emulator.modem.sockets.open import OpenSocket, Slot

if TYPE_CHECKING:
    from emulator.modem.modem import Modem

IDS = range(1, 7)
FIRST_EPHEMERAL = 49152  # RFC 6335


class SocketTable:
    def __init__(self, modem: Modem) -> None:
        self.modem = modem
        self.slots = [Slot(number) for number in IDS]
        self._next_port = FIRST_EPHEMERAL

    def slot(self, args: Args) -> Slot:
        return self.slots[integer(args, 0, IDS[0], IDS[-1]) - 1]

    def closed_slot(self, args: Args) -> Slot:
        slot = self.slot(args)
        if slot.socket is not None:
            raise CmeError(3)
        return slot

    def open_socket(self, args: Args) -> OpenSocket:
        """The socket of an id, connected; CME 3 if it is closed, being opened, or listening."""
        socket = self.slot(args).socket
        if socket is None or not socket.connected:
            raise CmeError(3)
        return socket

    def ephemeral_port(self) -> int:
        port = self._next_port
        self._next_port = FIRST_EPHEMERAL + (port + 1 - FIRST_EPHEMERAL) % 16384
        return port

    def addresses(self, slot: Slot) -> dict[str, str]:
        """Ours on the slot's PDN connection; CME 3 without one."""
        if self.modem.cfun != 1 or slot.basic.cid not in self.modem.pdn.active:
            raise CmeError(3)
        return self.modem.pdn_addresses(slot.basic.cid)

    def drop(self, cid: int | None = None) -> None:
        """Close without a word to the host or to the other side: all, or those on one context."""
        for slot in self.slots:
            if cid is None or slot.basic.cid == cid:
                slot.leftover.clear()
                if slot.socket is not None:
                    slot.socket.drop()

    def break_off(self) -> None:
        """Open sockets stay so for who asks, and take no data any more."""
        for slot in self.slots:
            if slot.socket is not None:
                slot.socket.half_closed = True

    def reset(self) -> None:
        self.drop()
        self._next_port = FIRST_EPHEMERAL
        for slot in self.slots:
            slot.forget()
