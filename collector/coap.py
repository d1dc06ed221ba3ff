"""CoAP, and plain UDP on the same port: an aiocoap server in a thread.

    with CoapServer("127.0.0.1", 5683, queue) as server:
        server.host, server.port

POST and PUT on any path accept a SenML pack, also one in blocks (Block1), and answer 2.04 Changed.
One port serves both because the first byte differs: a CoAP message begins with version 1 and a
token length of 0 to 8, which is 0x40 to 0x48, 0x50 to 0x58, ...; a SenML pack with 0x80 to 0x9f
(a CBOR array), with `[` (0x5b, a token length that CoAP forbids) or with white space.

aiocoap remembers each message id for 247 s, as the RFC asks, without a limit. A flood would fill
the memory, so messages beyond RATE a second are dropped before aiocoap sees them. A client repeats
a confirmable message that was dropped.

Source: RFC 7252 (3 message format, 4.5 duplicates, 5.9 codes), RFC 7959 (Block1), RFC 8428 (12.3
content formats). Written against aiocoap 0.4.17. Its own sockets have SO_REUSEPORT, with which a
second collector would silently receive half of the datagrams, so the socket is made here.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any

import aiocoap
from aiocoap import error, resource
from aiocoap.transports.udp6 import MessageInterfaceUDP6

from collector import packs
from collector.decode_queue import DecodeQueue, Message
from collector.udp import Address, address_text, drop_count, set_options

FORMATS = {110: packs.JSON, 112: packs.CBOR, None: None}
BODY_MAX_BYTES = packs.PACK_MAX_BYTES
DATAGRAM_MAX = 4_096  # bytes of one that aiocoap reads
RATE, BURST = 100.0, 2_000.0  # CoAP messages a second, and at once
_TOKEN_LENGTH_MAX = 8
_LOGGER = "collector.coap"


def is_coap(data: bytes) -> bool:
    """Return True for a CoAP message of version 1 (RFC 7252, 3), False for a SenML pack."""
    return len(data) >= 4 and data[0] >> 6 == 1 and data[0] & 15 <= _TOKEN_LENGTH_MAX


class CoapServer(AbstractContextManager["CoapServer"]):
    """Listens from its construction on. OSError if it cannot listen there."""

    def __init__(self, host: str, port: int, queue: DecodeQueue, plain_udp: bool = True) -> None:
        """plain_udp: accept SenML datagrams without CoAP, too."""
        self.throttled = 0  # CoAP messages beyond RATE
        self.lost = 0  # dropped by the system because the program was too slow
        self._socket = _bound(host, port)
        self.host, self.port = _host_and_port(self._socket.getsockname())
        self._queue, self._plain_udp = queue, plain_udp
        self._allowance, self._counted_s = BURST, time.monotonic()
        self._stop = asyncio.Event()
        self._started: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="coap", daemon=True
        )
        self._thread.start()
        self._loop = self._started.result(timeout=10)

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop without waiting for requests under way."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(timeout=10)

    async def _serve(self) -> None:
        server, loop, log = self, asyncio.get_running_loop(), logging.getLogger(_LOGGER)
        log.setLevel(logging.CRITICAL + 1)  # a stranger's messages must not fill a log
        loop.set_exception_handler(self._on_error)
        context = aiocoap.Context(loop=loop, serversite=_AnyPath(self._queue), loggername=_LOGGER)

        class Interface(MessageInterfaceUDP6):
            def datagram_msg_received(
                self, data: bytes, ancdata: Any, flags: int, address: Any
            ) -> None:
                control = [each for each in ancdata if not server._is_drop_count(each)]
                if not server._is_for_aiocoap(data, flags, address):
                    return
                try:
                    super().datagram_msg_received(data, control, flags, address)
                except (ValueError, LookupError, ArithmeticError, error.Error) as problem:
                    # aiocoap lets some malformed options through to here
                    reason = f"{type(problem).__name__}: {problem}"
                    server._queue.add_refused("coap", _source(address), reason)

        await context._append_tokenmanaged_messagemanaged_transport(
            lambda manager: Interface._create_transport_endpoint(self._socket, manager, log, loop)
        )
        self._started.set_result(loop)
        await self._stop.wait()
        await context.shutdown()

    def _on_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Count an unforeseen error as a refused message, and go on with the next."""
        reason = str(context.get("exception") or context.get("message"))
        self._queue.add_refused("coap", "", reason)

    def _is_drop_count(self, message: tuple[int, int, bytes]) -> bool:
        count = drop_count(message)
        self.lost = count or self.lost
        return count is not None

    def _is_for_aiocoap(self, data: bytes, flags: int, address: Any) -> bool:
        """Return True for a CoAP message within the rate; queue or refuse any other datagram."""
        if is_coap(data):
            return self._within_rate()
        if not self._plain_udp:
            self._queue.add_refused("coap", _source(address), "no CoAP message of version 1")
        elif flags & socket.MSG_TRUNC:
            reason = f"a datagram longer than {DATAGRAM_MAX} bytes"
            self._queue.add_refused("udp", _source(address), reason)
        else:
            self._queue.put(Message("udp", _source(address), data))
        return False

    def _within_rate(self) -> bool:
        now = time.monotonic()
        self._allowance = min(BURST, self._allowance + RATE * (now - self._counted_s))
        self._counted_s = now
        if self._allowance < 1:
            self.throttled += 1
            return False
        self._allowance -= 1
        return True


class _AnyPath(resource.Resource, resource.PathCapable):
    """One resource for all paths: the path of a report says nothing that is not in it."""

    def __init__(self, queue: DecodeQueue) -> None:
        super().__init__()
        self._queue = queue

    async def needs_blockwise_assembly(self, request: aiocoap.Message) -> bool:
        block = request.opt.block1
        if block is not None and block.start + len(request.payload) > BODY_MAX_BYTES:
            raise error.RequestEntityTooLarge(f"allowed: up to {BODY_MAX_BYTES} bytes")
        if block is None or block.block_number == 0:
            self._check_format(request)
        return True

    def _check_format(self, request: aiocoap.Message) -> None:
        form = request.opt.content_format
        if request.code in (aiocoap.POST, aiocoap.PUT) and form not in FORMATS:
            source = _source(request.remote.sockaddr)
            reason = f"content format {int(form)}; allowed: 110, 112"
            self._queue.add_refused("coap", source, reason)
            raise error.UnsupportedContentFormat("allowed: 110, 112, both SenML")

    async def render_post(self, request: aiocoap.Message) -> aiocoap.Message:
        message = Message("coap", _source(request.remote.sockaddr), request.payload)
        try:
            form = FORMATS[request.opt.content_format]
            message.records = packs.read(message.data, message.received_s, form)
        except ValueError as problem:
            self._queue.add_refused("coap", message.source, str(problem))
            raise error.BadRequest(packs.printable(str(problem))) from None
        if not self._queue.put(message):
            raise error.ServiceUnavailable("busy")
        return aiocoap.Message(code=aiocoap.CHANGED)

    render_put = render_post


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket as aiocoap wants it: IPv6, also for IPv4 addresses."""
    family, kind, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
    )[0]
    where = (f"::ffff:{address[0]}", address[1]) if family == socket.AF_INET else address
    bound = socket.socket(socket.AF_INET6, kind)
    try:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        set_options(bound)
        bound.bind(where)
    except OSError:
        bound.close()
        raise
    return bound


def _host_and_port(address: Any) -> Address:
    return str(address[0]).removeprefix("::ffff:"), int(address[1])


def _source(address: Any) -> str:
    return address_text(*_host_and_port(address))
