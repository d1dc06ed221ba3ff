"""Who is at the other end of an MQTT client: what came to a real broker, a scripted broker."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

from devkit.servers.mqtt import Subscriber

CONNACK = b"\x20\x02\x00\x00"
_LIMIT_S = 10


def published(subscriber: Subscriber, count: int) -> list[tuple[str, bytes, int]]:
    """What `count` publications at a real broker were: (topic, payload, QoS)."""
    subscriber.wait_for(count, _LIMIT_S)
    return [(each.topic, each.data, each.qos) for each in subscriber.received]


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
