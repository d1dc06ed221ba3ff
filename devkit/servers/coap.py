"""A real CoAP server (aiocoap) that can be told to misbehave.

    with CoapServer() as server:
        ...                                     # a client posts to server.host, server.port
        server.wait_for(1)                      # True: one post has come
        server.received[0].path, server.received[0].query, server.received[0].data

    server.clock = lambda: 1772366400           # tells the time: docs/report.md
    server.behaviour.code = Code.UNAUTHORIZED   # answers with 4.01 from now on
    server.behaviour.delay_s = 0.2              # an empty ACK first, a separate response then
    server.behaviour.drop_in = 2                # the next two datagrams of clients are lost
    server.behaviour.drop_out = 1               # the next datagram of the server is lost
    server.behaviour.twice = True               # each datagram of the server is sent twice
    server.behaviour.reset = True               # confirmable messages are reset

Every path is served: POST and PUT are taken, GET gives `content[path]` or 4.04, DELETE removes it.
`datagrams` lists what passed, in both directions.

Written against aiocoap 0.4.17: its server socket is subclassed where datagrams come and go.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import aiocoap
import cbor2
from aiocoap import Code, resource
from aiocoap.transports import simplesocketserver

from devkit.servers.server import Received, Server, Started, datagram_socket

ANSWERS = True
PAYLOAD_MAX = 65_536
_CON, _RST = 0, 3
_TIME = 1  # label in the map of an answer
_CBOR = 60  # content format
_LOGGER = "devkit.servers.coap"


@dataclass
class Post(Received):
    """One POST or PUT, put together if it came in blocks."""

    code: str
    path: str
    query: tuple[str, ...]
    content_format: int | None


@dataclass
class Behaviour:
    code: Code = Code.CHANGED
    payload: bytes = b""
    max_age: int | None = None
    delay_s: float = 0.0  # above 0.1 the response is separate
    drop_in: int = 0
    drop_out: int = 0
    twice: bool = False
    reset: bool = False


@dataclass
class Datagram:
    inbound: bool  # from a client
    data: bytes


class CoapServer(Server[Post]):
    """OSError if the port is taken."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__()
        self.datagrams: list[Datagram] = []
        self.content: dict[str, bytes] = {}
        self.behaviour = Behaviour()
        self.clock: Callable[[], int] | None = None
        self._socket = datagram_socket(host, port)
        self.host, self.port = self._socket.getsockname()[:2]
        self._end = asyncio.Event()
        self._started: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="coap-server", daemon=True
        )
        self._thread.start()
        self._loop = self._started.result(timeout=10)

    def close(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(timeout=5)

    async def _serve(self) -> None:
        loop, log = asyncio.get_running_loop(), logging.getLogger(_LOGGER)
        log.setLevel(logging.ERROR)  # not a line for each malformed datagram
        context = aiocoap.Context(loop=loop, serversite=_AnyPath(self), loggername=_LOGGER)

        async def transport(manager: Any) -> Any:
            interface = simplesocketserver.MessageInterfaceSimpleServer(manager, log, loop)
            _, interface._pool = await loop.create_datagram_endpoint(
                lambda: _FaultySocket(self, interface, log), sock=self._socket
            )
            return interface

        await context._append_tokenmanaged_messagemanaged_transport(transport)
        self._started.set_result(loop)
        await self._end.wait()
        await context.shutdown()


class _Client(simplesocketserver._Address):
    def send(self, data: bytes) -> None:
        self.serversocket.reply(data, self.address)


class _FaultySocket(simplesocketserver._DatagramServerSocketSimple):
    """Loses, repeats and resets what `behaviour` says."""

    _Address = _Client

    def __init__(self, server: CoapServer, interface: Any, log: logging.Logger) -> None:
        super().__init__(lambda ready: None, interface, log)
        self._server = server
        self.hostinfo_local = f"{server.host}:{server.port}"

    def datagram_received(self, data: bytes, client: Any) -> None:
        behaviour = self._server.behaviour
        self._server.datagrams.append(Datagram(True, data))
        if behaviour.drop_in:
            behaviour.drop_in -= 1
        elif behaviour.reset and len(data) >= 4 and data[0] >> 4 == 4 | _CON:
            self._transport.sendto(bytes([0x40 | _RST << 4, 0]) + data[2:4], client)
        else:
            super().datagram_received(data, client)

    def reply(self, data: bytes, client: Any) -> None:
        behaviour = self._server.behaviour
        self._server.datagrams.append(Datagram(False, data))
        if behaviour.drop_out:
            behaviour.drop_out -= 1
            return
        for _ in range(1 + behaviour.twice):
            self._transport.sendto(data, client)


class _AnyPath(resource.Resource, resource.PathCapable):
    def __init__(self, server: CoapServer) -> None:
        super().__init__()
        self._server = server

    async def needs_blockwise_assembly(self, request: Any) -> bool:
        block = request.opt.block1
        return block is None or block.start < PAYLOAD_MAX

    async def render(self, request: Any) -> Any:
        server, behaviour = self._server, self._server.behaviour
        path = "/".join(request.opt.uri_path)
        block = request.opt.block1
        if block is not None and block.start >= PAYLOAD_MAX:
            return aiocoap.Message(code=Code.REQUEST_ENTITY_TOO_LARGE)
        if behaviour.delay_s:
            await asyncio.sleep(behaviour.delay_s)
        if request.code == Code.GET:
            if path not in server.content:
                return aiocoap.Message(code=Code.NOT_FOUND)
            response = aiocoap.Message(code=Code.CONTENT, payload=server.content[path])
            resource.hashing_etag(request, response)
            return response
        if request.code == Code.DELETE:
            known = server.content.pop(path, None) is not None
            return aiocoap.Message(code=Code.DELETED if known else Code.NOT_FOUND)
        content_format = request.opt.content_format
        server._keep(
            Post(
                time.time(),
                request.remote.address[:2],
                request.payload,
                request.code.name,
                path,
                tuple(request.opt.uri_query),
                None if content_format is None else int(content_format),
            )
        )
        response = aiocoap.Message(code=behaviour.code, payload=behaviour.payload)
        if server.clock is not None and "c" in request.opt.uri_query:
            response.payload = cbor2.dumps({_TIME: server.clock()})
            response.opt.content_format = _CBOR
        if behaviour.max_age is not None:
            response.opt.max_age = behaviour.max_age
        return response


def start(parts: ExitStack) -> Started:
    return parts.enter_context(CoapServer()), "CoAP server (aiocoap)"
