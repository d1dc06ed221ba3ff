"""lib/microcoapy: programs written for microCoAPy, with every name that its examples use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import aiocoap
import pytest

from devkit.servers.coap import CoapServer
from devkit.servers.udp import UdpServer
from tests.device import Device

HOST, NAME = "192.0.2.1", "coap.example"
WIFI = """
import microcoapy
from network import WLAN
wlan = WLAN(mode=WLAN.STA)
wlan.connect("open", auth=None, timeout=5000)
while not wlan.isconnected():
    pass
HOST, PORT, NAME = given()
heard = []

def on_response(packet, sender):
    heard.append([packet.type, packet.method, packet.payload, list(sender)])

client = microcoapy.Coap()
client.debug = False
client.responseCallback = on_response
"""
OPEN = {"wifi": {"access_points": [{"ssid": "open", "security": "open"}]}}


@pytest.fixture
def server() -> Iterator[CoapServer]:
    with CoapServer() as running:
        yield running


@pytest.fixture
def run(make_device: Callable[..., Device]) -> Callable[..., list[Any]]:
    def run(program: str, port: int, more_s: float = 0.02, rely_s: float = 0.5) -> list[Any]:
        routes = [f"{host}:5683=127.0.0.1:{port}" for host in (HOST, NAME)]
        device = make_device(OPEN, routes=routes)
        device.emulator.routes.patience.rely(rely_s)
        device.emulator.routes.patience.more_s = more_s
        shown: list[Any] = device.run(WIFI + program, [HOST, 5683, NAME])
        return shown

    return run


Run = Callable[..., list[Any]]

TEXT, JSON, NONE = 0, 50, None
# a call -> what the server gets: code, path, query, content format, payload
SENT = {
    'client.post(HOST, PORT, "to/a/path", "test", None, FORMAT.COAP_TEXT_PLAIN)':
        ("POST", "to/a/path", (), TEXT, b"test"),
    'client.put(HOST, PORT, "/led/turnOn", "on", "authorization=12", FORMAT.COAP_TEXT_PLAIN)':
        ("PUT", "led/turnOn", ("authorization=12",), TEXT, b"on"),
    'client.post(HOST, PORT, "r", b"[1]", "a=1&b=2", FORMAT.COAP_APPLICATION_JSON, b"t")':
        ("POST", "r", ("a=1", "b=2"), JSON, b"[1]"),
    'client.post(NAME, PORT, "1/2/3/4/5/6/7/8/9", "long " * 60)':
        ("POST", "1/2/3/4/5/6/7/8/9", (), NONE, b"long " * 60),
    'client.putNonConf(HOST, PORT, "r", b"\\x00\\xff", token="abc")':
        ("PUT", "r", (), NONE, b"\0\xff"),
    'client.postNonConf(HOST, PORT, "r", "x", None, FORMAT.COAP_APPLICATION_CBOR)':
        ("POST", "r", (), 60, b"x"),
    'client.send(HOST, PORT, "s", macros.COAP_TYPE.COAP_CON, macros.COAP_METHOD.COAP_POST,'
    ' None, "p", FORMAT.COAP_NONE, "q")':
        ("POST", "s", ("q",), NONE, b"p"),
    'client.sendEx(HOST, PORT, "own", own)':
        ("POST", "own", (), NONE, b"mine"),
}  # fmt: skip


@pytest.mark.both_runtimes
def test_requests_arrive_as_they_were_meant(run: Run, server: CoapServer) -> None:
    program = """
from microcoapy import coap_macros as macros
from microcoapy.coap_packet import CoapPacket
FORMAT = microcoapy.COAP_CONTENT_FORMAT
own = CoapPacket()
own.method = macros.COAP_METHOD.COAP_POST
own.payload = "mine"
client.start()
ids = []
"""
    for call in SENT:
        program += f"ids.append({call})\nclient.poll(5000, 100)\n"
    program += """
