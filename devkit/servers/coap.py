"""A real CoAP server (aiocoap) that keeps what is posted to it.

    with CoapServer() as server:
        ...                                     # a client posts to server.host, server.port
        server.wait_for(1)                      # True: one post has come
        server.received[0].path, server.received[0].query, server.received[0].data
        server.code = Code.UNAUTHORIZED         # answers with 4.01 from now on

POST and PUT are taken on every path.

Written against aiocoap 0.4.17. Its own sockets have SO_REUSEPORT, with which a second server would
silently receive half of the datagrams, so the socket is made here.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import aiocoap
from aiocoap import Code, resource
from aiocoap.transports import simplesocketserver

from devkit.servers.server import Received, Server, Started, datagram_socket

ANSWERS = True
_LOGGER = "devkit.servers.coap"


@dataclass
class Post(Received):
    """One POST or PUT, put together if it came in blocks."""

    path: str
    query: tuple[str, ...]


class CoapServer(Server[Post]):
    """OSError if the port is taken."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__()
        self.code = Code.CHANGED  # of each answer
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
                lambda: simplesocketserver._DatagramServerSocketSimple(
                    lambda ready: None, interface, log
                ),
                sock=self._socket,
            )
            interface._pool.hostinfo_local = f"{self.host}:{self.port}"
            return interface

        await context._append_tokenmanaged_messagemanaged_transport(transport)
        self._started.set_result(loop)
        await self._end.wait()
        await context.shutdown()


class _AnyPath(resource.Resource, resource.PathCapable):
    def __init__(self, server: CoapServer) -> None:
        super().__init__()
        self._server = server

    async def render_post(self, request: Any) -> Any:
        source, path = request.remote.address[:2], "/".join(request.opt.uri_path)
        query = tuple(request.opt.uri_query)
        self._server._keep(Post(time.time(), source, request.payload, path, query))
        return aiocoap.Message(code=self._server.code)

    render_put = render_post


def start(parts: ExitStack) -> Started:
    return parts.enter_context(CoapServer()), "CoAP server (aiocoap)"
