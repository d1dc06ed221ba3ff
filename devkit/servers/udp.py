"""A UDP server that keeps what it receives, and answers if it is told how.

with UdpServer(reply=lambda data: data[::-1]) as server:
    ...                                     # somebody sends to server.host, server.port
    server.wait_for(1)
"""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from devkit.servers.server import Received, Server, Started, datagram_socket

_DATAGRAM_MAX = 65_535

Reply = Callable[[bytes], "bytes | Sequence[bytes] | None"]


class UdpServer(Server[Received]):
    def __init__(self, host: str = "127.0.0.1", reply: Reply | None = None) -> None:
        """reply: returns the answer, or answers, to a datagram."""
        super().__init__()
        self._reply = reply
        self._socket = datagram_socket(host)
        self.host, self.port = self._socket.getsockname()[:2]
        self._end = secrets.token_bytes(16)  # the datagram that ends the thread
        self._thread = threading.Thread(target=self._serve, name="udp-server", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take what has come already, then stop."""
        if self._thread.is_alive():
            with socket.socket(self._socket.family, socket.SOCK_DGRAM) as sender:
                sender.sendto(self._end, (self.host, self.port))
            self._thread.join(timeout=5)
        self._socket.close()

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        """Send a datagram from the server's own port."""
        self._socket.sendto(data, to)

    def _serve(self) -> None:
        while True:
            data, source = self._socket.recvfrom(_DATAGRAM_MAX)
            if data == self._end:
                return
            answers = self._reply(data) if self._reply is not None else None
            # before the answer: what is answered has been taken
            self._keep(Received(time.time(), source[:2], data))
            for answer in [answers] if isinstance(answers, bytes) else answers or ():
                self._socket.sendto(answer, source)


def start(parts: ExitStack) -> Started:
    return parts.enter_context(UdpServer()), "UDP server"
