"""One open socket of the modem: its connection over the air, its buffer, its counters, its ring.

Source: Sequans Monarch +SQNSRING, +SQNSS, +SQNSI as TinyGSM, toit and ST's driver read them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from emulator.board.clock import Timer
from emulator.modem.sockets.online import OnlineMode
from emulator.modem.sockets.settings import Basic, Extended, Secure
from emulator.network.addresses import Endpoint
from emulator.network.datagrams import Datagrams
from emulator.network.streams import Stream

if TYPE_CHECKING:
    from emulator.modem.modem import Modem

CLOSED, ACTIVE, SUSPENDED, PENDING, LISTENING, INCOMING, OPENING = range(7)
RECEIVE_BYTES = 8192  # stand-in: nobody has published the sizes of the modem's buffers
SEND_BYTES = 8192


class Slot:
    """One connection id."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.socket: OpenSocket | None = None
        self.leftover = bytearray()  # unread when the other side closed: can still be read
        self.forget()

    def forget(self) -> None:
        """Factory settings."""
        self.basic = Basic()
        self.extended = Extended()
        self.secure = Secure()

    def shown(self, data: bytes) -> bytes:
        """Received data as +SQNSRECV and +SQNSRING print them."""
        return data.hex().upper().encode() if self.extended.receive_hex else data


class OpenSocket:
    """`flow` is the UDP or TCP underneath; a listening socket has none before it accepts."""

    def __init__(self, modem: Modem, slot: Slot, local: Endpoint) -> None:
        self._modem = modem
        self.slot = slot
        self.local = local
        self.remote: Endpoint | None = None
        self.flow: Datagrams | Stream | None = None
        self.stays_open = False  # closureType: the local side closes only when told to
        self.from_any = 0  # acceptAnyRemote
        self.half_closed = False  # the other side has closed, we have not
        self.state = OPENING
        self.sent = 0
        self.received = 0
        self.online = OnlineMode(modem, self)
        self.on_drop: Callable[[], None] = lambda: None  # a dial that waits, a listener
        self._datagrams: deque[tuple[str, int, bytes]] = deque()
        self._stream = bytearray()
        self._idle = Timer(modem.board.clock)
        slot.socket = self
        slot.leftover.clear()

    @property
    def connected(self) -> bool:
        return self.state in (ACTIVE, SUSPENDED)

    @property
    def unread(self) -> int:
        return len(self._stream) + sum(len(data) for _, _, data in self._datagrams)

    @property
    def shown_state(self) -> int:
        return PENDING if self.state == SUSPENDED and self.unread else self.state

    # opening and closing

    def open(self, online: bool) -> None:
        """Connected: from here on data flow and the inactivity timer runs."""
        self.state = SUSPENDED
        if isinstance(self.flow, Stream):
            self.flow.room = lambda: RECEIVE_BYTES - self.unread
        if online:
            self.online.enter()
        self._touch()

    def drop(self) -> None:
        """Be closed at once, without a word to the other side (a TCP peer is left hanging)."""
        self._leave()
        if self.flow is not None:
            self.flow.abort()

    def close(self, done: Callable[[], None]) -> None:
        """Be closed in order; `done` when the other side knows (at once for UDP)."""
        self._leave()
        if self.flow is None:
            done()
        else:
            self.flow.close(done)

    def _leave(self) -> None:
        self.state = CLOSED
        self.slot.socket = None
        self._idle.stop()
        self.online.end()
        self.on_drop()

    def on_closed(self) -> None:
        """The other side has closed the TCP connection, or is gone."""
        if self.stays_open and not self.online.active:
            self.half_closed = True
            return
        self._ended()

    def _ended(self) -> None:
        """Closed by something else than the host's command: tell the host."""
        was_online = self.online.active
        leftover = bytes(self._stream)
        self.drop()
        self.slot.leftover += leftover
        if not was_online:  # online the host reads NO CARRIER
            self._modem.urc(f"+SQNSH: {self.slot.number}")

    # sending

    def send(self, data: bytes, to: Endpoint | None = None) -> bool:
        """Take `data` into the send buffer; False if that is full."""
        assert self.flow is not None
        if self.flow.pending + len(data) > SEND_BYTES:
            return False
        self.sent += len(data)
        self._touch()
        if isinstance(self.flow, Stream):
            self.flow.send(data)
        else:
            target = to or self.remote
            assert target is not None
            self.flow.send(*target, data)
        return True

    # receiving

    def ask(self) -> None:
        """The host asks what has come: from now until it reads something, it waits."""
        if self.flow is not None and not self.unread:
            self.flow.awaited = True
            self.flow.expect()

    def on_datagram(self, host: str, port: int, data: bytes) -> None:
        if not self.from_any and self.remote is not None and (host, port) != self.remote:
            return  # not from the one this socket is connected with
        if self.unread + len(data) > RECEIVE_BYTES:
            self._modem.board.trace.add("net", f"no room for {len(data)} bytes in the modem")
            return
        was_empty = not self._datagrams
        if self._count(data):
            self._datagrams.append((host, port, data))
            self._ring(len(data), was_empty)

    def on_data(self, data: bytes) -> None:
        was_empty = not self._stream
        if self._count(data):
            self._stream += data
            self._ring(len(data), was_empty)

    def read(self, most: int) -> tuple[bytes, Endpoint | None] | None:
        """The next data, one datagram at most, with its sender; None if nothing has come."""
        self.ask()
        if self.flow is not None and self.unread:
            self.flow.awaited = False
        if self._stream:
            data = bytes(self._stream[:most])
            del self._stream[:most]
            return data, self.remote
        if not self._datagrams:
            return None
        host, port, data = self._datagrams.popleft()
        if len(data) > most and self._modem.options.long_datagram == "keep":
            self._datagrams.appendleft((host, port, data[most:]))
        return data[:most], (host, port)

    def hold(self, host: str, port: int, data: bytes) -> None:
        """Keep what came before the socket was accepted."""
        self.received += len(data)
        self._datagrams.append((host, port, data))

    def show_unread(self) -> None:
        """Online again: the host reads first what came while it was not."""
        while self.online.active and (found := self.read(RECEIVE_BYTES)) is not None:
            self.online.show(found[0])

    def _count(self, data: bytes) -> bool:
        """True if the data are to be kept for +SQNSRECV."""
        self.received += len(data)
        self._touch()
        if self.online.active:
            self.online.show(data)
            return False
        if self.slot.extended.ring_mode == 2:
            head = f"+SQNSRING: {self.slot.number},{len(data)},".encode()
            self._modem.urc(head + self.slot.shown(data))
            return False
        return True

    def _ring(self, count: int, was_empty: bool) -> None:
        if not was_empty and self._modem.options.ring == "drained":
            return
        size = f",{count}" if self.slot.extended.ring_mode == 1 else ""
        self._modem.urc(f"+SQNSRING: {self.slot.number}{size}")

    def _touch(self) -> None:
        """Data have passed: the inactivity timer starts anew."""
        self._idle.stop()
        if self.slot.basic.idle_s:
            self._idle.start_ms(self.slot.basic.idle_s * 1000, self._ended)
