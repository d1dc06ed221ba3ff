"""lib/microATsocket: the face of the original, datagrams both ways, six sockets, names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devkit.servers.server import Received
from devkit.servers.udp import UdpServer
from tests.device import Device

MakeDevice = Callable[..., Device]
V4, V6 = "192.0.2.1", "2001:db8::1"
OPENED = f"""
import utime
import microATsocket as socket
from networking import nbiot
from network import LTE

assert nbiot.connect(configured(), False).status == 1
lte = LTE()
V4, V6 = ("{V4}", 5683), ("{V6}", 5683)

def opened(family=socket.AF_INET6):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setModemInstance(lte)
    return sock

def took_ms(action, *args):
    start_us = utime.ticks_cpu()
    result = action(*args)
    return result, utime.ticks_diff(utime.ticks_cpu(), start_us) // 1000

sock = opened()
"""


class Server(UdpServer):
    """Answers each datagram with what `says` holds for it; without an entry it stays silent."""

    def __init__(self) -> None:
        self.says: dict[bytes, Any] = {}
        self.heard: Callable[[Received], object] = lambda received: None
        super().__init__(reply=lambda data: self.says.get(data, ()))

    def _keep(self, item: Received) -> None:
        super()._keep(item)
        self.heard(item)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


def routes(server: UdpServer, port: int = 5683) -> list[str]:
    target = f"127.0.0.1:{server.port}"
    return [f"{V4}:{port}={target}", f"[{V6}]:{port}={target}"]


@pytest.fixture
def run(make_device: MakeDevice, server: Server) -> Callable[..., list[Any]]:
    def run(
        program: str,
        given: Any = None,
        faults: list[dict[str, Any]] | None = None,
        **sections: Any,
    ) -> list[Any]:
        firmware = sections.pop("firmware", "1.20.2.r4")
        more_routes = sections.pop("routes", [])
        radio = {"loss": 0.0, "downlink_loss": 0.0, "attach_ms": 2500, "outliers": False,
                 "uplink_ms": 800, "turn_ms": 200}  # fmt: skip
        table = {"radio": radio, **sections}
        table["fault"] = [{"point": "command", **fault} for fault in faults or []]
        run.device = make_device(table, routes=[*routes(server), *more_routes], firmware=firmware)
        # a server that answers does so before virtual time passes, on a busy machine as well
        run.device.emulator.routes.patience.rely(0.5)
        return run.device.run(OPENED + program, given)

    return run


Run = Callable[..., list[Any]]


def test_public_face(run: Run) -> None:
    names = [
        "setModemInstance", "setMessageFormat", "bind", "sendto", "recvfrom", "settimeout",
        "setblocking", "getaddrinfo", "dnsserver", "close", "open",
    ]  # fmt: skip
    shown = run(
        """
show([socket.AF_INET, socket.AF_INET6, socket.SOCK_DGRAM])
format = sock.SOCKET_MESSAGE_FORMAT
show([format.SOCKET_MESSAGE_ASCII, format.SOCKET_MESSAGE_BYTE])
show([name for name in given() if not callable(getattr(sock, name))])
show(type(socket.socket()).__name__)
show(sock.dnsserver())
show(raised(socket.socket, 99, socket.SOCK_DGRAM))
show(raised(socket.socket, socket.AF_INET, 1))
show(raised(sock.setMessageFormat, 7))
""",
        names,
    )
    assert shown[:3] == [[2, 10, 2], [0, 1], []]
    assert shown[4] == ["0.0.0.0", "0.0.0.0"]
    for kind, text in shown[5:]:
        assert kind == "ValueError" and "allowed" in text


@pytest.mark.parametrize("family", ("AF_INET", "AF_INET6"))
@pytest.mark.parametrize("form", ("BYTE", "ASCII"))
def test_there_and_back(run: Run, server: Server, family: str, form: str) -> None:
    server.says[b"ping"] = b"pong"
    shown = run(
        f"""
