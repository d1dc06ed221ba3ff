"""TCP of the modem's own stack over the UART: networking/_nbiot_uart_stream.py."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.device import Device

MakeDevice = Callable[..., Device]
BYTES = b"\r\nOK\r\n\r\n> \x00\xff\x1b+++ \xc3\xa9 +SQNSH: 1\r\n"
UP = """
from networking import nbiot
nbiot.up(configured(_MODEM_LINK="auto", _IP_VERSION="IP"), "stream")
stream = nbiot.transport("stream")
stream.settimeout(5)

def timed(call, *args):
    begin_ms = timing.now_ms()
    return [raised(call, *args), timing.now_ms() - begin_ms]

from utils import timing
stream.connect(("192.0.2.7", 7))
"""
DOWN = "\nstream.close()\nshow(nbiot.down())\n"


@contextlib.contextmanager
def peer(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server for one connection; the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def accept() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        server.close()
        thread.join(20)


def device_for(make_device: MakeDevice, port: int, **modem: Any) -> Device:
    table = {"radio": {"loss": 0.0, "downlink_loss": 0.0}, "modem": modem}
    device = make_device(table, modem_on_boot=False, routes=[f"192.0.2.7:7=127.0.0.1:{port}"])
    device.emulator.routes.patience.rely(0.5)
    return device


def received(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(4096)
        if not more:
            break
        data += more
    return data


@pytest.mark.both_runtimes
@pytest.mark.parametrize("ring", ("datagram", "drained"))
def test_any_bytes_go_there_and_back_and_the_end_is_told(
    make_device: MakeDevice, ring: str
) -> None:
    payload = BYTES + bytes(range(256)) * 12
    heard = []

    def echo(connection: socket.socket) -> None:
        heard.append(received(connection, len(payload)))
        connection.sendall(heard[0])

    with peer(echo) as port:
        device = device_for(make_device, port, ring=ring)
        program = """
left = given()
while left:
    left = left[stream.send(left):]
data = b""
while True:
    more = stream.recv(700)
    if not more:
        break
    data += more
show(data)
"""
        data, down = device.run(UP + program + DOWN, payload)
    assert heard == [payload]
    assert data == payload and down is True
    assert not device.modem.in_data_mode and device.modem_rests()


def test_silence_ends_in_a_time_out_and_an_end_in_an_error(make_device: MakeDevice) -> None:
    def close_late(connection: socket.socket) -> None:
        received(connection, 5)

    with peer(close_late) as port:
        device = device_for(make_device, port)
        program = """
show(timed(stream.recv, 1))
stream.send(b"hello")
show(stream.recv(1))
show(timed(stream.send, b"more"))
"""
        [silent, silent_ms], end, [sending, _], down = device.run(UP + program + DOWN)
    assert "timed out" in silent[1] and 5000 <= silent_ms <= 6000
    assert end == b"" and sending[0] == "OSError" and down is True


def test_nobody_there_is_an_error_and_leaves_nothing_behind(make_device: MakeDevice) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    device = device_for(make_device, port)
    program = UP.replace("stream.connect(", "show(timed(stream.connect, ") + DOWN
    program = program.replace('("192.0.2.7", 7))', '("192.0.2.7", 7)))')
    [refused, took_ms], down = device.run(program)
    assert refused[0] == "OSError" and took_ms < 12_000 and down is True
