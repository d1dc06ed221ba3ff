"""A real server that receives the reports of a run: plain UDP, CoAP or MQTT, on loopback.

    with Receiver("coap") as receiver:
        with Emulator(routes=[receiver.route("192.0.2.1", 5683)]) as emulator:
            receiver.attend(emulator.routes)
            ...
        receiver.wait_for(3, timeout_s=5)
        print(receiver.table())

They are the parts of `./dev collect`; for MQTT a broker stands between them and the board.
"""

from __future__ import annotations

import contextlib
import threading
import time
from types import TracebackType
from typing import cast

from collector.coap import CoapServer
from collector.decode_queue import Arrival, DecodeQueue
from collector.mqtt import MqttSubscriber
from collector.udp import Collector, Received, render
from devkit import application
from devkit.servers.mqtt import MqttBroker
from devkit.servers.tcp import TcpServer
from emulator.network.routes import Routes

ANSWERING = ("coap", "mqtt")  # these confirm each payload
PATIENCE_S = 0.5
_SUBSCRIBE_S = 10.0


def server(protocol: str) -> str:
    """The server for a protocol: one of its own, or a plain one for its kind of transport."""
    if hasattr(Receiver, f"_start_{protocol}"):
        return protocol
    return "tcp" if application.transport(protocol) == "stream" else "udp"


class Receiver:
    """Listens as long as its block lasts. `about` says what it is, for people."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.host = "127.0.0.1"
        self.port = 0
        self.about = ""
        self._shelf = _Shelf()
        self._udp: Collector | None = None
        self._parts = contextlib.ExitStack()

    def __enter__(self) -> Receiver:
        with contextlib.ExitStack() as parts:
            getattr(self, f"_start_{server(self.protocol)}")(parts)
            self._parts = parts.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._parts.close()

    @property
    def received(self) -> list[Received]:
        """What has come, one payload each, in order."""
        return self._udp.received if self._udp is not None else self._shelf.received

    def route(self, host: str, port: int) -> str:
        """By which the board reaches it as host:port."""
        shown = f"[{host}]" if ":" in host else host
        return f"{shown}:{port}={self.host}:{self.port}"

    def attend(self, routes: Routes) -> None:
        """Have a board wait for this server's answers, also on a busy computer: virtual time
        stands still meanwhile, and an answer that is missed costs the board a repetition."""
        if self.protocol in ANSWERING:
            routes.unknown_s = routes.answering_s = PATIENCE_S

    def wait_for(self, count: int, timeout_s: float) -> bool:
        """Wait until so many payloads have come in all."""
        if self._udp is not None:
            return self._udp.wait_for(count, timeout_s)
        return self._shelf.wait_for(count, timeout_s)

    def table(self) -> str:
        return render(self.received)

    def _start_udp(self, parts: contextlib.ExitStack) -> None:
        self._udp = parts.enter_context(Collector())
        self.host, self.port = self._udp.host, self._udp.port
        self.about = "UDP collector"

    def _start_tcp(self, parts: contextlib.ExitStack) -> None:
        def take(data: bytes, source: tuple[str, int]) -> None:
            self._shelf.offer(Arrival(self.protocol, source[0], data))

        server = parts.enter_context(TcpServer(self.host, take))
        self.host, self.port = server.host, server.port
        self.about = "TCP server"

    def _start_coap(self, parts: contextlib.ExitStack) -> None:
        queue = cast(DecodeQueue, self._shelf)
        server = parts.enter_context(CoapServer(self.host, 0, queue, plain=False))
        self.host, self.port = server.host, server.port
        self.about = "CoAP server (aiocoap)"

    def _start_mqtt(self, parts: contextlib.ExitStack) -> None:
        broker = parts.enter_context(MqttBroker())
        self.host, self.port = broker.host, broker.port
        self.about = f"MQTT broker ({broker.about})"
        queue = cast(DecodeQueue, self._shelf)
        subscriber = parts.enter_context(MqttSubscriber(self.host, self.port, queue, "#"))
        end_s = time.monotonic() + _SUBSCRIBE_S
        while not subscriber.connected and time.monotonic() < end_s:
            time.sleep(0.01)


class _Shelf:
    """Keeps what an DecodeQueue would work off: the same two calls, from any thread."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self._changed = threading.Condition()

    def offer(self, arrival: Arrival) -> bool:
        from collector import packs

        kept = Received(arrival.at_s, (arrival.source, 0), arrival.data)
        try:
            kept.records = arrival.records or packs.read(arrival.data, arrival.at_s)
        except ValueError as problem:
            kept.problem = str(problem)
        with self._changed:
            self.received.append(kept)
            self._changed.notify_all()
        return True

    def refuse(self, protocol: str, source: str, problem: str) -> None:
        with self._changed:
            self.received.append(Received(time.time(), (source, 0), b"", problem=problem))
            self._changed.notify_all()

    def wait_for(self, count: int, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self.received) >= count, timeout_s)
