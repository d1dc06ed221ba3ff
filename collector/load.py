"""Send reports to a collector as a fleet of nodes does, and tell how it answered.

    python -m collector.load coap://127.0.0.1:5683 --rate 500 --seconds 12
    python -m collector.load coap://[::1]:5683 coap://[::1]:5684 --nodes 100000 --burst 20000
    python -m collector.load udp://127.0.0.1:5683 --rate 100000 --seconds 0.2
    python -m collector.load mqtt://127.0.0.1:1883 --rate 300 --nodes 50

Open loop: a report goes out at its time, whatever became of the ones before it. CoAP messages are
confirmable and repeated as in RFC 7252 (ACK_TIMEOUT 2 s, 4 retransmissions); MQTT has quality of
service 1, and the acknowledgement is the broker's. Each report is a pack of a sequence number and
six values; the nodes take turns, and so do several collectors. The status is 1 if a report was not
acknowledged.

Source: RFC 7252 (3 message format, 4.2 retransmission, 4.8 its parameters).
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import json
import random
import select
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import cbor2

ACK_TIMEOUT_S, ACK_RANDOM_FACTOR, MAX_RETRANSMIT = 2.0, 1.5, 4
SOCKETS = 64  # of the nodes together: 65536 message ids each
VALUES = ("t", "h", "p", "v", "rp", "rq")
_CHANGED, _ACK = 0x44, 2
_POST = b"\x02"
_OPTIONS = b"\xb1r\x11\x70\xff"  # Uri-Path r, content format 112, payload marker

Key = tuple[str, int]  # base name, sequence number


@dataclass
class Result:
    sent: int = 0
    acknowledged: list[Key] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)  # reports by the code of the answer
    given_up: int = 0
    retransmissions: int = 0
    times_ms: list[float] = field(default_factory=list)  # from the first transmission
    took_s: float = 0.0

    def percentile(self, share: float) -> float | None:
        times = sorted(self.times_ms)
        return round(times[int(share * (len(times) - 1))], 1) if times else None

    def summary(self) -> dict[str, Any]:
        return {
            "sent": self.sent, "acknowledged": len(self.acknowledged),
            "refused": dict(self.refused), "given up": self.given_up,
            "retransmissions": self.retransmissions, "p50 ms": self.percentile(0.5),
            "p99 ms": self.percentile(0.99), "max ms": self.percentile(1.0),
            "took s": round(self.took_s, 1),
        }  # fmt: skip


def pack(key: Key) -> bytes:
    """Return a report of 7 records."""
    values = [{0: name, 2: (key[1] * 7 + place) % 1000} for place, name in enumerate(VALUES)]
    return cbor2.dumps([{-2: key[0], 2: key[1]}, *values])


def keys(nodes: int, count: int, first: int = 1) -> list[Key]:
    return [(f"load{number % nodes:06}:", first + number // nodes) for number in range(count)]


@dataclass
class _Message:
    key: Key
    data: bytes
    socket: int
    sent_s: float
    timeout_s: float
    tries: int = 0


class CoapLoad:
    def __init__(
        self,
        host: str,
        port: int,
        what: Sequence[Key],
        rate: float,
        more: Sequence[tuple[str, int]] = (),
        burst: int = 0,
    ) -> None:
        """more: further collectors. burst: reports at once at the begin, beside the rate."""
        self.result = Result()
        self._what, self._rate, self._burst = what, rate, burst
        self._sockets = []
        for where in [(host, port), *more] * -(-SOCKETS // (1 + len(more))):
            family, _, _, _, address = socket.getaddrinfo(*where, type=socket.SOCK_DGRAM)[0]
            each = socket.socket(family, socket.SOCK_DGRAM)
            each.connect(address)
            each.setblocking(False)
            self._sockets.append(each)
        self._waiting: dict[tuple[int, int], _Message] = {}
        self._due: list[tuple[float, int, int]] = []  # when to repeat: socket, message id

    def run(self, until: Callable[[], bool] = lambda: False) -> Result:
        """Send, wait for the answers, and return; earlier when `until` is true."""
        begun_s, result = time.monotonic(), self.result
        places = {each.fileno(): place for place, each in enumerate(self._sockets)}
        poll = select.poll()
        for number in places:
            poll.register(number, select.POLLIN)
        while (result.sent < len(self._what) or self._waiting) and not until():
            now_s = time.monotonic()
            due = self._burst + 1 + (now_s - begun_s) * self._rate
            while result.sent < min(len(self._what), due):
                self._send_next(time.monotonic())
            while self._due and self._due[0][0] <= now_s:
                self._repeat(*heapq.heappop(self._due)[1:], now_s)
            for number, _ in poll.poll(1):
                self._receive(places[number])
        result.took_s = time.monotonic() - begun_s
        for each in self._sockets:
            each.close()
        return result

    def _send_next(self, now_s: float) -> None:
        number = self.result.sent
        place, message_id = number % len(self._sockets), number // len(self._sockets) & 0xFFFF
        token = number.to_bytes(4, "big")
        head = b"\x44" + _POST + message_id.to_bytes(2, "big") + token
        data = head + _OPTIONS + pack(self._what[number])
        timeout_s = ACK_TIMEOUT_S * random.uniform(1, ACK_RANDOM_FACTOR)
        message = _Message(self._what[number], data, place, now_s, timeout_s)
        self._waiting[place, message_id] = message
        self.result.sent += 1
        self._transmit(message, message_id, now_s)

    def _transmit(self, message: _Message, message_id: int, now_s: float) -> None:
        with contextlib.suppress(OSError):  # as a datagram that is lost on the way
            self._sockets[message.socket].send(message.data)
        heapq.heappush(self._due, (now_s + message.timeout_s, message.socket, message_id))

    def _repeat(self, place: int, message_id: int, now_s: float) -> None:
        message = self._waiting.get((place, message_id))
        if message is None or message.sent_s + 0.9 * ACK_TIMEOUT_S > now_s:
            return
        if message.tries == MAX_RETRANSMIT:
            del self._waiting[place, message_id]
            self.result.given_up += 1
            return
        message.tries += 1
        message.timeout_s *= 2
        self.result.retransmissions += 1
        self._transmit(message, message_id, now_s)

    def _receive(self, place: int) -> None:
        while True:
            try:
                data = self._sockets[place].recv(2_048)
            except OSError:
                return
            message_id = int.from_bytes(data[2:4], "big")
            if len(data) < 4 or data[0] >> 4 & 3 != _ACK or data[1] == 0:
                continue
            message = self._waiting.pop((place, message_id), None)
            if message is None:
                continue
            if data[1] == _CHANGED:
                self.result.acknowledged.append(message.key)
                self.result.times_ms.append(1000 * (time.monotonic() - message.sent_s))
            else:
                self.result.refused[f"{data[1] >> 5}.{data[1] & 31:02}"] += 1


class MqttLoad:
    """Publishes with quality of service 1."""

    def __init__(
        self, host: str, port: int, what: Sequence[Key], rate: float, topic: str = "r"
    ) -> None:
        from paho.mqtt import client as paho

        self.result = Result()
        self._what, self._rate, self._topic = what, rate, topic
        self._waiting: dict[int, tuple[Key, float]] = {}
        self._answered: deque[tuple[int, float]] = deque()  # message id, when
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.max_inflight_messages_set(1_000)
        self._client.on_publish = self._on_publish
        self._client.connect(host, port)
        self._client.loop_start()

    def run(self, until: Callable[[], bool] = lambda: False) -> Result:
        begun_s, result = time.monotonic(), self.result
        while (result.sent < len(self._what) or self._waiting) and not until():
            now_s = time.monotonic()
            while result.sent < min(len(self._what), 1 + (now_s - begun_s) * self._rate):
                key = self._what[result.sent]
                message = self._client.publish(self._topic, pack(key), qos=1)
                self._waiting[message.mid] = key, now_s
                result.sent += 1
            self._receive()
            time.sleep(0.001)
        result.took_s = time.monotonic() - begun_s
        self._client.disconnect()
        self._client.loop_stop()
        self._receive()
        return result

    def _on_publish(self, client: Any, data: Any, mid: int, reason: Any, more: Any) -> None:
        self._answered.append((mid, time.monotonic()))

    def _receive(self) -> None:
        while self._answered:
            mid, now_s = self._answered.popleft()
            key, sent_s = self._waiting.pop(mid)
            self.result.acknowledged.append(key)
            self.result.times_ms.append(1000 * (now_s - sent_s))


class UdpLoad:
    """Nothing is acknowledged: the collector's counters tell what became of it."""

    def __init__(self, host: str, port: int, what: Sequence[Key], rate: float) -> None:
        self.result = Result()
        self._what, self._rate = what, rate
        self._to = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]

    def run(self, until: Callable[[], bool] = lambda: False) -> Result:
        begun_s, result = time.monotonic(), self.result
        with socket.socket(self._to[0], socket.SOCK_DGRAM) as sender:
            for key in self._what:
                early_s = result.sent / self._rate - (time.monotonic() - begun_s)
                if until():
                    break
                if early_s > 0:
                    time.sleep(early_s)
                sender.sendto(pack(key), self._to[4])
                result.sent += 1
        result.took_s = time.monotonic() - begun_s
        return result