show([len(set(ids)), min(ids) > 0])
show([each[1:3] for each in heard])
show([client.poll(300), client.loop(False), client.get("nobody.example", PORT, "x")])
client.stop()
show([client.sock, client.loop()])
"""
    shown = run(program, server.port)
    assert [(post.code, post.path, post.query, post.content_format, post.data)
            for post in server.received] == list(SENT.values())  # fmt: skip
    assert shown[0] == [len(SENT), True]
    assert shown[1] == [[0x44, None]] * len(SENT)
    assert shown[2:] == [[False, False, 0], [None, False]]


def test_responses_at_once_and_apart(run: Run, server: CoapServer) -> None:
    server.content["current/measure"] = b"222"
    shown = run(
        """
client.start(5000)
client.get(HOST, PORT, "current/measure", b"token")
show([client.poll(5000), heard.pop()[:3]])
client.getNonConf(HOST, PORT, "none")
show([client.poll(5000), heard.pop()[:3]])
show(client.state)
""",
        server.port,
    )
    assert shown == [[True, [2, 0x45, b"222"]], [True, [1, 0x84, None]], 0]
    server.behaviour.delay_s = 0.3
    shown = run(
        """
State = client.TRANSMISSION_STATE
client.start()
client.discardRetransmissions = True
client.get(HOST, PORT, "current/measure")
show(client.loop())                 # blocks until there is one, here the empty acknowledgement
show(client.state == State.STATE_SEPARATE_ACK_RECEIVED_WAITING_DATA)
show([client.poll(10000), heard, client.state == State.STATE_IDLE])
client.poll(500)
""",
        server.port,
        more_s=1.0,
    )
    assert shown[:2] == [False, True]
    assert shown[2:] == [[True, [[0, 0x45, b"222", [HOST, 5683]]], True]]
    for _ in range(100):
        if server.datagrams[-1].inbound:
            break
        time.sleep(0.02)
    last = aiocoap.Message.decode(server.datagrams[-1].data)
    assert server.datagrams[-1].inbound and last.mtype == aiocoap.ACK and last.code == 0


def request(path: str, mtype: Any, mid: int) -> bytes:
    message = aiocoap.Message(code=aiocoap.GET, uri=f"coap://{HOST}/{path}")
    message.remote = None
    message.opt.uri_host = None
    message.mtype, message.mid, message.token = mtype, mid, b"ab"
    data: bytes = message.encode()
    return data


ASKED = [
    request("led/turnOn", aiocoap.CON, 1),
    request("current/measure", aiocoap.NON, 2),
    request("unknown", aiocoap.CON, 3),
    b"\x40",  # of no use, as anybody can send it
    b"\x4f\x01\0\4\xff\xff\xff\xff",
    b"\x40\x01\0\5\xdd",
]
ANSWERS = [
    (aiocoap.ACK, aiocoap.CONTENT, 1, b"ok"),
    (aiocoap.NON, aiocoap.SERVICE_UNAVAILABLE, 2, b""),
    (aiocoap.ACK, aiocoap.NOT_FOUND, 3, b""),
]


def test_requests_of_others_are_served(run: Run) -> None:
    with UdpServer(reply=lambda data: ASKED if data == b"hello" else None) as peer:
        shown = run(
            """
import microcoapy.microcoapy as microcoapy      # as one of its examples
client = microcoapy.Coap()
codes, none = microcoapy.COAP_RESPONSE_CODE, microcoapy.COAP_CONTENT_FORMAT.COAP_NONE
seen = []

def turn_on(packet, ip, port):
    seen.append([packet.toString(), ip, port])
    client.sendResponse(ip, port, packet.messageid, "ok", codes.COAP_CONTENT, none, packet.token)

def measure(packet, ip, port):
    client.sendResponse(
        ip, port, packet.messageid, None, codes.COAP_SERVICE_UNAVALIABLE, none, packet.token
    )

