"""The paths of the API (docs/collect-api.md): parameters in, JSON, CSV and metrics out.

    add(app, server)

`server.status()` returns what the program says of itself, as a dict: `version`, `role`,
`endpoints`, `trouble`, `updates`; and of an intake `counters` (name: count, more than those of the
database), `committed`, the time of the last commit, `waiting`, the messages that are not stored
yet, and `unwritable`, whether the last trial to commit failed.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aiohttp import web

from collector.alarms.states import STATES
from collector.storage.database import Connection
from collector.web import access, export, metrics, queries, series
from collector.web.server import BODY_MAX, COOKIE, HEADERS, BadRequest, Busy, answered, packed

if TYPE_CHECKING:
    from collector.web.server import WebServer

DAY_S = 86_400
TIME_MAX = 2**40
PAGE_MAX = 1_000_000
NAMES_MAX = 50  # of one CSV
EXPORTS_MAX = 2  # that are sent at once
WRITE_MAX_S = 60.0  # for a part of a CSV
BODY_MAX_S = 10.0
HEALTH_ANSWER_S = 5.0
HEALTH_S = 30.0  # since the last commit, while something waits

Answer = Coroutine[Any, Any, web.StreamResponse]
Handler = Callable[[web.Request], Answer]


def add(app: web.Application, server: WebServer) -> None:
    """Add all paths."""
    api = _Api(server)
    for path, handler in (
        ("/api/nodes", api.nodes),
        ("/api/node", api.node),
        ("/api/series", api.series),
        ("/api/gaps", api.gaps),
        ("/api/csv", api.csv),
        ("/api/status", api.status),
        ("/api/alarms", api.alarms),
        ("/metrics", api.metrics),
    ):
        app.router.add_get(path, handler)
    app.router.add_get("/health", _needs(None, api.health))
    app.router.add_post("/api/login", _needs(None, api.login))
    app.router.add_post("/api/logout", _needs(None, api.logout))
    app.router.add_post("/api/mute", _needs(access.CHANGE, api.mute))


def _needs(role: str | None, handler: Handler) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    answer.needs = role  # type: ignore[attr-defined]
    return answer


class _Api:
    def __init__(self, server: WebServer) -> None:
        self._server, self._readers = server, server.readers

    # What is read

    async def nodes(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        state, sort = query.get("state", ""), query.get("sort", "node")
        if state and state not in STATES:
            raise BadRequest(f"state={state[:40]}; allowed: {', '.join(STATES)}")
        if sort.removeprefix("-") not in queries.SORTS:
            raise BadRequest(f"sort={sort[:40]}; allowed: {', '.join(queries.SORTS)}, and with -")
        search, page = query.get("search", ""), _page(request)
        return await self._json(
            request, lambda reader: queries.nodes(reader, time.time(), search, state, sort, page)
        )

    async def node(self, request: web.Request) -> web.StreamResponse:
        name = _text(request, "node")
        return await self._json(request, lambda reader: queries.node(reader, time.time(), name))

    async def series(self, request: web.Request) -> web.StreamResponse:
        node, name = _text(request, "node"), _text(request, "name")
        since_s, until_s = _range(request)
        points = _number(request, "points", series.POINTS)
        points = int(min(max(points, 10), series.POINTS_MAX))
        unit = request.query.get("unit")
        return await self._json(
            request,
            lambda reader: series.series(reader, node, name, unit, since_s, until_s, points),
        )

    async def gaps(self, request: web.Request) -> web.StreamResponse:
        node, (since_s, until_s) = _text(request, "node"), _range(request)
        return await self._json(
            request, lambda reader: series.gaps(reader, node, since_s, until_s, time.time())
        )

    async def alarms(self, request: web.Request) -> web.StreamResponse:
        is_open, page = request.query.get("open", "1") != "0", _page(request)
        return await self._json(request, lambda reader: queries.alarms(reader, is_open, page))

    async def status(self, request: web.Request) -> web.StreamResponse:
        role = self._server.role(request)
        of_program = self._server.status()

        def read(reader: Connection) -> dict[str, Any]:
            fields = ("version", "role", "endpoints", "trouble", "updates")
            return {
                "now": time.time(),
                **{name: of_program.get(name) for name in fields},
                "counters": queries.counters(reader) | of_program.get("counters", {}),
                "refused": queries.refused(reader),
                "alarms": queries.alarms(reader, is_open=True)["total"],
                "may_change": role == access.CHANGE,
                "needs_token": self._server.access.needs_token,
            }

        return await self._json(request, read)

    async def _json(
        self, request: web.Request, read: Callable[[Connection], Any]
    ) -> web.StreamResponse:
        def work(reader: Connection) -> web.Response | None:
            found = read(reader)
            return None if found is None else answered(request, found)

        answer = await self._readers.run(work)
        if answer is None:
            raise web.HTTPNotFound(reason="no such node")
        return answer

    # Files and text

    async def csv(self, request: web.Request) -> web.StreamResponse:
        node = _text(request, "node")
        since_s, until_s = _number(request, "from", 0.0), _number(request, "to", TIME_MAX)
        names = request.query.getall("name", [])
        if len(names) > NAMES_MAX:
            raise BadRequest(f"{len(names)} names; allowed: {NAMES_MAX}")
        if self._server.exports >= EXPORTS_MAX:
            raise Busy("two files are being sent already")
        self._server.exports += 1
        try:
            found = await self._readers.run(lambda reader: queries.find(reader, node))
            if found is None:
                raise web.HTTPNotFound(reason="no such node")
            reader = await self._readers.call(self._readers.connect)
            try:
                found_rows = export.rows(reader, found[1], names, since_s, until_s)
                return await self._send(request, node, export.csv_chunks(found_rows))
            finally:
                await self._readers.call(reader.close)
        finally:
            self._server.exports -= 1

    async def _send(
        self, request: web.Request, node: str, chunks: Iterator[str]
    ) -> web.StreamResponse:
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", node)[:80] or "node"
        answer = web.StreamResponse(
            headers=HEADERS | {
                "Content-Type": "text/csv; charset=utf-8",
                "Cache-Control": "no-store",
                "Content-Disposition": f'attachment; filename="{plain}.csv"; filename*=UTF-8'
                f"''{quote(node, '', errors='replace')[:300]}.csv",
            }
        )  # fmt: skip
        answer.enable_compression()
        chunk = await self._readers.call(lambda: next(chunks, None))
        await answer.prepare(request)
        try:
            while chunk is not None:
                text = chunk.encode("utf-8", "replace")
                await asyncio.wait_for(answer.write(text), WRITE_MAX_S)
                chunk = await self._readers.call(lambda: next(chunks, None))
        except asyncio.TimeoutError:
            raise ConnectionResetError from None
        finally:
            await self._readers.call(chunks.close)  # type: ignore[attr-defined]
        await answer.write_eof()
        return answer

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        of_program = self._server.status()
        text = await self._readers.run(
            lambda reader: metrics.text(reader, of_program, time.time())
        )
        return packed(request, text.encode("utf-8", "replace"), {"Content-Type": metrics.TYPE})

    async def health(self, request: web.Request) -> web.StreamResponse:
        """Answer without a token, and so without details."""
        of_program = self._server.status()
        reason = ""
        try:
            await asyncio.wait_for(self._readers.run(queries.counters), HEALTH_ANSWER_S)
        except (Busy, OSError, ValueError, asyncio.TimeoutError):
            reason = "the database does not answer"
        committed = of_program.get("committed")
        if not reason and of_program.get("unwritable"):
            reason = "the database cannot be written"
        if not reason and of_program.get("waiting"):
            if committed is not None and time.time() - committed > HEALTH_S:
                reason = f"no commit for {time.time() - committed:.0f} s, and messages wait"
        return web.json_response(
            {"ok": not reason, "reason": reason or None}, status=503 if reason else 200
        )

    # What changes something

    async def login(self, request: web.Request) -> web.StreamResponse:
        token = (await _body(request)).get("token")
        role = self._server.access.role_of(str(token), request.remote or "")
        if role is None:
            raise web.HTTPUnauthorized(reason="this is no token of the token file")
        answer = web.json_response({"role": role})
        forwarded = request.headers.get("X-Forwarded-Proto", "")
        answer.set_cookie(
            COOKIE, self._server.access.session(role), max_age=access.SESSION_S, httponly=True,
            samesite="Strict", secure=request.secure or forwarded == "https",
        )  # fmt: skip
        return answer

    async def logout(self, request: web.Request) -> web.StreamResponse:
        answer = web.json_response({})
        answer.del_cookie(COOKIE, httponly=True, samesite="Strict")
        return answer

    async def mute(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        node, until = body.get("node"), body.get("until", "")
        is_number = isinstance(until, (int, float)) and not isinstance(until, bool)
        if not isinstance(node, str) or not (
            until is None or (is_number and 0 <= until <= TIME_MAX)
        ):
            raise BadRequest('allowed: {"node": NAME, "until": seconds since 1970, or null}')
        found = await self._readers.run(lambda reader: queries.find(reader, node))
        if found is None:
            raise web.HTTPNotFound(reason="no such node")
        await self._readers.call(
            lambda: self._readers.write(lambda writer: queries.mute(writer, found[0], until))
        )
        return web.json_response({"node": node, "until": until})


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        text = await asyncio.wait_for(request.text(), BODY_MAX_S)
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    except asyncio.TimeoutError:
        raise web.HTTPRequestTimeout from None
    if not isinstance(found, dict):
        raise BadRequest(f"allowed: a JSON object of up to {BODY_MAX} bytes")
    return found


def _text(request: web.Request, name: str) -> str:
    if name not in request.query:
        raise BadRequest(f"{name} is missing; allowed: {name}=TEXT")
    return request.query[name]


def _number(request: web.Request, name: str, default: float) -> float:
    text = request.query.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = math.nan
    if not -TIME_MAX <= value <= TIME_MAX:
        raise BadRequest(f"{name}={text[:40]}; allowed: a number")
    return value


def _page(request: web.Request) -> int:
    value = _number(request, "page", 1)
    if not 1 <= value <= PAGE_MAX or value != int(value):
        raise BadRequest(f"page={request.query['page'][:40]}; allowed: from 1 up")
    return int(value)


def _range(request: web.Request) -> tuple[float, float]:
    """Return from and to; without them the last 24 h."""
    until_s = _number(request, "to", time.time())
    since_s = _number(request, "from", until_s - DAY_S)
    if since_s >= until_s:
        raise BadRequest("from is not before to")
    return since_s, until_s
