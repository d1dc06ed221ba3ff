"""lwIP's client of time servers, which `machine.RTC.ntp_sync()` starts: service "sntp".

It asks by UDP, port 123, over whatever link there is, and sets the clock when the answer comes.
The program goes on meanwhile. The server is behind a route, like any other.
Source: Pycom firmware 1.20.2.r4, esp32/mods/machrtc.c; lwIP 2, apps/sntp/sntp.c; RFC 4330.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from emulator.board.board import SOFT_RESET, Board, Service
from emulator.board.clock import Event
from emulator.board.constants import CODE, constant
from emulator.network.addresses import address_family
from emulator.network.air import UDP_HEADERS
from emulator.network.datagrams import Datagrams
from emulator.network.ip import DNS_ANSWER_BYTES, DNS_QUERY_BYTES
from emulator.network.nic import Nic
from emulator.network.routes import Routes

PORT = 123
# no answer, no address or no link: the next server, or this one again, twice as late each time
RETRY_MS = constant(15_000, "ms", CODE, "lwIP sntp.c, SNTP_RETRY_TIMEOUT, SNTP_RECV_TIMEOUT")
RETRY_MOST_MS = constant(150_000, "ms", CODE, "lwIP sntp.c, SNTP_RETRY_TIMEOUT_MAX")

_REQUEST = b"\x23" + bytes(47)  # version 4, client
_FROM_1900 = 2_208_988_800


class Sntp(Service):
    def __init__(self, board: Board, routes: Routes, nics: Sequence[Nic]) -> None:
        """nics: the list of them, which may still grow."""
        super().__init__(board)
        self._routes = routes
        self._nics = nics
        self._timer: Event | None = None
        self._flow: Datagrams | None = None
        self._asked = 0  # number of the question that counts
        self._told: Callable[[int], object] = lambda wall_us: None

    def start(self, servers: Sequence[str], period_ms: int, told: Callable[[int], object]) -> None:
        """Ask now, and each period_ms behind an answer. told: gets microseconds since 1970."""
        self.stop()
        self._servers, self._period_ms, self._told = list(servers), period_ms, told
        self._retry_ms = RETRY_MS
        self._ask()

    def stop(self) -> None:
        self._asked += 1
        if self._timer is not None:
            self._timer.cancel()
        if self._flow is not None:
            self._flow.close()
        self._timer = self._flow = None

    def on_reset(self, cause: int) -> None:
        if cause != SOFT_RESET:  # which lwIP's task does not notice
            self.stop()

    def on_sleep(self, duration_ms: int | None) -> None:
        self.stop()

    # a question

    def _ask(self) -> None:
        self.stop()
        number, server = self._asked, self._servers[0]
        self._timer = self.board.clock.schedule_ms(self._retry_ms, self._in_vain)
        nic = next((nic for nic in self._nics if nic.address is not None), None)
        if nic is None:
            return
        if address_family(server) is not None:
            self._send(nic, server)
            return
        size = UDP_HEADERS["IP"] + DNS_QUERY_BYTES + len(server)

        def looked_up(ok: bool | None) -> None:
            found = self._routes.resolve(server, "IP") if ok and number == self._asked else []
            if found:
                self._send(nic, found[0])

        def asked(ok: bool | None) -> None:
            if ok:
                nic.air.downlink(size + DNS_ANSWER_BYTES, looked_up)

        nic.air.send(size, asked)

    def _send(self, nic: Nic, address: str) -> None:
        self._flow = Datagrams(self._routes, nic.air, "IP", self._answered)
        self._flow.awaited = True
        self._flow.send(address, PORT, _REQUEST)

    def _in_vain(self) -> None:
        self._servers.append(self._servers.pop(0))
        self._retry_ms = min(2 * self._retry_ms, RETRY_MOST_MS)
        self._ask()

    def _answered(self, host: str, port: int, data: bytes) -> None:
        if len(data) < 48 or data[0] & 7 not in (4, 5) or data[1] == 0:
            return  # no answer of a server, or one that wants to be left alone
        self.stop()
        self._retry_ms = RETRY_MS
        self._timer = self.board.clock.schedule_ms(self._period_ms, self._ask)
        seconds = int.from_bytes(data[40:44], "big") - _FROM_1900
        fraction = int.from_bytes(data[44:48], "big") * 1_000_000 >> 32
        self._told(seconds * 1_000_000 + fraction)
