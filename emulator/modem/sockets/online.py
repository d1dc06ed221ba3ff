"""Online mode of a socket: what the host writes goes out in packets, what comes in is written.

A packet leaves when it has its size (+SQNSCFG pktSz) or when the host has written nothing more
for a while (txTo). "+++" suspends, +SQNSO resumes, ATH closes the socket.
Source: Telit #SD and #SCFG, on which the family is modelled; drivers of the Monarch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.board.clock import Timer
from emulator.board.constants import ESTIMATE, constant
from emulator.modem.dataport import Connection

if TYPE_CHECKING:
    from emulator.modem.modem import Modem
    from emulator.modem.sockets.open import OpenSocket

# what came before CONNECT follows behind it
WAITING_MS = constant(5, "ms", ESTIMATE, "no source found")
AUTO_BYTES = 1360  # pktSz 0: what fits into one packet on air


class OnlineMode:
    def __init__(self, modem: Modem, socket: OpenSocket) -> None:
        self._modem = modem
        self._socket = socket
        self._unsent = bytearray()
        self._timer = Timer(modem.board.clock)
        self.connection: Connection | None = None

    @property
    def active(self) -> bool:
        """The port is in data mode for this socket now."""
        data = self._modem.session.data
        return self.connection is not None and data.active and data.connection is self.connection

    def enter(self) -> None:
        """Have the port connected; the caller answers CONNECT."""
        if self.connection is None:
            owner = f"socket {self._socket.slot.number}"
            self.connection = Connection(owner, self._from_host, self._hung_up)
        other = self._modem.session.data.connection
        if other is not None and other.owner.startswith("ppp"):
            self._modem.session.data.hang_up()
        self._modem.session.data.connect(self.connection)
        self._modem.after_ms(WAITING_MS, self._socket.show_unread)

    def show(self, data: bytes) -> None:
        self._modem.session.data.send(data)

    def end(self) -> None:
        """The socket closes: the port goes back to commands, with NO CARRIER if it was ours."""
        self._flush()
        connection, self.connection = self.connection, None
        data = self._modem.session.data
        if connection is None or data.connection is not connection:
            return
        if data.active:
            data.lost()
        else:
            data.connection = None

    def _from_host(self, data: bytes) -> None:
        self._unsent += data
        basic = self._socket.slot.basic
        size = basic.packet_bytes or AUTO_BYTES
        while len(self._unsent) >= size:
            packet = bytes(self._unsent[:size])
            del self._unsent[:size]
            self._send(packet)
        self._timer.stop()
        if self._unsent:
            self._timer.start_ms(basic.send_ds * 100, self._flush)

    def _flush(self) -> None:
        self._timer.stop()
        packet = bytes(self._unsent)
        self._unsent.clear()
        if packet:
            self._send(packet)

    def _send(self, packet: bytes) -> None:
        """What the buffer cannot take is lost: RTS/CTS would stop the host before."""
        if not self._socket.half_closed:
            self._socket.send(packet)

    def _hung_up(self) -> None:
        """ATH, or the port was taken for something else."""
        if self.connection is not None:
            self.connection = None
            self._socket.close(lambda: None)
