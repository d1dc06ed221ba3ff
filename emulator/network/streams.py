"""TCP over the air: a connection of the board to a real server, segment by segment.

    stream = Stream(routes, radio, "IP", on_data, on_closed)
    stream.connect("192.0.2.1", 1883, 60_000, connected)    # connected("connected") or why not
    stream.send(b"...")

A simplification that keeps the number of procedures on air right: one segment up at a time,
repeated when it gets lost; acknowledgements ride on the other side's data or are not shown.
Source: RFC 9293 (headers, segments), RFC 6298 (a second at first, then twice as long each time).
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.board.clock import Timer
from emulator.board.constants import STANDARD, constant
from emulator.network.air import TCP_HEADERS, Air, Watch
from emulator.network.paths import TcpPath
from emulator.network.routes import Routes

SEGMENT = 1360
FIRST_RETRY_MS = constant(1000, "ms", STANDARD, "RFC 6298")
RETRIES = 6
Result = Callable[[str], None]


class Stream:
    def __init__(
        self,
        routes: Routes,
        air: Air,
        family: str,
        on_data: Callable[[bytes], None],
        on_closed: Callable[[], None],
        path: TcpPath | None = None,
    ) -> None:
        """path: a connection that somebody else has opened (a listener's)."""
        self._routes = routes
        self._air = air
        self._headers = TCP_HEADERS[family]
        self._on_data = on_data
        self._on_closed = on_closed
        self._path = path or TcpPath(routes, family)
        self._clock = routes.board.clock
        self._watch = Watch(self._clock, self._look)
        self._unsent = bytearray()
        self._busy = False
        self._coming = 0  # bytes on their way down
        self._closing: Callable[[], None] | None = None
        self._timer = Timer(self._clock)
        self._result: Result | None = None
        self.room: Callable[[], int] = lambda: SEGMENT  # bytes that the receiver can still take
        self.closed = False
        self.awaited = False  # the program on the board waits for an answer
        routes.add_flow(self)
        if path is not None:
            self._watch.start()

    @property
    def pending(self) -> int:
        """Bytes not yet acknowledged by the other side."""
        return len(self._unsent)

    def connect(self, host: str, port: int, timeout_ms: float, result: Result) -> None:
        """Open; `result` gets connected, refused or timeout."""
        self._result = result
        self._timer.start_ms(timeout_ms, lambda: self._settle("timeout"))
        self._open(host, port, 0)

    def send(self, data: bytes) -> None:
        if not self.closed:
            self._unsent += data
            self._work()

    def close(self, done: Callable[[], None] = lambda: None) -> None:
        """Send what is unsent, then end the connection; `done` when that is over."""
        if self.closed:
            done()
            return
        self.closed = True
        self._watch.stop()
        self._closing = done
        self._timer.stop()
        self._result = None
        if self._path.has_route:
            self._work()
        else:
            self._finish()

    def abort(self) -> None:
        """Be gone without a word to anybody."""
        self.closed = True
        self._watch.stop()
        self._unsent.clear()
        self._closing = self._result = None
        self._timer.stop()
        self._path.close()

    # opening

    def _open(self, host: str, port: int, tries: int) -> None:
        def arrived(ok: bool | None) -> None:
            if self._result is None:
                return
            if not ok:
                self._retry(tries, lambda: self._open(host, port, tries + 1))
                return
            state = self._path.connect(host, port)
            if state != "dropped":  # dropped: nobody answers, the timer ends it
                self._air.downlink(self._headers, lambda ok: self._settle(state))

        # the acknowledgement that completes the handshake goes with the first data or alone
        self._air.send(2 * self._headers, arrived)

    def _settle(self, state: str) -> None:
        result, self._result = self._result, None
        self._timer.stop()
        if result is None:
            return
        if state == "connected":
            self._watch.start()
        else:
            self.closed = True
            self._path.close()
        result(state)

    # sending

    def _work(self) -> None:
        if self._busy:
            return
        if self._unsent:
            self._busy = True
            self._segment(bytes(self._unsent[:SEGMENT]), 0)
        elif self._closing is not None:
            self._busy = True
            self._air.send(self._headers, lambda ok: self._finish())

    def _segment(self, data: bytes, tries: int) -> None:
        def arrived(ok: bool | None) -> None:
            if not self._unsent:
                return  # aborted
            if ok:
                self._arrived(data)
            elif tries < RETRIES:
                self._retry(tries, lambda: self._segment(data, tries + 1))
            else:
                assert self._path.peer is not None
                what = "unsent" if ok is None else "lost"
                self._routes.record(*self._path.peer, data, what)
                self._lost()

        self._air.send(self._headers + len(data), arrived)

    def _arrived(self, data: bytes) -> None:
        del self._unsent[: len(data)]
        self._busy = False
        self._path.send(data)
        if not self.closed:
            self._take(self._path.poll_answer(self.awaited, self._room()))
            self._watch.start()
        self._work()

    def expect(self) -> None:
        """The program waits: give the server the real time it deserves, if nothing is on its way
        and something may come."""
        if not (self._unsent or self._coming or self.closed) and self._path.expects:
            self._take(self._path.poll_answer(True, self._room()))

    def _lost(self) -> None:
        """The other side does not acknowledge any more, or has closed."""
        self._busy = False
        self._unsent.clear()
        if self._closing is not None:
            self._finish()
        elif not self.closed:
            self.closed = True
            self._watch.stop()
            self._path.close()
            self._on_closed()

    def _finish(self) -> None:
        closing, self._closing = self._closing, None
        self._path.close()
        if closing is not None:
            closing()

    def _retry(self, tries: int, again: Callable[[], None]) -> None:
        self._clock.schedule_ms(FIRST_RETRY_MS * 2**tries, again)

    # receiving

    def _room(self) -> int:
        """How much to take now: one segment comes down at a time, so that none overtakes."""
        return 0 if self._coming else max(0, min(SEGMENT, self.room()))

    def _look(self, wait_s: float) -> bool:
        if self.closed:
            self._watch.stop()
            return False
        data = self._path.poll(wait_s, self._room())
        self._take(data)
        return bool(data)

    def _take(self, data: bytes) -> None:
        if data:
            self._coming += len(data)
            self._down(data, 0)
        elif self._path.ended and not self.closed:
            self._watch.stop()
            self._air.downlink(self._headers, lambda ok: self._lost())

    def _down(self, data: bytes, tries: int) -> None:
        def arrived(ok: bool | None) -> None:
            if self.closed:
                return
            if not ok and tries < RETRIES:
                self._retry(tries, lambda: self._down(data, tries + 1))
                return
            self._coming -= len(data)
            if not ok:
                self._lost()
                return
            assert self._path.peer is not None
            self._routes.note("arrived", *self._path.peer, data)
            self._on_data(data)
            if not self.closed:
                self._take(self._path.poll(0.0, self._room()))
                self._watch.start()

        self._air.downlink(self._headers + len(data), arrived)
