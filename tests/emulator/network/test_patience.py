"""Real servers and virtual time: every answer reaches the board, in each run alike."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devkit import cli
from devkit.servers.coap import CoapServer
from emulator.board.clock import Clock
from emulator.device_files import ROOT
from emulator.network.patience import Patience, Turn

SERVER = ("127.0.0.1", 5)
OTHER = ("127.0.0.1", 6)


@pytest.fixture(autouse=True)
def patience_of_the_product(
    servers_here_answer_soon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"answer_s": 1.5, "more_s": 1.0, "quiet_s": 0.05}.items():
        monkeypatch.setattr(Patience, name, value)


class Server:
    """Answers what it is told to, and remembers how long it was waited for."""

    def __init__(self, patience: Patience) -> None:
        self.turn = Turn(patience)
        self.waits: list[float] = []

    def hear(self, answer: bytes = b"", awaited: bool = True) -> bytes:
        def poll(wait_s: float) -> bytes:
            self.waits.append(wait_s)
            return answer

        return self.turn.hear(awaited, poll)


def test_a_silent_server_costs_a_bounded_time_however_often_it_is_asked() -> None:
    patience = Patience(Clock())
    server = Server(patience)
    for _ in range(40):
        server.turn.asked(SERVER)
        server.hear()
        server.hear()  # the program still waits: nothing more is worth waiting for
    assert server.waits[:4] == [1.5, 0, 0.75, 0]
    assert sum(server.waits) <= 2 * Patience.answer_s
    other = Server(patience)
    other.turn.asked(OTHER)
    other.hear()
    assert other.waits == [1.5]


def test_a_program_that_does_not_wait_costs_next_to_nothing() -> None:
    server = Server(Patience(Clock()))
    for _ in range(40):
        server.turn.asked(SERVER)
        server.hear(awaited=False)
    assert sum(server.waits) <= 2 * Patience.unasked_s
    server.hear()  # and if it waits after all, it gets its time
    assert server.waits[-1] == 1.5


def test_behind_an_answer_there_may_be_more() -> None:
    server = Server(Patience(Clock()))
    for _ in range(40):
        server.turn.asked(SERVER)
        assert server.hear(b"one") == b"one"
        server.hear()
    assert server.waits[:4] == [1.5, 1.0, 1.5, 0.5]
    assert sum(server.waits[1::2]) <= 2 * Patience.more_s


def test_in_real_time_nothing_stands_still() -> None:
    clock = Clock()
    clock.pace = lambda step_us: None
    server = Server(Patience(clock))
    server.turn.asked(SERVER)
    assert server.hear(b"there") == b"there"
    assert server.waits == [0.0]


# whole runs


def two_packets(link: socket.socket, pause_s: float = 0) -> None:
    """A broker that publishes a message of its own before each acknowledgement."""
    link.recv(4000)
    link.sendall(b"\x20\x02\x00\x00")
    while data := link.recv(4000):
        if data[0] >> 4 == 3:
            length = int.from_bytes(data[2:4], "big")
            link.sendall(b"\x32\x07\x00\x01r\x00\x09hi")
            time.sleep(pause_s)
            link.sendall(b"\x40\x02" + data[4 + length : 6 + length])


def late_second(link: socket.socket) -> None:
    two_packets(link, 0.5)


@contextlib.contextmanager
def broker(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    link, _ = server.accept()
                    with link:
                        talk(link)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def cycle(config: str, route: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> dict:
    (folder / "node.py").write_text(f"from config import *\n\n{config}\n")
    arguments = ["--config", str(folder / "node.py"), "--route", route, "--json"]
    assert cli.main(["run", str(ROOT / "main.py"), *arguments]) == 0
    return json.loads(capsys.readouterr().out)["cycles"][0]


@pytest.mark.parametrize(
    ("bearer", "talk", "runs"),
    [("wifi", two_packets, 3), ("nbiot", two_packets, 2), ("wifi", late_second, 2)],
)
def test_the_second_packet_of_a_broker_arrives_the_same_in_every_run(
    bearer: str, talk: Callable[[socket.socket], None], runs: int, tmp_path: Path, capsys
) -> None:
    config = f"_BEARER = {bearer!r}\n_PROTOCOL = 'mqtt'\n_PORT = 1883"
    with broker(talk) as port:
        route = f"192.0.2.1:1883=127.0.0.1:{port}"
        cycles = [cycle(config, route, tmp_path, capsys) for _ in range(runs)]
    assert [one["confirmed"] for one in cycles] == [1] * runs
    assert [one["awake_ms"] for one in cycles] == [cycles[0]["awake_ms"]] * runs


@pytest.mark.parametrize("bearer", ["wifi", "nbiot"])  # lwIP, and the modem's own sockets
def test_a_response_after_half_a_second_takes_no_other_way_than_one_at_once(
    bearer: str, tmp_path: Path, capsys
) -> None:
    config = f"_BEARER = {bearer!r}\n_PROTOCOL = 'coap'"
    with CoapServer() as server:
        server.behaviour.delay_s = 0.5
        route = f"192.0.2.1:5683=127.0.0.1:{server.port}"
        found = cycle(config, route, tmp_path, capsys)
        assert len(server.received) == 1  # nothing had to be sent twice
    assert (found["accepted"], found["confirmed"]) == (1, 1)
