"""A broker that is silent, lies or attacks: the node says what it knows, and goes on in time."""

from __future__ import annotations

import time

import pytest

from tests.mqtt_peers import CONNACK, Peer, packet_id, puback
from tests.protocols.mqtt_board import deliver, route

TIMEOUT_S = 5
MOST_MS = 3 * 1000 * TIMEOUT_S  # opening, CONNACK, PUBACK


def accept(peer: Peer) -> bytes:
    """Let the client in and return its first PUBLISH."""
    peer.packet()
    peer.say(CONNACK)
    return peer.packet()


def answer_connect(data: bytes):
    def script(peer: Peer) -> None:
        peer.packet()
        peer.say(data)

    return script


def answer_publish(make):
    def script(peer: Peer) -> None:
        peer.say(make(accept(peer)))

    return script


def close_after(packets: int):
    def script(peer: Peer) -> None:
        for number in range(packets):
            peer.packet()
            if number == 0:
                peer.say(CONNACK)
        peer.connection.close()

    return script


def trickle(peer: Peer) -> None:
    """A byte now and then, and never the end: as long as real time, not the board's, allows."""
    accept(peer)
    peer.say(GIANT)
    for _ in range(300):
        peer.say(b"x")
        time.sleep(0.002)


def flood(peer: Peer) -> None:
    """Acknowledgements of what was never sent."""
    wrong = puback(accept(peer), 1)
    for _ in range(200):
        peer.say(wrong * 50)
        time.sleep(0.001)


GIANT = b"\x30\xff\xff\xff\x7f"  # the head of a PUBLISH of 256 MiB
GARBAGE = bytes(range(256)) * 4
SCRIPTS = {
    "mute": (lambda peer: peer.packet(), "refused", "timed out"),
    "closes at once": (lambda peer: peer.connection.close(), "refused", "not connected"),
    "garbage for CONNACK": (answer_connect(GARBAGE), "refused", ""),
    "another packet for CONNACK": (answer_connect(b"\xd0\x02\x00\x00"), "refused", "no CONNACK"),
    "half a CONNACK": (answer_connect(CONNACK[:3]), "refused", "timed out"),
    "closes after CONNECT": (close_after(1), "unknown", "closed by the broker"),
    "no PUBACK": (accept, "unknown", "timed out"),
    "closes after PUBLISH": (close_after(2), "unknown", "closed by the broker"),
    "another id": (answer_publish(lambda one: puback(one, 1)), "unknown", "timed out"),
    "id 0": (answer_publish(lambda one: b"\x40\x02\0\0"), "unknown", "timed out"),
    "half a PUBACK": (answer_publish(lambda one: puback(one)[:3]), "unknown", "timed out"),
    "a long PUBACK": (
        answer_publish(lambda one: b"\x40\x03" + packet_id(one) + b"\0"), "unknown", "no MQTT",
    ),
    "garbage for PUBACK": (answer_publish(lambda one: GARBAGE), "unknown", "no MQTT"),
    "endless length": (answer_publish(lambda one: b"\x30" + b"\xff" * 500), "unknown", "no MQTT"),
    "giant message": (
        answer_publish(lambda one: GIANT + bytes(20_000)), "unknown", "timed out",
    ),
    "trickle": (trickle, "unknown", ""),
    "flood": (flood, "unknown", ""),
    "CONNACK again": (answer_publish(lambda one: CONNACK), "unknown", "no MQTT"),
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_trouble_ends_in_time_and_nothing_is_claimed(make_device, name):
    script, outcome, logged = SCRIPTS[name]
    with Peer(script) as peer:
        device, outcomes, closed_ms = deliver(
            make_device, peer.port, b"x", b"y", _MQTT_TIMEOUT_SEC=TIMEOUT_S
        )
    # what broke once is not waited for again
    assert [word for word, _ in outcomes] == [outcome, "refused"]
    assert outcomes[0][1] <= MOST_MS and outcomes[1][1] <= 100 and closed_ms <= 2500
    [line] = [line for line in device.log if " mqtt: " in line]
    assert logged in line


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 255])
def test_refusal_is_told_with_its_code(make_device, code):
    with Peer(answer_connect(b"\x20\x02\x00" + bytes((code,)))) as peer:
        device, outcomes, _ = deliver(make_device, peer.port, b"x")
    assert outcomes[0][0] == "refused" and len(peer.packets) == 1
    assert any(f"refused by the broker: code {code}" in line for line in device.log)


