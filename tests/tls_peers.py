"""TLS servers on this computer for programs of the board, and certificates for them."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PEER = ("192.0.2.20", 8883)  # as programs on the board call it


def certificate(folder: Path, name: str, key: str) -> None:
    """A certificate for localhost that nobody but itself has signed."""
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2021, 1, 1))  # nobody looks at that here
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / name).write_bytes(made.public_bytes(pem))
    form = serialization.PrivateFormat.PKCS8
    (folder / key).write_bytes(private.private_bytes(pem, form, plain))


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
