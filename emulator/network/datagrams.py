"""UDP over the air: from the board's socket through the radio to a real server and back.

    flow = Datagrams(routes, radio, "IPV6", on_datagram)
    flow.send("2001:db8::1", 5683, b"...")

What is accepted goes on air in order, may get lost there, and leaves by a real socket at the
instant at which it has arrived. What a server answers comes down the air in the same way.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.network.air import UDP_HEADERS, Air, Watch
from emulator.network.paths import UdpPath
from emulator.network.routes import Guest, Routes

OnDatagram = Callable[[str, int, bytes], None]


class Datagrams:
    def __init__(self, routes: Routes, air: Air, family: str, on_datagram: OnDatagram) -> None:
        self._routes = routes
        self._air = air
        self._headers = UDP_HEADERS[family]
        self._on_datagram = on_datagram
        self._path = UdpPath(routes, family)
        self._watch = Watch(routes.board.clock, self._look)
        self.pending = 0  # bytes accepted and not yet through the air
        self.closed = False
        self.awaited = False  # the program on the board waits for an answer
        self._coming = 0  # datagrams on their way down
        routes.add_flow(self)

    def send(self, host: str, port: int, data: bytes, air: Air | None = None) -> None:
        """Accept a datagram. It also goes its way if `close` follows at once."""
        self.pending += len(data)
        size = self._headers + len(data)
        (air or self._air).send(size, lambda ok: self._sent(host, port, data, ok))

    def listen(self, host: str, port: int, guest: Guest | None = None) -> None:
        """Be reachable for programs on this computer as host:port of the board."""
        self._path.listen(host, port, guest)
        self._watch.start()

    def close(self, done: Callable[[], None] = lambda: None) -> None:
        """Receive nothing more; `done` at once, for nobody is told."""
        self.closed = True
        self._watch.stop()
        self._close_path()
        done()

    abort = close

    def expect(self) -> None:
        """The program waits: give the server the real time it deserves, if nothing is on its way
        and something may come."""
        if not (self.pending or self._coming or self.closed) and self._path.expects:
            self._take(self._path.poll_answer(awaited=True))

    def _sent(self, host: str, port: int, data: bytes, arrived: bool | None) -> None:
        self.pending -= len(data)
        if not arrived:
            self._routes.record(host, port, data, "unsent" if arrived is None else "lost")
        elif self._path.send(host, port, data) and not self.closed:
            self._take(self._path.poll_answer(self.awaited))
            self._watch.start()
        self._close_path()

    def _close_path(self) -> None:
        if self.closed and self.pending == 0:
            self._path.close()

    def _look(self, wait_s: float) -> bool:
        if self._path.closed:
            self._watch.stop()
            return False
        found = self._path.poll(wait_s)
        self._take(found)
        return bool(found)

    def _take(self, found: list[tuple[str, int, bytes]]) -> None:
        for host, port, data in found:
            self._down(host, port, data)

    def _down(self, host: str, port: int, data: bytes) -> None:
        self._coming += 1

        def arrived(ok: bool | None) -> None:
            self._coming -= 1
            self._routes.note("arrived" if ok else "lost from", host, port, data)
            if ok and not self.closed:
                self._on_datagram(host, port, data)

        self._air.downlink(self._headers + len(data), arrived)
