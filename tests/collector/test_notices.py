"""Notices reach their targets at least once: a real HTTP server and a real SMTP server."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.alarms import notices
from tests.collector.alarms_rig import BEGIN, DAY, HOUR, Node, World

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "alarms.md"


class Webhook(http.server.BaseHTTPRequestHandler):
    """Answers with `server.status`, and keeps what it took."""

    server: Any

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked += 1
        if self.server.status == 200:
            self.server.got.append((body, self.headers["Authorization"]))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", f"http://127.0.0.1:{self.server.elsewhere}/")
        self.end_headers()

    def do_GET(self) -> None:  # where a redirect leads
        self.server.asked += 1
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


class Smtp(socketserver.StreamRequestHandler):
    """RFC 5321 as far as a client needs it."""

    server: Any

    def handle(self) -> None:
        self.wfile.write(b"220 test\r\n")
        while line := self.rfile.readline().strip():
            if line.upper() == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = list(iter(self.rfile.readline, b".\r\n"))
                self.server.got.append(b"".join(lines).decode())
            self.wfile.write(b"221 bye\r\n" if line.upper() == b"QUIT" else b"250 ok\r\n")


@contextlib.contextmanager
def serving(handler: Any) -> Iterator[Any]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        state: Any = server
        state.got, state.asked, state.status, state.port = [], 0, 200, server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def config(path: Path, text: str) -> notices.Config:
    file = path / "alarms.toml"
    file.write_text(text)
    return notices.read(str(file))


def hook(port: int) -> str:
    return (
        f'[webhook]\nurl = "http://127.0.0.1:{port}/x"\nheaders = {{Authorization = "Bearer a"}}'
    )


def test_a_target_that_was_away_for_hours_gets_all(tmp_path: Path) -> None:
    told: list[str] = []
    world = World(tmp_path, Node("gate", works=lambda at: at < BEGIN + 3 * HOUR),
                  *[Node(f"n{each}") for each in range(9)])  # fmt: skip
    with serving(Webhook) as server:
        targets = notices.targets(config(tmp_path, hook(server.port)))
        server.status = 503

        def sender() -> notices.Sender:  # after a restart, too
            return notices.Sender(world.database, targets, lambda text, ok: told.append(text))

        first = sender()
        world.run(4 * HOUR)
        for number in range(12 * 360):
            (first if number < 2000 else sender()).turn(world.now + 10 * number)
        assert 12 <= server.asked <= 24 and server.got == []
        world.run(2 * DAY, 300)
        server.status = 200
        for later in (0, 3600):
            first.turn(world.now + later)
            sender().turn(world.now + later)
    assert [body["subject"] for body, _ in server.got] == [
        "silent: gate", "silent: gate (goes on)", "silent: gate (goes on)",
    ]  # fmt: skip
    assert len({body["id"] for body, _ in server.got}) == 3 and server.got[0][1] == "Bearer a"
    assert told[0] == "alarms: webhook: HTTP Error 503: Service Unavailable; tried again"
    assert told[-1] == "alarms: webhook: works again"


class Slow(socketserver.StreamRequestHandler):
    """Answers without an end."""

    server: Any

    def handle(self) -> None:
        self.server.asked += 1
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        with contextlib.suppress(OSError):
            while not self.server.got:
                self.wfile.write(b"X: ")
                time.sleep(0.02)


def test_a_target_that_never_ends_its_answer_holds_up_no_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "TRIAL_S", 0.2)
    told: list[str] = []
    world = World(tmp_path, Node("a", values=lambda at: {"v": 3.0})).run(2 * HOUR)
    with serving(Slow) as server:
        targets = notices.targets(config(tmp_path, hook(server.port)))
        sender = notices.Sender(world.database, targets, lambda text, ok: told.append(text))
        for later in (0, HOUR):
            sender.turn(world.now + later)
        server.got.append("end")
    assert told == ["alarms: webhook: no answer in 0.2 s; tried again"] and server.asked == 1


def test_what_no_target_takes_in_three_days_is_given_up_and_told(tmp_path: Path) -> None:
    told: list[str] = []
    world = World(tmp_path, Node("a", values=lambda at: {"v": 3.0})).run(2 * HOUR)
    sender = notices.Sender(world.database, {}, lambda text, ok: told.append(text))
    sender.turn(BEGIN + 3 * DAY)
    assert told == []
    sender.turn(BEGIN + 4 * DAY)
    assert told == ["alarms: 1 notices given up after 3 days"]
    assert world.database.execute("SELECT sent FROM notice") == [(0,)]


def test_a_notice_is_sent_to_no_other_host(tmp_path: Path) -> None:
    with serving(Webhook) as server, serving(Webhook) as other:
        server.status, server.elsewhere = 302, other.port
        assert not notices.test(config(tmp_path, hook(server.port)))
        assert (server.asked, other.asked) == (1, 0)


def test_a_mail_has_one_subject_whatever_nodes_send(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Smtp) as server:
        text = f'[email]\nhost = "127.0.0.1"\nport = {server.port}\ntls = "none"\n'
        known = config(tmp_path, text + 'from = "a@x.example"\nto = "b@x.example, c@x.example"\n')
        body = {"id": 7, "subject": "cause: gate\nBcc: evil@x.example", "text": "a\n.\nb ü"}
        assert notices.targets(known)["email"](body) == "taken"
        head, _, content = server.got[0].partition("\r\n\r\n")
        assert "Subject: collect: cause: gate\\nBcc: evil@x.example" in head.split("\r\n")
        assert "To: b@x.example, c@x.example" in head and "<collect-7@x.example>" in head
        assert "Bcc:" not in [line[:4] for line in head.split("\r\n")]
        assert content.startswith("a\r\n..\r\nb")
        assert notices.test(known) and capsys.readouterr().out == "email: taken\n"
    assert not notices.test(known)
    assert "email: [Errno 111]" in capsys.readouterr().out


MAIL = '[email]\nhost = "mail"\nfrom = "a@x"\nto = "b@x"\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[webhook]", "[webhook] url = ''; allowed: http://HOST/PATH, https://HOST/PATH"),
        ('[webhook]\nurl = "ftp://x/"', "[webhook] url = 'ftp://x/'; allowed: http://HOST"),
        ('[webhook]\nurl = "http://u:p@x/"', "[webhook] url = 'http://u:p@x/'; allowed"),
        (
            '[webhook]\nurl = "http://x/"\nheaders = {a = "b\\r\\nc"}',
            "headers = {'a': 'b\\r\\nc'}",
        ),
        ('[email]\nhost = "mail"', "[email] from = ''; allowed: NAME@DOMAIN"),
        (MAIL + "port = 0", "[email] port = 0; allowed: 1 to 65535"),
        (MAIL + 'tls = "yes"', "[email] tls = 'yes'; allowed: starttls, tls, none"),
        (MAIL + 'tls = "none"\nuser = "a"', "[email] tls = 'none'; allowed with user"),
        (MAIL + 'password_file = "/none"', "password_file = '/none'; allowed: a file that can"),
        (MAIL.replace("b@x", "b@x\\nBcc: c@x"), "[email] to = 'b@x\\nBcc: c@x'; allowed"),
        ("[limits]\nbattery_v = true", "[limits] battery_v = True; allowed: 0 to 1000"),
        ("[limits]\ncause_times = 2.5", "[limits] cause_times = 2.5; allowed: 0 to 50"),
        ("[limits]\nvolt = 1", "[limits] volt = 1; allowed: battery, battery_v, "),
        ("[limit]", "limit; allowed: [webhook], [email], [limits]"),
        ("[limits", "Expected"),
        ('[webhook]\nurl = "http://x:abc/"', "url = 'http://x:abc/'; allowed: http://HOST"),
        ('[webhook]\nurl = "http://x/\u00e4"', "allowed: http://HOST"),
        (MAIL + 'password_file = "/"', "password_file = '/'; allowed: a file that can"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ValueError) as raised:
        config(tmp_path, text)
    assert expected in str(raised.value)


def test_the_file_of_the_documentation_has_each_field_and_the_default_limits(
    tmp_path: Path,
) -> None:
    [text] = re.findall(r"^```toml alarms\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.M | re.S)
    known = config(tmp_path, text)
    assert known["limits"] == notices.read(None)["limits"]
    names = [name for section in ("webhook", "email", "limits") for name in known[section]]
    assert re.findall(r"^(\w+) = ", text, re.M) == names