sock = opened(socket.{family})
sock.setMessageFormat(sock.SOCKET_MESSAGE_FORMAT.SOCKET_MESSAGE_{form})
show(sock.sendto(b"ping", {"V4" if family == "AF_INET" else "V6"}))
show(sock.recvfrom(512))
sock.close()
"""
    )
    host = V4 if family == "AF_INET" else V6
    assert shown == [4, [b"pong" if form == "BYTE" else "pong", [host, 5683]]]


BYTES = [b"\0", b"a\0b", b"\r", b"\r\nOK\r\n", b"+++", b"\x1a\x1b", b"AT+CFUN=0\r", b" spaces ",
         b'q"uote,s', bytes(range(62)), bytes(range(190, 252)), "grün".encode()]  # fmt: skip


def test_any_bytes_go_out_as_hex(run: Run, server: Server) -> None:
    sent = run("for data in given():\n    show(sock.sendto(data, V6))\nutime.sleep(40)", BYTES)
    assert sent == [len(data) for data in BYTES]
    server.wait_for(len(BYTES))
    assert [datagram.data for datagram in server.received] == BYTES


def test_any_bytes_come_in(run: Run, server: Server) -> None:
    for index, data in enumerate(BYTES):
        server.says[b"%d" % index] = data
    shown = run(
        """
for n in range(given()):
    sock.sendto(b"%d" % n, V6)
    show(sock.recvfrom(512)[0])
""",
        len(BYTES),
    )
    assert shown == BYTES


def test_ascii_format_gives_text_where_it_is_text(run: Run, server: Server) -> None:
    server.says.update({b"1": "grün OK\r\n".encode(), b"2": b"\xff\xfe\0"})
    shown = run(
        """
sock.setMessageFormat(sock.SOCKET_MESSAGE_FORMAT.SOCKET_MESSAGE_ASCII)
for n in (b"1", b"2"):
    sock.sendto(n, V6)
    show(sock.recvfrom(512)[0])
"""
    )
    assert shown == ["grün OK\r\n", b"\xff\xfe\0"]


def test_text_is_sent_as_utf_8(run: Run, server: Server) -> None:
    assert run("show(sock.sendto('grün', V6))\nutime.sleep(5)") == [5]
    server.wait_for(1)
    assert server.received[0].data == "grün".encode()


LIMITS = (("1.20.2.r4", 62, 124), ("1.20.2.r7", 1500, 1500))


@pytest.mark.parametrize("firmware, as_hex, as_is", LIMITS)
def test_what_can_never_be_sent_is_refused(
    run: Run, firmware: str, as_hex: int, as_is: int
) -> None:
    shown = run(
        """
as_hex, as_is = given()
show(sock.sendto(bytes(as_hex), V6))
show(raised(sock.sendto, bytes(as_hex + 1), V6))
sock.setMessageFormat(sock.SOCKET_MESSAGE_FORMAT.SOCKET_MESSAGE_ASCII)
show(sock.sendto(bytes(as_is), V6))
show(raised(sock.sendto, bytes(as_is + 1), V6))
show(raised(sock.sendto, b"", V6))
show(raised(sock.sendto, "aPycom_Dummyb", V6))
for port in (0, 65536, -1, "7", None, True):
    show(raised(sock.sendto, b"x", ("2001:db8::1", port)))
""",
        [as_hex, as_is],
        firmware=firmware,
    )
    assert (shown[0], shown[2]) == (as_hex, as_is)
    for (kind, text), limit in zip(shown[1:4:2], (as_hex, as_is), strict=True):
        assert kind == "ValueError" and f"1 to {limit}" in text
    for kind, text in shown[4:]:
        assert kind == "ValueError" and "allowed" in text


INJECTIONS = ('::1",0,0,1\rAT+CFUN=0', "::1\r\n", '"', "::1\0")


@pytest.mark.parametrize("host", INJECTIONS)
def test_an_address_cannot_carry_a_command(run: Run, host: str) -> None:
    [outcome] = run(
        """
def attempt():
    assert sock.sendto(b"x", (given(), 5683)) == -1
show(raised(attempt))
""",
        host,
    )
    assert outcome is None or outcome[0] == "ValueError"
    device = run.device  # type: ignore[attr-defined]
    assert device.modem.cfun == 1
    assert not any("CFUN=0" in line for line in device.traced("at>"))


def test_six_sockets_and_no_seventh(run: Run) -> None:
    shown = run(
        """
