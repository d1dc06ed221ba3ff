"""A modem with routes to real servers on loopback, for tests of its sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from devkit.servers.udp import UdpServer
from tests.emulator.modem.bare_modem import READY, Rig

SERVER6 = "2001:db8::1"
SERVER4 = "192.0.2.1"
QUICK = {**READY, "radio": {"attach_ms": 4000, "detach_ms": 1500, "uplink_ms": 400, "turn_ms": 300,
                            "loss": 0.0, "outliers": False}}  # fmt: skip


def same(data: bytes) -> bytes:
    return data


class SocketRig(Rig):
    """Attached, with an IPv4 and an IPv6 address; a context manager that closes real sockets."""

    def __init__(self, attach: bool = True, **sections: Any) -> None:
        scenario: dict[str, Any] = {**QUICK, "modem": {"pdp_type": "IPV4V6"}}
        for name, values in sections.items():
            scenario[name] = {**scenario.get(name, {}), **values}
        super().__init__(scenario)
        self.routes = self.modem.routes
        self.routes.patience.rely(0.5)  # whoever answers at all does so before time passes
        self._servers: list[Any] = []
        if attach:
            self.attach()

    def __enter__(self) -> SocketRig:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.routes.close()
        for server in self._servers:
            server.close()

    def serve(
        self,
        reply: Callable[[bytes], Any] | None = same,
        host: str = SERVER6,
        port: int = 5683,
    ) -> UdpServer:
        """A real UDP server behind host:port; `reply` makes the answers, None: it is silent."""
        server = UdpServer(reply=reply)
        if reply is None:
            self.routes.patience.give_up()
        self._servers.append(server)
        self.routes.add(host, port, server.host, server.port)
        return server

    def serve_tcp(
        self, handler: Callable[[socket.socket], None], host: str = SERVER4, port: int = 7
    ) -> None:
        server = TcpServer(handler)
        self._servers.append(server)
        self.routes.add(host, port, "127.0.0.1", server.port)

    def dial(self, identity: int = 1, host: str = SERVER6) -> str:
        return self.ask(f'AT+SQNSD={identity},1,5683,"{host}",0,8888,1')

    def send(self, data: bytes, identity: int = 1, wait_ms: float = 100) -> str:
        """Prompt and answer of one datagram, the surplus CR of Pycom's firmware included."""
        prompt = self.ask(f"AT+SQNSSENDEXT={identity},{len(data)}", 100)
        if not prompt.endswith("> "):
            return prompt
        self.write(data + b"\r")
        return prompt + self.pass_ms(wait_ms).decode("latin-1")

    def net(self) -> list[str]:
        return [entry.text for entry in self.board.trace.of("net")]


class TcpServer:
    """Hands each connection to `handler`, in a thread."""

    def __init__(self, handler: Callable[[socket.socket], None]) -> None:
        self._handler = handler
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    self._handler(connection)
                except OSError:
                    pass
