"""The page's server: what it answers, to whom, and what slow or hostile clients can do to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from collector import web
from collector.web import WebServer
from tests.collector.rig import report


@pytest.fixture
def server() -> Iterator[WebServer]:
    def series(name: str, since_s: float) -> list[tuple[float, float]]:
        return [(1.0, 2.0), (3.0, 4.0)] if name == "a:t" and since_s < 1 else []

    with WebServer("127.0.0.1", 0, lambda: {"latest": []}, series) as started:
        yield started


def get(server: WebServer, path: str, host: str = "", method: str = "GET") -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request(method, path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    answer.body = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/", 200, b"<!doctype html>"), ("/collect.js", 200, b"use strict"),
        ("/collect.css", 200, b":root"), ("/icon.svg", 200, b"<svg"),
        ("/api/latest", 200, b'{"latest": []}'),
        ("/api/series?name=a%3At", 200, b'"points": [[1.0, 2.0], [3.0, 4.0]]'),
        ("/api/series?name=a%3At&since=2", 200, b'"points": []'),
        ("/api/series?name=unknown", 200, b'"points": []'),
        ("/api/series", 400, b"allowed"), ("/api/series?name=a&since=x", 400, b"allowed"),
        ("/api/series?" + "a=1&" * 500, 400, b"allowed"),
        ("/../program.py", 404, b""), ("/collect.js/..", 404, b""),
    ],
)  # fmt: skip
def test_paths(server: WebServer, path: str, status: int, body: bytes) -> None:
    answer = get(server, path)
    assert answer.status == status
    assert body in answer.body
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200), ("localhost:8080", 200), ("[::1]:8080", 200), ("192.0.2.1", 200),
        ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("localhost.evil.example", 421),
        ("[::1", 421), ("x@evil.example", 421),
    ],
)  # fmt: skip
def test_a_name_that_only_points_here_is_refused(
    server: WebServer, host: str, status: int
) -> None:
    assert get(server, "/api/latest", host).status == status


def test_it_only_reads(server: WebServer) -> None:
    assert get(server, "/", method="POST").status == 501
    assert get(server, "/", method="HEAD").body == b""


def test_slow_clients_take_no_more_than_their_share(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web._Handler, "timeout", 1.0)
    idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
    for each in idle[:20]:
        each.send(b"GET / HT")
    time.sleep(0.1)
    with pytest.raises((OSError, http.client.HTTPException)):
        get(server, "/")
    time.sleep(1.3)
    assert get(server, "/").status == 200
    for each in idle:
        each.close()


def test_a_byte_now_and_then_does_not_keep_a_connection(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "CONNECTION_MAX_S", 0.3)
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as slow:
        begin = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - begin < 3:
                slow.send(b"G")
                time.sleep(0.05)
        assert time.monotonic() - begin < 2


def test_an_answer_stays_small_whatever_was_sent(start: Any, send: Any) -> None:
    collector = start()
    for number in range(60):
        texts = {f"{'x' * 80}{number}.{part}": "é" * 900 for part in range(2)}
        send(collector, [{0: name, 3: text} for name, text in texts.items()])
        send(collector, report(number, **{f"t{number}": number}))
    assert collector.queue.wait_for(120, 5)
    assert len(json.dumps(collector.state())) < 120 * 2_500