socks = [sock] + [opened() for _ in range(5)]
show([each.sendto(b"x", V6) for each in socks])
show(raised(socket.socket))
socks[2].close()
socks[2].close()
socks[4].drop()
again = [opened(), opened()]
show([each.sendto(b"y", V6) for each in again])
show(raised(socket.socket))
for each in socks + again:
    each.close()
show(len([opened() for _ in range(6)]))
"""
    )
    assert shown[0] == [1] * 6 and shown[2] == [1] * 2 and shown[4] == 6
    assert shown[1][0] == shown[3][0] == "OSError"
    lines = [line for line in run.device.commands if line.startswith("AT+SQNSD=")]  # type: ignore[attr-defined]
    assert {line[9] for line in lines} == set("123456")


def test_a_socket_may_be_used_after_close(run: Run) -> None:
    assert run(
        "show(sock.sendto(b'a', V6))\nsock.close()\nshow(sock.sendto(b'b', V6))\nsock.close()"
    ) == [1, 1]


def test_close_never_raises(run: Run) -> None:
    shown = run(
        """
show(raised(socket.socket().close))
sock.sendto(b"x", V6)
nbiot.deactivate()
show(raised(sock.close))
show(len([socket.socket() for _ in range(6)]))
"""
    )
    assert shown == [None, None, 6]


REFUSALS = {
    "settings": ("AT+SQNSCFG=", {"do": "error"}),
    "dial": ("AT+SQNSD", {"do": "error"}),
    "dial with a code": ("AT+SQNSD", {"do": "error", "cme": 3}),
    "prompt": ("AT+SQNSSENDEXT", {"do": "error"}),
    "silence": ("AT+SQNSSENDEXT", {"do": "mute"}),
    "restart": ("AT+SQNSSENDEXT", {"do": "crash"}),
    "mute": ("AT+SQNSSENDEXT", {"do": "mute", "forever": True}),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refused_datagram_is_minus_one(run: Run, server: Server, name: str) -> None:
    match, fault = REFUSALS[name]
    assert run("show(sock.sendto(b'x', V6))", faults=[{"match": match, **fault}]) == [-1]
    assert server.received == []


def test_a_refusal_once_is_no_lasting_harm(run: Run, server: Server) -> None:
    shown = run(
        "for n in range(3):\n    show(sock.sendto(b'%d' % n, V6))\nutime.sleep(9)",
        faults=[{"match": "AT+SQNSSENDEXT", "do": "error", "nth": 2}],
    )
    assert shown == [1, 1, 1]  # dialled anew, and sent
    server.wait_for(3)
    assert [datagram.data for datagram in server.received] == [b"0", b"1", b"2"]


def test_the_network_does_not_have_this_family(run: Run) -> None:
    [sent] = run("show(sock.sendto(b'x', V6))", network={"pdn_types": ["IP"]})
    assert sent == -1


def test_a_changed_destination_is_dialled(run: Run, server: Server) -> None:
    with UdpServer() as other:
        shown = run(
            f"""
for data, to in ((b"1", V6), (b"2", V6), (b"3", ("{V6}", 7)), (b"4", V6)):
    show(sock.sendto(data, to))
utime.sleep(9)
""",
            routes=routes(other, 7),
        )
        assert shown == [1] * 4
        server.wait_for(3)
        other.wait_for(1)
        assert [datagram.data for datagram in server.received] == [b"1", b"2", b"4"]
        assert [datagram.data for datagram in other.received] == [b"3"]
    dials = [line for line in run.device.commands if line.startswith("AT+SQNSD=")]  # type: ignore[attr-defined]
    assert len(dials) == 3


# Receiving


@pytest.mark.parametrize("seconds, most_ms", ((2, 2000), (0.5, 500), (0, 0), (5, 5000)))
def test_receiving_waits_for_the_given_time_only(run: Run, seconds: float, most_ms: int) -> None:
    [[answer, ms]] = run(
        "sock.sendto(b'x', V6)\nsock.settimeout(given())\nshow(took_ms(sock.recvfrom, 512))",
        seconds,
    )
    assert answer == [None, None]
    assert most_ms <= ms <= most_ms + 250


def test_not_blocking_and_the_default_wait(run: Run) -> None:
    shown = run(
        """
