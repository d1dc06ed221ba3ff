"""Routes: where what the emulated board sends really goes.

    table = Routes.parse(["192.0.2.1:5683=127.0.0.1:40000", "[2001:db8::1]:5683=[::1]:40000",
                          "collector.example:5683=127.0.0.1:40001"])
    with Routes(board, table) as routes:
        path = UdpPath(routes, "IPV6")              # paths.py
        path.send("2001:db8::1", 5683, b"...")      # a real datagram to [::1]:40000
        path.poll(0.02)                             # [("2001:db8::1", 5683, b"...")]

The left side of a route is an address out of documentation (or any other) or a name, the right
side a server on this computer: nothing ever leaves it. A routed name resolves to an address that
stands for it here. What has no route is dropped without a word, as on the internet.

    routes.serve("192.0.2.1", 5683, lambda data: [b"..."])

A function of this process stands for a server of datagrams: what it returns comes back, and no
real time passes.

Each packet is traced as `net`: left, refused (nobody listens at the target), dropped (no route),
lost (on the air), unsent (the radio went off before), arrived. `sent` lists what the board has
sent, for the account of a cycle.
"""

from __future__ import annotations

import ipaddress
import re
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from emulator.board.board import Board
from emulator.network.addresses import Endpoint, address_family, canonical, endpoint
from emulator.network.patience import Patience

# Who sends to the board without being in the table: a host somewhere on the internet
STRANGER = {"IP": "198.51.100.254", "IPV6": "2001:db8::fffe"}
NAMES_IPV4 = "198.51.100.0/24"  # addresses given to routed names
NAMES_IPV6 = "2001:db8:6e61:6d65::/64"

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_FORM = "HOST:PORT=HOST:PORT, IPv6 addresses in brackets, the second a server on this computer"

Serve = Callable[[bytes], Iterable[bytes]]  # a datagram -> those that answer it
Guest = Callable[[], str]  # the address that who calls has on the board's own network


@dataclass
class SentDatagram:
    """What the board has sent, in datagrams or as a piece of a TCP stream."""

    at_us: int
    host: str  # as in the table, where it is there: a name stays a name
    port: int
    data: bytes
    what: str  # its end: left, refused, dropped, lost or unsent, as in the trace

    @property
    def delivered(self) -> bool:
        """It was really handed to a server."""
        return self.what == "left"

    @property
    def on_air(self) -> bool:
        """It left the radio."""
        return self.what != "unsent"


class Flow(Protocol):
    """Datagrams or a stream on their way through the air."""

    @property
    def pending(self) -> int:
        """Bytes that are not through yet."""


class RealSockets(Protocol):
    """A path, a listener: whatever holds real sockets."""

    def close(self) -> None: ...


