"""The page, the API and the metrics by HTTP: who is let in, and the limits of all requests.

    with WebServer("127.0.0.1", 8080, "reports.db", status) as server:  # server.host, server.port

A thread with an event loop serves; a few threads read the database, each with a connection of its
own. The answers are those of api.py, the files those of page/. Names and texts are of strangers:
the page shows them as text, and loads nothing from other servers (Content-Security-Policy).
Connections are limited in number and in time, questions to the database in time, answers in size.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from collector.storage import database
from collector.storage.database import Connection
from collector.usage import UsageError
from collector.web import access
from collector.web.access import Access

PAGE = Path(__file__).parent / "page"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "collect",
}
COOKIE = "collect"
CONNECTIONS_MAX = 64
HEAD_MAX_S = 10.0  # from the connection, or the answer before, to the end of the next header
REQUEST_MAX_S = 60.0
EXPORT_MAX_S = 900.0
READ_MAX_S = 10.0  # of the database for one request
READERS, READS_MAX = 4, 100  # threads; requests that wait for them
BODY_MAX = 4_096
HEADER_MAX = 4_096  # bytes of the first line, and of each header
COMPRESS_MIN = 1_000

T = TypeVar("T")
Handler = Callable[[web.Request], Any]
Status = Callable[[], dict[str, Any]]


class Busy(Exception):
    """More requests wait for the database than it can answer soon."""


class BadRequest(ValueError):
    """The request asks for something that is not there; the text says what is allowed."""


class Readers:
    """Runs functions that read the database, in threads."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="web")
        self._own = threading.local()
        self._open: set[Connection] = set()
        self._waiting = 0

    async def run(self, work: Callable[[Connection], T]) -> T:
        if self._waiting >= READS_MAX:
            raise Busy
        self._waiting += 1
        try:
            return await self.call(lambda: self._read(work))
        finally:
            self._waiting -= 1

    async def call(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def connect(self) -> Connection:
        return database.connect(self._where, read_only=True)

    def write(self, work: Callable[[Connection], T]) -> T:
        with database.connect(self._where) as connection:
            return work(connection)

    def _read(self, work: Callable[[Connection], T]) -> T:
        connection: Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self.connect()
            self._open.add(connection)
        try:
            connection.limit(READ_MAX_S)
            return work(connection)
        except database.Unusable:  # the server may have been restarted
            self._own.connection = None
            self._open.discard(connection)
            connection.close()
            raise

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        for connection in self._open:
            connection.close()


@dataclass(frozen=True)
class _File:
    kind: str
    body: bytes
    packed: bytes
    tag: str


def _files() -> dict[str, _File]:
    found = {}
    for path in sorted(PAGE.rglob("*")):
        if path.is_file() and path.suffix in TYPES:
            body = path.read_bytes()
            tag = f'W/"{hashlib.sha256(body).hexdigest()[:16]}"'
            file = _File(TYPES[path.suffix], body, gzip.compress(body, 9, mtime=0), tag)
            found["/" + path.relative_to(PAGE).as_posix()] = file
    found["/"] = found["/index.html"]
    return found


def tls_context(cert: str | None, key: str | None) -> ssl.SSLContext | None:
    """Return what a server needs for TLS; None without it. UsageError for files that are none."""
    if not cert and not key:
        return None
    if not cert or not key:
        raise UsageError("--tls-cert and --tls-key: one is missing; allowed: both, as PEM files")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(cert, key)
    except OSError as problem:
        raise UsageError(
            f"--tls-cert {cert}, --tls-key {key}: {problem.strerror or problem}; allowed: a"
            " certificate and its key as PEM files"
        ) from None
    return context


def _listening(host: str, port: int) -> socket.socket:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


@dataclass
class _Client:
    since: float  # its connection, or the end of its last request
    until: float | None = None  # the end of the time for the request that is being answered
    known: bool = False  # it has sent a request, so a connection that is gone is closed


class _Clients:
    """Connections, so that neither many nor slow ones keep others out."""

    def __init__(self) -> None:
        self._server: Any = None
        self._clients: dict[Any, _Client] = {}

    def serve(self, server: Any) -> None:
        self._server = server

    def accept(self) -> asyncio.Protocol:
        """Return the protocol of a new connection."""
        self.sweep()
        if len(self._clients) >= CONNECTIONS_MAX:
            return _Refused()
        protocol = self._server()
        self._clients[protocol] = _Client(time.monotonic())
        return protocol

    def sweep(self) -> None:
        """Forget closed connections, and close those that take too long."""
        now = time.monotonic()
        for protocol, client in list(self._clients.items()):
            is_late = now > (client.until or client.since + HEAD_MAX_S)
            if protocol.transport is None and (client.known or is_late):
                del self._clients[protocol]
            elif is_late:
                protocol.transport.abort()

    @contextlib.contextmanager
    def request(self, request: web.Request, most_s: float) -> Any:
        client = self._clients.setdefault(request.protocol, _Client(time.monotonic()))
        client.known, client.until = True, time.monotonic() + most_s
        try:
            yield
        finally:
            client.since, client.until = time.monotonic(), None


class _Refused(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        transport.abort()


class WebServer(AbstractContextManager["WebServer"]):
    """Serves from its construction on. OSError if it cannot listen there."""

    def __init__(
        self,
        host: str,
        port: int,
        where: str,
        status: Status,
        *,
        tokens: dict[str, str] | None = None,
        names: Sequence[str] = (),
        tls: ssl.SSLContext | None = None,
        report: Callable[[str, bool], None] = lambda text, ok: None,
    ) -> None:
        """where: the database. status: what the other parts say of themselves (api.py).

        tokens: by roles; without any, everybody may do everything. names: hosts by which requests
        may name this computer, beside addresses and localhost. report: told of mistakes in here.
        """
        self.readers, self.status = Readers(where), status
        self.access = Access(tokens or {})
        self.exports = 0  # that run
        self._names = frozenset({host.lower(), *(name.lower() for name in names)})
        self._tls, self._report = tls, report
        self._files = _files()
        self._clients = _Clients()
        self._socket = _listening(host, port)
        self.host, self.port = self._socket.getsockname()[:2]
        self.scheme = "https" if tls else "http"
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._thread.start()

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self.readers.close()
            self._loop.close()

    async def _serve(self) -> None:
        from collector.web import api

        app = web.Application(middlewares=[self._answer], client_max_size=BODY_MAX)
        api.add(app, self)
        quiet = logging.getLogger("collector.web.server")
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False
        runner = web.AppRunner(
            app, access_log=None, logger=quiet, keepalive_timeout=HEAD_MAX_S, lingering_time=1,
            max_line_size=HEADER_MAX, max_field_size=HEADER_MAX, shutdown_timeout=1,
        )  # fmt: skip
        await runner.setup()
        self._clients.serve(runner.server)
        server = await self._loop.create_server(
            self._clients.accept, sock=self._socket, ssl=self._tls,
            ssl_handshake_timeout=HEAD_MAX_S if self._tls else None,
        )  # fmt: skip
        while not self._stop.is_set():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 0.5)
            self._clients.sweep()
        server.close()
        await runner.cleanup()

    # Each request

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        most_s = EXPORT_MAX_S if request.path == "/api/csv" else REQUEST_MAX_S
        with self._clients.request(request, most_s):
            try:
                answer = await self._admitted(request, handler)
            except web.HTTPException as refusal:
                answer = problem(refusal.status, refusal.reason.lower())
            except BadRequest as mistake:
                answer = problem(400, str(mistake))
            except access.Limited:
                answer = problem(429, "too many wrong tokens; wait a minute")
            except database.Unwritable:
                answer = problem(400, "a value that the database cannot have")
            except (Busy, database.Unusable) as trouble:
                answer = problem(503, str(trouble) or "too many requests")
            except ConnectionError:
                raise
            except Exception as mistake:  # noqa: BLE001 - one request must not end the others
                self._report(f"page: {request.path}: {mistake!r}", False)
                answer = problem(500, "a mistake in this program; its stderr says more")
        if not answer.prepared:
            answer.headers.update(HEADERS)
            answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    async def _admitted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not access.names_this_computer(request.headers.get("Host", ""), self._names):
            return problem(421, "ask for an address of this computer, or give --http-name")
        path = request.path
        if path in self._files and request.method in ("GET", "HEAD"):
            if self._files[path] is self._files["/"] and not self.role(request):
                view = request.rel_url.raw_query_string
                back = "login.html" + (f"?{view}" if view else "")
                return web.Response(status=302, headers={"Location": back})
            return _file(request, self._files[path])
        needed = getattr(handler, "needs", access.READ)
        if request.method == "POST":
            if not access.is_same_origin(dict(request.headers), request.headers["Host"]):
                return problem(403, "only the page itself may do this")
            if request.content_type != "application/json":
                return problem(415, "allowed: Content-Type: application/json")
        if needed:
            role = self.role(request)
            if role is None:
                return problem(401, "a token is needed", {"WWW-Authenticate": "Bearer"})
            if needed == access.CHANGE and role != access.CHANGE:
                return problem(403, "the token for change is needed")
        return await handler(request)

    def role(self, request: web.Request) -> str | None:
        return self.access.role(
            request.headers.get("Authorization", ""), request.cookies.get(COOKIE, ""),
            request.remote or "",
        )  # fmt: skip


def _file(request: web.Request, file: _File) -> web.Response:
    headers = {"ETag": file.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if file.tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = file.kind
    return packed(request, file.body, headers, file.packed)


def answered(request: web.Request, value: Any) -> web.Response:
    """Return JSON."""
    body = json.dumps(value, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")
    return packed(request, body, {"Content-Type": "application/json"})


def packed(
    request: web.Request, body: bytes, headers: dict[str, str], small: bytes | None = None
) -> web.Response:
    """Return a body, compressed if that is wanted and worth it. small: the compressed one."""
    if len(body) >= COMPRESS_MIN and "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = small or gzip.compress(body, 5, mtime=0)
    return web.Response(body=body, headers=headers)


def problem(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    if status in (429, 503):
        headers = {"Retry-After": "60", **(headers or {})}
    return web.json_response({"error": text}, status=status, headers=headers)
