"""A real CoAP server (aiocoap) in a thread of its own, behind a relay that can misbehave.

    with CoapServer(on_payload=lambda post: print(post.payload)) as server:
        ...                                     # a client posts to server.host, server.port
        server.wait_for(1)                      # True: one post has come
        server.posts[0].path, server.posts[0].query, server.posts[0].payload

    server.behaviour.code = Code.UNAUTHORIZED   # answers with 4.01 from now on
    server.behaviour.delay_s = 0.2              # an empty ACK first, a separate response then
    server.behaviour.drop_in = 2                # the next two datagrams of clients are lost
    server.behaviour.drop_out = 1               # the next datagram of the server is lost
    server.behaviour.twice = True               # each datagram of the server arrives twice
    server.behaviour.reset = True               # confirmable messages are reset

Every path is served: POST and PUT are taken, GET gives `content[path]` or 4.04. Clients talk to
the relay; `datagrams` lists what passed there. What strangers can have it keep is bounded: 64 KiB
of payload, 256 clients at a time, the last 10000 posts and datagrams.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import aiocoap
import aiocoap.resource
from aiocoap import Code

MOST_PAYLOAD = 65_536
MOST_CLIENTS = 256
MOST_KEPT = 10_000
START_S = 10.0
_CON, _RST = 0, 3
_INNER = "127.0.0.1"
_LOGGER = "devkit.servers.coap"


@dataclass
class Post:
    """One POST or PUT, put together if it came in blocks."""

    at_s: float  # seconds since 1970, as this computer's clock says
    source: tuple[str, int]
    code: str
    path: str
    query: tuple[str, ...]
    content_format: int | None
    payload: bytes


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
    """One that came to the relay: from a client, or from the server."""

    inbound: bool
    data: bytes
    dropped: bool


class CoapServer(AbstractContextManager["CoapServer"]):
    """Listens from its construction on. OSError if the port is taken."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        on_payload: Callable[[Post], None] | None = None,
    ) -> None:
        """on_payload: called with each post, in the server's thread."""
        self.posts: deque[Post] = deque(maxlen=MOST_KEPT)
        self.datagrams: deque[Datagram] = deque(maxlen=MOST_KEPT)
        self.content: dict[str, bytes] = {}
        self.behaviour = Behaviour()
        self._on_payload = on_payload
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
        self._relay: _Relay | None = None
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="coap-server", daemon=True)
        self._thread.start()
        if not self._ready.wait(START_S):
            raise OSError("the CoAP server does not start")

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(timeout=5)

    def wait_for(self, count: int, timeout_s: float = 2.0) -> bool:
        """Wait until so many posts have come in all; False if they did not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.posts) >= count, timeout_s)

    def take(self, post: Post) -> None:
        with self._changed:
            self.posts.append(post)
            self._changed.notify_all()
        if self._on_payload is not None:
            self._on_payload(post)

    def client_of(self, inner: tuple[str, int]) -> tuple[str, int]:
        """Who is behind an address at which the relay talks to the server."""
        return self._relay.clients_by_inner.get(inner, inner) if self._relay else inner

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        inner = (_INNER, _free_port())
        logging.getLogger(_LOGGER).setLevel(logging.ERROR)  # not a line for each bit of noise
        context = await aiocoap.Context.create_server_context(
            _Anything(self), bind=inner, loggername=_LOGGER, transports=["simplesocketserver"]
        )
        _, relay = await self._loop.create_datagram_endpoint(
            lambda: _Relay(self, inner), sock=self._socket
        )
        self._relay = relay
        self._ready.set()
        await self._ended.wait()
        relay.close()
        await context.shutdown()


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((_INNER, 0))
        return int(probe.getsockname()[1])


class _Anything(aiocoap.resource.Resource, aiocoap.resource.PathCapable):
    """Serves every path."""

    def __init__(self, server: CoapServer) -> None:
        super().__init__()
        self._server = server

    async def needs_blockwise_assembly(self, request: Any) -> bool:
        block = request.opt.block1
        return block is None or block.start < MOST_PAYLOAD

    async def render(self, request: Any) -> Any:
        server, behaviour = self._server, self._server.behaviour
        path = "/".join(request.opt.uri_path)
        block = request.opt.block1
        if block is not None and block.start >= MOST_PAYLOAD:
            return aiocoap.Message(code=Code.REQUEST_ENTITY_TOO_LARGE)
        if behaviour.delay_s:
            await asyncio.sleep(behaviour.delay_s)
        if request.code == Code.GET:
            if path not in server.content:
                return aiocoap.Message(code=Code.NOT_FOUND)
            response = aiocoap.Message(code=Code.CONTENT, payload=server.content[path])
            aiocoap.resource.hashing_etag(request, response)
            return response
        if request.code == Code.DELETE:
            known = server.content.pop(path, None) is not None
            return aiocoap.Message(code=Code.DELETED if known else Code.NOT_FOUND)
        content_format = request.opt.content_format
        post = Post(
            time.time(),
            server.client_of(tuple(request.remote.address[:2])),
            request.code.name,
            path,
            tuple(request.opt.uri_query),
            None if content_format is None else int(content_format),
            request.payload,
        )
        server.take(post)
        response = aiocoap.Message(code=behaviour.code, payload=behaviour.payload)
        if behaviour.max_age is not None:
            response.opt.max_age = behaviour.max_age
        return response


class _Relay(asyncio.DatagramProtocol):
    """Stands where clients send to, and passes on; each client gets a socket of its own behind."""

    def __init__(self, server: CoapServer, inner: tuple[str, int]) -> None:
        self._server = server
        self._inner = inner
        self._ways: dict[Any, asyncio.Future[asyncio.DatagramTransport]] = {}
        self.clients_by_inner: dict[tuple[str, int], tuple[str, int]] = {}

    def connection_made(self, transport: Any) -> None:
        self._outer = transport

    def close(self) -> None:
        self._outer.close()
        for client in list(self._ways):
            self._forget(client)

    def datagram_received(self, data: bytes, client: Any) -> None:
        behaviour = self._server.behaviour
        if self._lost(True, data):
            return
        if behaviour.reset and len(data) >= 4 and data[0] >> 4 == 4 | _CON:
            self._outer.sendto(bytes([0x40 | _RST << 4, 0]) + data[2:4], client)
            return
        way = self._ways.get(client)
        if way is None:
            if len(self._ways) >= MOST_CLIENTS:
                self._forget(next(iter(self._ways)))
            way = self._ways[client] = asyncio.ensure_future(self._open(client))
        way.add_done_callback(lambda done: self._pass(done, data))

    def back(self, data: bytes, client: Any) -> None:
        if not self._lost(False, data) and not self._outer.is_closing():
            for _ in range(1 + self._server.behaviour.twice):
                self._outer.sendto(data, client)

    async def _open(self, client: Any) -> asyncio.DatagramTransport:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Back(self, client), remote_addr=self._inner
        )
        self.clients_by_inner[transport.get_extra_info("sockname")[:2]] = client[:2]
        return transport

    def _pass(self, way: asyncio.Future[asyncio.DatagramTransport], data: bytes) -> None:
        if not way.cancelled() and way.exception() is None:
            way.result().sendto(data)

    def _forget(self, client: Any) -> None:
        way = self._ways.pop(client)
        if way.done() and not way.cancelled() and way.exception() is None:
            self.clients_by_inner.pop(way.result().get_extra_info("sockname")[:2], None)
            way.result().close()
        else:
            way.cancel()

    def _lost(self, inbound: bool, data: bytes) -> bool:
        behaviour = self._server.behaviour
        left = behaviour.drop_in if inbound else behaviour.drop_out
        if left and inbound:
            behaviour.drop_in -= 1
        elif left:
            behaviour.drop_out -= 1
        self._server.datagrams.append(Datagram(inbound, data, left > 0))
        return left > 0


class _Back(asyncio.DatagramProtocol):
    def __init__(self, relay: _Relay, client: Any) -> None:
        self._relay = relay
        self._client = client

    def datagram_received(self, data: bytes, address: Any) -> None:
        self._relay.back(data, self._client)