def test_nobody_listens(make_device):
    _, outcomes, _ = deliver(make_device, 1, b"x")
    assert outcomes[0][0] == "refused"


GOOD = {
    "acknowledged twice": lambda one: puback(one) * 2,
    "after another id": lambda one: puback(one, 7) + puback(one),
    "after messages nobody asked for": lambda one: (
        b"\x30\x03\x00\x01t" + b"\x32\x81\x01\x00\x01t" + bytes(126) + puback(one)
    ),
    "after answers to nothing": lambda one: b"\xd0\x00" + b"\x90\x03\0\1\0" + puback(one),
}


@pytest.mark.parametrize("name", GOOD)
def test_the_acknowledgement_is_found_among_what_else_comes(make_device, name):
    def script(peer: Peer) -> None:
        peer.say(GOOD[name](accept(peer)))
        for _ in range(2):
            peer.say(GOOD[name](peer.packet()))

    with Peer(script) as peer:
        device, outcomes, _ = deliver(make_device, peer.port, b"1", b"2", b"3")
    assert [word for word, _ in outcomes] == ["delivered"] * 3
    numbers = [int.from_bytes(packet_id(one), "big") for one in peer.packets[1:4]]
    assert 0 not in numbers and len(set(numbers)) == 3


def test_byte_by_byte_is_as_good(make_device):
    program = """
    from networking import nbiot
    from protocols import mqtt
    import usocket

    class Narrow:
        def __init__(self):
            self.socket = usocket.socket()
            self.settimeout = self.socket.settimeout
            self.connect = self.socket.connect
            self.close = self.socket.close
        def recv(self, count):
            return self.socket.recv(1)
        def send(self, data):
            return self.socket.send(data[:20])

    nbiot.connect(configured(_IP_VERSION="IP"), True)
    session = mqtt.open(Narrow(), configured(_HOST="192.0.2.1", _PORT=1883, _MQTT_TIMEOUT_SEC=60))
    show([session.deliver(b"1"), session.deliver(b"2")])
    session.close()
    """

    def script(peer: Peer) -> None:
        peer.say(puback(accept(peer)))
        peer.say(puback(peer.packet()))

    with Peer(script) as peer:
        assert make_device("good", routes=route(peer.port)).run(program) == [["delivered"] * 2]
    assert [one[-1:] for one in peer.packets[1:]] == [b"1", b"2"]


def test_packet_ids_cannot_be_told_in_advance_and_never_are_0(make_device):
    program = """
    from protocols import mqtt
    from umqtt import simple
    class Stream:
        def next_puback(self):
            return 0x40
        def write(self, data, count=None):
            pass
        def read(self, count):
            return b"\\x02" if count == 1 else self.pid.to_bytes(2, "big")
    stream = Stream()
    client = mqtt._client(simple, stream, ("192.0.2.1", 1), "id", None, None)
    client.sock = stream
    starts = []
    for _ in range(3):
        starts.append(mqtt._client(simple, stream, ("192.0.2.1", 1), "id", None, None).pid)
    client.pid = 65533
    seen = []
    for expected in (65534, 65535, 1):
        stream.pid = expected
        client.publish("t", b"", False, 1)
        seen.append(client.pid)
    show([starts, seen])
    """
    [[starts, seen]] = make_device().run(program)
    assert len(set(starts)) == 3
    assert seen == [65534, 65535, 1]
