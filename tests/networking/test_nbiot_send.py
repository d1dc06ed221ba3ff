"""nbiot.sendATsocket: arguments, bytes that really arrive, sockets that are kept and renewed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devkit.servers.udp import UdpServer
from tests.device import Device

pytestmark = [pytest.mark.both_runtimes(every=4), pytest.mark.both_links(every=3)]

MakeDevice = Callable[..., Device]
V4, V6 = "192.0.2.1", "2001:db8::1"
ATTACHED = """
from networking import nbiot
assert nbiot.connect(configured(), False).status == nbiot.NBIOT_ATTACHED
"""
SEND_EACH = (
    ATTACHED
    + """
for data, host, port in given():
    show(nbiot.sendATsocket(data, host, port))
nbiot.deactivate()
"""
)


@pytest.fixture
def server() -> Iterator[UdpServer]:
    with UdpServer() as server:
        yield server


def routes(server: UdpServer, *ports: int) -> list[str]:
    target = f"127.0.0.1:{server.port}"
    return [
        route
        for port in ports or (5683,)
        for route in (f"{V4}:{port}={target}", f"[{V6}]:{port}={target}")
    ]


def lossless(**sections: Any) -> dict[str, Any]:
    return {"radio": {"loss": 0.0, "attach_ms": 2500, "outliers": False}, **sections}


def arrived(server: UdpServer, count: int) -> list[bytes]:
    server.wait_for(count)
    return [datagram.data for datagram in server.received]


@pytest.mark.parametrize("firmware", ("1.20.2.r4", "1.20.2.r7"))
@pytest.mark.parametrize("host", (V4, V6, "2001:DB8:0:0:0:0:0:1"))
def test_a_datagram_arrives(
    make_device: MakeDevice, server: UdpServer, host: str, firmware: str
) -> None:
    device = make_device(lossless(), routes=routes(server), firmware=firmware)
    assert device.run(SEND_EACH, [["hello", host, 5683]]) == [5]
    assert arrived(server, 1) == [b"hello"]
    assert device.modem_rests()


PAYLOADS = {
    "one byte": b"x",
    "NUL": b"\0",
    "NULs": b"a\0b\0\0c",
    "CR": b"\r",
    "CR LF OK": b"\r\nOK\r\n",
    "ERROR": b"\r\nERROR\r\n",
    "Ctrl-Z and ESC": b"a\x1ab\x1bc",
    "escape sequence": b"+++",
    "escape sequence and more": b"+++ATH\r",
    "AT": b"AT+CFUN=0",
    "AT and NUL": b"AT+CFUN=0\0",
    "backspace": b"abc\x08\x7f",
    "every byte": bytes(range(128)),
    "the upper half": bytes(range(128, 252)),
    "hex digits": b"00ff",
    "quotes": b'","",1',
    "the prompt": b"\r\n> ",
    "UTF-8": "grün".encode(),
    "no UTF-8": b"\xff\xfe\x80",
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_any_bytes_arrive_unchanged(make_device: MakeDevice, server: UdpServer, name: str) -> None:
    data = PAYLOADS[name][:124]
    device = make_device(lossless(), routes=routes(server))
    assert device.run(SEND_EACH, [[data, V6, 5683]]) == [len(data)]
    assert arrived(server, 1) == [data]


def test_every_length_up_to_the_limit_arrives(make_device: MakeDevice, server: UdpServer) -> None:
    datagrams = [bytes(index % 256 for index in range(size)) for size in range(1, 125, 9)]
    datagrams.append(bytes(124))
    device = make_device(lossless(), routes=routes(server))
    sent = device.run(SEND_EACH, [[data, V6, 5683] for data in datagrams])
    assert sent == [len(data) for data in datagrams]
    assert arrived(server, len(datagrams)) == datagrams


def test_text_is_sent_as_utf_8(make_device: MakeDevice, server: UdpServer) -> None:
    device = make_device(lossless(), routes=routes(server))
    assert device.run(SEND_EACH, [["Grüße, 25 °C", V4, 5683]]) == [15]
    assert arrived(server, 1) == ["Grüße, 25 °C".encode()]


def test_a_bytearray_is_bytes_too(make_device: MakeDevice, server: UdpServer) -> None:
    device = make_device(lossless(), routes=routes(server))
    program = ATTACHED + f"show(nbiot.sendATsocket(bytearray(b'abc'), '{V4}', 5683))"
    assert device.run(program + "\nnbiot.deactivate()") == [3]
    assert arrived(server, 1) == [b"abc"]


LIMITS = (("1.20.2.r4", 124), ("1.20.2.r6", 124), ("1.20.2.r7", 1500))


@pytest.mark.lte_link("line limits of firmware releases")
@pytest.mark.parametrize("firmware, limit", LIMITS)
def test_the_longest_datagram(
    make_device: MakeDevice, server: UdpServer, firmware: str, limit: int
) -> None:
    device = make_device(lossless(), routes=routes(server), firmware=firmware)
    shown = device.run(
        ATTACHED
        + f"""
