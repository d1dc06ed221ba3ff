"""Routes: what may be routed, what resolves, and what really leaves."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest

from emulator.board.board import Board
from emulator.network.paths import TcpListener, TcpPath, UdpPath
from emulator.network.routes import STRANGER, Routes


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(2)
        yield bound


def made(*texts: str) -> Routes:
    return Routes(Board(), Routes.parse(texts))


# the table


@pytest.mark.parametrize(
    ("text", "source", "target"),
    [
        ("192.0.2.1:5683=127.0.0.1:40000", ("192.0.2.1", 5683), ("127.0.0.1", 40000)),
        ("[2001:db8::1]:5683=[::1]:40000", ("2001:db8::1", 5683), ("::1", 40000)),
        ("[2001:DB8:0::1]:1=127.9.9.9:2", ("2001:db8::1", 1), ("127.9.9.9", 2)),
        ("Node.Example:1883=localhost:65535", ("node.example", 1883), ("127.0.0.1", 65535)),
        ("198.51.100.7:1=[0:0:0:0:0:0:0:1]:2", ("198.51.100.7", 1), ("::1", 2)),
        (" collector:9 = 127.0.0.1:9 ", ("collector", 9), ("127.0.0.1", 9)),
    ],
)
def test_routes_are_read(text: str, source: tuple[str, int], target: tuple[str, int]) -> None:
    assert Routes.parse([text]) == {source: target}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "192.0.2.1:5683",
        "192.0.2.1:5683=",
        "=127.0.0.1:1",
        "192.0.2.1=127.0.0.1",
        "192.0.2.1:5683=127.0.0.1:1=127.0.0.1:2",
        "192.0.2.1:0=127.0.0.1:1",
        "192.0.2.1:65536=127.0.0.1:1",
        "192.0.2.1:-1=127.0.0.1:1",
        "192.0.2.1:x=127.0.0.1:1",
        "2001:db8::1:5683=[::1]:1",
        "[192.0.2.1]:5683=127.0.0.1:1",
        "[node.example]:5683=127.0.0.1:1",
        "192.0.2.256:1=127.0.0.1:1",
        "node..example:1=127.0.0.1:1",
        "-node:1=127.0.0.1:1",
        "no de:1=127.0.0.1:1",
        "n" * 64 + ":1=127.0.0.1:1",
        "192.0.2.1:1=127.0.0.1:0",
        "192.0.2.1:1=192.0.2.2:1",
        "192.0.2.1:1=10.0.0.1:1",
        "192.0.2.1:1=0.0.0.0:1",
        "192.0.2.1:1=[::]:1",
        "192.0.2.1:1=[2001:db8::1]:1",
        "192.0.2.1:1=[::ffff:8.8.8.8]:1",
        "192.0.2.1:1=example.com:1",
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"route .*allowed: HOST:PORT=HOST:PORT") as raised:
        Routes.parse([text])
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize("host", ["192.0.2.9", "8.8.8.8", "::", "example.com", ""])
def test_a_target_beyond_this_computer_is_refused_however_it_is_given(host: str) -> None:
    with pytest.raises(ValueError, match="not on this computer"):
        Routes(Board(), {("192.0.2.1", 1): (host, 1)})


def test_the_later_of_two_routes_for_one_source_holds() -> None:
    table = Routes.parse(["192.0.2.1:1=127.0.0.1:1", "192.0.2.1:1=127.0.0.1:2"])
    assert table == {("192.0.2.1", 1): ("127.0.0.1", 2)}


# names


def test_a_routed_name_has_an_address_of_each_family_that_leads_to_it() -> None:
    with made("a.example:1=127.0.0.1:11", "a.example:2=[::1]:12", "b.example:1=127.0.0.1:13",
              "198.51.100.2:5=127.0.0.1:14") as routes:  # fmt: skip
        assert routes.resolve("A.example", "IP") == ["198.51.100.1"]
        assert routes.resolve("a.example.", "IPV6") == ["2001:db8:6e61:6d65::1"]
        assert routes.resolve("b.example", "IP") == ["198.51.100.3"]  # .2 has a route of its own
        assert routes.resolve("c.example", "IP") == []
        assert routes.resolve("192.0.2.77", "IP") == ["192.0.2.77"]
        assert routes.resolve("192.0.2.77", "IPV6") == []
        assert routes.target("198.51.100.1", 1) == ("127.0.0.1", 11)
        assert routes.target("2001:db8:6e61:6d65::1", 2) == ("::1", 12)
        assert routes.target("a.example", 2) == ("::1", 12)
        assert routes.target("a.example", 3) is None
        assert routes.reachable("198.51.100.1")
        assert routes.reachable("198.51.100.2")
        assert not routes.reachable("192.0.2.77")


# datagrams


def test_a_datagram_leaves_and_its_answer_comes_from_the_documented_address(
    server: socket.socket,
) -> None:
    with made(f"[2001:db8::1]:5683=127.0.0.1:{server.getsockname()[1]}") as routes:
        path = UdpPath(routes, "IPV6")
        assert path.send("2001:DB8::1", 5683, b"\x00\xff")
        data, source = server.recvfrom(100)
        assert data == b"\x00\xff"
        server.sendto(b"re", source)
        assert path.poll(2) == [("2001:db8::1", 5683, b"re")]
        assert path.poll() == []
        path.send("2001:db8::1", 5683, b"again")
        assert server.recvfrom(100) == (b"again", source)  # one socket from first to last
        assert routes.board.trace.lines()[0].endswith("left [2001:DB8::1]:5683 2 bytes 00ff")
        assert [(each.host, each.port, each.data, each.delivered) for each in routes.sent] == [
            ("2001:db8::1", 5683, b"\x00\xff", True),
            ("2001:db8::1", 5683, b"again", True),
        ]


def test_a_function_of_this_process_answers_at_once() -> None:
    heard: list[bytes] = []

    def serve(data: bytes) -> list[bytes]:
        heard.append(data)
        return [b"a", b"b"] if data == b"two" else []

    with Routes(Board(seed=1)) as routes:
        routes.serve("192.0.2.1", 5683, serve)
        path = UdpPath(routes, "IP")
        assert path.send("192.0.2.1", 5683, b"none") and not path.expects
        assert path.send("192.0.2.1", 5683, b"two") and path.expects
        answers = [("192.0.2.1", 5683, b"a"), ("192.0.2.1", 5683, b"b")]
        assert path.poll_answer(awaited=True) == answers
        assert path.poll_answer(awaited=True) == []
        assert heard == [b"none", b"two"]
        assert [sent.what for sent in routes.sent] == ["left", "left"]


def test_a_server_with_two_addresses_answers_from_the_one_it_was_asked_at(
    server: socket.socket,
) -> None:
    real = f"127.0.0.1:{server.getsockname()[1]}"
    with made(f"192.0.2.1:1={real}", f"192.0.2.2:2={real}", f"[2001:db8::2]:2={real}") as routes:
        path = UdpPath(routes, "IP")
        for host, port in (("192.0.2.2", 2), ("192.0.2.1", 1), ("192.0.2.2", 2)):
            path.send(host, port, b"?")
            server.sendto(b"!", server.recvfrom(9)[1])
            assert path.poll(2) == [(host, port, b"!")]


def test_without_a_route_nothing_leaves() -> None:
    with made("192.0.2.1:5683=127.0.0.1:9") as routes:
        path = UdpPath(routes, "IP")
        assert not path.send("192.0.2.1", 5684, b"x")
        assert not path.has_route
        assert path.poll(60) == []  # and nothing is worth waiting for
        assert not routes.sent[0].delivered
        assert [entry.text for entry in routes.board.trace.of("net")] == [
            "dropped 192.0.2.1:5684 1 bytes 78"
        ]


@pytest.mark.skipif(sys.platform != "linux", reason="others do not tell")
@pytest.mark.parametrize(("target", "family"), [("127.0.0.1", "IP"), ("[::1]", "IPV6")])
def test_a_server_that_is_not_there_gets_nothing(target: str, family: str) -> None:
    with made(f"a.example:1={target}:1") as routes:
        path = UdpPath(routes, family)
        assert not path.send("a.example", 1, b"x")
        assert not path.send("a.example", 1, b"y")
        assert path.poll() == []
        assert [each.delivered for each in routes.sent] == [False, False]
        assert routes.board.trace.lines()[0].endswith("refused a.example:1 1 bytes 78")


def test_other_programs_are_strangers_and_can_be_answered(server: socket.socket) -> None:
    with made() as routes:
        path = UdpPath(routes, "IP")
        real = path.listen("10.0.0.1", 7)
        assert routes.listening == {("10.0.0.1", 7): real}
        server.sendto(b"hello", real)
        stranger = (STRANGER["IP"], server.getsockname()[1])
        assert path.poll(2) == [(*stranger, b"hello")]
        assert path.send(*stranger, b"who?")
        assert server.recvfrom(100) == (b"who?", real)


def test_closing_closes_every_real_socket(server: socket.socket) -> None:
    callee = socket.create_server(("127.0.0.1", 0))
    ports = server.getsockname()[1], callee.getsockname()[1]
    routes = made(f"192.0.2.1:1=127.0.0.1:{ports[0]}", f"192.0.2.1:2=127.0.0.1:{ports[1]}")
    path, stream = UdpPath(routes, "IP"), TcpPath(routes, "IP")
    path.send("192.0.2.1", 1, b"x")
    assert stream.connect("192.0.2.1", 2) == "connected"
    listener = TcpListener(routes, "IP", ("10.0.0.1", 80))
    routes.close()
    callee.close()
    assert path.closed and not path.has_route and not stream.has_route
    assert not path.send("192.0.2.1", 1, b"y")
    assert path.poll(60) == []
    assert listener.poll(60) is None
    assert stream.poll(60) == b""
    assert server.recv(10) == b"x"
    with pytest.raises(ConnectionRefusedError), socket.socket() as caller:
        caller.connect(listener.real)


# TCP


def test_a_stream_is_connected_refused_or_dropped() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with made(f"192.0.2.1:1=127.0.0.1:{port}", "192.0.2.1:2=127.0.0.1:1") as routes:
            assert TcpPath(routes, "IP").connect("192.0.2.1", 2) == "refused"
            assert TcpPath(routes, "IP").connect("192.0.2.1", 3) == "dropped"
            path = TcpPath(routes, "IP")
            assert path.connect("192.0.2.1", 1) == "connected"
            connection, _ = listener.accept()
            with connection:
                assert path.send(b"up")
                assert connection.recv(10) == b"up"
                connection.sendall(b"down")
                assert path.poll(2, 3) == b"dow"
                assert path.poll(2) == b"n"
                assert not path.ended
            assert path.poll(2) == b""
            assert path.ended
            assert not path.send(b"too late")
            assert [each.delivered for each in routes.sent] == [True, False]
