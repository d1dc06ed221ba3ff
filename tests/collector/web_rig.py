"""The page's server over a database, and requests to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from collector.storage import database
from collector.storage.store import Store
from collector.updates.fleet import Fleet
from collector.web.server import WebServer
from tests.collector.rig import message, stored

NOW = float(int(time.time()))


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """A server, and the store behind it."""

    def __init__(self, store: Store, server: WebServer) -> None:
        self.store, self.server = store, server
        self.said: dict[str, Any] = {"version": "1", "role": "all", "endpoints": []}

    def keep(self, *packs: Any, received: float = NOW, every_s: float = 0.0) -> None:
        """Store packs that arrived then, one behind the other."""
        source = "192.0.2.7:5683"
        times = [received + every_s * number for number in range(len(packs))]
        stored(
            self.store,
            *[message(pack, at, "coap", source) for pack, at in zip(packs, times, strict=True)],
        )

    def execute(self, sql: str, *values: Any) -> None:
        with database.connect(self.store.where) as connection:
            connection.execute(sql, values)

    def get(self, path: str, headers: Mapping[str, str] | None = None, **query: Any) -> Answer:
        return self.ask("GET", path + ("?" + urlencode(query, True) if query else ""), headers)

    def json(self, path: str, **query: Any) -> Any:
        answer = self.get(path, **query)
        assert answer.status == 200, answer.body
        return answer.json

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        kind = {"Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.ask("POST", path, kind, json.dumps(body).encode())

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, body or None, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers), answer.read())


@contextlib.contextmanager
def site(where: str | None = None, **options: Any) -> Iterator[Site]:
    with Store(where, fleet=Fleet()) as store:
        said: dict[str, Any] = {}
        with WebServer("127.0.0.1", 0, store.where, lambda: said, **options) as server:
            found = Site(store, server)
            found.said = said
            yield found


def numbered(
    seq: int, base: str = "gate:", measured: float | None = None, **values: Any
) -> list[dict[int, Any]]:
    """A report with its time, as the template sends it."""
    units = {"t": "Cel", "v": "V"}
    first: dict[int, Any] = {-2: base, 2: seq} | ({-3: measured} if measured is not None else {})
    records: list[dict[int, Any]] = []
    for name, value in (values or {"t": 21.5}).items():
        kind = 4 if isinstance(value, bool) else 3 if isinstance(value, str) else 2
        unit = {1: units[name]} if name in units else {}
        records.append({0: name, kind: value, **unit})
    return [first, *records]
