"""Real sockets on loopback under the board's own: a UDP path, a TCP path, a TCP listener.

None of them blocks but for the wait that a `poll` is given. Addresses on the board's side are
those of the route table; which server they mean is looked up at each packet (routes.py).
"""

from __future__ import annotations

import contextlib
import select
import socket
import sys

from emulator.network.addresses import Endpoint, canonical
from emulator.network.patience import Turn
from emulator.network.routes import Guest, Routes, SentDatagram

LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
FAMILY_OF = {"IP": socket.AF_INET, "IPV6": socket.AF_INET6}
DATAGRAM_MAX = 65_535
CONNECT_WAIT_S = 1.0  # a connection on this computer is there or refused long before

# Linux tells an unconnected UDP socket of "port unreachable" only if it asks to (linux/in.h)
_RECVERR = {
    socket.AF_INET: (socket.IPPROTO_IP, 11),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 25),
}


def _bind(real: socket.socket, at: Endpoint) -> None:
    """A port that another program has taken meanwhile is replaced by a free one."""
    try:
        real.bind(at)
    except OSError:
        real.bind((at[0], 0))


class UdpPath:
    """One UDP socket of the board. The server sees one real socket, from first to last."""

    def __init__(self, routes: Routes, family: str) -> None:
        self._routes = routes
        self._family = family
        self._sockets: dict[int, socket.socket] = {}
        self._peers: dict[Endpoint, Endpoint] = {}  # real address -> as whom the board sent to it
        self._answers: list[tuple[str, int, bytes]] = []  # of functions, not yet polled
        self._last: SentDatagram | None = None
        self._turn = Turn(routes.patience)
        self._guest: Guest | None = None
        self.closed = False
        routes.opened(self)

    @property
    def has_route(self) -> bool:
        """Something could come: a packet has really left, or somebody may send to us."""
        return bool(self._sockets)

    def send(self, host: str, port: int, data: bytes) -> bool:
        """Send a datagram; True if it was handed to a server."""
        serve = None if self.closed else self._routes.served(host, port)
        if serve is not None:
            self._routes.record(host, port, data, "left")
            self._answers += [(canonical(host), port, answer) for answer in serve(data)]
            return True
        target = None if self.closed else self._routes.target(host, port)
        self._turn.asked(target)
        if target is None:
            self._routes.record(host, port, data, "dropped")
            return False
        self._peers[target] = (canonical(host), port)
        real = self._socket(socket.AF_INET6 if ":" in target[0] else socket.AF_INET)
        self._clear_error(real)
        try:
            real.sendto(data, target)
        except OSError:  # too long for loopback, or no server and Linux tells at once
            left = False
        else:
            left = not self._clear_error(real)
        self._last = self._routes.record(host, port, data, "left" if left else "refused")
        return left

    def poll(self, wait_s: float = 0.0) -> list[tuple[str, int, bytes]]:
        """The datagrams that have come, after waiting for the first at most so long, and those
        in a row behind it."""
        found, self._answers = self._answers, []
        while self._sockets:
            readable, _, _ = select.select(list(self._sockets.values()), [], [], wait_s)
            if not readable:
                break
            found += [datagram for real in readable for datagram in self._receive(real)]
            wait_s = self._routes.patience.quiet_s
        return found

    def poll_answer(self, awaited: bool) -> list[tuple[str, int, bytes]]:
        """Poll as patiently as the server deserves (patience.py)."""
        return self.poll() if self._answers else self._turn.hear(awaited, self.poll)

    @property
    def expects(self) -> bool:
        """Something may come if it is waited for."""
        return bool(self._answers) or self._turn.expects and bool(self._sockets)

    def listen(self, host: str, port: int, guest: Guest | None = None) -> Endpoint:
        """Have programs on this computer send to host:port of the board; where they do so."""
        self._guest = guest
        family = FAMILY_OF[self._family]
        at = self._routes.serving.get(port, (LOOPBACK[family], 0))
        real = self._socket(family, at).getsockname()[:2]
        self._routes.listens((host, port), real)
        return real

    def close(self) -> None:
        self.closed = True
        for real in self._sockets.values():
            real.close()
        self._sockets.clear()
        self._routes.closed(self)

    def _socket(self, family: int, at: Endpoint | None = None) -> socket.socket:
        real = self._sockets.get(family)
        if real is None:
            real = socket.socket(family, socket.SOCK_DGRAM)
            real.setblocking(False)
            if sys.platform == "linux":
                real.setsockopt(*_RECVERR[socket.AddressFamily(family)], 1)
            _bind(real, at or (LOOPBACK[socket.AddressFamily(family)], 0))
            self._sockets[family] = real
        return real

    def _receive(self, real: socket.socket) -> list[tuple[str, int, bytes]]:
        found: list[tuple[str, int, bytes]] = []
        while True:
            try:
                data, address = real.recvfrom(DATAGRAM_MAX)
            except BlockingIOError:
                return found
            except OSError:  # of what was sent last: nobody listens there after all
                self._clear_error(real)
                if self._last is not None:
                    self._last.what = "refused"
                continue
            source = (address[0], address[1])
            peer = self._peers.get(source)
            host, port = peer or self._routes.origin(source, self._family, self._guest)
            found.append((host, port, data))

    @staticmethod
    def _clear_error(real: socket.socket) -> bool:
        """Take note of the errors that have come back; True if there were any."""
        found = real.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # until the queue of errors is empty
                while True:
                    real.recvmsg(512, 512, socket.MSG_ERRQUEUE)
                    found = True
        return found


