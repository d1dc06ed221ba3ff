"""usocket and uselect of the firmware over the data state: real servers, virtual time, quirks.

Expectations are those of Pycom firmware 1.20.2.r4 (esp32/mods/modusocket.c, lwipsocket.c).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devkit.servers.udp import UdpServer
from emulator.board.board import DEEPSLEEP_RESET, Board, Service
from emulator.modem.options import ModemOptions
from emulator.modem.power import Power
from emulator.modem.radio import Radio
from emulator.network.cell import Cell
from emulator.network.ip import Ip
from emulator.network.routes import Routes
from emulator.scenario import from_table
from tests.device import Bare
from tests.emulator.modem.socket_rig import TcpServer

RADIO = {"uplink_ms": 400, "turn_ms": 300, "loss": 0.0, "outliers": False}
HEAD = "import usocket as socket, utime as time, uselect\n"
UDP = "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
TCP = "s = socket.socket()\n"
TRY = "def attempt(f, *a):\n    try:\n        print(f(*a))\n    except Exception as e:\n        print(repr(e))\n"  # noqa: E501


class Lte(Service):
    """What Ip looks at of the driver."""

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.nic_registered = True
        self.ppp_address: str | None = "10.64.3.17"


class Net:
    def __init__(self, root: Path, **radio: Any) -> None:
        self.device = Bare(root)
        board = self.device.board
        scenario = from_table({"radio": {**RADIO, **radio}}, "test")
        self.cell = Cell(board, scenario.network, scenario.radio)
        self.routes = Routes(board)
        self.routes.patience.rely(2.0)
        self.lte = Lte(board)
        board.plug("lte", self.lte)
        radio = Radio(board, self.cell, Power(board, self.cell, ModemOptions()))
        radio.usable = True
        self.ip = Ip(board, self.routes, radio)
        board.plug("socket", self.ip)
        self.servers: list[Any] = []

    def run(self, text: str) -> list[str]:
        """Lines that the script prints."""
        self.device.run(HEAD + TRY + text)
        return "".join(self.device.printed).splitlines()

    def serve(self, reply: Callable[[bytes], Any] | None = lambda data: data) -> UdpServer:
        server = UdpServer(reply=reply)
        if reply is None:
            self.routes.patience.give_up()
        self.servers.append(server)
        self.routes.add("192.0.2.1", 5683, server.host, server.port)
        self.routes.add("node.example", 5683, server.host, server.port)
        return server

    def serve_tcp(self, handler: Callable[[socket.socket], None]) -> None:
        server = TcpServer(handler)
        self.servers.append(server)
        self.routes.add("192.0.2.1", 7, "127.0.0.1", server.port)

    def close(self) -> None:
        self.device.vm.shutdown()
        self.routes.close()
        for server in self.servers:
            server.close()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Net]]:
    made: list[Net] = []

    def build(**radio: Any) -> Net:
        made.append(Net(tmp_path / f"flash{len(made)}", **radio))
        return made[-1]

    yield build
    for net in made:
        net.close()


@pytest.fixture
def net(make: Callable[..., Net]) -> Net:
    return make()


def echo(connection: socket.socket) -> None:
    while data := connection.recv(4096):
        connection.sendall(data)


def hello_and_bye(connection: socket.socket) -> None:
    connection.sendall(b"one\ntwo\nrest")


# UDP


def test_a_datagram_goes_and_its_answer_comes_in_the_time_of_the_cell(net: Net) -> None:
    server = net.serve()
    assert net.run(
        UDP + "t = time.ticks_ms()\n"
        "print(s.sendto(b'\\x00abc', ('192.0.2.1', 5683)))\n"
        "print(time.ticks_diff(time.ticks_ms(), t) < 20)\n"
        "print(s.recvfrom(100))\n"
        "print(700 <= time.ticks_diff(time.ticks_ms(), t) <= 720)\n"
        "s.close()"
    ) == ["4", "True", "(b'\\x00abc', ('192.0.2.1', 5683))", "True"]
    assert [each.data for each in server.received] == [b"\x00abc"]
    assert net.cell.air_bytes_up == net.cell.air_bytes_down == 28 + 4
    assert net.routes.sent[0].delivered


def test_what_comes_too_late_is_a_timeout_and_no_builtin_exception(net: Net) -> None:
    net.serve(None)
    assert net.run(
        UDP + "s.sendto(b'x', ('192.0.2.1', 5683)); s.settimeout(2.5); t = time.ticks_ms()\n"
        "try:\n    s.recv(10)\n"
        "except socket.timeout as e:\n    print(repr(e), isinstance(e, OSError))\n"
        "d = time.ticks_diff(time.ticks_ms(), t); print(2500 <= d < 2520)\n"
        "try:\n    TimeoutError\nexcept NameError:\n    print('no builtin')"
    ) == ["TimeoutError('timed out',) True", "True", "no builtin"]


def test_a_socket_that_does_not_block(net: Net) -> None:
    net.serve()
    assert net.run(
        UDP + "s.setblocking(False); s.sendto(b'x', ('192.0.2.1', 5683))\n"
        "print(s.recv(10)); attempt(s.recvfrom, 10); print(s.read(10))\n"
        "time.sleep(2); print(s.recv(10))\n"
        "t = socket.socket(); t.settimeout(0); attempt(t.connect, ('192.0.2.1', 7))"
    ) == ["b''", "OSError(11,)", "None", "b'x'", "OSError(119,)"]


def test_a_datagram_is_read_at_once_or_in_part(net: Net) -> None:
    net.serve(lambda data: [b"abcdef", b"x" * 3000])
    assert net.run(
        UDP + "s.connect(('192.0.2.1', 5683)); print(s.send(b'?')); s.settimeout(9)\n"
        "print(s.recv(3)); print(len(s.recv(5000)))"
    ) == ["1", "b'abc'", "2048"]


def test_lost_on_air(make: Callable[..., Net]) -> None:
    net = make(loss=1.0)
    server = net.serve(None)
    net.run(UDP + "s.sendto(b'x', ('192.0.2.1', 5683)); time.sleep(3)")
    assert server.received == []
    assert [each.delivered for each in net.routes.sent] == [False]


@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        ("socket.socket(socket.AF_INET, 3)", "OSError('incorrect socket type',)"),
        ("socket.socket(10, 2)", "OSError('incorrect socket type',)"),
        ("s.sendto(b'x', ('node.example', 1))", "ValueError('invalid arguments',)"),
        ("s.connect(('node.example', 1))", "ValueError('invalid arguments',)"),
        ("s.connect(('2001:db8::1', 1))", "ValueError('invalid arguments',)"),
        ("s.send(b'x')", "OSError(128,)"),
        ("s.sendto(5, ('192.0.2.1', 1))", "TypeError('object with buffer protocol required',)"),
        ("s.sendto(bytes(65508), ('192.0.2.1', 1))", "OSError(122,)"),
        ("socket.socket().recv(1)", "OSError(128,)"),
        ("socket.socket().send(b'x')", "OSError(128,)"),
        ("s.close() or s.close() or s.recv(1)", "OSError(9,)"),
        ("[socket.socket() for i in range(10)]", "OSError(23,)"),
        ("socket.getaddrinfo('', 1)", "OSError(200,)"),
        ("socket.getaddrinfo('other.example', 1)", "OSError(202,)"),
        ("socket.getaddrinfo('192.0.2.9', 1, 0, 1, 0, 0, 0)", "TypeError"),
        ("socket.AF_INET6", "AttributeError"),
        ("s.shutdown(1)", "AttributeError"),
        ("s.__enter__()", "AttributeError"),
    ],
)  # fmt: skip
def test_what_is_refused_and_how(net: Net, call: str, outcome: str) -> None:
    (line,) = net.run(UDP + f"attempt(lambda: {call})")
    assert line.replace(",)", ")").startswith(outcome.replace(",)", ")"))


def test_without_an_interface_or_without_a_link(net: Net) -> None:
    net.lte.ppp_address = None
    assert net.run(
        UDP + "attempt(s.sendto, b'x', ('192.0.2.1', 1))\n"
        "attempt(socket.socket().connect, ('192.0.2.1', 7))\n"
        "attempt(socket.getaddrinfo, 'node.example', 1); print(socket.dnsserver())"
    ) == ["OSError(118,)", "OSError(118,)", "OSError(202,)", "('0.0.0.0', '0.0.0.0')"]
    net.device.printed.clear()
    net.lte.nic_registered = False
    card = "OSError('Network card not available',)"
    assert net.run("attempt(socket.socket); attempt(socket.getaddrinfo, 'a', 1)") == [card, card]


# names


def test_names(net: Net) -> None:
    net.serve()
    assert net.run(
        "t = time.ticks_ms(); a = socket.getaddrinfo('node.example', 5683); print(a)\n"
        "print(700 <= time.ticks_diff(time.ticks_ms(), t) <= 710)\n"
        "s = socket.socket(a[0][0], socket.SOCK_DGRAM); s.sendto(b'x', a[0][-1])\n"
        "print(s.recv(9))\n"
        "print(socket.getaddrinfo('192.0.2.9', 1, 0, socket.SOCK_STREAM))\n"
        "print(socket.dnsserver(), socket.dnsserver(1))\n"
        "print(socket.dnsserver(0, '192.0.2.7'), socket.dnsserver(0))"
    ) == [
        "[(2, 1, 0, '', ('198.51.100.1', 5683))]",
        "True",
        "b'x'",
        "[(2, 1, 0, '', ('192.0.2.9', 1))]",
        "('192.0.2.53', '198.51.100.53') 198.51.100.53",
        "None 192.0.2.7",
    ]
    assert net.routes.sent[0].host == "node.example"


# TCP


def test_a_stream_there_and_back(net: Net) -> None:
    net.serve_tcp(echo)
    assert net.run(
        TCP + "s.connect(('192.0.2.1', 7))\n"
        "total = 0\ndata = bytes(range(256)) * 40\n"
        "while total < len(data):\n    total += s.sendall(data[total:])\n"
        "back = b''\n"
        "while len(back) < len(data):\n    back += s.recv(5000)\n"
        "print(total, back == data); print(s.sendall(bytes(9000)) < 9000); s.close()"
    ) == ["10240 True", "True"]


def test_a_part_of_a_buffer_can_be_written(net: Net) -> None:
    net.serve_tcp(echo)
    assert net.run(
        TCP + "s.connect(('192.0.2.1', 7)); data = bytearray(b'abcdef')\n"
        "print(s.write(data, 2), s.write(data, 4, 9), s.write(data, 1, 1), s.write(b'x', 5))\n"
        "print(s.read(6))"
    ) == ["2 2 1 1", "b'abefbx'"]


def test_the_end_of_a_stream_and_lines(net: Net) -> None:
    net.serve_tcp(hello_and_bye)
    assert net.run(
        TCP + "s.connect(('192.0.2.1', 7)); f = s.makefile('rb')\n"
        "print(f.readline(), f.readline(2), f.read(), s.recv(5), s.read(), f.readline())\n"
        "attempt(s.send, b'x')"
    ) == ["b'one\\n' b'tw' b'o\\nrest' b'' b'' b''", "OSError(104,)"]


@pytest.mark.parametrize(
    ("route", "before", "outcome", "seconds"),
    [
        (True, "", "OSError(111,)", (0.7, 1.0)),
        (False, "", "OSError(113,)", (18.0, 18.3)),
        (False, "s.settimeout(3)", "TimeoutError('timed out',)", (3.0, 3.2)),
    ],
)
def test_a_failed_connection(
    net: Net, route: bool, before: str, outcome: str, seconds: tuple[float, float]
) -> None:
    if route:
        net.routes.add("192.0.2.1", 7, "127.0.0.1", 1)
    line, took_ms, after = net.run(
        TCP + before + "\nt = time.ticks_ms(); attempt(s.connect, ('192.0.2.1', 7))\n"
        "print(time.ticks_diff(time.ticks_ms(), t)); attempt(s.send, b'x')"
    )
    assert line == outcome
    assert seconds[0] <= int(took_ms) / 1000 <= seconds[1]
    assert after == ("OSError(9,)" if before else "OSError(128,)")  # a timeout has closed it


def test_a_server_waits_and_is_gone_with_a_reset(net: Net) -> None:
    assert net.run(TCP + "s.bind(('', 80)); s.listen(1); s.settimeout(1); attempt(s.accept)") == [
        "OSError(11,)"
    ]
    real = net.routes.listening["10.64.3.17", 80]
    socket.create_connection(real, 2).close()
    net.device.board.reset(DEEPSLEEP_RESET)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(real, 2)


def test_a_caller_is_accepted(net: Net) -> None:
    calls: list[socket.socket] = []

    def call() -> None:
        calls.append(socket.create_connection(net.routes.listening["10.64.3.17", 80], 2))
        calls[0].sendall(b"GET")

    net.device.board.clock.schedule_ms(10_000, call)
    lines = net.run(
        TCP + "s.bind(('0.0.0.0', 80)); s.listen(1)\n"
        "c, a = s.accept(); print(a[0]); print(c.recv(10)); print(c.send(b'200')); c.close()"
    )
    assert lines == ["198.51.100.254", "b'GET'", "3"]
    with calls[0] as caller:
        caller.settimeout(2)
        net.device.board.clock.advance(5_000_000)
        assert caller.recv(10) == b"200"


# select


def test_poll_and_select(net: Net) -> None:
    net.serve()
    assert net.run(
        UDP + "p = uselect.poll(); p.register(s, uselect.POLLIN); t = time.ticks_ms()\n"
        "print(p.poll(500)); print(time.ticks_diff(time.ticks_ms(), t) // 10)\n"
        "s.sendto(b'x', ('192.0.2.1', 5683))\n"
        "(o, mask), = p.poll(); print(o is s, mask)\n"
        "r, w, x = uselect.select([s], [s], [s], 1); print(len(r), len(w), len(x))\n"
        "s.recv(9); r, w, x = uselect.select([s], [], [], 0.5); print(len(r))\n"
        "p.modify(s, uselect.POLLOUT); print([m for o, m in p.ipoll(0)])\n"
        "p.unregister(s); print(p.poll(0)); attempt(p.register, 5)"
    ) == [
        "[]",
        "50",
        "True 1",
        "1 1 0",
        "0",
        "[4]",
        "[]",
        "OSError('stream operation not supported',)",
    ]


def test_handlers_run_while_a_socket_waits(net: Net) -> None:
    net.serve(None)
    assert net.run(
        UDP + "from machine import Timer\n"
        "Timer.Alarm(lambda a: print('alarm'), ms=500)\n"
        "s.settimeout(2); s.sendto(b'x', ('192.0.2.1', 5683)); attempt(s.recv, 1)"
    ) == ["alarm", "TimeoutError('timed out',)"]


def test_threads_run_while_a_socket_waits(net: Net) -> None:
    net.serve(None)
    assert net.run(
        UDP + "import _thread\n"
        "def other():\n    for i in range(3):\n        time.sleep_ms(300); print(i)\n"
        "_thread.start_new_thread(other, ())\n"
        "s.settimeout(2); s.sendto(b'x', ('192.0.2.1', 5683)); attempt(s.recv, 1)"
    ) == ["0", "1", "2", "TimeoutError('timed out',)"]


def test_a_socket_without_a_timeout_does_not_hang_the_emulation(net: Net) -> None:
    net.ip.forever_us = 3_600_000_000
    net.run(UDP + "s.bind(('', 5)); s.recv(1)")
    assert net.device.outcome is not None
    assert "nothing comes" in str(net.device.outcome.halt)
