"""Data, callers and answers that a socket waits for. `./dev run` adds the option, --route."""

from __future__ import annotations

from typing import Any

from emulator.board.board import Board
from emulator.network.addresses import endpoint

CALLS = (
    "socket.accept",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.recv",
    "socket.sendto",
    "socket.wait",
)


def hint(board: Board, name: str, args: tuple[Any, ...]) -> str | None:
    ip: Any = board.services["socket"]
    numbers = [number for number, _ in args[0]] if name == "socket.wait" else args[:1]
    if any(ip.listens(number) for number in numbers):
        return "waits for a caller in accept(): " + _callers(ip.routes.listening)
    if ip.routes.missing:
        hosts = [
            host if port is None else endpoint(host, port) for host, port in ip.routes.missing
        ]
        return f"waits for a server, and no route leads to {', '.join(hosts)}"
    if name in ("socket.recv", "socket.wait"):
        return "waits for data of a socket, and nobody sends any"
    return None


def _callers(listening: dict[Any, Any]) -> str:
    if not listening:
        return "nobody on this computer calls"
    real = list(listening.values())[-1]
    return f"programs on this computer reach it at {endpoint(*real)} while the run lasts"
