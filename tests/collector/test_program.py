"""`python -m collector`: what it prints, how it ends, what it refuses to begin."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import cbor2
import pytest

from collector.__main__ import main
from collector.storage import database
from devkit.servers.postgres import PostgresServer
from tests.collector.releases_rig import Folder
from tests.collector.rig import report, wait_until

ROOT = Path(__file__).resolve().parents[2]
TOKENS = "TOKENS"  # stands for a good file
FREE = ["--udp", "0", "--coap", "0", "--http", "0"]


class Program:
    """The command in a process of its own; `port` takes plain UDP and CoAP."""

    def __init__(self, *words: str, cwd: Path = ROOT) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "collector", *words], cwd=cwd,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stderr is not None
        self.said = ""
        while "collecting from" not in self.said:
            line = self.process.stderr.readline()
            assert line, self.said
            self.said += line
        self.port = int(re.findall(r"udp://127\.0\.0\.1:(\d+)", self.said)[0])

    def send(self, *packs: Any) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for pack in packs:
                data = pack if isinstance(pack, bytes) else cbor2.dumps(pack)
                sender.sendto(data, ("127.0.0.1", self.port))

    def end(self) -> tuple[str, str]:
        out, err = self.process.communicate(timeout=20)
        return out, self.said + err


def test_records_become_lines_and_rows_until_the_count_is_reached(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    program = Program(*FREE, "--count", "3", "--db", str(path))
    program.send(report(1), report(1), b"junk")
    out, err = program.end()
    assert program.process.returncode == 0, err
    assert re.search(r"^\d\d:\d\d:\d\d udp 127\.0\.0\.1:\d+ gate:t = 21\.50 Cel$", out, re.M)
    assert "3 messages, 2 records, 2 duplicates, 1 refused, 0 dropped" in err
    with contextlib.closing(sqlite3.connect(path)) as base:
        assert base.execute("SELECT name FROM readings").fetchall() == [("seq",), ("t",)]
    assert "Traceback" not in err


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(kind: signal.Signals) -> None:
    program = Program(*FREE, "--http", "off", "--json")
    program.send(report(1))
    assert program.process.stdout is not None
    first = json.loads(program.process.stdout.readline())
    assert (first["name"], first["value"], first["seq"]) == ("gate:seq", 1, 1)
    assert json.loads(program.process.stdout.readline())["shown"] == "21.50"
    program.process.send_signal(kind)
    out, err = program.end()
    assert (program.process.returncode, out) == (0, "")
    assert "Traceback" not in err


def test_a_mistake_that_ends_a_thread_ends_the_program(
    start: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise KeyError("a mistake")

    ended, before = list[int](), threading.excepthook
    with contextlib.ExitStack() as stack:
        collector = start(stack=stack)
        threading.Thread(target=lambda: ended.append(collector.run())).start()
        assert wait_until(lambda: threading.excepthook is not before)
        threading.Thread(target=fail).start()
        assert wait_until(lambda: ended == [1])
    assert "collect: a mistake in the thread" in capsys.readouterr().err


def test_what_is_offered_is_told_without_any_report(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "RELEASES")
    folder.release(7, 6)
    program = Program(*FREE, "--releases", str(folder.path))

    def next_line() -> str:
        assert program.process.stderr is not None
        return program.process.stderr.readline()

    assert next_line() == "collect: offers release 7 to 100 % of the nodes\n"
    folder.roll_out("share = 1000")
    assert next_line().endswith("stop_above = 0 to 1; nothing is offered\n")
    folder.roll_out("share = 10")
    assert next_line() == "collect: offers release 7 to 10 % of the nodes\n"
    program.process.terminate()
    program.end()


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The line that says why it does not begin."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    *before, line = capsys.readouterr().err.splitlines()
    assert [each for each in before if not each.startswith("page: ")] == []
    assert line.startswith("python -m collector: ")
    return line


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["--udp", "65536"], "allowed: 0 (a free one) to 65535, off"),
        (["--coap", "x"], "allowed: 0 (a free one) to 65535, off"),
        (["--mqtt", "host:"], "allowed: PORT, HOST:PORT, [IPV6]:PORT, off"),
        (["--topic", "a/#/b"], "no topic filter"), (["--topic", "a+"], "no topic filter"),
        (["--count", "0"], "whole number from 1 up"),
        (["--broker"], "unrecognized arguments: --broker; allowed: python -m collector [-h] "),
        (["--udp", "off", "--coap", "off"], "allowed: --udp, --coap or --mqtt"),
        (["--db", "/proc/none/a.db"], "cannot be written"),
        (["--db", "postgresql://me:secret@127.0.0.1:1/x"],
         "allowed: a database that is there, with the right to create tables"),
        (["--releases", "docs"], "no folder of releases; allowed: the one that ./dev release"),
        (["--host", "192.0.2.1"], "--host 192.0.2.1, --coap 0: Cannot assign"),
        (["--host", "no such host"], "allowed: an address of this computer"),
        (["--http-name", "https://a.example"], "allowed: a name without scheme and port"),
        (["--nodes", "none"], "--nodes: none: No such file or directory; allowed: a name a line"),
        (["--alarms", "none"], "--alarms: none: No such file or directory; allowed: a TOML file"),
        (["--node", "gate"], "--node, --since, --until: allowed with --export"),
        (["--http", "192.0.2.1:0"], "needs --token-file FILE; allowed without: an address that"),
        (["--http", "[::]:0"], "--http [::]:0: needs --token-file FILE"),
        (["--http", "192.0.2.1:0", "--token-file", TOKENS], "allowed: an address of this comp"),
        (["--token-file", "/proc/none"], "--token-file: '/proc/none': No such file"),
        (["--token-file", "LICENSE"], "line 1; allowed: read TOKEN and change TOKEN, once each"),
        (["--tls-key", "key.pem"], "one is missing; allowed: both, as PEM files"),
        (["--tls-key", "LICENSE", "--tls-cert", "LICENSE"], "allowed: a certificate and its key"),
        (["--tls-key", "none", "--tls-cert", "none"], "No such file or directory; allowed: a"),
        (["--export", "a.txt"], "allowed: a file whose name ends in .csv or .parquet"),
        (["--export", "none/a.csv"], "in a folder that is there"),
        (["--export", "a.csv"], "needs --db; allowed: a database of this command"),
        (["--export", "a.csv", "--db", "none.db"], "--db none.db, --export a.csv: unable to"),
        (["--export", "a.csv", "--db", "a.db", "--since", "2026-03-02", "--until", "2026-03-01"],
         "--until: it is before --since"),
        (["--export", "a.csv", "--since", "noon"], "allowed: a date or time in UTC, such as"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line_that_says_what_is_allowed(
    words: list[str], allowed: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens"
    tokens.touch(0o600)
    tokens.write_text("read 0123456789abcdef\n")
    words = [str(tokens) if word == TOKENS else word for word in words]
    assert allowed in refused([*FREE, *words], capsys)


def test_tokens_that_others_can_read_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("read 0123456789abcdef\n")
    tokens.chmod(0o644)
    with pytest.raises(SystemExit):
        main([*FREE, "--token-file", str(tokens), "--count", "0"])
    assert f"others can read it; chmod 600 {tokens}" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--udp", "--coap", "--http"])
def test_a_port_in_use(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    kind = socket.SOCK_STREAM if option == "--http" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if option == "--http":
            taken.listen()
        port = taken.getsockname()[1]
        line = refused([*FREE, option, str(port)], capsys)
    given = f"--http 127.0.0.1:{port}" if option == "--http" else f"{option} {port}"
    assert f"{given}: Address already in use; allowed: " in line


def test_a_server_has_the_tables_of_another_program(
    postgres: PostgresServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = postgres.create()
    with database.connect(url) as connection:
        connection.execute("CREATE TABLE node (x INTEGER)")
    assert 'relation "node" already exists; allowed: ' in refused([*FREE, "--db", url], capsys)
    assert "allowed: " in refused([*FREE, "--role", "web", "--db", url], capsys)
    assert "allowed: " in refused(["--db", url, "--export", str(tmp_path / "a.csv")], capsys)


def test_a_file_that_is_no_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes " * 100)
    line = refused([*FREE, "--db", str(path)], capsys)
    assert "not a database; allowed: a new file, or one of this command" in line
    assert path.read_text() == "my notes " * 100