limit = given()
show(nbiot.datagram_limit())
show(raised(nbiot.sendATsocket, bytes(limit + 1), "{V6}", 5683))
show(nbiot.sendATsocket(bytes(range(100)) * 15 if limit == 1500 else bytes(limit), "{V6}", 5683))
show(raised(nbiot.sendATsocket, "é" * (limit // 2 + 1), "{V6}", 5683))
nbiot.deactivate()
""",
        limit,
    )
    assert shown[0] == limit
    for kind, text in (shown[1], shown[3]):
        assert kind == "ValueError" and f"1 to {limit}" in text
    assert shown[2] == limit
    assert [len(data) for data in arrived(server, 1)] == [limit]


WRONG = {  # arguments, words of the message
    "name": (("x", "example.org", 5683), ["host", "example.org", "IPv4 or IPv6"]),
    "empty host": (("x", "", 5683), ["host"]),
    "host with injection": (("x", '::1",0,0,1\rAT+CFUN=0', 5683), ["host"]),
    "host with a port": (("x", "192.0.2.1:5683", 5683), ["host"]),
    "host in brackets": (("x", "[::1]", 5683), ["host"]),
    "host number": (("x", 1, 5683), ["host"]),
    "host none": (("x", None, 5683), ["host"]),
    "IPv4 of three parts": (("x", "192.0.2", 5683), ["host"]),
    "IPv4 out of range": (("x", "192.0.2.256", 5683), ["host"]),
    "port zero": (("x", V4, 0), ["port", "0", "1 to 65535"]),
    "port negative": (("x", V4, -1), ["port", "-1"]),
    "port too big": (("x", V4, 65536), ["port", "65536"]),
    "port text": (("x", V4, "5683"), ["port", "5683"]),
    "port flag": (("x", V4, True), ["port", "True"]),
    "port none": (("x", V4, None), ["port"]),
    "empty text": (("", V4, 5683), ["data", "0", "1 to 124"]),
    "empty bytes": ((b"", V4, 5683), ["data", "1 to 124"]),
    "data number": ((5, V4, 5683), ["data"]),
    "data none": ((None, V4, 5683), ["data"]),
    "data list": (([1, 2], V4, 5683), ["data"]),
    "the firmware's own word": ((b"xPycom_Dummyx", V4, 5683), ["data", "Pycom_Dummy"]),
    "too long": ((bytes(125), V4, 5683), ["data", "125", "1 to 124"]),
}


@pytest.mark.lte_link("the line limit of this firmware")
@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_refused_before_the_modem_is_asked(
    make_device: MakeDevice, name: str
) -> None:
    arguments, words = WRONG[name]
    device = make_device()
    shown = device.run(
        ATTACHED
        + """
import microATsocket
show(raised(nbiot.sendATsocket, *given()))
taken = [microATsocket.socket() for _ in range(6)]  # then there is no socket for it
show(raised(nbiot.sendATsocket, *given()))
""",
        arguments,
    )
    for kind, text in shown:
        assert kind == "ValueError"
        assert [word for word in words if word not in text] == []
    assert not any("SQNS" in line or "CFUN=0" in line for line in device.commands)


@pytest.mark.lte_link("data state")
def test_without_a_modem_and_in_data_state_nothing_is_sent(make_device: MakeDevice) -> None:
    device = make_device()
    shown = device.run(
        f"""
        from networking import nbiot
        show(nbiot.sendATsocket("x", "{V4}", 5683))
        nbiot.connect(configured())
        show(nbiot.sendATsocket("x", "{V4}", 5683))
        nbiot.deactivate()
        show(nbiot.sendATsocket("x", "{V4}", 5683))
        """
    )
    assert shown == [0, 0, 0]


def test_several_datagrams_use_one_socket(make_device: MakeDevice, server: UdpServer) -> None:
    device = make_device(lossless(), routes=routes(server))
    assert device.run(SEND_EACH, [[f"n{n}", V6, 5683] for n in range(5)]) == [2] * 5
    assert arrived(server, 5) == [b"n0", b"n1", b"n2", b"n3", b"n4"]
    assert len([line for line in device.commands if line.startswith("AT+SQNSD=")]) == 1
    assert len({datagram.source for datagram in server.received}) == 1
    # polls while the packet service follows, and while the datagrams leave
    assert len(device.commands) <= 28 + 4 + 2 * 4 + 8


def test_a_changed_destination_is_dialled(make_device: MakeDevice, server: UdpServer) -> None:
    with UdpServer() as other:
        device = make_device(
            lossless(), routes=[*routes(server), *routes(other, 7), *routes(other, 8)]
        )
        sends = [["a", V6, 5683], ["b", V6, 7], ["c", V4, 5683], ["d", V4, 5683], ["e", V6, 8]]
        assert device.run(SEND_EACH, sends) == [1] * 5
        assert arrived(server, 3) == [b"a", b"c", b"d"]
        assert arrived(other, 2) == [b"b", b"e"]


def test_a_cycle_with_one_datagram_stays_within_33_exchanges(
    make_device: MakeDevice, server: UdpServer
) -> None:
    device = make_device("kind", routes=routes(server))
    assert device.run(SEND_EACH, [[bytes(124), V6, 5683]]) == [124]
    assert len(device.commands) <= 33


def test_a_closed_socket_is_opened_again(make_device: MakeDevice, server: UdpServer) -> None:
    """The modem closes a socket that is not used for a while."""
    device = make_device(lossless(), routes=routes(server))
    shown = device.run(
        ATTACHED
        + f"""
import utime
show(nbiot.sendATsocket("a", "{V6}", 5683))
utime.sleep(200)
show(nbiot.sendATsocket("b", "{V6}", 5683))
show(nbiot.sendAtCommand("AT+SQNSH=1")[1])
show(nbiot.sendATsocket("c", "{V6}", 5683))
nbiot.deactivate()
"""
    )
    assert shown == [1, 1, True, 1]
    assert arrived(server, 3) == [b"a", b"b", b"c"]


def test_after_deactivate_and_connect_it_goes_on(
    make_device: MakeDevice, server: UdpServer
) -> None:
    device = make_device(lossless(), routes=routes(server))
    program = (ATTACHED + f'show(nbiot.sendATsocket("x", "{V6}", 5683))\nnbiot.deactivate()\n') * 8
    assert device.run(program) == [1] * 8  # more than there are sockets
    assert len(arrived(server, 8)) == 8


def test_a_socket_left_open_by_an_earlier_run(make_device: MakeDevice, server: UdpServer) -> None:
    """A watchdog reset in mid-cycle: the modem is not told and keeps everything open."""
    device = make_device(lossless(), routes=routes(server))
    first = ATTACHED + f'show(nbiot.sendATsocket("a", "{V6}", 5683))\n'
    assert device.run(first) == [1]
    again = f"""
from networking import nbiot
link = nbiot._the_link()
link.open()
import microATsocket
sock = microATsocket.socket(microATsocket.AF_INET6)
sock.setModemInstance(link.modem)
show(sock.sendto(b"b", ("{V6}", 5683)))
nbiot.deactivate()
"""
    assert device.run(again) == [1]
    assert arrived(server, 2) == [b"a", b"b"]


REFUSALS = {
    "settings refused": ("AT+SQNSCFG=", {"do": "error"}),
    "dial refused": ("AT+SQNSD", {"do": "error"}),
    "dial silent": ("AT+SQNSD", {"do": "mute"}),
    "send refused": ("AT+SQNSSENDEXT", {"do": "error"}),
    "send silent": ("AT+SQNSSENDEXT", {"do": "mute"}),
    "modem mute": ("AT+SQNSSENDEXT", {"do": "mute", "forever": True}),
    "modem restarts": ("AT+SQNSD", {"do": "crash"}),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refused_datagram_is_zero_bytes(
    make_device: MakeDevice, server: UdpServer, name: str
) -> None:
    match, fault = REFUSALS[name]
    device = make_device(
        lossless(fault=[{"point": "command", "match": match, **fault}]), routes=routes(server)
    )
    assert device.run(SEND_EACH, [["x", V6, 5683], ["y", V6, 5683]]) == [0, 0]
    assert server.received == []


@pytest.mark.cpython
@pytest.mark.parametrize("match", ("AT+SQNSCFGEXT", "AT+SQNSD", "AT+SQNSSENDEXT"))
@pytest.mark.parametrize("place", ("before", "between", "after"))
@pytest.mark.parametrize("urc", ("+CEREG: 5", "+SQNSRING: 1,5", "+CEDRXP: 5"))
def test_urcs_around_the_replies_of_sending(
    make_device: MakeDevice, server: UdpServer, match: str, place: str, urc: str
) -> None:
    fault = {"point": "command", "match": match, "do": "urc", "where": place, "text": urc}
    device = make_device(lossless(fault=[fault]), routes=routes(server))
    assert device.run(SEND_EACH, [["hello", V6, 5683]]) == [5]
    assert arrived(server, 1) == [b"hello"]


@pytest.mark.parametrize("size", (1, 2, 3, 5))
def test_replies_of_sending_in_pieces(
    make_device: MakeDevice, server: UdpServer, size: int
) -> None:
    chunks = {"chunk_bytes": size, "chunk_gap_ms": 20.0}
    device = make_device(lossless(modem=chunks), routes=routes(server))
    assert device.run(SEND_EACH, [["hello", V6, 5683]]) == [5]
    assert arrived(server, 1) == [b"hello"]


def test_no_fixed_sleeps(make_device: MakeDevice, server: UdpServer) -> None:
    """Settings, dialling, payload: some 50 ms each, and 100 ms in which the prompt comes: the
    link of the firmware does not read it. Nothing else."""
    device = make_device(lossless(), routes=routes(server))
    [took_ms] = device.run(
        ATTACHED
        + f"""
import utime
start_us = utime.ticks_cpu()
nbiot.sendATsocket("x", "{V6}", 5683)
show((utime.ticks_cpu() - start_us) // 1000)
nbiot.deactivate()
"""
    )
    assert took_ms < 320


# The face of the original module, as far as nbiot may rely on it
ORIGINAL = """
AF_INET = 2
AF_INET6 = 10
SOCK_DGRAM = 2


class SOCKET_MESSAGE_FORMAT:
    SOCKET_MESSAGE_ASCII = 0
    SOCKET_MESSAGE_BYTE = 1


class socket:
    SOCKET_MESSAGE_FORMAT = SOCKET_MESSAGE_FORMAT
    made = []

    def __init__(self, family=AF_INET, type=SOCK_DGRAM, proto=0, socket_id=None):
        self.log = [family]
        socket.made.append(self.log)

    def setModemInstance(self, modem):
        self._modem = modem

    def setMessageFormat(self, message_format):
        self.log.append(message_format)

    def sendto(self, data, address):
        answer = self._modem.send_at_cmd('AT+SQNSD=1,1,%d,"%s",0,0,1' % (address[1], address[0]))
        if "OK" not in answer:
            return -1
        self._modem.send_at_cmd("AT+SQNSSENDEXT=1,%d" % len(data))
        answer = self._modem.send_at_cmd(data)
        self.log.append(bytes(data))
        return len(data) if "OK" in answer else -1

    def close(self, do_release_socket=False):
        self._modem.send_at_cmd("AT+SQNSH=1")
        self.log.append("closed")
"""


@pytest.mark.parametrize("host", (V4, V6))
def test_the_original_microatsocket_is_served(
    make_device: MakeDevice, server: UdpServer, host: str
) -> None:
    device = make_device(lossless(), routes=routes(server))
    device.put("lib/microATsocket.py", ORIGINAL)
    shown = device.run(
        ATTACHED
        + """
host = given()
for n in range(3):
    show(nbiot.sendATsocket(b"n%d" % n, host, 5683))
show(nbiot.deactivate().deactivation_status)
import microATsocket
show(microATsocket.socket.made)
""",
        host,
    )
    assert shown[:4] == [2, 2, 2, True]
    assert arrived(server, 3) == [b"n0", b"n1", b"n2"]
    for log in shown[4]:
        assert log[0] == (10 if ":" in host else 2) and log[-1] == "closed"


def test_a_refusal_by_the_original_is_zero_bytes(make_device: MakeDevice) -> None:
    fault = {"point": "command", "match": "AT+SQNSD", "do": "error"}
    device = make_device(lossless(fault=[fault]))
    device.put("lib/microATsocket.py", ORIGINAL)
    assert device.run(SEND_EACH, [["x", V6, 5683]]) == [0]


# milliseconds to the prompt, and from the payload to OK
PROMPTS = {
    "in time": (0, 0),
    "behind the payload": (300, 0),
    "behind the payload, and OK seconds later": (300, 3000),
    "behind the payload, and OK in the last moment": (300, 9000),
    "when nobody waits any more": (11_000, 0),
}


@pytest.mark.lte_link("payload handed over without a look at the prompt")
@pytest.mark.parametrize("second_line", ("queued", "lost"))
@pytest.mark.parametrize("when", PROMPTS)
def test_what_counts_as_sent_was_taken_once_whenever_the_prompt_comes(
    make_device: MakeDevice, server: UdpServer, when: str, second_line: str
) -> None:
    fault = {"point": "command", "match": "AT+SQNSSENDEXT", "nth": 2, "do": "late"}
    prompt_ms, ok_ms = PROMPTS[when]
    faults = [{**fault, "late_ms": prompt_ms}] if prompt_ms else []
    faults += [{**fault, "late_ms": ok_ms, "part": "final"}] if ok_ms else []
    device = make_device(
        lossless(modem={"second_line": second_line}, fault=faults), routes=routes(server)
    )
    payloads = [b"first", b"second", b"third"]
    taken = device.run(SEND_EACH, [[data, V6, 5683] for data in payloads])
    sent = [data for data, count in zip(payloads, taken, strict=True) if count]
    assert sent == payloads or when.startswith("when") and sent == [b"first", b"third"]
    come = [data for data in arrived(server, len(sent)) if data.strip()]
    assert [data for data in come if data != b"second"] == [b"first", b"third"]
    assert come.count(b"second") == 1 or b"second" not in sent and when.startswith("when")
    assert device.modem_rests()


COMMANDS = (
    b"AT+CFUN=0", b"x\rat+cfun=0", b"\rA/", b"AT\r", b"at;", b"AX\x08T+CFUN=0", b"A\0T+CFUN=0",
)  # fmt: skip


@pytest.mark.parametrize("data", COMMANDS)
def test_a_payload_for_which_the_modem_does_not_ask_is_no_command(
    make_device: MakeDevice, data: bytes
) -> None:
    fault = {"point": "command", "match": "AT+SQNSSENDEXT", "nth": 0, "do": "error"}
    device = make_device(lossless(fault=[fault]))
    assert device.run(SEND_EACH, [[data, V6, 5683]]) == [0]
    assert data.decode() not in device.commands


@pytest.mark.parametrize("second_line", ("queued", "lost"))
def test_a_prompt_that_comes_too_late_takes_no_command_for_payload(
    make_device: MakeDevice, server: UdpServer, second_line: str
) -> None:
    """It is filled with blanks: one useless datagram, after which the modem takes commands."""
    fault = {"point": "command", "match": "AT+SQNSSENDEXT", "nth": 1, "do": "late"}
    modem = {"modem": {"second_line": second_line}, "fault": [{**fault, "late_ms": 11_000}]}
    first, second, deactivated = make_device(lossless(**modem), routes=routes(server)).run(
        """
        from networking import nbiot
        nbiot.connect(configured(), False)
        for _ in range(2):
            show(nbiot.sendATsocket("longer than AT, AT and one AT", "2001:db8::1", 5683))
        show(nbiot.deactivate().deactivation_status)
        """
    )
    assert (first, second, deactivated) == (0, 29, True)
