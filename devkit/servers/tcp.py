"""A TCP server that keeps what each connection sent, once it ends, and never answers.

with TcpServer() as server:
    ...                                     # somebody connects to server.host, server.port
    server.wait_for(1)
"""

from __future__ import annotations

import socketserver
import threading
import time
from contextlib import ExitStack

from devkit.servers.server import Received, Server, Started


class TcpServer(Server[Received]):
    """Each connection has a thread of its own."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__()
        keep = self._keep

        class Connection(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                data = self.rfile.read()
                if data:
                    keep(Received(time.time(), self.client_address[:2], data))

        self._server = socketserver.ThreadingTCPServer((host, 0), Connection)
        self._server.daemon_threads = True
        self.host, self.port = self._server.server_address[:2]  # type: ignore[assignment]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="tcp-server", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(timeout=5)
        self._server.server_close()


def start(parts: ExitStack) -> Started:
    return parts.enter_context(TcpServer()), "TCP server"
