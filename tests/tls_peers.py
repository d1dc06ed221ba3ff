"""TLS servers on this computer for programs of the board, and certificates for them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

PEER = ("192.0.2.20", 8883)  # as programs on the board call it


def certificate(folder: Path, name: str, key: str) -> None:
    """A certificate for localhost that nobody but itself has signed."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / key), "-out", str(folder / name)]
    subprocess.run([*command, *files], check=True, capture_output=True)


def routed(port: int) -> str:
    return f"{PEER[0]}:{PEER[1]}=127.0.0.1:{port}"


@contextlib.contextmanager
def echo_server(certificates: Path) -> Iterator[int]:
    """Port of a server that sends back what it gets; cert.pem and key.pem are its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # what mbedTLS 2.16 speaks
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")

    def serve(peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            with context.wrap_socket(peer, server_side=True) as secured:
                while data := secured.recv(1024):
                    secured.sendall(data)

    def accept(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = server.accept()
                threading.Thread(target=serve, args=(peer,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