class Routes(AbstractContextManager["Routes"]):
    def __init__(self, board: Board, table: Mapping[Endpoint, Endpoint] | None = None) -> None:
        self.board = board
        self.patience = Patience(board.clock)
        self.sent: list[SentDatagram] = []
        self.missing: list[tuple[str, int | None]] = []  # wanted without a route; a name: no port
        self.listening: dict[Endpoint, Endpoint] = {}  # address on the board -> real address
        self.serving: dict[int, Endpoint] = {}  # port of the board -> where it is to be reached
        self.pace: Callable[[int], None] | None = None  # of the clock while such a port is open
        self._table: dict[Endpoint, Endpoint] = {}
        self._served: dict[Endpoint, Serve] = {}
        self._names: dict[str, dict[str, str]] = {}  # name -> its address by family
        self._strangers: dict[Endpoint, Endpoint] = {}
        self._open: list[RealSockets] = []
        self._flows: weakref.WeakSet[Flow] = weakref.WeakSet()
        for source, target in (table or {}).items():
            self._table[_source(*source)] = _target(*target)
        for host, _ in self._table:  # names last: their addresses are to be nobody else's
            self._name(host)

    @staticmethod
    def parse(texts: Iterable[str]) -> dict[Endpoint, Endpoint]:
        """Read routes as given on the command line; of two for one source the later holds."""
        table = {}
        for text in texts:
            source, equals, target = text.partition("=")
            if not equals or "=" in target:
                raise ValueError(f"route {text!r}; allowed: {_FORM}")
            try:
                table[_source(*_split(source))] = _target(*_split(target))
            except ValueError as problem:
                raise ValueError(f"route {text!r}: {problem}; allowed: {_FORM}") from None
        return table

    def add(self, host: str, port: int, target_host: str, target_port: int) -> None:
        """Have what is sent to host:port go to a server on this computer."""
        source = _source(host, port)
        self._table[source] = _target(target_host, target_port)
        self._name(source[0])

    def serve(self, host: str, port: int, serve: Serve) -> None:
        """Have datagrams to this address answered by a function of this process."""
        self._served[_source(host, port)] = serve

    def served(self, host: str, port: int) -> Serve | None:
        return self._served.get((canonical(host), port))

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every real socket; what is sent later is dropped."""
        for each in list(self._open):
            each.close()
        self._table.clear()
        self._served.clear()
        self._strangers.clear()

    # looking up

    def target(self, host: str, port: int) -> Endpoint | None:
        """The server behind an address or a name; None without a route."""
        source = (self.shown(canonical(host)), port)
        target = self._table.get(source) or self._strangers.get(source)
        if target is None:
            self._miss(*source)
        return target

    def resolve(self, name: str, family: str) -> list[str]:
        """What the name system says: addresses of a routed name, a literal itself, else []."""
        host = canonical(name)
        if address_family(host) is not None:
            return [host] if address_family(host) == family else []
        addresses = self._names.get(host.rstrip("."), {})
        if not addresses:
            self._miss(host.rstrip("."), None)
        return [addresses[family]] if family in addresses else []

    def _miss(self, host: str, port: int | None) -> None:
        if (host, port) not in self.missing:
            self.missing.append((host, port))

    def reachable(self, host: str) -> bool:
        """There is a route to some port of this host: it also answers a ping."""
        shown = self.shown(canonical(host))
        return any(source == shown for source, _ in self._table)

    def shown(self, host: str) -> str:
        """The name behind an address that stands for one; any other host as it is."""
        for name, addresses in self._names.items():
            if host in addresses.values():
                return name
        return host

    def origin(self, real: Endpoint, family: str, guest: Guest | None = None) -> Endpoint:
        """As whom the board sees a server, or any other program, on this computer."""
        for (host, port), target in self._table.items():
            if target == real:
                addresses = self.resolve(host, family)
                if addresses:
                    return addresses[0], port
        stranger = (guest() if guest is not None else STRANGER[family], real[1])
        self._strangers[stranger] = real
        return stranger

    # paths

    def opened(self, path: RealSockets) -> None:
        self._open.append(path)

    def closed(self, path: RealSockets) -> None:
        if path in self._open:
            self._open.remove(path)

    def add_flow(self, flow: Flow) -> None:
        self._flows.add(flow)

    @property
    def under_way(self) -> bool:
        """Something that the board has sent is not through the air yet."""
        return any(flow.pending > 0 for flow in self._flows)

    # the record

    def record(self, host: str, port: int, data: bytes, what: str) -> SentDatagram:
        """Note what has become of something sent: left, refused, dropped, lost or unsent."""
        self.note(what, host, port, data)
        shown = self.shown(canonical(host))
        datagram = SentDatagram(self.board.clock.now_us, shown, port, data, what)
        self.sent.append(datagram)
        return datagram

    def note(self, what: str, host: str, port: int, data: bytes) -> None:
        text = f"{what} {endpoint(host, port)} {len(data)} bytes {data.hex()}"
        self.board.trace.add("net", text.rstrip())

    def listens(self, at: Endpoint, real: Endpoint) -> None:
        self.listening[at] = real
        self.board.trace.add("net", f"listening {endpoint(*at)} is {endpoint(*real)}")
        if at[1] in self.serving and self.board.clock.pace is None:
            self.board.clock.pace = self.pace

    def _name(self, name: str) -> None:
        """Give a name its addresses: the next ones that no route mentions."""
        if address_family(name) is not None or name in self._names:
            return
        used = {source for source, _ in self._table} | set(STRANGER.values())
        used |= {address for each in self._names.values() for address in each.values()}
        addresses = {}
        for family, network in (("IP", NAMES_IPV4), ("IPV6", NAMES_IPV6)):
            hosts = ipaddress.ip_network(network).hosts()
            address = next((str(host) for host in hosts if str(host) not in used), None)
            if address is None:
                raise ValueError(f"route of {name!r}: more names than addresses of {network}")
            addresses[family] = address
        self._names[name] = addresses


def _split(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"\[([^\]]*)\]:([0-9]+)|([^:\[\]]*):([0-9]+)", text.strip())
    if match is None:
        raise ValueError(f"{text.strip()!r} is not HOST:PORT")
    bracketed, port6, plain, port4 = match.groups()
    if bracketed is None:
        return plain, int(port4)
    if address_family(bracketed) != "IPV6":
        raise ValueError(f"{bracketed!r} is no IPv6 address")
    return bracketed, int(port6)


def _port(port: int) -> int:
    if not 1 <= port <= 65535:
        raise ValueError(f"port {port} is not in 1..65535")
    return port


def _source(host: str, port: int) -> Endpoint:
    name = canonical(host)
    if address_family(name) is None:
        labels = name.split(".")
        wrong = len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels)
        if wrong or labels[-1].isdigit():
            raise ValueError(f"host {host!r} is neither an address nor a name")
    elif "%" in name:
        raise ValueError(f"host {host!r} has a zone")
    return name, _port(port)


def _target(host: str, port: int) -> Endpoint:
    name = "127.0.0.1" if host.lower() == "localhost" else canonical(host)
    if address_family(name) is None or not ipaddress.ip_address(name).is_loopback:
        raise ValueError(f"target {host!r} is not on this computer (127.0.0.1, [::1], localhost)")
    return name, _port(port)
