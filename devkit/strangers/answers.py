"""A server on loopback that answers what it understands: the internet of strangers' programs.

TCP: HTTP with an empty object, an MQTT broker without other clients, TLS around either, else an
echo. UDP: the time, CoAP, a LoRa network server's acknowledgements, else an echo.
"""

from __future__ import annotations

import contextlib
import datetime
import re
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
_HTTP += b"Connection: close\r\n\r\n{}"
_METHOD = re.compile(rb"[A-Z]+( |$)")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.I)
_FROM_1900_S = 2_208_988_800


@contextlib.contextmanager
def answering() -> Iterator[int]:
    """The port, of TCP and of UDP."""
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(type=socket.SOCK_DGRAM) as udp,
    ):
        port = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", port))
        for serve, server in ((_accept, tcp), (_datagrams, udp)):
            threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield port


def _accept(server: socket.socket) -> None:
    context = _context()
    with contextlib.suppress(OSError):
        while True:
            peer, _ = server.accept()
            threading.Thread(target=_stream, args=(peer, context), daemon=True).start()


def _stream(peer: Any, context: ssl.SSLContext) -> None:
    with contextlib.suppress(OSError), peer:
        peer.settimeout(60)
        if peer.recv(1, socket.MSG_PEEK) == b"\x16":
            peer = context.wrap_socket(peer, server_side=True)
        kept, mqtt = b"", False
        while data := peer.recv(4096):
            kept += data
            mqtt = mqtt or kept[0] == 0x10
            if mqtt:
                answer, kept = _mqtt(kept)
                peer.sendall(answer)
            elif not _METHOD.match(kept):
                peer.sendall(kept)
                kept = b""
            elif _is_whole(kept):
                peer.sendall(_HTTP)
                return


def _is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


def _mqtt(data: bytes) -> tuple[bytes, bytes]:
    """The answers to whole packets (MQTT 3.1.1), and what is left."""
    answers = b""
    while len(data) >= 2:
        length, at = data[1] & 0x7F, 2
        while data[at - 1] & 0x80 and at < len(data):
            length, at = length | (data[at] & 0x7F) << 7 * (at - 1), at + 1
        if len(data) < at + length:
            break
        kind, level, body = data[0] >> 4, data[0] >> 1 & 3, data[at : at + length]
        data = data[at + length :]
        name = int.from_bytes(body[:2], "big")  # length of a topic
        answers += {
            1: b"\x20\x02\0\0",
            3: (b"", b"\x40\x02", b"\x50\x02", b"")[level]
            + (body[2 + name : 4 + name] * bool(level)),
            6: b"\x70\x02" + body[:2],
            8: b"\x90\x03" + body[:2] + b"\0",
            10: b"\xb0\x02" + body[:2],
            12: b"\xd0\0",
        }.get(kind, b"")
    return answers, data


def _datagrams(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            data, peer = server.recvfrom(2048)
            server.sendto(_datagram(data), peer)


def _datagram(data: bytes) -> bytes:
    if len(data) == 48 and data[0] & 7 == 3:  # NTP
        now = (int(time.time()) + _FROM_1900_S).to_bytes(4, "big") + bytes(4)
        return b"\x24\x01" + bytes(14) + now + data[40:48] + now + now
    if len(data) >= 12 and data[0] in (1, 2) and data[3] in (0, 2):  # Semtech's packet forwarder
        return data[:3] + (b"\x01" if data[3] == 0 else b"\x04")
    if len(data) >= 4 and data[0] & 0xF0 == 0x40:  # CoAP, confirmable
        return bytes([0x60 | data[0] & 15, 0x45]) + data[2 : 4 + (data[0] & 15)]
    return data


def _context() -> ssl.SSLContext:
    """TLS as the firmware speaks it, with a certificate that nobody else has signed."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(datetime.datetime(2020, 1, 1))
    signed = made.not_valid_after(datetime.datetime(2050, 1, 1)).sign(key, hashes.SHA256())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(private + signed.public_bytes(pem))
        context.load_cert_chain(file.name)
    return context
