"""The page of the collector: latest values and a chart of each, served to a browser.

    with WebServer("127.0.0.1", 8080, latest, series) as server:     # server.host, server.port

    /                                   the page; with it /collect.js and /collect.css
    /api/latest                         counters, latest values, last problems
    /api/series?name=NAME&since=SECONDS points of one name, [[seconds since 1970, number], ...]

All of it is read-only. Names and texts come from strangers: the page shows them as text, and loads
nothing from other servers (Content-Security-Policy). The Host header must be an address of this
computer or localhost, so that no page of a stranger can read this one by DNS rebinding.
Connections are limited in number and in time, answers in size.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = Path(__file__).parent / "page"
FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/collect.js": ("collect.js", "text/javascript; charset=utf-8"),
    "/collect.css": ("collect.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
CONNECTIONS_MAX = 32
IDLE_MAX_S = 10.0  # without a byte
CONNECTION_MAX_S = 30.0  # a connection carries one request
TARGET_MAX = 2_000  # characters of path and query

Latest = Callable[[], dict[str, Any]]
Series = Callable[[str, float], list[tuple[float, float]]]


class WebServer(AbstractContextManager["WebServer"]):
    """Serves from its construction on. OSError if it cannot listen there."""

    def __init__(self, host: str, port: int, latest: Latest, series: Series) -> None:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        self._server = _Server(family, (host, port), latest, series)
        self.host, self.port = self._server.socket.getsockname()[:2]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="web", daemon=True
        )
        self._thread.start()

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    block_on_close = False  # a slow client does not delay the end

    def __init__(
        self,
        family: socket.AddressFamily,
        address: tuple[str, int],
        latest: Latest,
        series: Series,
    ) -> None:
        self.address_family = family
        self.own_name = address[0].lower()
        self.latest, self.series = latest, series
        self._free = threading.BoundedSemaphore(CONNECTIONS_MAX)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without the look-up of this computer's name that http.server makes."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        # against clients that send a byte now and then
        end = threading.Timer(CONNECTION_MAX_S, _shut_down, (request,))
        end.daemon = True
        end.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            end.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect or do not speak HTTP."""


def _shut_down(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = IDLE_MAX_S
    server_version, sys_version = "collect", ""

    def do_GET(self) -> None:
        if not _names_this_computer(self.headers.get("Host", ""), self.server.own_name):
            self._answer(421, "text/plain", b"ask for an address of this computer\n")
            return
        target = urlsplit(self.path[:TARGET_MAX])
        if target.path in FILES:
            name, kind = FILES[target.path]
            self._answer(200, kind, (PAGE / name).read_bytes())
        elif target.path == "/api/latest":
            self._json(self.server.latest())
        elif target.path == "/api/series":
            self._series(target.query)
        else:
            self._answer(404, "text/plain", b"not found\n")

    do_HEAD = do_GET

    def _series(self, query: str) -> None:
        try:
            fields = parse_qs(query, max_num_fields=10)
            name = fields.get("name", [""])[0]
            since_s = float(fields.get("since", ["0"])[0])
        except ValueError:
            name = ""
        if not name:
            self._answer(400, "text/plain", b"allowed: name=NAME and since=SECONDS\n")
            return
        self._json({"name": name, "points": self.server.series(name, since_s)})

    def _json(self, value: Any) -> None:
        self._answer(200, "application/json", json.dumps(value, allow_nan=False).encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: stdout and the terminal belong to the records."""


def _names_this_computer(host: str, own_name: str) -> bool:
    """Return True if a Host header is an address, localhost, or the name given to --http."""
    try:
        name = (urlsplit("//" + host).hostname or "").lower()
    except ValueError:
        return False
    if name in ("localhost", own_name) and name:
        return True
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
