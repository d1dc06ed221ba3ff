"""CoAP, and plain UDP on the same port: an aiocoap server in a thread.

    with CoapServer("127.0.0.1", 5683, queue) as server:
        server.host, server.port

POST and PUT on any path accept a SenML pack, also one in blocks (Block1), and answer 2.04 Changed.
One port serves both because the first byte differs: a CoAP message begins with version 1 and a
token length of 0 to 8, which is 0x40 to 0x48, 0x50 to 0x58, ...; a SenML pack with 0x80 to 0x9f
(a CBOR array), with `[` (0x5b, a token length that CoAP forbids) or with white space.

A report in one datagram is answered by coap_report.py after it is stored; blocks and all other
requests are aiocoap's. That remembers each message id for 247 s, as the RFC asks, without a limit,
in about 3 KB. A flood would fill the memory, so what is beyond the rates is dropped and counted. A
client repeats a confirmable message that was dropped.

Source: RFC 7252 (3 message format, 4.5 duplicates, 5.9 codes), RFC 7959 (Block1), RFC 8428 (12.3
content formats). Written against aiocoap 0.4.17. Its own sockets have SO_REUSEPORT, with which a
second collector would silently receive half of the datagrams, so the socket is made here. Only
intakes share a port on purpose: the system leads all datagrams of one sender to the same of them,
until one ends or begins. A repetition that reaches another one is a duplicate in the database; a
transfer in blocks that goes on at another one is answered with 4.08, and the node begins again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import time
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any

import aiocoap
from aiocoap import error, resource
from aiocoap.transports.udp6 import MessageInterfaceUDP6, UDP6EndpointAddress

from collector.decode import packs
from collector.intake.coap_report import (
    ANSWER_S,
    PlainReports,
    Submitter,
    answer_to,
    host_and_port,
    source,
    wrong_format,
)
from collector.intake.coap_updates import CoapUpdates
from collector.intake.decode_queue import FAILED, STORED, DecodeQueue, Message, Verdict
from collector.intake.udp import CLOSE_S, Drops, enlarge_buffer
from collector.updates.fleet import Offer

BODY_MAX_BYTES = packs.PACK_MAX_BYTES
DATAGRAM_MAX = 4_096  # bytes of one that aiocoap reads
RATE, BURST = 4_000.0, 8_000.0  # CoAP messages a second, and at once
OTHER_RATE, OTHER_BURST = 100.0, 2_000.0  # those that aiocoap handles
READ_MAX, LAST_READ_MAX = 64, 50_000  # datagrams at once, and at the end
_TOKEN_LENGTH_MAX = 8
_LOGGER = "collector.intake.coap"
_PKTINFO = socket.IPPROTO_IPV6, socket.IPV6_PKTINFO  # says which address it was sent to


def is_coap(data: bytes) -> bool:
    """Return True for a CoAP message of version 1 (RFC 7252, 3), False for a SenML pack."""
    return len(data) >= 4 and data[0] >> 6 == 1 and data[0] & 15 <= _TOKEN_LENGTH_MAX


class CoapServer(AbstractContextManager["CoapServer"]):
    """Listens from its construction on. OSError if it cannot listen there."""

    def __init__(
        self,
        host: str,
        port: int,
        queue: DecodeQueue,
        plain_udp: bool = True,
        updates: CoapUpdates | None = None,
        reuse: bool = False,
    ) -> None:
        """plain_udp: accept SenML datagrams without CoAP, too. reuse: share the port."""
        self.throttled = 0  # CoAP messages beyond RATE
        self._socket = _bound(host, port, reuse)
        self._drops = Drops(self._socket)
        self.host, self.port = host_and_port(self._socket.getsockname())
        self._queue, self._plain_udp, self._updates = queue, plain_udp, updates
        self._within_rate = _Rate(RATE, BURST)
        self._within_other_rate = _Rate(OTHER_RATE, OTHER_BURST)
        self._stop = asyncio.Event()
        self._started: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="coap", daemon=True
        )
        self._thread.start()
        self._loop = self._started.result(timeout=10)

    def __exit__(self, *raised: object) -> None:
        self.close()

    @property
    def lost(self) -> int | None:
        """Datagrams that the system dropped because the program was too slow; None: unknown."""
        return self._drops.count

    def close(self) -> None:
        """Answer the reports that are being stored, hand on plain datagrams, then stop."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(timeout=CLOSE_S)

    async def _serve(self) -> None:
        server, loop, log = self, asyncio.get_running_loop(), logging.getLogger(_LOGGER)
        log.setLevel(logging.CRITICAL + 1)  # a stranger's messages must not fill a log
        loop.set_exception_handler(self._on_error)
        submitter = Submitter(self._queue, loop)
        site = _AnyPath(self._queue, submitter, self._updates)
        context = aiocoap.Context(loop=loop, serversite=site, loggername=_LOGGER)
        reports = PlainReports(self._queue, loop, submitter)

        class Interface(MessageInterfaceUDP6):
            def datagram_msg_received(self, *datagram: Any) -> None:
                """Take this datagram and what has come behind it."""
                self._take(*datagram)
                self.read(READ_MAX)

            def read(self, most: int) -> None:
                """Take what has come."""
                with contextlib.suppress(OSError):
                    for _ in range(most):
                        self._take(*server._socket.recvmsg(DATAGRAM_MAX, 1024))

            def _take(self, data: bytes, ancdata: Any, flags: int, address: Any) -> None:
                if not server._is_for_coap(data, flags, address):
                    return
                try:
                    message = aiocoap.Message.decode(data, self._remote(ancdata, address))
                    if reports.is_plain(message) and not _is_ask(server._updates, message):
                        reports.take(message, self.send)
                    elif server._may(server._within_other_rate):
                        super().datagram_msg_received(data, ancdata, flags, address)
                except (ValueError, LookupError, ArithmeticError, error.Error) as problem:
                    # aiocoap lets some malformed options through to here
                    reason = f"{type(problem).__name__}: {problem}"
                    server._queue.add_refused("coap", source(address), reason)

            def _remote(self, ancdata: Any, address: Any) -> UDP6EndpointAddress:
                found = [data for level, kind, data in ancdata if (level, kind) == _PKTINFO]
                return UDP6EndpointAddress(address, self, pktinfo=found[0] if found else None)

        interface: list[Interface] = []

        async def transport(manager: Any) -> Interface:
            interface.append(
                await Interface._create_transport_endpoint(self._socket, manager, log, loop)
            )
            return interface[0]

        await context._append_tokenmanaged_messagemanaged_transport(transport)
        self._started.set_result(loop)
        await self._stop.wait()
        await reports.close()
        interface[0].read(LAST_READ_MAX)
        _ = self.lost  # the last count
        await context.shutdown()

    def _on_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Count an unforeseen error as a refused message, and go on with the next."""
        reason = str(context.get("exception") or context.get("message"))
        self._queue.add_refused("coap", "", reason)

    def _is_for_coap(self, data: bytes, flags: int, address: Any) -> bool:
        """Return True for a CoAP message within the rate; queue or refuse any other datagram."""
        if is_coap(data):
            return self._may(self._within_rate)
        if not self._plain_udp:
            self._queue.add_refused("coap", source(address), "no CoAP message of version 1")
        elif flags & socket.MSG_TRUNC:
            reason = f"a datagram longer than {DATAGRAM_MAX} bytes"
            self._queue.add_refused("udp", source(address), reason)
        else:
            self._queue.put(Message("udp", source(address), data))
        return False

    def _may(self, rate: _Rate) -> bool:
        allowed = rate.take()
        self.throttled += not allowed
        return allowed


class _Rate:
    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._allowance, self._counted_s = burst, time.monotonic()

    def take(self) -> bool:
        """Return whether one more message is within the rate."""
        now_s = time.monotonic()
        allowance = self._allowance + self._rate * (now_s - self._counted_s)
        self._allowance, self._counted_s = min(self._burst, allowance), now_s
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True


class _AnyPath(resource.Resource, resource.PathCapable):
    """One resource for all paths: the path of a report says nothing that is not in it."""

    def __init__(
        self, queue: DecodeQueue, submitter: Submitter, updates: CoapUpdates | None
    ) -> None:
        super().__init__()
        self._queue, self._submitter, self._updates = queue, submitter, updates

    async def needs_blockwise_assembly(self, request: aiocoap.Message) -> bool:
        if request.code == aiocoap.GET or _is_ask(self._updates, request):
            return False
        block = request.opt.block1
        if block is not None and block.start + len(request.payload) > BODY_MAX_BYTES:
            raise error.RequestEntityTooLarge(f"allowed: up to {BODY_MAX_BYTES} bytes")
        first = block is None or block.block_number == 0
        if first and request.code in (aiocoap.POST, aiocoap.PUT):
            wrong = wrong_format(request, self._queue)
            if wrong is not None:
                raise error.UnsupportedContentFormat(wrong.text)
        return True

    async def render_get(self, request: aiocoap.Message) -> aiocoap.Message:
        found = self._updates.block(request) if self._updates else None
        if found is None:
            raise error.UnallowedMethod
        return found

    async def render_post(self, request: aiocoap.Message) -> aiocoap.Message:
        if self._updates is not None and self._updates.is_ask(request):
            return await self._updates.answer(request)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[Verdict, str, Offer | None]] = loop.create_future()

        def done(verdict: Verdict, reason: str = "", offer: Offer | None = None) -> None:
            if not future.done():
                future.set_result((verdict, reason, offer))

        self._submitter.put(request, done)
        late = loop.call_later(ANSWER_S, done, FAILED)
        verdict, reason, offer = await future
        late.cancel()
        if verdict is STORED:
            self._queue.add_acknowledged()
        return answer_to(request, verdict, reason, offer).message()

    render_put = render_post


def _is_ask(updates: CoapUpdates | None, message: aiocoap.Message) -> bool:
    return updates is not None and updates.is_ask(message)


def _bound(host: str, port: int, reuse: bool) -> socket.socket:
    """Return a socket as aiocoap wants it: IPv6, also for IPv4 addresses."""
    family, kind, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
    )[0]
    where = (f"::ffff:{address[0]}", address[1]) if family == socket.AF_INET else address
    bound = socket.socket(socket.AF_INET6, kind)
    try:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if reuse:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        enlarge_buffer(bound)
        bound.bind(where)
    except OSError:
        bound.close()
        raise
    return bound
