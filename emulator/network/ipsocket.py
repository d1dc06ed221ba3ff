"""One socket of lwIP: states, buffers and error numbers, over a link of the board.

Source: lwIP 2 (sockets.c, api_lib.c) with ESP-IDF 3.3 sizes; newlib sys/errno.h.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from emulator.board.constants import CODE, constant
from emulator.network.addresses import Endpoint
from emulator.network.air import TCP_HEADERS, Watch
from emulator.network.datagrams import Datagrams
from emulator.network.nic import Nic
from emulator.network.paths import TcpListener, TcpPath
from emulator.network.routes import Routes
from emulator.network.streams import Stream

STREAM, DATAGRAM = 1, 2
POLLIN, POLLOUT, POLLERR, POLLHUP, POLLNVAL = 1, 4, 8, 16, 32

EBADF, EINVAL, EOPNOTSUPP = 9, 22, 95
ECONNRESET, ECONNREFUSED, EADDRINUSE, ECONNABORTED = 104, 111, 112, 113
EHOSTUNREACH, EMSGSIZE, EISCONN, ENOTCONN = 118, 122, 127, 128

# lwIP gives up after its SYN retries
SYN_TIMEOUT_MS = constant(18_000, "ms", CODE, "lwIP: the repetitions of a SYN; Pycom issue 34")
TCP_SEND_BYTES = TCP_RECEIVE_BYTES = 5744
UDP_RECEIVE_DATAGRAMS = 6  # CONFIG_UDP_RECVMBOX_SIZE
DATAGRAM_MAX = 65_507
FAMILY = "IP"

# what carries packets to a host; None: what others call by
Link = Callable[["str | None"], "Nic | None"]
NEW, CONNECTING, CONNECTED, LISTENING, FAILED = range(5)


class IpSocket:
    def __init__(self, routes: Routes, link: Link, kind: int, new_port: Callable[[], int]) -> None:
        """new_port: gives a local port to a socket that needs one."""
        self._routes = routes
        self._link = link
        self._ephemeral = new_port
        self.kind = kind
        self.port = 0  # local one, 0 as long as there is none
        self.remote: Endpoint | None = None
        self._state = NEW
        self._error = 0
        self._ended = False  # the other side has closed
        self._flow: Stream | Datagrams | None = None
        self._listener: TcpListener | None = None
        self._watch: Watch | None = None
        self._callers: deque[TcpPath] = deque()
        self._bytes = bytearray()
        self._datagrams: deque[tuple[bytes, Endpoint]] = deque()
        self._asked = 0  # how often there was nothing to receive, one after the other

    @property
    def listening(self) -> bool:
        return self._state == LISTENING

    def await_data(self, waits: bool) -> None:
        """The program waits for data: an answer is worth some real time."""
        if self._flow is not None:
            self._flow.awaited = waits

    def expect(self) -> None:
        """Nothing is there, and the program waits for it."""
        if self._flow is not None:
            self._flow.expect()

    def ready(self, wants: int) -> int:
        """Which of the wanted events hold, errors in any case."""
        mask = 0
        if self._flow is None:
            self._open_port()
        if self._bytes or self._datagrams or self._callers or self._ended:
            mask |= POLLIN
        if self._writable():
            mask |= POLLOUT
        found = mask & wants
        if self._state == FAILED:
            found |= POLLERR | (wants & (POLLIN | POLLOUT))
        if self._ended and self._state == CONNECTED:
            found |= POLLHUP
        return found

    def _writable(self) -> bool:
        if self.kind == DATAGRAM:
            return True
        return (
            self._state == CONNECTED
            and self._flow is not None
            and self._flow.pending < TCP_SEND_BYTES
        )

    # addresses

    def bind(self, port: int) -> None:
        self.port = port or self._ephemeral()
        self._open_port()

    def _open_port(self) -> None:
        """Who binds a port before there is a link is found once there is one."""
        nic = self._link(None)
        if self.kind == DATAGRAM and self.port and nic is not None:
            guest = getattr(nic, "call", None)
            self._udp(nic).listen(nic.address or "0.0.0.0", self.port, guest)

    def connect(self, host: str, port: int) -> bool:
        if self.kind == DATAGRAM:
            self.remote = (host, port)
            return True
        if self._state in (CONNECTED, CONNECTING):
            raise OSError(EISCONN)
        nic = self._nic(host)
        self.remote = (host, port)
        self._state = CONNECTING
        self._new_stream(nic).connect(host, port, SYN_TIMEOUT_MS, self._settled)
        return False

    def check_connected(self) -> None:
        if self._state != CONNECTED:
            raise self._failure()

    @property
    def listens(self) -> bool:
        return self._state == LISTENING

    def listen(self, taken: Sequence[int]) -> None:
        """taken: ports on which another one listens."""
        if self.kind != STREAM or self._state != NEW:
            raise OSError(EOPNOTSUPP if self.kind != STREAM else EINVAL)
        if self.port in taken:
            raise OSError(EADDRINUSE)
        self.port = self.port or self._ephemeral()
        self._state = LISTENING
        self._open_listener()
        self._watch = Watch(self._routes.board.clock, self._look_for_callers)
        self._watch.start()

    def _open_listener(self) -> None:
        """Whoever listens before there is a link is found once there is one."""
        nic = self._link(None)
        if nic is not None:
            address = nic.address or "0.0.0.0"
            self._listener = TcpListener(self._routes, FAMILY, (address, self.port))

    def accept(self) -> IpSocket | None:
        if self._state != LISTENING:
            raise OSError(EINVAL)
        if not self._callers:
            return None
        path = self._callers.popleft()
        accepted = IpSocket(self._routes, self._link, STREAM, self._ephemeral)
        accepted.port, accepted.remote, accepted._state = self.port, path.peer, CONNECTED
        accepted._new_stream(self._nic(None), path)
        return accepted

    # data

    def send(self, data: bytes) -> int:
        if self.kind == DATAGRAM:
            if self.remote is None:
                raise OSError(ENOTCONN)
            return self.sendto(data, *self.remote)
        if self._state == FAILED:
            raise self._failure()
        if self._state != CONNECTED or not isinstance(self._flow, Stream):
            raise OSError(ENOTCONN)
        if self._ended or self._flow.closed:
            raise OSError(ECONNRESET)
        part = data[: TCP_SEND_BYTES - self._flow.pending]
        self._flow.send(part)
        return len(part)

    def sendto(self, data: bytes, host: str, port: int) -> int:
        if self.kind == STREAM:
            return self.send(data)  # lwIP does not look at the address
        if len(data) > DATAGRAM_MAX:
            raise OSError(EMSGSIZE)
        nic = self._nic(host)
        self._udp(nic).send(host, port, data, nic.air)
        self.port = self.port or self._ephemeral()
        return len(data)

    def recv(self, count: int) -> tuple[bytes, Endpoint] | None:
        """One datagram (what does not fit is lost), or a part of the stream."""
        if self._datagrams:
            self._asked = 0
            data, sender = self._datagrams.popleft()
            return data[:count], sender
        if self.kind == DATAGRAM:
            self._ask_again()
            return None
        if self._bytes:
            self._asked = 0
            data = bytes(self._bytes[:count])
            del self._bytes[:count]
            return data, self.remote or ("0.0.0.0", 0)
        if self._state == FAILED:
            raise self._failure()
        if self._state != CONNECTED:
            raise OSError(ENOTCONN)
        if self._ended:
            return b"", self.remote or ("0.0.0.0", 0)
        self._ask_again()
        return None

    def _ask_again(self) -> None:
        """A program that asks again and again waits, too."""
        self._asked += 1
        if self._asked > 1:
            self.expect()

    # the end

    def close(self) -> None:
        """In order: what was accepted is still sent."""
        self._end_listening()
        if self._flow is not None:
            self._flow.close()

    def drop(self) -> None:
        """The ESP32 is reset."""
        self._end_listening()
        if self._flow is not None:
            self._flow.abort()

    def _end_listening(self) -> None:
        if self._watch is not None:
            self._watch.stop()
        if self._listener is not None:
            self._listener.close()
        for path in self._callers:
            path.close()

    # what comes

    def _settled(self, state: str) -> None:
        if state == "connected":
            self._state = CONNECTED
        else:
            self._state = FAILED
            self._error = ECONNREFUSED if state == "refused" else ECONNABORTED

    def _on_data(self, data: bytes) -> None:
        self._bytes += data

    def _on_closed(self) -> None:
        self._ended = True

    def _on_datagram(self, host: str, port: int, data: bytes) -> None:
        if self.remote is not None and (host, port) != self.remote:
            return
        if len(self._datagrams) < UDP_RECEIVE_DATAGRAMS:
            self._datagrams.append((data, (host, port)))

    def _look_for_callers(self, wait_s: float) -> bool:
        nic = self._link(None)
        if self._listener is None:
            self._open_listener()
        if nic is None or self._listener is None:
            return False
        path = self._listener.poll(wait_s, getattr(nic, "call", None))
        if path is None:
            return False
        nic.air.downlink(TCP_HEADERS[FAMILY], lambda ok: self._callers.append(path))
        return True

    # helpers

    def _failure(self) -> OSError:
        """Why the connection failed, told once; then there is just no connection."""
        error, self._error = self._error or ENOTCONN, 0
        return OSError(error)

    def _nic(self, host: str | None) -> Nic:
        nic = self._link(host)
        if nic is None:
            raise OSError(EHOSTUNREACH)
        return nic

    def _new_stream(self, nic: Nic, path: TcpPath | None = None) -> Stream:
        stream = Stream(self._routes, nic.air, FAMILY, self._on_data, self._on_closed, path)
        stream.room = lambda: TCP_RECEIVE_BYTES - len(self._bytes)
        self._flow = stream
        return stream

    def _udp(self, nic: Nic) -> Datagrams:
        if not isinstance(self._flow, Datagrams):
            self._flow = Datagrams(self._routes, nic.air, FAMILY, self._on_datagram)
        return self._flow
