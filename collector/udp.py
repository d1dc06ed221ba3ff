"""Plain UDP: receives datagrams for real, decodes SenML, shows a table.

    with Collector("::1") as collector:           # a free port; collector.host, collector.port
        ...                                       # somebody sends
        collector.wait_for(3, timeout_s=2)
        print(collector.table())

Source: RFC 8428 (SenML): labels of CBOR 6, resolved records 4.6, names 4.5.1, time 4.5.3.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from tabulate import tabulate

from collector import packs
from collector.senml import Record

DATAGRAM_MAX = 65_535
QUEUE_BYTES = 4 << 20  # asked of the system for what arrives while we work; it may give less
DROPS_OPTION = getattr(socket, "SO_RXQ_OVFL", 40 if sys.platform == "linux" else None)
HEADINGS = ("datagram", "bytes", "name", "value", "unit", "time")

Reply = Callable[[bytes], "bytes | Sequence[bytes] | None"]
Address = tuple[str, int]


def prepare(bound: socket.socket) -> None:
    """Room for a burst, and a count of what the system had to drop all the same."""
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, QUEUE_BYTES)
    if DROPS_OPTION is not None:
        bound.setsockopt(socket.SOL_SOCKET, DROPS_OPTION, 1)


def drops(message: tuple[int, int, bytes]) -> int | None:
    """How many datagrams the system dropped so far, if this control message says so."""
    level, kind, data = message
    if level == socket.SOL_SOCKET and kind == DROPS_OPTION and len(data) >= 4:
        return int(struct.unpack_from("I", data)[0])
    return None


class Listener:
    """A bound socket and the thread that hands on what comes, until it is closed."""

    def __init__(self, host: str, port: int, take: Callable[[bytes, Address], None]) -> None:
        """OSError if it cannot listen there. take: called in the listener's thread."""
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        )[0]
        self._socket = socket.socket(family, kind)
        try:
            prepare(self._socket)
            self._socket.bind(address)
        except OSError:
            self._socket.close()
            raise
        self.host, self.port = self._socket.getsockname()[:2]
        self.lost = 0  # dropped by the system, as we were too slow
        self._take = take
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="udp", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Take what has come already, then stop."""
        if self._closing:
            return
        self._closing = True
        if self._thread.ident is not None:
            bell = socket.socket(self._socket.family, socket.SOCK_DGRAM)
            with contextlib.suppress(OSError), bell:
                bell.sendto(b"", self._socket.getsockname())
            self._thread.join(timeout=5)
        self._socket.close()

    def send(self, data: bytes, to: Address) -> None:
        """Send a datagram from the port that is listened at."""
        self._socket.sendto(data, to)

    def _serve(self) -> None:
        own = self._socket.getsockname()
        while True:
            try:
                data, control, _, source = self._socket.recvmsg(DATAGRAM_MAX, 64)
            except OSError:
                return
            if self._closing and not data and source != own:
                return  # the bell
            for message in control:
                self.lost = drops(message) or self.lost
            self._take(data, source)


@dataclass
class Received:
    """One datagram."""

    at_s: float  # seconds since 1970, as this computer's clock says
    source: tuple[str, int]
    data: bytes
    records: list[Record] = field(default_factory=list)
    problem: str = ""  # why it is no SenML pack; empty if it is one


class Collector(AbstractContextManager["Collector"]):
    """Listens from its construction on, in a thread of its own."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        reply: Reply | None = None,
        on_datagram: Callable[[Received], None] | None = None,
        keep: int | None = None,
    ) -> None:
        """reply: what to answer to a datagram; on_datagram: called in the collector's thread;
        keep: how many datagrams to keep, None for all."""
        self.received: list[Received] = []
        self.count = 0
        self._reply = reply
        self._on_datagram = on_datagram
        self._keep = keep
        self._changed = threading.Condition()
        self._listener = Listener(host, port, self._take)
        self.host, self.port = self._listener.host, self._listener.port
        self._listener.start()

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Take what has come already, then stop."""
        self._listener.close()

    def wait_for(self, count: int, timeout_s: float = 2.0) -> bool:
        """Wait until so many datagrams have come in all; False if they did not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.count >= count, timeout_s)

    def table(self) -> str:
        return render(self.received)

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        """Send a datagram from the collector's own port."""
        self._listener.send(data, to)

    def _take(self, data: bytes, source: Address) -> None:
        received = Received(time.time(), source[:2], data)
        try:
            received.records = packs.read(data, received.at_s)
        except ValueError as problem:
            received.problem = str(problem)
        if self._reply is not None:
            answers = self._reply(data)
            for answer in [answers] if isinstance(answers, bytes) else answers or ():
                self._listener.send(answer, source)
        with self._changed:
            self.received.append(received)
            self.count += 1
            if self._keep is not None:
                del self.received[: -self._keep]
            self._changed.notify_all()
        if self._on_datagram is not None:
            self._on_datagram(received)


def render(received: Sequence[Received], first: int = 1) -> str:
    """A table of what the datagrams say; one that is no SenML pack is shown in hex."""
    rows: list[tuple[object, ...]] = []
    for number, datagram in enumerate(received, first):
        size = len(datagram.data)
        if datagram.problem:
            problem = "not SenML: " + packs.clean(datagram.problem)
            rows.append((number, size, problem, packs.clean(datagram.data.hex())))
        for record in datagram.records:
            unit = packs.clean(record.unit) if record.unit else record.unit
            rows.append((number, size, record.name, packs.shown(record), unit, _when(record)))
    return tabulate(rows, headers=HEADINGS, tablefmt="simple", missingval="-")


def _when(record: Record) -> str:
    if not record.time:
        return "now"
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(float(record.time)))
    except (ValueError, OverflowError, OSError):
        return f"{float(record.time):g}"  # no year has four digits there
