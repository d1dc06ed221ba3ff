"""ussl over a socket of the board, against real servers on this computer.

Errors are those of Pycom firmware 1.20.2.r4 (esp32/mods/modussl.c, lwipsocket.c) with the numbers
of mbedTLS 2.16.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.emulator import Emulator
from emulator.scenario import from_table
from tests.tls_peers import PEER, certificate, echo_server, routed

Run = Callable[..., list[str]]
JOIN = """
import socket, ssl, time
from network import WLAN
wlan = WLAN(mode=WLAN.STA)
wlan.connect('field-ap', auth=(WLAN.WPA2, 'for-documentation'))
while not wlan.isconnected():
    time.sleep_ms(50)
PEER = ('192.0.2.20', 8883)

def connected(**k):
    s = socket.socket()
    s.connect(PEER)
    return ssl.wrap_socket(s, **k)

def connecting(timeout=None, **k):
    s = ssl.wrap_socket(socket.socket(), **k)
    if timeout:
        s.settimeout(timeout)
    s.connect(PEER)
    return s

def attempt(f, *a, **k):
    try:
        s = f(*a, **k)
        print(s.send(b'ping'), s.recv(10))
        s.close()
    except Exception as e:
        print(type(e).__name__, e.args)
"""
TRUST = "cert_reqs=ssl.CERT_REQUIRED, ca_certs='/flash/cert.pem'"
OTHER = "ca_certs='/flash/other.pem'"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    certificate(folder, "cert.pem", "key.pem")
    certificate(folder, "other.pem", "other_key.pem")
    (folder / "garbage.pem").write_text("no certificate")
    return folder


@pytest.fixture
def run(tmp_path: Path, certificates: Path, runtime: str) -> Run:
    def run(program: str, port: int) -> list[str]:
        flash = tmp_path / "flash"
        flash.mkdir()
        for file in certificates.iterdir():
            (flash / file.name).write_bytes(file.read_bytes())
        (flash / "main.py").write_text(JOIN + program)
        printed: list[str] = []
        with Emulator(
            scenario=from_table({}), flash=flash, routes=[routed(port)], console=printed.append,
            max_hours=1, vm=runtime,
        ) as emulator:  # fmt: skip
            emulator.run(["main.py"])
        return "".join(printed).splitlines()

    return run


@pytest.fixture(scope="module")
def echo(certificates: Path) -> Iterator[int]:
    with echo_server(certificates) as port:
        yield port


def _plain(answer: bytes | None) -> Iterator[int]:
    """A server without TLS: it answers so, None: not at all, b"": by closing."""
    kept: list[socket.socket] = []

    def serve(server: socket.socket) -> None:
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            kept.append(peer)
            if answer is not None:
                peer.recv(100)
                peer.sendall(answer)
                peer.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
    for peer in kept:
        peer.close()


@pytest.fixture
def plain(request: Any) -> Iterator[int]:
    yield from _plain(request.param)


@pytest.mark.both_runtimes(every=4)
@pytest.mark.parametrize("order", ["connected", "connecting"])
@pytest.mark.parametrize(
    ("options", "wrapped_last", "wrapped_first"),
    [
        ("", "4 b'ping'", "4 b'ping'"),
        ("server_hostname='elsewhere'", "4 b'ping'", "4 b'ping'"),
        (TRUST, "4 b'ping'", "4 b'ping'"),
        (TRUST + ", server_hostname='localhost'", "4 b'ping'", "4 b'ping'"),
        (TRUST + ", server_hostname='elsewhere'", "OSError (-9984,)", "OSError (-9984,)"),
        ("cert_reqs=ssl.CERT_REQUIRED, " + OTHER, "OSError (-9984,)", "OSError (-9984,)"),
        ("cert_reqs=ssl.CERT_OPTIONAL, " + OTHER, "OSError (-1,)", "OSError (8,)"),
        (
            TRUST.replace("REQUIRED", "OPTIONAL") + ", server_hostname='elsewhere'",
            "OSError (-1,)",
            "OSError (4,)",
        ),
        ("cert_reqs=1, ca_certs='/flash/garbage.pem'", "OSError (-8576,)", "OSError (-8576,)"),
        ("certfile='/flash/cert.pem', keyfile='/flash/key.pem'", "4 b'ping'", "4 b'ping'"),
        (
            "certfile='/flash/cert.pem', keyfile='/flash/garbage.pem'",
            "OSError (-15616,)",
            "OSError (-15616,)",
        ),
    ],
)
def test_a_certificate_counts_as_the_arguments_say(
    run: Run, echo: int, order: str, options: str, wrapped_last: str, wrapped_first: str
) -> None:
    lines = run(f"attempt({order}, {options})", echo)
    assert lines == [wrapped_last if order == "connected" else wrapped_first]


@pytest.mark.both_runtimes
@pytest.mark.parametrize(
    ("plain", "number"),
    [(b"HTTP/1.0 400 Bad Request\r\n\r\n", -0x7200), (b"", -0x7280)],
    indirect=["plain"],
)
def test_a_server_without_tls_is_an_error_of_mbedtls(run: Run, plain: int, number: int) -> None:
    lines = run("attempt(connected)\nattempt(connecting)", plain)
    assert lines == [f"OSError ({number},)"] * 2


@pytest.mark.parametrize("plain", [None], indirect=True)
def test_a_silent_server_costs_eleven_timeouts_and_the_socket(run: Run, plain: int) -> None:
    program = "t = time.ticks_ms()\nattempt(connecting, 2)\nprint((time.ticks_ms() - t) // 1000)"
    failed, waited_s = run(program, plain)
    assert failed == "OSError (-26624,)"
    assert 22 <= int(waited_s) <= 24


@pytest.mark.both_runtimes
def test_a_saved_session_makes_the_next_handshake_short(run: Run, echo: int) -> None:
    program = """