client.addIncomingRequestCallback("led/turnOn", turn_on)
client.addIncomingRequestCallback("current/measure", measure)
client.start()
client.sock.sendto(b"hello", (HOST, PORT))
show([client.poll(200) for _ in range(6)])
show(seen)
""",
            peer.port,
            rely_s=0.05,
        )
        assert peer.wait_for(4)
        received = [each.data for each in peer.received]
    assert shown[0] == [True] * 3 + [False] * 3
    assert shown[1] == [["type: CON, method: 0.01, messageid: 1, payload: None", HOST, 5683]]
    answers = [aiocoap.Message.decode(data) for data in received[1:]]
    answers.sort(key=lambda each: each.mid)  # the air may change their order
    assert [(each.mtype, each.code, each.mid, each.payload) for each in answers] == ANSWERS
    assert all(each.token == b"ab" for each in answers)


CUSTOM = """
class Socket:                                   # what its documentation asks for
    sent = []
    def sendto(self, data, address):
        self.sent.append([bytes(data), list(address)])
        return len(data)
    def recvfrom(self, size):
        return self.answer, ("2001:db8::1", 5683)
    def setblocking(self, flag):
        pass

sock = Socket()
client.setCustomSocket(sock)
client.debug = True
number = client.post("2001:db8::1", 5683, "r", "x", token=b"t")
sock.answer = b"\\x61\\x44" + number.to_bytes(2, "big") + b"t"
show([client.loop(), heard.pop(), sock.sent[0][1], sock.sent[0][0][4:]])
sock.answer = None
show([client.loop(), client.post("2001:db8::1", 5683, "r", "x", token=b"123456789")])
"""


@pytest.mark.both_runtimes
def test_any_socket_with_three_methods_will_do(run: Run, server: CoapServer) -> None:
    assert run(CUSTOM, server.port) == [
        [True, [2, 0x44, None, ["2001:db8::1", 5683]], ["2001:db8::1", 5683], b"t\xb1r\xffx"],
        [False, 0],
    ]


# of every example, and of programs that others have written
NAMES = """
microcoapy.Coap microcoapy.COAP_CONTENT_FORMAT.COAP_APPLICATION_OCTET_STREAM
microcoapy.COAP_RESPONSE_CODE.COAP_METHOD_NOT_ALLOWD microcoapy.COAP_METHOD.COAP_DELETE
microcoapy.microcoapy.Coap microcoapy.coap_packet.CoapPacket microcoapy.coap_packet.CoapOption
microcoapy.coap_macros.COAP_TYPE.COAP_RESET microcoapy.coap_macros.COAP_VERSION.COAP_VERSION_1
microcoapy.coap_macros.COAP_OPTION_NUMBER.COAP_LOCATION_QUERY
microcoapy.coap_macros.CoapResponseCode.encode microcoapy.coap_macros.coapTypeToString
client.addIncomingRequestCallback client.callbacks client.debug client.discardRetransmissions
client.get client.getNonConf client.handleIncomingRequest client.isCustomSocket client.isServer
client.lastPacketStr client.log client.loop client.poll client.port client.post
client.postNonConf client.put client.putNonConf client.readBytesFromSocket
client.responseCallback client.send client.sendEx client.sendPacket client.sendResponse
client.setCustomSocket client.sock client.start client.state client.stop
packet.addOption packet.content_format packet.messageid packet.method packet.options
packet.payload packet.query packet.setUriHost packet.setUriPath packet.toString packet.token
packet.type packet.version
""".split()


@pytest.mark.both_runtimes
def test_public_face(make_device: Callable[..., Device]) -> None:
    shown = make_device({}).run(
        """
import microcoapy
import microcoapy.coap_macros as macros
from microcoapy.microcoapy import Coap
from microcoapy.coap_packet import CoapPacket
client, packet = Coap(), CoapPacket()
show([name for name in given() if eval(name) is NotImplementedError])
show([macros.CoapResponseCode.decode(0x84), macros.CoapResponseCode.encode(4, 4)])
show([macros.coapTypeToString(type) for type in (0, 3, 9)])
""",
        NAMES,
    )
    assert shown == [[], [[4, 4], 0x84], ["CON", "RESET", "INVALID"]]
