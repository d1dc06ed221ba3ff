"""`--serve 80=8080`: where programs on this computer reach a port of the board."""

from __future__ import annotations

import socket

from emulator.network.addresses import Endpoint

HOST = "127.0.0.1"


def parsed(text: str) -> tuple[int, Endpoint]:
    """(port of the board, address on this computer) of PORT=PORT."""
    board, equals, here = text.partition("=")
    ports = [int(each) if each.isdecimal() else 0 for each in (board, here)]
    if not equals or not all(1 <= port <= 65535 for port in ports):
        raise ValueError(f"serve {text!r}; allowed: PORT=PORT, of the board and of this computer")
    return ports[0], (HOST, ports[1])


def check_free(text: str) -> None:
    """Raise ValueError if another program has the port of this computer."""
    _, here = parsed(text)
    try:
        with socket.create_server(here):
            pass
    except OSError as problem:
        raise ValueError(f"serve {text!r}: port {here[1]}: {problem.strerror}") from None