sock.sendto(b"x", V6)
show(took_ms(sock.recvfrom, 512))
sock.setblocking(False)
show(took_ms(sock.recvfrom, 512))
sock.setblocking(True)
show(took_ms(sock.recvfrom, 512))
sock.settimeout(None)
show(took_ms(sock.recvfrom, 512))
"""
    )
    for (answer, ms), least in zip(shown, (9500, 0, 9500, 9500), strict=True):
        assert answer == [None, None]
        assert least <= ms <= least + 250


def test_before_anything_was_sent_there_is_nothing_to_receive(run: Run) -> None:
    shown = run("show(took_ms(sock.recvfrom, 512))\nshow(socket.socket().recvfrom(1))")
    assert shown[0][0] == [None, None] and shown[0][1] < 10_000
    assert shown[1] == [None, None]


def test_receiving_ends_as_soon_as_the_datagram_is_there(run: Run, server: Server) -> None:
    server.says[b"x"] = b"answer"
    [[answer, ms]] = run(
        "sock.sendto(b'x', V6)\nsock.settimeout(60)\nshow(took_ms(sock.recvfrom, 512))"
    )
    assert answer[0] == b"answer"
    assert ms < 5000


def test_announced_during_another_command(run: Run, server: Server) -> None:
    """The firmware drops what waits in its buffer before each command."""
    server.says[b"x"] = b"answer"
    [answer] = run(
        """
sock.sendto(b"x", V6)
for _ in range(80):
    nbiot.sendAtCommand("AT")
    utime.sleep_ms(50)
sock.settimeout(1)
show(sock.recvfrom(512))
"""
    )
    assert answer == [b"answer", [V6, 5683]]


def test_announced_while_another_socket_listens(run: Run, server: Server) -> None:
    server.says[b"x"] = b"answer"
    shown = run(
        """
other = opened()
other.sendto(b"silent", V6)
sock.sendto(b"x", V6)
other.settimeout(6)
show(other.recvfrom(512))
sock.settimeout(0)
show(sock.recvfrom(512)[0])
"""
    )
    assert shown == [[None, None], b"answer"]


@pytest.mark.parametrize("ring", ("datagram", "drained"))
@pytest.mark.parametrize("nothing", ("error", "empty"))
def test_several_pending_datagrams(run: Run, server: Server, ring: str, nothing: str) -> None:
    server.says[b"x"] = [b"one", b"two", b"three", b"four"]
    shown = run(
        """
sock.sendto(b"x", V6)
utime.sleep(10)
sock.settimeout(2)
for _ in range(5):
    show(sock.recvfrom(512)[0])
""",
        modem={"ring": ring, "nothing_to_read": nothing},
    )
    assert shown == [b"one", b"two", b"three", b"four", None]


def test_an_empty_datagram(run: Run, server: Server) -> None:
    server.says[b"x"] = [b"", b"behind"]
    shown = run(
        """