class TcpPath:
    """One TCP connection of the board."""

    def __init__(
        self,
        routes: Routes,
        family: str,
        real: socket.socket | None = None,
        peer: Endpoint | None = None,
    ) -> None:
        self._routes = routes
        self._family = family
        self._real = real
        self._unsent = bytearray()
        self.peer = peer
        self.ended = False  # the other side has closed, everything it sent has been taken
        self._target: Endpoint | None = None
        self._turn = Turn(routes.patience)
        if real is not None:  # of a listener
            real.setblocking(False)
            self._target = real.getpeername()[:2]
        routes.opened(self)

    @property
    def has_route(self) -> bool:
        return self._real is not None

    def connect(self, host: str, port: int) -> str:
        """Return "connected", "refused" (nobody listens), or "dropped" (no route)."""
        self.peer = (host, port)
        target = self._target = self._routes.target(host, port)
        self._turn.asked(target)
        if target is None:
            self._routes.note("dropped", host, port, b"")
            return "dropped"
        try:
            self._real = socket.create_connection(target, CONNECT_WAIT_S)
            self._real.setblocking(False)
            state = "connected"
        except ConnectionRefusedError:
            state = "refused"
        except OSError:
            state = "dropped"
        self._routes.note(state, host, port, b"")
        return state

    def send(self, data: bytes) -> bool:
        """Send a piece of the stream; True if the other side can still get it."""
        assert self.peer is not None
        if self._real is not None:
            self._unsent += data
            self._flush()
        self._turn.asked(self._target)
        alive = self._real is not None
        self._routes.record(*self.peer, data, "left" if alive else "refused")
        return alive

    def poll(self, wait_s: float = 0.0, limit: int = DATAGRAM_MAX) -> bytes:
        """What has come, at most `limit` bytes, after waiting for the first at most so long, with
        what comes in a row behind it; `ended` tells whether more can come."""
        self._flush()
        data = b""
        while self._real is not None and len(data) < limit:
            if not select.select([self._real], [], [], wait_s)[0]:
                break
            data += self._receive(limit - len(data))
            wait_s = self._routes.patience.quiet_s
        return data

    def poll_answer(self, awaited: bool, limit: int = DATAGRAM_MAX) -> bytes:
        """Poll as patiently as the server deserves (patience.py)."""
        if limit <= 0:
            return b""
        data = self._turn.hear(awaited, lambda wait_s: self.poll(wait_s, limit))
        if self.ended:
            self._turn.heard()
        return data

    @property
    def expects(self) -> bool:
        """Something may come if it is waited for."""
        return self._turn.expects and self._real is not None

    def _receive(self, limit: int) -> bytes:
        assert self._real is not None
        try:
            data = self._real.recv(limit)
            if hasattr(socket, "TCP_QUICKACK"):  # else Nagle's algorithm holds the next one back
                self._real.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        except BlockingIOError:
            return b""
        except OSError:  # reset by the other side
            data = b""
        if not data:
            self.ended = True
            self._drop()
        return data

    def close(self) -> None:
        if self._real is not None:
            self._flush()
        self._drop()
        self._routes.closed(self)

    def _flush(self) -> None:
        while self._unsent and self._real is not None:
            try:
                count = self._real.send(self._unsent)
            except BlockingIOError:
                return
            except OSError:
                self.ended = True
                self._drop()
                return
            del self._unsent[:count]

    def _drop(self) -> None:
        if self._real is not None:
            self._real.close()
            self._real = None


class TcpListener:
    """A listening TCP socket of the board: programs on this computer connect to a free port of it,
    see `Routes.listening`."""

    def __init__(self, routes: Routes, family: str, at: Endpoint) -> None:
        self._routes = routes
        self._family = family
        self._real = socket.socket(FAMILY_OF[family], socket.SOCK_STREAM)
        self._real.setblocking(False)
        self._real.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(self._real, routes.serving.get(at[1], (LOOPBACK[FAMILY_OF[family]], 0)))
        self._real.listen(1)
        self.real: Endpoint = self._real.getsockname()[:2]
        routes.opened(self)
        routes.listens(at, self.real)

    def poll(self, wait_s: float = 0.0, guest: Guest | None = None) -> TcpPath | None:
        """The connection of whoever has called, or None."""
        if self._real.fileno() < 0 or not select.select([self._real], [], [], wait_s)[0]:
            return None
        try:
            real, address = self._real.accept()
        except OSError:
            return None
        peer = self._routes.origin((address[0], address[1]), self._family, guest)
        return TcpPath(self._routes, self._family, real, peer)

    def close(self) -> None:
        self._real.close()
        self._routes.closed(self)
