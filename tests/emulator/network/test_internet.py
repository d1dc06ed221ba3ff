"""The service by which a radio modem on pins reaches the routes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devkit.servers.udp import UdpServer
from emulator.board.board import Board
from emulator.network.air import UDP_HEADERS, Done
from emulator.network.internet import Internet
from emulator.network.routes import Routes

HOST, PORT = "192.0.2.1", 5683


class Radio:
    """An air that takes 100 ms for each packet and may lose all of them."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.arrives = True

    def send(self, l3_bytes: int, done: Done) -> None:
        self.board.clock.schedule_ms(100, lambda: done(self.arrives))

    downlink = send


@pytest.fixture
def server() -> Iterator[UdpServer]:
    with UdpServer(reply=lambda data: data[::-1]) as running:
        yield running


@pytest.fixture
def internet(server: UdpServer) -> Iterator[Internet]:
    board = Board()
    with Routes(board, {(HOST, PORT): (server.host, server.port)}) as routes:
        routes.patience.rely(5)  # the server answers at once, but the computer may be busy
        yield Internet(board, routes)


def test_a_datagram_and_its_answer_take_the_time_of_the_radio(
    internet: Internet, server: UdpServer
) -> None:
    came = []
    flow = internet.datagrams(Radio(internet.board), "IP", lambda *datagram: came.append(datagram))
    flow.send(HOST, PORT, b"abc")
    internet.board.clock.advance(99_000)
    assert server.received == []
    internet.board.clock.advance(2_000)
    assert server.wait_for(1)
    assert came == []
    internet.board.clock.advance(100_000)
    assert came == [(HOST, PORT, b"cba")]
    assert internet.air_bytes == 2 * (UDP_HEADERS["IP"] + 3)
    flow.close()


def test_what_the_radio_loses_reaches_nobody(internet: Internet, server: UdpServer) -> None:
    radio = Radio(internet.board)
    radio.arrives = False
    flow = internet.datagrams(radio, "IP", lambda *datagram: None)
    flow.send(HOST, PORT, b"abc")
    internet.board.clock.advance(200_000)
    assert not server.wait_for(1, 0.05)
    assert internet.air_bytes == UDP_HEADERS["IP"] + 3
    flow.close()