sock.sendto(b"x", V6)
sock.settimeout(4)
show(sock.recvfrom(512)[0])
show(sock.recvfrom(512)[0])
""",
        modem={"nothing_to_read": "empty"},
    )
    assert shown in ([b"", b"behind"], [b"behind", None])  # its length alone may not be noticed
    assert b"behind" in shown


@pytest.mark.parametrize("size", (1, 5, 12, 1500))
def test_bufsize(run: Run, server: Server, size: int) -> None:
    server.says[b"x"] = b"twelve bytes"
    [data] = run("sock.sendto(b'x', V6)\nshow(sock.recvfrom(given())[0])", size)
    assert data == b"twelve bytes"[:size]


def test_a_long_datagram_comes_whole(run: Run, server: Server) -> None:
    """More than the 2046 bytes of one reply of the firmware, as hex."""
    server.says[b"x"] = bytes(range(256)) * 5
    [data] = run("sock.sendto(b'x', V6)\nshow(sock.recvfrom(1500)[0])")
    assert data == bytes(range(256)) * 5


@pytest.mark.parametrize("bound", (True, False))
def test_bound_to_a_port_it_hears_others_and_tells_who(
    run: Run, server: Server, bound: bool
) -> None:
    with UdpServer() as other:
        server.heard = lambda received: other.send(b"from another", received.source)
        sent, (data, sender) = run(
            ("sock.bind(('', 4444))\n" if bound else "")
            + "show(sock.sendto(b'x', V6))\nshow(sock.recvfrom(512))"
        )
        assert sent == 1
        if bound:
            assert (data, sender[1]) == (b"from another", other.port)
            assert sender[0] not in (V6, "")
        else:
            assert (data, sender) == (None, None)
    [dial] = [line for line in run.device.commands if line.startswith("AT+SQNSD=")]  # type: ignore[attr-defined]
    assert dial.endswith(",4444,1,1" if bound else ",0,1,0")


def test_bind_checks_the_port(run: Run) -> None:
    for kind, text in run("for port in (-1, 65536, 'x', None):\n"
                          "    show(raised(sock.bind, ('', port)))"):  # fmt: skip
        assert kind == "ValueError" and "65535" in text


COMMANDS = ("AT+SQNSCFGEXT", "AT+SQNSD", "AT+SQNSSENDEXT", "AT+SQNSI", "AT+SQNSRECV", "AT+SQNSH")
ROUND_TRIP = """
show(sock.sendto(b"x", V6))
sock.settimeout(8)
show(sock.recvfrom(512)[0])
sock.close()
"""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("place", ("before", "between", "after"))
def test_urcs_around_every_reply(run: Run, server: Server, command: str, place: str) -> None:
    server.says[b"x"] = b"answer"
    for urc in ("+CEREG: 5", "+SQNSRING: 2,5", '+CTZV: "+04"'):
        fault = {"match": command, "do": "urc", "where": place, "text": urc}
        assert run(ROUND_TRIP, faults=[fault]) == [1, b"answer"], urc


@pytest.mark.parametrize("size", (1, 2, 3, 7))
def test_replies_in_pieces(run: Run, server: Server, size: int) -> None:
    server.says[b"x"] = b"answer"
    chunks = {"chunk_bytes": size, "chunk_gap_ms": 20.0}
    assert run(ROUND_TRIP, modem=chunks) == [1, b"answer"]


def test_a_modem_that_falls_mute_extends_no_wait(run: Run, server: Server) -> None:
    fault = {"match": "AT+SQNSI", "do": "mute", "forever": True}
    data, took_ms = run(
        """
sock.sendto(b"x", V6)
sock.settimeout(2)
data, ms = took_ms(sock.recvfrom, 512)
show(data[0])
show(ms)
""",
        faults=[fault],
    )
    assert data is None and 2000 <= took_ms < 3100


TROUBLE: dict[str, dict[str, Any]] = {
    "ERROR": {"do": "error"}, "silence": {"do": "mute"}, "late": {"do": "late", "late_ms": 3000},
    "final late": {"do": "late", "late_ms": 3000, "part": "final"},
    "final missing": {"do": "missing_ok"}, "information missing": {"do": "no_info"},
    "garbage": {"do": "garbage", "text": "\r\n+SQNSI\r\n+SQNSRECV: 1\r\n\xff"},
    "first bytes lost": {"do": "cut", "first": 5}, "last bytes lost": {"do": "cut", "last": 5},
    "most lost": {"do": "cut", "last": 14},
    "glued": {"do": "glued"}, "crash": {"do": "crash"},
    "crash, answered": {"do": "crash", "delay_ms": 60},
}  # fmt: skip


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("command", COMMANDS)
def test_trouble_at_every_command_ends_in_an_answer(
    run: Run, server: Server, command: str, trouble: str
) -> None:
    server.says[b"x"] = b"answer"
    polled = command in ("AT+SQNSI", "AT+SQNSRECV")
    for nth in (1, 0) if polled else (1,):  # the others are sent once
        sent, data = run(ROUND_TRIP, faults=[{"match": command, "nth": nth, **TROUBLE[trouble]}])
        assert sent in (1, -1)
        assert data in (b"answer", None)


# Names


def test_names_are_resolved_by_the_modem(run: Run, server: Server) -> None:
    server.says[b"x"] = b"answer"
    shown = run(
        """
