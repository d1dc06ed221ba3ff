"""Plain UDP: a socket and a thread that hands on each datagram.

listener = UdpListener("::1", 0, lambda data, source: print(source, data))
...                                           # listener.host, listener.port
print(listener.lost)                          # dropped by the system; None: it does not tell
listener.close()

Source: socket(7), SO_RCVBUFFORCE; Linux 4.12, include/uapi/linux/sock_diag.h, SK_MEMINFO_DROPS.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
from collections.abc import Callable

DATAGRAM_MAX = 65_535
BUFFER_BYTES = 16 << 20  # asked of the system: a burst of 20,000 reports; it may give less
CLOSE_S = 30.0
LOOK_S = 0.1  # between looks whether it is to end
LAST_READ_MAX = 50_000  # datagrams at the end
_LINUX = sys.platform == "linux"
_SO_RCVBUFFORCE, _SO_MEMINFO = 33, 55
_MEMINFO = struct.Struct("9I")
_DROPS = 8  # its place there

Address = tuple[str, int]


def address_text(host: str, port: int) -> str:
    """Host and port as in a URI."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def enlarge_buffer(bound: socket.socket) -> None:
    """Ask for room for a burst: beyond the system's limit (net.core.rmem_max) needs rights."""
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    if _LINUX:
        with contextlib.suppress(OSError):
            bound.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER_BYTES)


def drop_count(bound: socket.socket) -> int | None:
    """Return how many datagrams the system has dropped because the buffer was full, or None."""
    if not _LINUX:
        return None
    try:
        content = bound.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        return int(_MEMINFO.unpack(content)[_DROPS])
    except (OSError, struct.error):
        return None


class Drops:
    """The count of a socket, also after it has been closed."""

    def __init__(self, bound: socket.socket) -> None:
        self._socket, self._last = bound, drop_count(bound)

    @property
    def count(self) -> int | None:
        found = drop_count(self._socket)
        if found is not None:
            self._last = found
        return self._last


class UdpListener:
    """Listens from its construction until it is closed. OSError if it cannot listen there."""

    throttled = 0  # unlike CoAP

    def __init__(
        self,
        host: str,
        port: int,
        on_datagram: Callable[[bytes, Address], None],
        reuse: bool = False,
    ) -> None:
        """on_datagram: called in the listener's thread. reuse: share the port with others."""
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        )[0]
        self._socket = socket.socket(family, kind)
        try:
            if reuse:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            enlarge_buffer(self._socket)
            self._socket.bind(address)
        except OSError:
            self._socket.close()
            raise
        self.host, self.port = self._socket.getsockname()[:2]
        self._drops = Drops(self._socket)
        self._on_datagram = on_datagram
        self._socket.settimeout(LOOK_S)
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="udp", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int | None:
        return self._drops.count

    def close(self) -> None:
        """Hand on what has arrived, then stop."""
        self._closing = True
        self._thread.join(timeout=CLOSE_S)
        _ = self.lost  # the last count
        self._socket.close()

    def _serve(self) -> None:
        left = LAST_READ_MAX
        while left:
            left -= self._closing
            try:
                data, source = self._socket.recvfrom(DATAGRAM_MAX)
            except TimeoutError:
                if self._closing:
                    return
            else:
                self._on_datagram(data, source)