Load = CoapLoad | MqttLoad | UdpLoad
LOADS: dict[str, tuple[type[Load], int]] = {
    "coap": (CoapLoad, 5683),
    "mqtt": (MqttLoad, 1883),
    "udp": (UdpLoad, 5683),
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m collector.load", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("where", metavar="URI", nargs="+", help=f"{', '.join(LOADS)}://HOST[:PORT]")
    add("--rate", type=float, default=100.0, help="reports a second (default: 100)")
    add("--seconds", type=float, default=10.0, help="how long (default: 10)")
    add("--burst", type=int, default=0, help="CoAP: reports at once at the begin (default: 0)")
    add("--nodes", type=int, default=1_000, help="how many take turns (default: 1000)")
    add("--first", type=int, default=int(time.time()) & 0xFFFFFF, metavar="SEQ",
        help="first sequence number of each node (default: grows with the time)")  # fmt: skip
    options = parser.parse_args(argv)
    try:
        uris = [urlsplit(each) for each in options.where]
        [scheme] = {uri.scheme for uri in uris}
        kind, port = LOADS[scheme]
        first, *others = [(uri.hostname or "127.0.0.1", uri.port or port) for uri in uris]
    except (KeyError, ValueError):
        where = " ".join(options.where)
        parser.error(f"{where}; allowed: {', '.join(LOADS)}://HOST[:PORT], all of one kind")
    more = {"more": others, "burst": options.burst} if kind is CoapLoad else {}
    if others and not more:
        parser.error(f"{options.where[1]}; allowed: one URI, or several of CoAP")
    count = max(1, int(options.rate * options.seconds)) + options.burst
    what = keys(options.nodes, count, options.first)
    result = kind(*first, what, options.rate, **more).run()
    print(json.dumps(result.summary()))
    return 0 if scheme == "udp" or len(result.acknowledged) == result.sent else 1


if __name__ == "__main__":
    sys.exit(main())