found = sock.getaddrinfo("server.example", 5683)
show(found)
family, kind, _, _, address = found[0]
show([family, kind])
show(sock.sendto(b"x", address))
show(sock.recvfrom(512)[0])
show(opened(socket.AF_INET).getaddrinfo("server.example", 7)[0][4])
show(sock.getaddrinfo("nobody.example", 7))
""",
        routes=[f"server.example:5683=127.0.0.1:{server.port}"],
    )
    assert len(shown[0]) == 1 and ":" in shown[0][0][4][0] and shown[0][0][4][1] == 5683
    assert shown[1:4] == [[10, 2], 1, b"answer"]
    assert shown[4][0].count(".") == 3 and shown[4][1] == 7
    assert shown[5] == []


@pytest.mark.parametrize("host", ("", 'a"b', "a\rAT+CFUN=0", "a\nb", "a\0b", 'x",0;+CFUN=0'))
def test_a_name_cannot_carry_a_command(run: Run, host: str) -> None:
    [[kind, text]] = run("show(raised(sock.getaddrinfo, given(), 7))", host)
    assert kind == "ValueError" and "host" in text
    assert not any("DNSLKUP" in line for line in run.device.commands)  # type: ignore[attr-defined]


def test_a_name_fits_into_the_line_of_the_firmware(run: Run) -> None:
    """124 bytes, 33 of which are AT+SQNSD=6,1,65535,"",0,65535,1,1."""
    known, *refused = run(
        """
six = [opened() for _ in range(5)][-1]
six.bind(("", 65535))
show(six.sendto(b"x", ("a" * 91, 65535)))
show(raised(six.sendto, b"x", ("a" * 92, 65535)))
show(raised(six.getaddrinfo, "a" * 92, 7))
"""
    )
    assert known == -1  # nobody knows that name
    assert refused == [["ValueError", "length of host = 92; allowed: up to 91 bytes"]] * 2
    commands: list[str] = run.device.commands  # type: ignore[attr-defined]
    assert max(map(len, commands)) == 124 and not any("a" * 92 in line for line in commands)


def test_without_a_modem_instance(run: Run) -> None:
    [[kind, text]] = run("show(raised(socket.socket().sendto, b'x', V4))")
    assert kind == "OSError" and "modem" in text


def test_works_with_every_ip_version_that_the_network_gave(run: Run, server: Server) -> None:
    shown = run(
        """
v4 = opened(socket.AF_INET)
for n in range(4):
    show((v4 if n % 2 else sock).sendto(b"%d" % n, V4 if n % 2 else V6))
utime.sleep(9)
"""
    )
    assert shown == [1] * 4
    server.wait_for(4)
    assert sorted(datagram.data for datagram in server.received) == [b"0", b"1", b"2", b"3"]


FIRST = b"AT first, payload once"


@pytest.mark.parametrize("do", ("glued", "late"))
@pytest.mark.parametrize("hex", (0, 1))
def test_a_prompt_that_nobody_saw_takes_no_command_for_payload(
    run: Run, server: Server, hex: int, do: str
) -> None:
    """A useless datagram of blanks may go out; the next one is sent, and soon."""
    late = {"late_ms": 11_000} if do == "late" else {}
    fault = {"match": "AT+SQNSSENDEXT", "nth": 1, "do": do, **late}
    first, (second, ms), answer = run(
        """
from utils import at
sock.setMessageFormat(given()[0])
show(sock.sendto(given()[1], V6))
show(took_ms(sock.sendto, "second", V6))
show(at.exchange(lte, "AT+CFUN?").lines)
nbiot.deactivate()
        """,
        [hex, FIRST],
        [fault],
    )
    assert (first, second, answer) == (-1, 6, ["+CFUN: 1"]) and ms < 8000
    assert all(
        each.data in (FIRST, b"second") or not each.data.strip() for each in server.received
    )


def test_a_socket_is_opened_without_sending(run: Run, server: Server) -> None:
    """As programs of the original do that only listen; wrong addresses reach no modem."""
    server.says[b"ping"] = b"pong"
    shown = run(
        """
