"""--role: each part in a process of its own, on the same database."""

from __future__ import annotations

import contextlib
import itertools
import socket
import sqlite3
from pathlib import Path
from typing import Any

import aiocoap
import cbor2
import pytest

from collector.program import UsageError
from collector.updates import fleet
from tests.collector.releases_rig import Folder
from tests.collector.rig import port_of, report, wait_until

IDS = itertools.count(1)  # a port may come again


@pytest.mark.parametrize("role", ["intake", "web", "alarms"])
def test_a_role_needs_the_database_that_all_share(role: str, start: Any) -> None:
    with pytest.raises(UsageError, match=f"--role {role}: needs --db"):
        start("--role", role)


def test_each_role_does_its_part_only(start: Any, tmp_path: Path) -> None:
    words = ("--db", str(tmp_path / "a.db"))
    intake = start(*words, "--role", "intake", "--http", "off")
    web = start(*words, "--role", "web")
    alarms = start(*words, "--role", "alarms", "--http", "off")
    assert [each.split(":")[0] for each in intake.endpoints] == ["coap", "udp"]
    assert (intake.page, web.page != "") == ("", True)
    assert (web.endpoints, alarms.endpoints, alarms.page) == ([], [], "")


def test_two_intakes_share_a_port_and_a_database(start: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    words = ("--db", str(path), "--role", "intake")
    first = start(*words)
    port = str(port_of(first, "coap"))
    second = start(*words, "--coap", port, "--udp", port)
    with pytest.raises(UsageError, match="Address already in use"):  # who does not share, too
        start("--coap", port)
    for number in range(200):
        with Node(int(port)) as node:
            assert node.post(report(number, base=f"n{number % 20}:")).code == aiocoap.CHANGED
    with contextlib.closing(sqlite3.connect(path)) as base:
        assert base.execute("SELECT count(*) FROM report").fetchone() == (200,)
        assert base.execute("SELECT count(*) FROM node").fetchone() == (20,)
    assert min(first.queue.messages, second.queue.messages) > 20


def test_blocks_that_go_on_at_another_intake_are_sent_again(start: Any, tmp_path: Path) -> None:
    words = ("--db", str(tmp_path / "a.db"), "--role", "intake")
    with contextlib.ExitStack() as ended:
        port = port_of(start(*words, stack=ended), "coap")
        with Node(port) as node:
            assert node.post(b"[{" + bytes(62), block=(0, True, 2)).code == aiocoap.CONTINUE
            start(*words, "--coap", str(port))
            ended.close()
            found = node.post(b"}]", block=(1, False, 2))
            assert found.code == aiocoap.REQUEST_ENTITY_INCOMPLETE


def test_a_roll_out_stops_at_each_intake(
    start: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "TRIED_S", 0.2)
    folder = Folder(tmp_path / "RELEASES", "a", "b", "c")
    folder.release(7, 6)
    words = ("--db", str(tmp_path / "a.db"), "--releases", str(folder.path), "--role", "intake")
    first, second = (Node(port_of(start(*words), "coap")) for _ in range(2))
    with first, second:

        def is_offered(node: Node, base: str, seq: int, **figures: int) -> bool:
            records = [{0: name, 2: value} for name, value in figures.items()]
            answer = node.post([*report(seq, base=base), {0: "rl", 2: 6}, *records])
            return bool(answer.payload) and cbor2.loads(answer.payload)[2][0] == 7

        assert is_offered(first, "a:", 1) and is_offered(second, "b:", 1)
        is_offered(second, "b:", 2, rj=7)
        assert wait_until(lambda: not is_offered(first, "a:", 1))
        assert not is_offered(first, "c:", 1)


class Node(contextlib.AbstractContextManager["Node"]):
    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(5)
        self._socket.connect(("127.0.0.1", port))

    def __exit__(self, *raised: object) -> None:
        self._socket.close()

    def post(self, pack: Any, block: tuple[int, bool, int] | None = None) -> aiocoap.Message:
        """The answer to a report, or to a block of one."""
        message = aiocoap.Message(
            code=aiocoap.POST, _mtype=0, _mid=next(IDS), _token=b"tk",
            payload=pack if isinstance(pack, bytes) else cbor2.dumps(pack),
        )  # fmt: skip
        message.opt.uri_path = ["r"]
        if block is not None:
            message.opt.block1 = block
        self._socket.send(message.encode())
        found: aiocoap.Message = aiocoap.Message.decode(self._socket.recv(2_000))
        return found
