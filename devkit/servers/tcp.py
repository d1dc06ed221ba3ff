"""A TCP server that keeps what it receives and never answers.

    with TcpServer("127.0.0.1", take) as server:     # server.port is a free one
        ...                                          # take(data, source), once a connection ends
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable
from types import TracebackType

Take = Callable[[bytes, tuple[str, int]], object]


class TcpServer:
    """Listens as long as its block lasts; each connection has a thread of its own."""

    def __init__(self, host: str, take: Take) -> None:
        """take: called with all bytes of a connection, and where it came from, in its thread."""

        class Connection(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                data = self.rfile.read()
                if data:
                    take(data, self.client_address)

        self._server = socketserver.ThreadingTCPServer((host, 0), Connection)
        self._server.daemon_threads = True
        self.host, self.port = host, int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="tcp")

    def __enter__(self) -> TcpServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
