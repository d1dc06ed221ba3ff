"""CoAP, and plain UDP on the same port: a server on aiocoap, in a thread of its own.

    with CoapServer("127.0.0.1", 5683, queue) as server:
        server.host, server.port

POST and PUT on any path take a SenML pack, also one in blocks (Block1), and answer 2.04 Changed.
One port does for both because the first byte tells: a CoAP message begins with version 1 and a
token length of 0 to 8, which is 0x40 to 0x48, 0x50 to 0x58, ...; a SenML pack with 0x80 to 0x9f
(a CBOR array), with `[` (0x5b, a token length that CoAP forbids) or with white space.

aiocoap remembers each message id for 247 s, as it must, and without a limit, which a flood would
turn into memory; so messages beyond RATE a second are dropped before it sees them. A client whose
confirmable message was dropped sends it again.

Source: RFC 7252 (3 message format, 4.5 duplicates, 5.9 codes), RFC 7959 (Block1), RFC 8428 (12.3
content formats). Written against aiocoap 0.4.17, whose socket is always made with SO_REUSEPORT:
a second collector would take half of the datagrams unnoticed, hence the socket of our own.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from contextlib import AbstractContextManager
from typing import Any

import aiocoap
from aiocoap import error, resource
from aiocoap.transports.udp6 import MessageInterfaceUDP6

from collector import packs
from collector.decode_queue import Arrival, DecodeQueue
from collector.udp import drops, prepare

FORMATS = {110: packs.JSON, 112: packs.CBOR, None: None}
BODY_MAX_BYTES = packs.PACK_MAX_BYTES
DATAGRAM_MAX = 4_096  # what aiocoap reads of one
RATE, BURST = 100.0, 2_000.0  # CoAP messages a second, and at once
_TOKEN_LENGTH_MAX = 8
_LOGGER = "collector.coap"


def is_coap(data: bytes) -> bool:
    """Whether a datagram is CoAP of version 1, and not SenML (RFC 7252, 3)."""
    return len(data) >= 4 and data[0] >> 6 == 1 and data[0] & 15 <= _TOKEN_LENGTH_MAX


class CoapServer(AbstractContextManager["CoapServer"]):
    """Listens from its construction on; OSError if it cannot."""

    def __init__(self, host: str, port: int, queue: DecodeQueue, plain: bool = True) -> None:
        """plain: take plain SenML datagrams, too."""
        self.throttled = 0  # CoAP messages beyond RATE
        self.lost = 0  # dropped by the system, as we were too slow
        self._socket = _bound(host, port)
        self.host, self.port = _unmapped(self._socket.getsockname())
        self._queue, self._plain = queue, plain
        self._allowance, self._counted_s = BURST, time.monotonic()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="coap", daemon=True)
        self._thread.start()
        self._ready.wait(timeout=10)

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop; what is under way is not waited for."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(timeout=10)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _serve(self) -> None:
        logger = logging.getLogger(_LOGGER)
        logger.setLevel(logging.CRITICAL + 1)  # what a stranger sends is no news, and
        self._loop.set_exception_handler(self._failed)  # fills no pipe that nobody empties
        context = aiocoap.Context(
            loop=self._loop, serversite=_Site(self._queue), loggername=_LOGGER
        )
        server = self

        class Interface(MessageInterfaceUDP6):
            def datagram_msg_received(
                self, data: bytes, ancdata: Any, flags: int, address: Any
            ) -> None:
                control = [each for each in ancdata if not server._is_count(each)]
                if not server._sort(data, flags, address):
                    return
                try:
                    super().datagram_msg_received(data, control, flags, address)
                except (ValueError, LookupError, ArithmeticError, error.Error) as problem:
                    # aiocoap lets some malformed options through to here
                    source = "{}:{}".format(*_written(address))
                    server._queue.refuse("coap", source, f"{type(problem).__name__}: {problem}")

        await context._append_tokenmanaged_messagemanaged_transport(
            lambda manager: Interface._create_transport_endpoint(
                self._socket, manager, logger, self._loop
            )
        )
        self._ready.set()
        await self._stop.wait()
        await context.shutdown()
        for task in asyncio.all_tasks(self._loop) - {asyncio.current_task(self._loop)}:
            task.cancel()

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Whatever else goes wrong with one message is the end of that message alone."""
        self._queue.refuse("coap", "", str(context.get("exception") or context.get("message")))

    def _is_count(self, message: tuple[int, int, bytes]) -> bool:
        count = drops(message)
        self.lost = count or self.lost
        return count is not None

    def _sort(self, data: bytes, flags: int, address: Any) -> bool:
        """Called with each datagram; whether it is for aiocoap."""
        source = "{}:{}".format(*_written(address))
        if is_coap(data):
            return self._allowed()
        if not self._plain:
            self._queue.refuse("coap", source, "no CoAP message of version 1")
        elif flags & socket.MSG_TRUNC:
            self._queue.refuse("udp", source, f"a datagram longer than {DATAGRAM_MAX} bytes")
        else:
            self._queue.offer(Arrival("udp", source, data))
        return False

    def _allowed(self) -> bool:
        now = time.monotonic()
        self._allowance = min(BURST, self._allowance + RATE * (now - self._counted_s))
        self._counted_s = now
        if self._allowance < 1:
            self.throttled += 1
            return False
        self._allowance -= 1
        return True


class _Site(resource.Resource, resource.PathCapable):
    """Every path is the same resource: the path of a report says nothing that is not in it."""

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
            source = "{}:{}".format(*_written(request.remote.sockaddr))
            self._queue.refuse("coap", source, f"content format {int(form)}; allowed: 110, 112")
            raise error.UnsupportedContentFormat("allowed: 110, 112, both SenML")

    async def render_post(self, request: aiocoap.Message) -> aiocoap.Message:
        source = "{}:{}".format(*_written(request.remote.sockaddr))
        arrival = Arrival("coap", source, request.payload)
        try:
            form = FORMATS[request.opt.content_format]
            arrival.records = packs.read(arrival.data, arrival.at_s, form)
        except ValueError as problem:
            self._queue.refuse("coap", source, str(problem))
            raise error.BadRequest(packs.clean(str(problem))) from None
        if not self._queue.offer(arrival):
            raise error.ServiceUnavailable("busy")
        return aiocoap.Message(code=aiocoap.CHANGED)

    render_put = render_post


def _bound(host: str, port: int) -> socket.socket:
    """A socket as aiocoap wants it: IPv6, also for IPv4 addresses."""
    family, kind, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
    )[0]
    where = (f"::ffff:{address[0]}", address[1]) if family == socket.AF_INET else address
    bound = socket.socket(socket.AF_INET6, kind)
    try:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        prepare(bound)
        bound.bind(where)
    except OSError:
        bound.close()
        raise
    return bound


def _unmapped(address: Any) -> tuple[str, int]:
    return str(address[0]).removeprefix("::ffff:"), int(address[1])


def _written(address: Any) -> tuple[str, int]:
    """Host as in an URI, port."""
    host, port = _unmapped(address)
    return (f"[{host}]" if ":" in host else host), port
