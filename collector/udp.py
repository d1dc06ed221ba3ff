"""Plain UDP: a socket and a thread that hands on each datagram.

listener = UdpListener("::1", 0, lambda data, source: print(source, data))
...                                           # listener.host, listener.port
listener.close()
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import struct
import sys
import threading
from collections.abc import Callable

DATAGRAM_MAX = 65_535
BUFFER_BYTES = 4 << 20  # asked of the system for a burst; it may give less
DROPS_OPTION = getattr(socket, "SO_RXQ_OVFL", 40 if sys.platform == "linux" else None)

Address = tuple[str, int]


def address_text(host: str, port: int) -> str:
    """Host and port as in a URI."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def set_options(bound: socket.socket) -> None:
    """Ask for room for a burst, and for a count of the datagrams that the system drops."""
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    if DROPS_OPTION is not None:
        bound.setsockopt(socket.SOL_SOCKET, DROPS_OPTION, 1)


def drop_count(message: tuple[int, int, bytes]) -> int | None:
    """Return how many datagrams the system has dropped, if this control message says so."""
    level, kind, data = message
    if level == socket.SOL_SOCKET and kind == DROPS_OPTION and len(data) >= 4:
        return int(struct.unpack_from("I", data)[0])
    return None


class UdpListener:
    """Listens from its construction until it is closed. OSError if it cannot listen there."""

    def __init__(
        self, host: str, port: int, on_datagram: Callable[[bytes, Address], None]
    ) -> None:
        """on_datagram: called in the listener's thread."""
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        )[0]
        self._socket = socket.socket(family, kind)
        try:
            set_options(self._socket)
            self._socket.bind(address)
        except OSError:
            self._socket.close()
            raise
        self.host, self.port = self._socket.getsockname()[:2]
        self.lost = 0  # dropped by the system because the program was too slow
        self._on_datagram = on_datagram
        self._end = secrets.token_bytes(16)  # the datagram that ends the thread
        self._thread = threading.Thread(target=self._serve, name="udp", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hand on what has arrived, then stop."""
        if self._thread.is_alive():
            sender = socket.socket(self._socket.family, socket.SOCK_DGRAM)
            with contextlib.suppress(OSError), sender:
                sender.sendto(self._end, self._socket.getsockname())
            self._thread.join(timeout=5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            data, control, _, source = self._socket.recvmsg(DATAGRAM_MAX, 64)
            if data == self._end:
                return
            for message in control:
                self.lost = drop_count(message) or self.lost
            self._on_datagram(data, source)
