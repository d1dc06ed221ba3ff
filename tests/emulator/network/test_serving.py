"""Servers on the board: who calls on its own network, as a station, and by `--serve`.

Numbers of errors are those of lwIP with CONFIG_LWIP_SO_REUSE and 10 sockets; the firmware's FTP
and telnet servers have two (Pycom firmware 1.20.2.r4, esp32/sdkconfig.h, telnet.c, ftp.c).
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from emulator.emulator import Emulator
from emulator.network import serving
from emulator.scenario import from_table

FIELD = {"ssid": "field-ap", "password": "field-password"}
OWN_NETWORK = """
import socket, select, network
from network import WLAN
wlan = WLAN()
def attempt(f, *a):
    try:
        return f(*a)
    except OSError as e:
        return e.args
def server(port):
    s = socket.socket()
    s.bind(("", port))
    s.listen(2)
    return s
print(wlan.mode() == WLAN.AP, wlan.isconnected(), wlan.ap_sta_list())
web = server(80)
print(attempt(server, 80), attempt(server, 21))
network.Server().deinit()
ftp = server(21)
held = [socket.socket() for _ in range(6)]
print(attempt(socket.socket), ftp.fileno())
for each in held:
    each.close()
names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names.bind(("0.0.0.0", 53))
poll = select.poll()
poll.register(web, select.POLLIN)
poll.register(names, select.POLLIN)
for _ in range(2):
    for ready, mask in poll.poll():
        if ready is web:
            caller, address = web.accept()
            print(address[0], caller.makefile("rwb", 0).readline(), caller.recv(9))
            caller.send("page")
            caller.close()
        else:
            query, address = names.recvfrom(99)
            print(address[0], query)
            names.sendto("answer", address)
