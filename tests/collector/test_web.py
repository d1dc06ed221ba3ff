"""The page's server: whom it answers, and what slow or hostile clients can do to it."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.storage import database
from collector.usage import UsageError
from collector.web import access, queries
from collector.web import server as web
from collector.web.access import Access
from devkit.servers.postgres import PostgresServer
from tests.collector.certificate import certificate
from tests.collector.web_rig import NOW, Site, numbered, site

READ, CHANGE = "r" * 16, "c" * 16
TOKENS = {"read": READ, "change": CHANGE}


@pytest.fixture
def at() -> Iterator[Site]:
    with site() as found:
        yield found


@pytest.fixture
def guarded() -> Iterator[Site]:
    with site(tokens=TOKENS) as found:
        yield found


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# Files


def test_the_page_and_its_files_come_small_and_once(at: Site) -> None:
    page = at.get("/")
    assert page.status == 200 and page.body.startswith(b"<!doctype html>")
    again = at.get("/", {"If-None-Match": page.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    script = at.get("/collect.js", {"Accept-Encoding": "gzip, br"})
    assert script.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(script.body) == (web.PAGE / "collect.js").read_bytes()
    assert at.get("/api/nodes").headers["Cache-Control"] == "no-store"
    assert at.ask("HEAD", "/").body == b"" and at.ask("HEAD", "/").status == 200


@pytest.mark.parametrize(
    "path", ["/", "/api/nodes", "/health", "/none", "/api/series", "/api/csv"]
)
def test_no_answer_lets_a_page_of_a_stranger_in(at: Site, path: str) -> None:
    found = at.get(path).headers
    assert "default-src 'none'" in found["Content-Security-Policy"]
    assert found["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/../program.py", "/page/../web.py", "/%2e%2e/web.py", "/collect.js/", "//etc/passwd"]
)
def test_nothing_outside_the_page_is_served(at: Site, path: str) -> None:
    assert at.get(path).status == 404


# Who may


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200), ("localhost:8080", 200), ("[::1]:8080", 200), ("192.0.2.1", 200),
        ("page.example:80", 200), ("evil.example", 421), ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421), ("[::1", 421), ("x@evil.example", 421), ("", 421),
    ],
)  # fmt: skip
def test_a_name_that_only_points_here_is_refused(host: str, status: int) -> None:
    with site(names=["page.EXAMPLE"]) as at:
        for path in ("/api/nodes", "/health", "/metrics", "/"):
            assert at.get(path, {"Host": host}).status == status


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/api/nodes", "", 401), ("/api/nodes", READ, 200), ("/api/nodes", CHANGE, 200),
        ("/api/nodes", READ[:-1], 401), ("/api/nodes", READ + "é", 401), ("/metrics", "", 401),
        ("/metrics", READ, 200), ("/api/csv?node=gate", "", 401), ("/api/status", "", 401),
        ("/health", "", 200), ("/collect.js", "", 200), ("/login.html", "", 200), ("/", "", 302),
        ("/index.html", "", 302), ("/", READ, 200), ("/none", "", 401), ("/none", READ, 404),
    ],
)  # fmt: skip
def test_who_may_read(guarded: Site, path: str, token: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {token}".encode().decode("latin-1")} if token else {}
    answer = guarded.get(path, headers)
    assert answer.status == status
    if status == 302:
        assert answer.headers["Location"] == "login.html"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401), (bearer(READ), 403), (bearer(CHANGE), 200), (bearer("x"), 401),
        (bearer(CHANGE) | {"Origin": "http://evil.example"}, 403),
        (bearer(CHANGE) | {"Origin": "null"}, 403),
        (bearer(CHANGE) | {"Origin": "http://127.0.0.1:9", "Host": "127.0.0.1:9"}, 200),
        (bearer(CHANGE) | {"Sec-Fetch-Site": "cross-site"}, 403),
        (bearer(CHANGE) | {"Sec-Fetch-Site": "same-site"}, 403),
        (bearer(CHANGE) | {"Sec-Fetch-Site": "same-origin"}, 200),
        (bearer(CHANGE) | {"Content-Type": "application/json; charset=none"}, 200),
        (bearer(CHANGE) | {"Content-Type": "text/plain"}, 415),
        (bearer(CHANGE) | {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)  # fmt: skip
def test_who_may_change(guarded: Site, headers: dict[str, str], status: int) -> None:
    guarded.keep(numbered(1))
    body = {"node": "gate", "until": time.time() + 60}
    assert guarded.post("/api/mute", body, **headers).status == status
    state = "muted" if status == 200 else "ok"
    assert guarded.get("/api/nodes", bearer(READ)).json["counts"][state] == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"node": "gate", "until": NOW + 60}, 200), ({"node": "gate", "until": None}, 200),
        ({"node": "none", "until": 1}, 404), ({"node": "gate"}, 400), ([], 400), ("x", 400),
        ({"node": "gate", "until": True}, 400), ({"node": "gate", "until": "1"}, 400),
        ({"node": "gate", "until": 1e300}, 400), ({"node": "gate", "until": float("nan")}, 400),
        ({"node": ["gate"], "until": 1}, 400), ({"node": "x" * 5_000, "until": 1}, 413),
        ({"node": "\ud800", "until": 1}, 404),
    ],
)  # fmt: skip
def test_what_mute_takes(at: Site, body: Any, status: int) -> None:
    at.keep(numbered(1))
    answer = at.post("/api/mute", body)
    assert answer.status == status and (status == 200 or answer.json["error"])
    assert at.ask("GET", "/api/mute").status == 405


def login(site: Site, token: str, **headers: str) -> tuple[int, str]:
    answer = site.post("/api/login", {"token": token}, **headers)
    return answer.status, answer.headers.get("Set-Cookie", "")


def test_a_session_holds_no_token_and_ends_with_it(guarded: Site) -> None:
    guarded.keep(numbered(1))
    assert login(guarded, "wrong")[0] == 401
    assert login(guarded, READ, Origin="http://evil.example")[0] == 403
    for token, role in ((READ, "read"), (CHANGE, "change")):
        status, said = login(guarded, token)
        assert status == 200 and token not in said
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(said.split("; "))
        cookie = {"Cookie": said.partition(";")[0]}
        assert guarded.get("/", cookie).status == 200
        found = guarded.get("/api/status", cookie).json
        assert (found["may_change"], found["needs_token"]) == (role == "change", True)
        answer = guarded.post("/api/mute", {"node": "gate", "until": None}, **cookie)
        assert answer.status == (200 if role == "change" else 403)
        cookie["Cookie"] = cookie["Cookie"].replace(role, "change" if role == "read" else "read")
        assert guarded.get("/api/status", cookie).status == 401
    assert "Secure" in login(guarded, READ, X_Forwarded_Proto="https")[1]
    assert "collect=" in guarded.post("/api/logout", {}).headers["Set-Cookie"]


def test_sessions_that_are_forged_old_or_of_another_token_are_none() -> None:
    ours = Access(TOKENS)
    session = ours.session("change")
    assert ours.role("", session, "") == "change"
    assert Access(TOKENS).role("", session, "") == "change"  # after a restart
    assert Access({"read": READ, "change": "d" * 16}).role("", session, "") is None
    assert Access({"read": READ}).role("", session, "") is None
    role, end, mac = session.split(".")
    for wrong in (
        f"{role}.{int(end) + 1}.{mac}", f"read.{end}.{mac}", f"{role}.{end}.", f"{role}.{end}.é",
        "", ".", "..", f"{role}.-1.{mac}", f"{role}.{'9' * 5_000}.{mac}", f"none.{end}.{mac}",
    ):  # fmt: skip
        assert ours.role("", wrong, "") is None, wrong
    old = f"change.{int(time.time()) - 1}"
    assert ours.role("", f"{old}.{ours._mac('change', old)}", "") is None


def test_guessing_ends_after_ten_trials(guarded: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    session = {"Cookie": f"{web.COOKIE}={guarded.server.access.session('read')}"}
    for _ in range(access.FAILURES_MAX):
        assert guarded.get("/api/nodes", bearer("x")).status == 401
    answer = guarded.get("/api/nodes", bearer(READ))
    assert answer.status == 429 and answer.headers["Retry-After"] == "60"
    assert login(guarded, READ)[0] == 429
    assert guarded.get("/api/nodes", session).status == 200
    monkeypatch.setattr(access, "FAILURES_S", 0.0)
    assert guarded.get("/api/nodes", bearer(READ)).status == 200


def test_guessing_through_a_proxy_keeps_nobody_else_out(guarded: Site) -> None:
    guesser = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9"}
    for _ in range(access.FAILURES_MAX):
        assert guarded.get("/metrics", bearer("x") | guesser).status == 401
    guesser["X-Forwarded-For"] = "192.0.2.8, 203.0.113.9"  # the client may write what it likes
    assert guarded.get("/metrics", bearer(READ) | guesser).status == 429
    assert guarded.get("/metrics", bearer(READ) | {"X-Forwarded-For": "192.0.2.8"}).status == 200
    assert access.peer_of("192.0.2.1", "192.0.2.2") == "192.0.2.1"
    session = {"Cookie": f"{web.COOKIE}={guarded.server.access.session('read')}"}
    assert guarded.get("/metrics", session | {"Authorization": "Basic eDp5"}).status == 200


def test_addresses_of_one_user_are_one_and_all_are_bounded() -> None:
    guard = Access(TOKENS)
    for number in range(access.FAILURES_MAX):
        assert guard.role_of("x", f"2001:db8::{number:x}") is None
    with pytest.raises(access.Limited):
        guard.role_of(READ, "2001:db8::ffff")
    assert guard.role_of(READ, "2001:db8:0:1::1") == "read"
    for number in range(3 * access.PEERS_MAX):
        guard.role_of("x", f"::ffff:10.0.{number >> 8}.{number & 255}")
    assert len(guard._failures) <= access.PEERS_MAX


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"read {READ}\nchange {CHANGE}\n", TOKENS), (f"# a\n\nread\t{READ}", {"read": READ}),
        (f"change  {CHANGE}", {"change": CHANGE}), ("", None), (f"admin {READ}", None),
        ("read short", None), (f"read {READ}\nread {CHANGE}", None), (f"read {READ} x", None),
        (f"\xef\xbb\xbfread {READ}\r\n", {"read": READ}),
        (f"read {READ}\nchange {READ}", None), (f"read {READ}é", None), ("\xff", None),
    ],
)  # fmt: skip
def test_a_token_file(text: str, found: dict[str, str] | None, tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(text, "latin-1")
    if found is not None:
        assert access.read_tokens(path) == found
    else:
        with pytest.raises(ValueError, match="allowed|no text"):
            access.read_tokens(path)
    path.chmod(0o644)
    assert access.is_open_to_others(path)
    path.chmod(0o600)
    assert not access.is_open_to_others(path)


def test_tls(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with site(tokens=TOKENS, tls=context) as at:
        assert at.server.scheme == "https"
        trust = ssl.create_default_context(cafile=str(cert))
        client = http.client.HTTPSConnection(
            "127.0.0.1", at.server.port, context=trust, timeout=10
        )
        body = '{"token": "' + READ + '"}'
        client.request("POST", "/api/login", body, {"Content-Type": "application/json"})
        answer = client.getresponse()
        assert answer.status == 200 and "Secure" in answer.headers["Set-Cookie"]
        client.close()


def test_a_key_with_a_pass_phrase_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="PEM files, without a pass phrase"):
        web.tls_context(*map(str, certificate(tmp_path, b"word")))


# Limits


def test_slow_clients_take_no_more_than_their_share(
    at: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "HEAD_MAX_S", 1.5)
    idle = [
        socket.create_connection(("127.0.0.1", at.server.port))
        for _ in range(web.CONNECTIONS_MAX + 10)
    ]
    for each in idle[:20]:
        each.send(b"GET / HT")
    with pytest.raises((OSError, http.client.HTTPException)):
        at.get("/")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException):
            assert at.get("/").status == 200
            break
        time.sleep(0.2)
    else:
        pytest.fail("others are kept out")
    for each in idle:
        each.close()


def test_a_byte_now_and_then_does_not_keep_a_connection(
    at: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "HEAD_MAX_S", 0.3)
    with socket.create_connection(("127.0.0.1", at.server.port), timeout=5) as slow:
        begin = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - begin < 10:
                slow.send(b"G")
                time.sleep(0.05)
        assert time.monotonic() - begin < 9


def test_connections_that_end_are_free_again(at: Site) -> None:
    for _ in range(3 * web.CONNECTIONS_MAX):
        assert at.get("/api/alarms").status == 200


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/api/nodes?search=" + "x" * 9_000, {}, 400), ("/", {"X": "y" * 9_000}, 400),
        ("/", {f"X-{number}": "y" for number in range(300)}, 400),
    ],
)  # fmt: skip
def test_a_request_has_a_size(at: Site, target: str, headers: dict[str, str], status: int) -> None:
    assert at.get(target, headers).status == status


def test_a_question_that_takes_too_long_is_ended(
    at: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    )
    monkeypatch.setattr(web, "READ_MAX_S", 0.2)
    monkeypatch.setattr(queries, "counters", lambda reader: reader.execute(endless))
    assert at.get("/api/status").status == 503
    monkeypatch.undo()
    assert at.get("/api/status").status == 200


def test_health_does_not_wait_behind_other_questions(
    at: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = threading.Event()
    monkeypatch.setattr(queries, "alarms", lambda *_, **__: end.wait(10) and None)
    askers = [
        threading.Thread(target=at.get, args=["/api/alarms"]) for _ in range(2 * web.READERS)
    ]
    for each in askers:
        each.start()
    begin = time.monotonic()
    assert at.get("/health").status == 200 and time.monotonic() - begin < 4
    end.set()
    for each in askers:
        each.join()


def test_it_answers_again_when_the_database_does(
    at: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(where: str, read_only: bool = False) -> Any:
        raise database.Unusable("gone")

    with monkeypatch.context() as patch:
        patch.setattr(database, "connect", gone)
        assert at.get("/api/nodes").json == {"error": "gone"}
        assert at.get("/health").status == 503
    assert at.get("/api/nodes").status == at.get("/health").status == 200


def test_a_file_that_is_removed_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with site(str(path)) as at:
        at.keep(numbered(1))
        path.rename(tmp_path / "b.db")
        assert at.get("/health").status == at.get("/api/nodes").status == 503
        (tmp_path / "b.db").rename(path)
        assert at.get("/health").status == at.get("/api/nodes").status == 200


def test_a_server_that_comes_back_is_used_again(postgres: PostgresServer) -> None:
    with site(postgres.create()) as at:
        at.keep(numbered(1))
        assert at.get("/api/nodes").json["total"] == 1
        postgres.kill()
        try:
            assert at.get("/api/nodes").status == at.get("/health").status == 503
        finally:
            postgres.start()
        assert at.get("/api/nodes").json["total"] == 1 and at.get("/health").status == 200


def test_a_mistake_in_it_is_told_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    with site(report=lambda text, ok: told.append(text)) as at:
        monkeypatch.setattr(queries, "alarms", lambda *_: 1 // 0)
        answer = at.get("/api/alarms")
        assert answer.status == 500 and b"Zero" not in answer.body
        assert told == [
            "page: /api/alarms: ZeroDivisionError('integer division or modulo by zero')"
        ]
        assert at.get("/api/nodes").status == 200