show(bool(sock.open(*V6)))
show(sock.recvfrom(64))
sock.sendto(b"ping", V6)          # the same one
show([sock.recvfrom(64), bool(sock.open(*V4)), sock.number])
show([raised(sock.open, 'a"b', 7), raised(sock.open, V6[0], 70000)])
"""
    )
    assert shown[:3] == [True, [None, None], [[b"pong", [V6, 5683]], True, 1]]
    assert [kind for kind, _ in shown[3]] == ["ValueError"] * 2
    assert [datagram.data for datagram in server.received] == [b"ping"]


PACKAGE = """
import os, sys
os.mkdir("/flash/lib/external")
os.mkdir("/flash/lib/external/microATsocket")
with open("/flash/lib/microATsocket.py") as ours:
    with open("/flash/lib/external/microATsocket/microATsocket.py", "w") as other:
        other.write(ours.read())
import external.microATsocket.microATsocket as other
sock = other.socket(other.AF_INET6, other.SOCK_DGRAM)
sock.setModemInstance(lte)
show([sock.sendto(b"ping", V6), len(other.accepted), sock.recvfrom(64)[0], len(other.accepted)])
"""


def test_it_works_in_any_folder(run: Run, server: Server) -> None:
    """The product of 2021 has the original in lib/external/microATsocket/."""
    server.says[b"ping"] = b"pong"
    assert run(PACKAGE) == [[4, 1, b"pong", 0]]


# name -> what the server says: type, octets of the address
ZONE = {"six.example": (28, bytes.fromhex("20010db8000000000000000000000007")),
        "four.example": (1, bytes((192, 0, 2, 7)))}  # fmt: skip
DNS = "2001:db8::53"


def dns_answer(query: bytes) -> bytes:
    """Of a server whose zone is above: an alias first, as many have, then the address."""
    question = query[12:]
    name = question[: question.index(0) + 1]
    labels, place = [], 0
    while name[place]:
        labels.append(name[place + 1 : place + 1 + name[place]].decode())
        place += 1 + name[place]
    found = ZONE.get(".".join(labels))
    alias = b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x02\xc0\x0c"
    records = [alias]
    if found and bytes((0, found[0])) == question[-4:-2]:
        kind, octets = found
        records.append(b"\xc0\x0c\0" + bytes((kind,)) + b"\0\x01\0\0\0\x3c\0"
                       + bytes((len(octets),)) + octets)  # fmt: skip
    flags = b"\x81\x80\0\x01" + bytes((0, len(records))) + b"\0\0\0\0"
    return query[:2] + flags + question + b"".join(records)


def test_names_from_a_dns_server_of_your_choice(run: Run) -> None:
    with UdpServer(reply=dns_answer) as dns:
        shown = run(
            f"""
import dns_query
sock.dnsserver(0, "{DNS}")
show(sock.dnsserver())
show([sock.getaddrinfo("six.example", 7), sock.getaddrinfo("nobody.example", 7)])
show(dns_query.dns_resolve(sock, "four.example.", "{DNS}", False, False, True))
show(raised(dns_query.dns_resolve, sock, "a..b", "{DNS}"))
sock.settimeout(0)
show(dns_query.dns_resolve(sock, "six.example", "2001:db8::54"))      # nobody is there
show([sock.number, opened().number])
""",
            routes=[f"[{DNS}]:53=127.0.0.1:{dns.port}"],
        )
    six = [[10, 2, 0, "", ["2001:db8:0:0:0:0:0:7", 7]]]
    assert shown[:3] == [[DNS, "0.0.0.0"], [six, []], [["192.0.2.7", "A"]]]
    assert shown[3][0] == "ValueError" and shown[4:] == [[], [1, 2]]


def test_a_damaged_answer_of_a_dns_server_is_no_answer(make_device: MakeDevice) -> None:
    whole = dns_answer(bytes(12) + b"\x03six\x07example\0\0\x1c\0\x01")
    shown = make_device({}).run(
        """
import dns_query
class Socket:
    def sendto(self, data, address):
        self.id = data[:2]
    def recvfrom(self, size):
        return self.id + self.data[2:], None
sock = Socket()
found = []
for length in range(2, len(given()) + 1):
    sock.data = given()[:length] + b"\\xff" * 9
    found.append(dns_query.dns_resolve(sock, "six.example", ""))
show(found)
""",
        whole,
    )
    assert shown[0][-1] == [["2001:db8:0:0:0:0:0:7", "AAAA"]]
    assert shown[0].count([]) >= len(whole) - 20
