"""What the servers of this folder have in common: they keep what they receive.

with UdpServer() as server:                 # or CoapServer, or Subscriber of an MQTT broker
    ...                                     # somebody sends to server.host, server.port
    server.wait_for(3)                      # True: three have come in all
    server.received[0].data, server.received[0].source
"""

from __future__ import annotations

import socket
import threading
from abc import abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar


@dataclass
class Received:
    """One payload."""

    at_s: float  # seconds since 1970, as this computer's clock says
    source: tuple[str, int]
    data: bytes


def datagram_socket(host: str, port: int = 0) -> socket.socket:
    """A socket bound there; OSError if the port is taken."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


Item = TypeVar("Item", bound=Received)


class Server(AbstractContextManager[Any], Generic[Item]):
    """Runs from its construction until it is closed, in a thread of its own."""

    host: str
    port: int

    def __init__(self) -> None:
        self.received: list[Item] = []
        self._changed = threading.Condition()

    def __exit__(self, *raised: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Stop; the port is free again. May be called twice."""

    def wait_for(self, count: int, timeout_s: float = 2.0) -> bool:
        """Wait until `count` items have come in all; False if they did not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.received) >= count, timeout_s)

    def _keep(self, item: Item) -> None:
        with self._changed:
            self.received.append(item)
            self._changed.notify_all()


Started = tuple[Server[Any], str]  # a server, and what people call it
