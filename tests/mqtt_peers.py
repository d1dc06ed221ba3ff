"""Who is at the other end of an MQTT client: a subscriber at a real broker, a scripted broker."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable

import paho.mqtt.client as paho

from devkit.servers.mqtt import MqttBroker

CONNACK = b"\x20\x02\x00\x00"
_LIMIT_S = 10


class Subscriber:
    """Collects what is published: (topic, payload, QoS)."""

    def __init__(self, broker: MqttBroker, topic: str = "#", user: tuple[str, str] | None = None):
        self.messages: list[tuple[str, bytes, int]] = []
        self._broker = broker
        self._ready = threading.Event()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        if user:
            self.client.username_pw_set(*user)
        self.client.on_message = lambda client, data, one: self.messages.append(
            (one.topic, one.payload, one.qos)
        )
        self.client.on_connect = lambda *rest: self.client.subscribe(topic, qos=1)
        self.client.on_subscribe = lambda *rest: self._ready.set()

    def __enter__(self) -> Subscriber:
        self.client.connect(self._broker.host, self._broker.port)
        self.client.loop_start()
        assert self._ready.wait(_LIMIT_S)
        return self

    def __exit__(self, *raised: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def wait(self, count: int) -> list[tuple[str, bytes, int]]:
        end = time.monotonic() + _LIMIT_S
        while len(self.messages) < count and time.monotonic() < end:
            time.sleep(0.01)
        return self.messages


class Peer:
    """A TCP server that runs `script(peer)` for each connection, in a thread.

    received: everything that has come, over all connections.
    """

    def __init__(self, script: Callable[[Peer], None]) -> None:
        self._script = script
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.connection: socket.socket
        self.packets: list[bytes] = []
        self.connections = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Peer:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        if self._thread.is_alive() and hasattr(self, "connection"):
            with contextlib.suppress(OSError):  # wakes the thread, which a close() would not
                self.connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(_LIMIT_S)

    def _serve(self) -> None:
        while True:
            try:
                self.connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            self.connection.settimeout(_LIMIT_S)
            try:
                self._script(self)
                while self.connection.recv(1000):  # stay until the other side has left
                    pass
            except (OSError, EOFError):
                pass
            self.connection.close()

    def packet(self) -> bytes:
        """The next packet of the client, whole."""
        head = self._exactly(2)
        length, shift = head[1] & 0x7F, 7
        while head[-1] & 0x80:
            head += self._exactly(1)
            length |= (head[-1] & 0x7F) << shift
            shift += 7
        self.packets.append(head + self._exactly(length))
        return self.packets[-1]

    def say(self, data: bytes) -> None:
        self.connection.sendall(data)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.connection.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data


def packet_id(publish: bytes) -> bytes:
    """Of a PUBLISH with a short topic and payload."""
    start = 2 + (publish[1] >> 7)
    length = int.from_bytes(publish[start : start + 2], "big")
    return publish[start + 2 + length :][:2]


def puback(publish: bytes, add: int = 0) -> bytes:
    number = (int.from_bytes(packet_id(publish), "big") + add - 1) % 65535 + 1
    return b"\x40\x02" + number.to_bytes(2, "big")
