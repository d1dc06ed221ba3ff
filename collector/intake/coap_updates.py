"""Updates by CoAP: POST u for questions, GET u/ADDRESS for the blocks of a content.

    updates = CoapUpdates(releases, fleet, store)
    if updates.is_ask(message): ...             # else it is a report
    message = await updates.answer(request)
    message = updates.block(request)            # None: another path

A question is answered once what it changes is in the database. Whatever is wrong with it is 4.04,
without a reason. A block is looked up by itself, so a node can go on at any block after any time.
Contents are served to everybody who knows their address.

Source: RFC 7252 (5.9), RFC 7959 (2.2 the option, 2.4 Block2).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools

import aiocoap
from aiocoap import Code

from collector.intake.coap_report import ANSWER_S, MAX_AGE_S
from collector.storage.store import FAILED, Outcome, Store
from collector.updates.fleet import Fleet
from collector.updates.questions import FORMAT, Ask
from collector.updates.releases import Releases

PATH = "u"
_SIZES = 7  # exponents 0 to 6: 16 to 1024 bytes


class CoapUpdates:
    def __init__(self, releases: Releases, fleet: Fleet, store: Store) -> None:
        self._releases, self._fleet, self._store = releases, fleet, store

    def is_ask(self, request: aiocoap.Message) -> bool:
        """Return whether a message is a question, and no report whose topic is the same path."""
        is_post = request.code == Code.POST and request.opt.uri_path == (PATH,)
        return is_post and request.payload[:1] == bytes((FORMAT,))

    async def answer(self, request: aiocoap.Message) -> aiocoap.Message:
        ask = Ask.read(request.payload)
        outcome = await self._outcome(ask) if ask else Outcome(True, [], 0)
        if not outcome.stored:
            return aiocoap.Message(code=Code.SERVICE_UNAVAILABLE, max_age=MAX_AGE_S)
        if outcome.result is None:
            return aiocoap.Message(code=Code.NOT_FOUND)
        return aiocoap.Message(code=Code.CHANGED, payload=outcome.result)

    async def _outcome(self, ask: Ask) -> Outcome:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()

        def done(outcome: Outcome) -> None:
            if not future.done():
                future.set_result(outcome)

        def stored(outcome: Outcome) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(done, outcome)

        if not self._store.put([], stored, work=functools.partial(self._fleet.answer, ask=ask)):
            return FAILED
        late = loop.call_later(ANSWER_S, done, FAILED)
        outcome = await future
        late.cancel()
        return outcome

    def block(self, request: aiocoap.Message) -> aiocoap.Message | None:
        """Return the block that a GET asks for, the first of 1024 bytes if it names none."""
        path = request.opt.uri_path
        if len(path) != 2 or path[0] != PATH:
            return None
        content = self._releases.content(path[1])
        if content is None:
            return aiocoap.Message(code=Code.NOT_FOUND)
        asked = request.opt.block2
        number, exponent = (asked.block_number, asked.size_exponent) if asked else (0, _SIZES - 1)
        start = number << (exponent + 4)
        if exponent >= _SIZES or start >= len(content.data):
            return aiocoap.Message(code=Code.BAD_REQUEST)
        end = start + (16 << exponent)
        message = aiocoap.Message(code=Code.CONTENT, payload=content.data[start:end])
        message.opt.etag = content.digest[:8]
        message.opt.block2 = (number, end < len(content.data), exponent)
        return message
