"""Plain reports by CoAP: a POST or PUT in one datagram, answered once the report is stored.

    reports = PlainReports(queue, loop, Submitter(queue, loop))
    if reports.is_plain(message):           # an aiocoap.Message; all others are aiocoap's
        reports.take(message, send)         # send(aiocoap.Message): called now or later

Each message id is remembered for 247 s, up to MEMORY_MAX of them: a repetition is answered as the
first message was, or not at all while that one still waits. A repetition of a forgotten id is
recognized by its records, which are stored already.

The answer is piggybacked on the acknowledgement, whatever the disk does: a separate response would
cost the node two more messages. A report that is not stored after ANSWER_S is answered with 5.03,
before the node repeats it; the node keeps it and sends it again later. In an overload some reports
are not taken, lest all of them be stored too late: a node repeats them, in a long overload it gets
5.03 at once.

Source: RFC 7252 (4.5 repetitions, 4.8.2 EXCHANGE_LIFETIME, 5.9.3.4 code 5.03, 5.10.5 Max-Age).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiocoap
import cbor2
from aiocoap import Code
from aiocoap.numbers.types import Type

from collector.decode import packs
from collector.intake.decode_queue import FAILED, REFUSED, STORED, DecodeQueue, Message, Verdict
from collector.intake.udp import Address, address_text
from collector.updates.fleet import Offer

FORMATS = {110: packs.JSON, 112: packs.CBOR, None: None}
LIFETIME_S = 247.0
MEMORY_MAX = 50_000  # message ids, of about 500 bytes each
ANSWER_S = 1.5  # of the 2 s or more until a node repeats it
BUSY_S = 0.75  # while the oldest waits for longer, further ones are not taken
PATIENCE_S = 10.0  # for so long they get no answer: their nodes repeat them, at different times
CALM_S = 5.0  # without such a one: an overload is over
MAX_AGE_S = 60  # of a 5.03
TIME_QUERY = "c"  # of a node that wants to know the time
TIME_LABEL = 1  # seconds since 1970, in the map of an answer
OFFER_LABEL = 2  # [release, the first 8 bytes of the digest of its envelope]
_CBOR = 60  # content format application/cbor
# Uri-Host, Uri-Port, Uri-Path, Content-Format, Uri-Query
_PLAIN_OPTIONS = {3, 7, 11, 12, 15}

Send = Callable[[aiocoap.Message], None]


def host_and_port(address: Any) -> Address:
    return str(address[0]).removeprefix("::ffff:"), int(address[1])


def source(address: Any) -> str:
    return address_text(*host_and_port(address))


class _MapMessage(aiocoap.Message):
    """An answer with a map. The time is that at which it is sent, also for a repetition."""

    answer: Answer

    def encode(self) -> bytes:
        told: dict[int, Any] = {TIME_LABEL: int(time.time())} if self.answer.with_time else {}
        if self.answer.offer is not None:
            told[OFFER_LABEL] = [self.answer.offer.seq, self.answer.offer.digest]
        self.payload = cbor2.dumps(told)
        return bytes(super().encode())


@dataclass(frozen=True)
class Answer:
    code: Code
    text: str = ""
    with_time: bool = False
    offer: Offer | None = None

    def message(self, **fields: Any) -> aiocoap.Message:
        has_map = self.with_time or self.offer is not None
        kind = _MapMessage if has_map else aiocoap.Message
        message = kind(code=self.code, payload=self.text.encode(), **fields)
        if has_map:
            message.answer = self
            message.opt.content_format = _CBOR
        if self.code == Code.SERVICE_UNAVAILABLE:
            message.opt.max_age = MAX_AGE_S
        return message


def answer_to(
    request: aiocoap.Message, verdict: Verdict, reason: str = "", offer: Offer | None = None
) -> Answer:
    if verdict is STORED:
        with_time = TIME_QUERY in request.opt.uri_query
        return Answer(Code.CHANGED, with_time=with_time, offer=offer)
    if verdict is REFUSED:
        return Answer(Code.BAD_REQUEST, packs.printable(reason))
    return Answer(Code.SERVICE_UNAVAILABLE, "not stored")


def wrong_format(request: aiocoap.Message, queue: DecodeQueue) -> Answer | None:
    """Count a report in another content format as refused, and return the answer to it."""
    form = request.opt.content_format
    if form in FORMATS:
        return None
    queue.add_refused(
        "coap", source(request.remote.sockaddr), f"content format {int(form)}; allowed: 110, 112"
    )
    return Answer(Code.UNSUPPORTED_CONTENT_FORMAT, "allowed: 110, 112, both SenML")


Done = Callable[..., None]  # (verdict, reason, offer)


class Submitter:
    """Queues reports, and calls `done` of each in the event loop: once for all of a commit."""

    def __init__(self, queue: DecodeQueue, loop: asyncio.AbstractEventLoop) -> None:
        self._queue, self._loop = queue, loop
        self._lock = threading.Lock()
        self._told: list[tuple[Done, Verdict, str, Offer | None]] = []

    def put(self, request: aiocoap.Message, done: Done) -> None:
        def tell(verdict: Verdict, reason: str) -> None:
            with self._lock:
                self._told.append((done, verdict, reason, message.offer))
                first = len(self._told) == 1
            if first:
                with contextlib.suppress(RuntimeError):  # the loop has been closed
                    self._loop.call_soon_threadsafe(self._tell)

        form = FORMATS[request.opt.content_format]
        sender = source(request.remote.sockaddr)
        message = Message("coap", sender, request.payload, form, tell, repeats=True)
        if not self._queue.put(message):
            done(FAILED)

    def _tell(self) -> None:
        with self._lock:
            told, self._told = self._told, []
        for done, verdict, reason, offer in told:
            done(verdict, reason, offer)


_Key = tuple[Address, int, int]  # of the sender, message id, hash of the payload


class PlainReports:
    """To be used in the thread of its event loop."""

    def __init__(
        self, queue: DecodeQueue, loop: asyncio.AbstractEventLoop, submitter: Submitter
    ) -> None:
        self._queue, self._loop, self._submitter = queue, loop, submitter
        # when it came, and the answer: none yet while the report waits for the commit
        self._known: OrderedDict[_Key, tuple[float, Answer | None]] = OrderedDict()
        # for the commit, since when; the oldest first
        self._waiting: OrderedDict[_Key, float] = OrderedDict()
        self._busy = -CALM_S, -CALM_S  # the begin of the last overload, and its last report
        self._closing = False
        self._own_ids = itertools.count(random.randrange(65_536))

    def is_plain(self, message: aiocoap.Message) -> bool:
        return (
            message.code in (Code.POST, Code.PUT)
            and message.mtype in (Type.CON, Type.NON)
            and all(option.number in _PLAIN_OPTIONS for option in message.opt.option_list())
        )

    async def close(self) -> None:
        """Take no more, and answer what waits."""
        self._closing = True
        end_s = self._loop.time() + ANSWER_S
        while self._waiting and self._loop.time() < end_s:
            await asyncio.sleep(0.01)

    def take(self, request: aiocoap.Message, send: Send) -> None:
        if self._closing:
            self._queue.add_dropped()  # its sender repeats it to the next collector
            return
        # Behind one address may be many nodes, in turn: another report is no repetition
        key = request.remote.sockaddr[:2], request.mid, hash(request.payload)
        now_s = self._loop.time()
        self._forget(now_s)
        if key in self._known:
            self._send(request, self._known[key][1], send)
            return
        self._known[key] = now_s, None

        def answer(verdict: Verdict, reason: str = "", offer: Offer | None = None) -> None:
            self._answer(key, request, answer_to(request, verdict, reason, offer), send)

        def done(verdict: Verdict, reason: str = "", offer: Offer | None = None) -> None:
            late.cancel()
            self._waiting.pop(key, None)
            answer(verdict, reason, offer)

        refused = wrong_format(request, self._queue)
        if refused is not None:
            self._answer(key, request, refused, send)
        elif now_s - next(iter(self._waiting.values()), now_s) > BUSY_S:
            self._queue.add_dropped()
            if self._is_patient(now_s) and request.mtype is Type.CON:
                del self._known[key]
            else:
                answer(FAILED)
        else:
            self._waiting[key] = now_s
            late = self._loop.call_later(ANSWER_S, answer, FAILED)
            self._submitter.put(request, done)

    def _is_patient(self, now_s: float) -> bool:
        """Return True while an overload may be a burst, such as that behind an outage.

        A repetition costs a node less than the next cycle, unless it is one of many."""
        begun_s, last_s = self._busy
        if now_s - last_s > CALM_S:
            begun_s = now_s
        self._busy = begun_s, now_s
        return now_s - begun_s < PATIENCE_S

    def _forget(self, now_s: float) -> None:
        while self._known:
            oldest = next(iter(self._known))
            if len(self._known) < MEMORY_MAX and self._known[oldest][0] > now_s - LIFETIME_S:
                return
            del self._known[oldest]

    def _answer(self, key: _Key, request: aiocoap.Message, answer: Answer, send: Send) -> None:
        """Send the first answer to a request."""
        came_s, before = self._known.get(key, (self._loop.time(), None))
        if before is None:
            self._known[key] = came_s, answer
            self._send(request, answer, send)
            if answer.code == Code.CHANGED:
                self._queue.add_acknowledged()

    def _send(self, request: aiocoap.Message, answer: Answer | None, send: Send) -> None:
        if answer is None:
            return
        kind, number = Type.ACK, request.mid
        if request.mtype is Type.NON:
            kind, number = Type.NON, next(self._own_ids) & 0xFFFF
        message = answer.message(_mtype=kind, _mid=number, _token=request.token)
        message.remote = request.remote.as_response_address()
        send(message)
