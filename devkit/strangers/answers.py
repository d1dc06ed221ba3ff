"""A server on loopback that answers whatever it understands: the internet of strangers' programs.

TCP: HTTP with an empty object, an MQTT broker without other clients, TLS around either, else an
echo. UDP: time (NTP), CoAP, the acknowledgements of a LoRa network server, else an echo.
"""

from __future__ import annotations

import contextlib
import datetime
import re
import socket
import ssl
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
_HTTP += b"Connection: close\r\n\r\n{}"
_METHOD = re.compile(rb"(?:G|P|D|H|O)[A-Z]*(?: |$)")
_NTP_S = 2208988800  # 1900 to 1970


@contextlib.contextmanager
def answering() -> Iterator[int]:
    """The port, of TCP and of UDP."""
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(type=socket.SOCK_DGRAM) as udp,
    ):
        port = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", port))
        for serve in (lambda: _accept(tcp, _context()), lambda: _datagrams(udp)):
            threading.Thread(target=serve, daemon=True).start()
        yield port


def _accept(server: socket.socket, context: ssl.SSLContext) -> None:
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
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0].strip()
    return bool(end) and len(body) >= int(length or b"0")


def _mqtt(data: bytes) -> tuple[bytes, bytes]:
    """The answers to whole packets, and what is left."""
    answers = b""
    while len(data) >= 2:
        length, at = data[1] & 0x7F, 2
        while data[at - 1] & 0x80 and at < len(data):
            length, at = length | (data[at] & 0x7F) << 7 * (at - 1), at + 1
        if len(data) < at + length:
            break
        kind, flags, body = data[0] >> 4, data[0] & 15, data[at : at + length]
        data = data[at + length :]
        if kind == 1:
            answers += b"\x20\x02\0\0"
        elif kind == 3 and flags & 6:
            name = struct.unpack(">H", body[:2])[0]
            answers += bytes([0x40 if flags & 2 else 0x50, 2]) + body[2 + name : 4 + name]
        elif kind in (6, 8, 10):
            answers += {6: b"\x70\x02", 8: b"\x90\x03", 10: b"\xb0\x02"}[kind] + body[:2]
            answers += b"\0" if kind == 8 else b""
        elif kind == 12:
            answers += b"\xd0\0"
    return answers, data


def _datagrams(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            data, peer = server.recvfrom(2048)
            answer = _datagram(data)
            if answer:
                server.sendto(answer, peer)


def _datagram(data: bytes) -> bytes:
    if len(data) == 48 and data[0] & 7 == 3:
        now = struct.pack(">II", int(time.time()) + _NTP_S, 0)
        return b"\x24\x01\0\0" + bytes(8) + b"LOCL" + now + data[40:48] + now + now
    if len(data) >= 12 and data[0] in (1, 2) and data[3] in (0, 2):
        return data[:3] + bytes([1 if data[3] == 0 else 4])
    if len(data) >= 4 and data[0] >> 6 == 1 and data[0] & 15 <= 8:
        token = data[4 : 4 + (data[0] & 15)]
        return (
            bytes([0x60 | data[0] & 15, 0x45]) + data[2:4] + token if data[0] & 0x30 == 0 else b""
        )
    return data


def _context() -> ssl.SSLContext:
    """TLS as the firmware speaks it, with a certificate that only itself has signed."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    days = datetime.datetime(2020, 1, 1), datetime.datetime(2050, 1, 1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = builder.not_valid_before(days[0]).not_valid_after(days[1]).sign(key, hashes.SHA256())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(private + made.public_bytes(pem))
        context.load_cert_chain(file.name)
    return context