print(wlan.isconnected(), wlan.ap_sta_list(), wlan.ap_tcpip_sta_list())
print(attempt(names.sendto, "x", ("192.0.2.1", 5)))
"""
OWN_NETWORK_PRINTS = """
True False []
(112,) (112,)
(23,) 3
192.168.4.2 b'GET /\\n' b'more'
192.168.4.2 b'which?'
True [(mac=b'\\x02\\x00\\x00\\x00\\x00\\x00', rssi=-50, wlan_protocol=1)] \
[(mac=b'\\x02\\x00\\x00\\x00\\x00\\x00', IP='192.168.4.2')]
(118,)
"""
STATION = """
import socket
from network import WLAN
wlan = WLAN(mode=WLAN.STA)
early = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
early.bind(("", 5000))
web = socket.socket()
web.bind(("", 80))
web.listen(1)
wlan.connect("field-ap", auth=(WLAN.WPA2, "field-password"))
print(early.recvfrom(9)[0])
caller, address = web.accept()
print(caller.recv(9), address[0], wlan.isconnected())
"""
STATION_PRINTS = "b'first'\nb'GET' 198.51.100.254 True\n"


def _run(
    folder: Path, program: str, calls: dict[int, Callable[[Emulator], None]], **options: Any
) -> str:
    """calls: virtual seconds -> what programs of this computer do then."""
    (folder / "main.py").write_text(program)
    printed: list[str] = []
    scenario = from_table({"wifi": {"access_points": [FIELD], **options.pop("wifi", {})}})
    with Emulator(
        scenario=scenario, flash=folder, console=printed.append, max_hours=1, **options
    ) as emulator:
        for second, call in calls.items():
            emulator.board.clock.schedule_ms(second * 1000, partial(call, emulator))
        emulator.run(["main.py"])
    return "".join(printed)


def _tcp(port: int, data: bytes, kept: list[socket.socket]) -> Callable[[Emulator], None]:
    def call(emulator: Emulator) -> None:
        (real,) = [to for at, to in emulator.routes.listening.items() if at[1] == port]
        kept.append(socket.create_connection(real, 5))
        kept[-1].sendall(data)

    return call


def _udp(port: int, data: bytes, kept: list[socket.socket]) -> Callable[[Emulator], None]:
    def call(emulator: Emulator) -> None:
        (real,) = [to for at, to in emulator.routes.listening.items() if at[1] == port]
        kept.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        kept[-1].sendto(data, real)

    return call


@pytest.mark.both_runtimes
def test_programs_call_the_servers_on_the_network_of_a_new_board(
    runtime: str, tmp_path: Path
) -> None:
    kept: list[socket.socket] = []
    calls = {20: _tcp(80, b"GET /\nmore", kept), 25: _udp(53, b"which?", kept)}
    assert _run(tmp_path, OWN_NETWORK, calls, vm=runtime) == OWN_NETWORK_PRINTS.lstrip()
    heard = []
    for each in kept:
        with each:
            each.settimeout(5)
            heard.append(each.recv(99))
    assert heard == [b"page", b"answer"]


def test_a_station_is_called_once_it_has_an_address(tmp_path: Path) -> None:
    kept: list[socket.socket] = []
    calls = {30: _udp(5000, b"first", kept), 40: _tcp(80, b"GET", kept)}
    assert _run(tmp_path, STATION, calls) == STATION_PRINTS
    for each in kept:
        each.close()


def test_guests_join_the_network_of_the_board(tmp_path: Path) -> None:
    program = (
        "from network import WLAN\nimport time\nwlan = WLAN(mode=WLAN.AP, ssid='own')\n"
        "wlan.ifconfig(id=1, config=('10.0.0.1', '255.255.255.0', '10.0.0.1', '0.0.0.0'))\n"
        "print(wlan.isconnected()); time.sleep(4)\n"
        "print(wlan.isconnected(), [each.IP for each in wlan.ap_tcpip_sta_list()])\n"
    )
    printed = _run(tmp_path, program, {}, wifi={"guests": 2})
    assert printed == "False\nTrue ['10.0.0.2', '10.0.0.3']\n"


def test_serve_names_the_port_of_this_computer_and_time_is_real_meanwhile(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    heard: list[bytes] = []

    def visit() -> None:
        for _ in range(200):
            try:
                with socket.create_connection(("127.0.0.1", port), 10) as peer:
                    peer.sendall(b"GET /\nmore")
                    heard.append(peer.recv(99))
                return
            except ConnectionRefusedError:  # not yet
                threading.Event().wait(0.05)

    program = (
        "import socket\ns = socket.socket()\ns.bind(('', 80))\ns.listen(1)\nc, a = s.accept()\n"
        "print(c.recv(99))\nc.send('page')\nc.close()\n"
    )
    visitor = threading.Thread(target=visit)
    visitor.start()
    assert _run(tmp_path, program, {}, serve=[f"80={port}"]) == "b'GET /\\nmore'\n"
    visitor.join()
    assert heard == [b"page"]


def test_who_waits_for_calls_in_vain_is_told_of_serve(tmp_path: Path) -> None:
    program = "import socket\ns = socket.socket()\ns.bind(('', 80))\ns.listen(1)\ns.accept()\n"
    (tmp_path / "main.py").write_text(program)
    with Emulator(flash=tmp_path, max_hours=30) as emulator:
        ip: Any = emulator.board.services["socket"]
        ip.forever_us = 60_000_000
        (cycle,) = emulator.run(["main.py"])
    assert "; --serve 80=PORT lets programs of this computer call" in str(cycle.error)


def test_what_a_program_sends_at_its_end_still_leaves(tmp_path: Path) -> None:
    program = (
        "import socket, time\nfrom network import WLAN\nwlan = WLAN(mode=WLAN.STA)\n"
        "wlan.connect('field-ap', auth=(WLAN.WPA2, 'field-password'))\n"
        "while not wlan.isconnected():\n    time.sleep_ms(50)\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "s.sendto('last', ('192.0.2.1', 5683))\n"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        route = f"192.0.2.1:5683=127.0.0.1:{server.getsockname()[1]}"
        assert _run(tmp_path, program, {}, routes=[route]) == ""
        assert server.recv(99) == b"last"


@pytest.mark.parametrize("text", ["80", "80=", "=80", "80=0", "80=70000", "a=80", "80=-1"])
def test_serve_is_a_pair_of_ports(text: str) -> None:
    with pytest.raises(ValueError, match="allowed: PORT=PORT"):
        serving.parsed(text)


def test_a_port_that_another_program_has_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=f"port {port}"):
            serving.check_free(f"80={port}")
    serving.check_free(f"80={port}")
