"""Service "socket": lwIP as the firmware's usocket shows it, over PPP (and later other links).

    board.plug("socket", Ip(board, routes, modem.radio))

`emulator/firmware/usocket.py` is its face. Nothing here waits but `wait` and `getaddrinfo`: the
face tries, waits, tries again, so that handlers and threads run meanwhile. Numbers of sockets are
those of lwIP; errors carry newlib's numbers.
Source: Pycom firmware 1.20.2.r4, esp32/mods/modusocket.c, lwipsocket.c, modnetwork.c; lwIP 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator.board.board import Board, Halt, Service
from emulator.board.constants import CODE, ESTIMATE, constant
from emulator.network.addresses import address_family
from emulator.network.air import UDP_HEADERS, Air
from emulator.network.ipsocket import EBADF, POLLIN, POLLNVAL, IpSocket
from emulator.network.nic import Nic, PppNic
from emulator.network.routes import Routes

AF_INET = 2
KINDS = (1, 2)  # SOCK_STREAM, SOCK_DGRAM
ENFILE = 23
EAI_NONAME, EAI_FAIL = 200, 202
MOST_SOCKETS = 10  # CONFIG_LWIP_MAX_SOCKETS
FIRST_EPHEMERAL, EPHEMERALS = 49_152, 16_384  # RFC 6335
NO_CARD = "Network card not available"
# through the tcpip thread and back
OPERATION_US = constant(300, "us", ESTIMATE, "through the tcpip thread and back")

DNS_QUERY_BYTES, DNS_ANSWER_BYTES = 18, 16
# lwIP asks again after so long (dns.c)
DNS_TRIES_MS = constant((1000, 2000, 3000, 4000), "ms", CODE, "lwIP dns.c")
FOREVER_US = 24 * 3_600_000_000
UNCALLED_US = 3_600_000_000  # for a server that nobody can call


class WaitsForEver(Halt):
    """The program has waited on a socket for a day, without a timeout."""


class Ip(Service):
    looks = frozenset({"accept", "recv", "wait"})

    def __init__(
        self,
        board: Board,
        routes: Routes,
        radio: Air,
        dns: Sequence[str] = ("192.0.2.53", "198.51.100.53"),
    ) -> None:
        super().__init__(board)
        self.routes = routes
        self.nics: list[Nic] = [PppNic(board, radio)]
        self._peer_dns = list(dns)
        self._dns: list[str | None] = [None, None]  # set by the program
        self._sockets: dict[int, IpSocket] = {}
        self._waited_us = 0
        self._ports = 0  # given out
        self.forever_us = FOREVER_US

    def on_reset(self, cause: int) -> None:
        for socket in self._sockets.values():
            socket.drop()
        self._sockets.clear()
        self._dns = [None, None]
        self._waited_us = 0

    def listens(self, number: Any) -> bool:
        """It waits for callers."""
        socket = self._sockets.get(number)
        return socket is not None and socket.listening

    def on_sleep(self, duration_ms: int | None) -> None:
        self.on_reset(0)

    # opening and closing

    def do_open(self, family: int, kind: int, protocol: int) -> int:
        if family != AF_INET or kind not in KINDS:
            raise OSError("incorrect socket type")
        self._registered()
        self._busy()
        number = self._free()
        if number is None:
            raise OSError(ENFILE)
        self._sockets[number] = IpSocket(self.routes, self._link, kind, self._new_port)
        return number

    def do_close(self, number: int) -> None:
        socket = self._sockets.pop(number, None)
        if socket is not None:
            self._busy()
            socket.close()

    def do_bind(self, number: int, host: str, port: int) -> None:
        """Ports can be shared: the firmware asks lwIP for SO_REUSEADDR."""
        socket = self._socket(number)
        self._literal(host)
        socket.bind(port)

    def do_listen(self, number: int) -> None:
        taken = [each.port for each in self._sockets.values() if each.listens]
        self._socket(number).listen([*taken, *self._of_firmware()])

    def do_accept(self, number: int) -> list[Any] | None:
        """[number, host, port] of the next caller, None if nobody has called."""
        accepted = self._socket(number).accept()
        if accepted is None:
            return None
        free = self._free()
        if free is None:
            accepted.drop()
            raise OSError(ENFILE)
        self._sockets[free] = accepted
        assert accepted.remote is not None
        return [free, *accepted.remote]

    def do_connect(self, number: int, host: str, port: int) -> bool:
        """Begin to connect; False: wait for POLLOUT, then ask `connected`."""
        return self._socket(number).connect(self._literal(host), port)

    def do_connected(self, number: int) -> None:
        self._socket(number).check_connected()

    # data

    def do_send(self, number: int, data: bytes) -> int:
        """How much was taken; 0: wait for POLLOUT."""
        return self._socket(number).send(data)

    def do_sendto(self, number: int, data: bytes, host: str, port: int) -> int:
        return self._socket(number).sendto(data, self._literal(host), port)

    def do_recv(self, number: int, count: int) -> list[Any] | None:
        """[data, host, port], b"" at the end of the stream; None: wait for POLLIN."""
        found = self._socket(number).recv(count)
        if found is None:
            return None
        self.board.polling.restart()
        return [found[0], *found[1]]

    def do_wait(self, wanted: list[list[int]], left_us: int, slice_us: int) -> list[Any]:
        """Let time pass until one of [number, mask] is ready, at most `slice_us`.

        left_us: what is left of the timeout, -1 without one. Returns [ready, left]: ready is a
        list of [number, mask], and the time is over when it is empty and `left` is 0.
        """
        sockets = [self._sockets.get(number) for number, _ in wanted]
        readers = [
            socket
            for (_, wants), socket in zip(wanted, sockets, strict=True)
            if socket is not None and wants & POLLIN
        ]
        for socket in readers:
            socket.await_data(True)
        ready: list[list[int]] = []

        def look() -> bool:
            ready[:] = [
                [number, mask]
                for (number, wants), socket in zip(wanted, sockets, strict=True)
                if (mask := POLLNVAL if socket is None else socket.ready(wants))
            ]
            if ready or self.board.disturbed:
                return True
            for socket in readers:
                socket.expect()
            return False

        start_us = self.board.clock.now_us
        most_us = slice_us if left_us < 0 else min(slice_us, left_us)
        self.board.clock.run_until(start_us + most_us, look)
        for socket in readers:
            socket.await_data(False)
        waited_us = self.board.clock.now_us - start_us
        self._count_wait(waited_us, bool(ready))
        self.board.spend_us(0)
        return [ready, -1 if left_us < 0 else max(0, left_us - waited_us)]

    # names

    def do_getaddrinfo(self, host: str) -> str:
        """IPv4 address of a name; all threads stand still until the answer is there."""
        self._registered()
        if not host:
            raise OSError(EAI_NONAME)
        if address_family(host) == "IP":
            return host
        nic = self._link()
        if nic is None:
            raise OSError(EAI_FAIL)
        for wait_ms in DNS_TRIES_MS:
            answered = self._ask(nic, host, wait_ms)
            if answered:
                addresses = self.routes.resolve(host, "IP")
                if not addresses:
                    break
                return addresses[0]
        raise OSError(EAI_FAIL)

    def do_dnsserver(self, index: int | None, address: str | None) -> list[str] | None:
        """Both servers, or set one of them. Those of the peer count until one is set."""
        if address is not None:
            self._dns[index or 0] = self._literal(address)
            return None
        link = self._link()
        named = [] if link is None else getattr(link, "dns", self._peer_dns)
        peers = (*named, "0.0.0.0", "0.0.0.0")
        return [own or peer for own, peer in zip(self._dns, peers, strict=False)]

    def _ask(self, nic: Nic, host: str, wait_ms: int) -> bool:
        """One DNS query; False if no answer came in time."""
        answers: list[bool] = []
        query = UDP_HEADERS["IP"] + DNS_QUERY_BYTES + len(host)

        def sent(ok: bool | None) -> None:
            if ok:
                nic.air.downlink(query + DNS_ANSWER_BYTES, lambda ok: answers.append(bool(ok)))

        nic.air.send(query, sent)
        # a query that is under way on a slow cell is waited for, lwIP's next ones notwithstanding
        deadline_us = self.board.clock.now_us + max(wait_ms, 5_000) * 1000
        self.board.clock.run_until(
            deadline_us, lambda: bool(answers) or self.board.halt is not None
        )
        self.board.spend_us(0)
        return bool(answers) and answers[0]

    # helpers

    def _registered(self) -> None:
        if not any(nic.registered for nic in self.nics):
            raise OSError(NO_CARD)

    def _of_firmware(self) -> list[int]:
        """Ports of the firmware's own servers, each of which has a socket."""
        return [port for nic in self.nics for port in getattr(nic, "listening", ())]

    def _free(self) -> int | None:
        """The number of a socket that is to be opened."""
        numbers = range(MOST_SOCKETS - len(self._of_firmware()))
        return next((each for each in numbers if each not in self._sockets), None)

    def _link(self, host: str | None = "") -> Nic | None:
        """What carries packets to a host, "" for any far one; None: what others call by."""
        up = [nic for nic in self.nics if nic.address is not None]
        if host is None:
            return next(iter(up), None)
        near = [nic for nic in up if host.startswith(getattr(nic, "prefix", "-"))]
        far = [nic for nic in up if not hasattr(nic, "prefix")]
        return next(iter(near + far), None)

    def _socket(self, number: int) -> IpSocket:
        self._busy()
        socket = self._sockets.get(number)
        if socket is None:
            raise OSError(EBADF)
        return socket

    def _busy(self) -> None:
        self._waited_us = 0
        self.board.spend_us(OPERATION_US)

    def _new_port(self) -> int:
        self._ports += 1
        return FIRST_EPHEMERAL + self._ports % EPHEMERALS

    def _literal(self, host: str) -> str:
        if host == "":
            return "0.0.0.0"
        if address_family(host) != "IP":
            raise ValueError("invalid arguments")
        return host

    def _count_wait(self, waited_us: int, ready: bool) -> None:
        self._waited_us = 0 if ready else self._waited_us + waited_us
        if self._waited_us <= min(self.forever_us, UNCALLED_US):
            return
        ports = [each.port for each in self._sockets.values() if each.listens]
        text = "a socket without a timeout waits, and nothing comes"
        if ports and ports[0] not in self.routes.serving:
            text += f"; --serve {ports[0]}=PORT lets programs of this computer call"
        elif self._waited_us <= self.forever_us:
            return
        self.board.stop(WaitsForEver(text))