first = connected()
first.write(b'x')
saved = ssl.save_session(first)
first.close()
spent = []
for session in (None, saved):
    start = time.ticks_ms()
    connected(saved_session=session).close()
    spent.append(time.ticks_ms() - start)
print(spent[0] - spent[1] > 1000)
"""
    assert run(program, echo) == ["True"]


@pytest.mark.both_runtimes
def test_much_data_arrive_whole_and_in_order(run: Run, echo: int) -> None:
    program = """
s = connected()
data = bytes(range(250)) * 20
print(s.write(data), s.read(len(data)) == data)
s.write(b'one\\ntwo\\n')
print(s.readline(), s.readline())
s.setblocking(False)
s.write(b'it waits all the same')
print(s.recv(100))
"""
    assert run(program, echo) == [
        "5000 True",
        r"b'one\n' b'two\n'",
        "b'it waits all the same'",
    ]


@pytest.mark.both_runtimes
def test_a_wrapped_socket_sends_nothing_before_it_is_connected(run: Run, echo: int) -> None:
    assert run("attempt(ssl.wrap_socket, socket.socket())", echo) == ["OSError (128,)"]
    assert PEER == ("192.0.2.20", 8883)


def test_the_board_can_be_the_server(tmp_path: Path, certificates: Path) -> None:
    program = """
server = socket.socket()
server.bind(('', 443))
server.listen(1)
c, _ = server.accept()
s = ssl.wrap_socket(c, server_side=True, certfile='/flash/cert.pem', keyfile='/flash/key.pem')
print(s.recv(10))
s.write(b'answer')
time.sleep(5)
s.close()
"""
    heard: list[bytes] = []
    for file in certificates.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "main.py").write_text(JOIN + program)
    printed: list[str] = []
    with Emulator(
        scenario=from_table({}), flash=tmp_path, console=printed.append, max_hours=1
    ) as emulator:

        def call() -> None:
            (address,) = emulator.routes.listening.values()
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

            def talk() -> None:
                with (
                    socket.create_connection(address, 10) as raw,
                    context.wrap_socket(raw) as peer,
                ):
                    peer.sendall(b"hello")
                    heard.append(peer.recv(100))

            threads.append(threading.Thread(target=talk))
            threads[0].start()

        threads: list[threading.Thread] = []
        emulator.board.clock.schedule_ms(20_000, call)
        emulator.run(["main.py"])
        threads[0].join(10)
    assert "".join(printed) == "b'hello'\n"
    assert heard == [b"answer"]
