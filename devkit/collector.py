"""A UDP collector: receives reports for real, decodes SenML in CBOR, shows a table.

    with Collector("::1") as collector:           # a free port; collector.host, collector.port
        ...                                       # somebody sends
        collector.wait_for(3, timeout_s=2)
        print(collector.table())

    python -m devkit.collector --host 127.0.0.1 --port 5683

Source: RFC 8428 (SenML): labels of CBOR 6, resolved records 4.6, names 4.5.1, time 4.5.3.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from devkit import senml_decode
from devkit.senml_decode import Record
from devkit.tables import table

DATAGRAM_MAX = 65_535
HEADINGS = ("datagram", "bytes", "name", "value", "unit", "time")

Reply = Callable[[bytes], "bytes | Sequence[bytes] | None"]


@dataclass
class Received:
    """One datagram."""

    at_s: float  # seconds since 1970, as this computer's clock says
    source: tuple[str, int]
    data: bytes
    records: list[Record] = field(default_factory=list)
    problem: str = ""  # why it is no SenML pack; empty if it is one


class Collector:
    """Listens from its construction on, in a thread of its own."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        reply: Reply | None = None,
        on_datagram: Callable[[Received], None] | None = None,
    ) -> None:
        """reply: what to answer to a datagram; on_datagram: called in the collector's thread."""
        self.received: list[Received] = []
        self._reply = reply
        self._on_datagram = on_datagram
        self._changed = threading.Condition()
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        )[0]
        self._socket = socket.socket(family, kind)
        try:
            self._socket.bind(address)
        except OSError:
            self._socket.close()
            raise
        self.host, self.port = self._socket.getsockname()[:2]
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="collector", daemon=True)
        self._thread.start()

    def __enter__(self) -> Collector:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take what has come already, then stop."""
        if self._closing:
            return
        self._closing = True
        bell = socket.socket(self._socket.family, socket.SOCK_DGRAM)
        with contextlib.suppress(OSError), bell:
            bell.sendto(b"", self._socket.getsockname())
        self._thread.join(timeout=5)
        self._socket.close()

    def wait_for(self, count: int, timeout_s: float = 2.0) -> bool:
        """Wait until so many datagrams have come in all; False if they did not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.received) >= count, timeout_s)

    def table(self) -> str:
        return render(self.received)

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        """Send a datagram from the collector's own port."""
        self._socket.sendto(data, to)

    def _serve(self) -> None:
        own = self._socket.getsockname()
        while True:
            try:
                data, source = self._socket.recvfrom(DATAGRAM_MAX)
            except OSError:
                return
            if self._closing and not data and source != own:
                return  # the bell
            self._take(data, source)

    def _take(self, data: bytes, source: tuple[str, int]) -> None:
        received = Received(time.time(), source[:2], data)
        try:
            received.records = senml_decode.decode(data, received.at_s)
        except ValueError as problem:
            received.problem = str(problem)
        if self._reply is not None:
            answers = self._reply(data)
            for answer in [answers] if isinstance(answers, bytes) else answers or ():
                self._socket.sendto(answer, source)
        with self._changed:
            self.received.append(received)
            self._changed.notify_all()
        if self._on_datagram is not None:
            self._on_datagram(received)


def render(received: Sequence[Received], first: int = 1) -> str:
    """A table of what the datagrams say; one that is no SenML pack is shown in hex."""
    rows: list[tuple[object, ...]] = []
    for number, datagram in enumerate(received, first):
        size = len(datagram.data)
        if datagram.problem:
            rows.append((number, size, "not SenML: " + datagram.problem, datagram.data.hex()))
        for record in datagram.records:
            rows.append((number, size, record.name, record.shown, record.unit, _when(record)))
    return table(rows, HEADINGS)


def _when(record: Record) -> str:
    if not record.time:
        return "now"
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(float(record.time)))


def main(argv: Sequence[str] | None = None) -> int:
    """Collect until Ctrl-C, or until --count datagrams have come."""
    parser = argparse.ArgumentParser(prog="python -m devkit.collector", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=5683, help="UDP port; 0: a free one")
    parser.add_argument("--count", type=int, default=0, help="end after so many datagrams")
    options = parser.parse_args(argv)
    if not 0 <= options.port <= 65535:
        parser.error(f"--port {options.port}; allowed: 0 to 65535")
    seen = 0

    def show(received: Received) -> None:
        nonlocal seen
        seen += 1
        print(render([received], seen), flush=True)

    try:
        collector = Collector(options.host, options.port, on_datagram=show)
    except OSError as problem:
        print(f"collector: {options.host} port {options.port}: {problem}", file=sys.stderr)
        return 2
    shown = f"[{collector.host}]" if ":" in collector.host else collector.host
    print(f"collector: listening on {shown}:{collector.port}/udp", file=sys.stderr, flush=True)
    with collector, contextlib.suppress(KeyboardInterrupt):
        while not (options.count and collector.wait_for(options.count, 0.5)):
            if not options.count:
                time.sleep(0.5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
