"""The modem as a server: +SQNSL, +SQNSLUDP, +SQNSA.

Who calls makes the listening socket ring (state 5) and is accepted by +SQNSA, or at once and
online if listenAutoRsp says so; one caller per connection id. A program on this computer reaches
the modem at the real address that the trace and `routes.listening` show.
Source: Sequans Monarch drivers for the names; Telit #SL, #SLUDP, #SA for the behaviour.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from emulator.modem.engine import Args, CmeError, Command, Final, Result, at_most, integer
from emulator.modem.family import Family
from emulator.modem.sockets.open import INCOMING, LISTENING, OpenSocket, Slot
from emulator.network.air import TCP_HEADERS, Watch
from emulator.network.datagrams import Datagrams
from emulator.network.paths import TcpListener, TcpPath
from emulator.network.streams import Stream

if TYPE_CHECKING:
    from emulator.modem.modem import Modem

LISTEN_FAMILIES = {1: "IP", 2: "IPV6"}


class Serving(Family):
    def __init__(self, modem: Modem) -> None:
        super().__init__(modem)
        self._accept: dict[int, Callable[[], None]] = {}  # what turns a caller into a connection

    def commands(self) -> dict[str, Command]:
        return {
            "+SQNSL": Command(
                set=self._listen_tcp, test="+SQNSL: (1-6),(0-2),(1-65535),(0,1,255)"
            ),
            "+SQNSLUDP": Command(set=self._listen_udp, test="+SQNSLUDP: (1-6),(0-2),(1-65535)"),
            "+SQNSA": Command(set=self._answer, test="+SQNSA: (1-6),(0,1)"),
        }

    # listening

    def _listen_tcp(self, args: Args) -> None:
        at_most(args, 4)
        stays_open = integer(args, 3, 0, 255, 0) != 0
        listening = self._listen(args)
        if listening is None:
            return
        socket, family = listening
        socket.stays_open = stays_open
        listener = TcpListener(self.modem.routes, family, socket.local)

        def look(wait_s: float) -> bool:
            path = listener.poll(wait_s)
            if path is None:
                return False
            watch.stop()
            listener.close()
            self.modem.radio.downlink(
                TCP_HEADERS[family], lambda ok: self._called(socket, family, path)
            )
            return True

        def dropped() -> None:
            watch.stop()
            listener.close()

        watch = Watch(self.modem.board.clock, look)
        watch.start()
        socket.on_drop = dropped

    def _called(self, socket: OpenSocket, family: str, path: TcpPath) -> None:
        if socket.state != LISTENING:
            path.close()
            return

        def accept() -> None:
            socket.flow = Stream(
                self.modem.routes,
                self.modem.radio,
                family,
                socket.on_data,
                socket.on_closed,
                path,
            )

        socket.on_drop = path.close
        socket.remote = path.peer
        self._incoming(socket, accept)

    def _listen_udp(self, args: Args) -> None:
        at_most(args, 3)
        listening = self._listen(args)
        if listening is None:
            return
        socket, family = listening

        def datagram(host: str, port: int, data: bytes) -> None:
            if socket.connected:
                socket.on_datagram(host, port, data)
            elif socket.remote is None:
                socket.remote = (host, port)
                socket.hold(host, port, data)
                self._incoming(socket, lambda: None)
            elif socket.remote == (host, port):
                socket.hold(host, port, data)

        flow = Datagrams(self.modem.routes, self.modem.radio, family, datagram)
        socket.flow = flow
        flow.listen(*socket.local)

    def _listen(self, args: Args) -> tuple[OpenSocket, str] | None:
        """A socket in state 4 and its family; None when the command was to end one."""
        slot = self.modem.sockets.slot(args)
        state = integer(args, 1, 0, 2)
        if state == 0:
            if slot.socket is not None and not slot.socket.connected:
                slot.socket.drop()
            return None
        port = integer(args, 2, 1, 65535)
        slot = self.modem.sockets.closed_slot(args)
        family = LISTEN_FAMILIES[state]
        address = self.modem.sockets.addresses(slot).get(family)
        if address is None:
            raise CmeError(3)
        socket = OpenSocket(self.modem, slot, (address, port))
        socket.state = LISTENING
        return socket, family

    # accepting

    def _incoming(self, socket: OpenSocket, accept: Callable[[], None]) -> None:
        slot = socket.slot
        socket.state = INCOMING
        self._accept[slot.number] = accept
        session = self.modem.session
        if slot.extended.auto_accept and not session.busy and not session.data.active:
            self._take(slot, socket, online=True)
            session.result("CONNECT")
            session.data.start()
        else:
            self.modem.urc(f"+SQNSRING: {slot.number}")

    def _answer(self, args: Args) -> Result:
        at_most(args, 2)
        slot = self.modem.sockets.slot(args)
        online = integer(args, 1, 0, 1, 0) == 0
        socket = slot.socket
        if socket is None or socket.state != INCOMING:
            raise CmeError(3)
        self._take(slot, socket, online)
        return Final("CONNECT" if online else "OK")

    def _take(self, slot: Slot, socket: OpenSocket, online: bool) -> None:
        socket.on_drop = lambda: None
        self._accept.pop(slot.number)()
        socket.open(online)
