"""Service "tls": mbedTLS as the firmware's ussl uses it, by Python's own ssl.

Records go through the socket that the face wraps (emulator/firmware/ussl.py), so that they take
their time on the air; here they are only made and read. TLS 1.2 at most, dates of certificates
are not looked at, errors have mbedTLS's numbers.
Source: Pycom firmware 1.20.2.r4, esp32/mods/modussl.c, lwipsocket.c; mbedTLS 2.16.2.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator.board.board import Board, Service
from emulator.board.constants import ESTIMATE, constant

if TYPE_CHECKING:
    import ssl

CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED = range(3)
BAD_INPUT_DATA, INVALID_RECORD, CONN_EOF = -0x7100, -0x7200, -0x7280
FATAL_ALERT, HANDSHAKE_FAILED = -0x7780, -0x7980
CERT_VERIFY_FAILED, CERT_INVALID, KEY_INVALID = -0x2700, -0x2180, -0x3D00
NOT_TRUSTED, OTHER_NAME = 0x08, 0x04  # flags of a verification
_NO_DATES = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL
_PARTIAL = 0x80000  # X509_V_FLAG_PARTIAL_CHAIN: each certificate that is given is trusted
_OTHER_NAMES = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, ..._IP_ADDRESS_MISMATCH
_MOST = 16_384  # of a record

# what the chip computes for a handshake, once and for a session that is resumed
HANDSHAKE_US = constant(
    1_200_000, "us", ESTIMATE, "ECDHE and RSA of 2048 bits at 160 MHz, 0.7 to 2 s; no source found"
)
RESUMED_US = constant(60_000, "us", ESTIMATE, "hashes alone; no source found")


@dataclass
class _Link:
    context: ssl.SSLContext
    verify: int
    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO
    tls: ssl.SSLObject
    shaken: bool = False


class Tls(Service):
    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._links: dict[int, _Link] = {}
        self._sessions: list[tuple[ssl.SSLContext, Any]] = []
        self._last = 0

    def on_reset(self, cause: int) -> None:
        self._links.clear()
        self._sessions.clear()

    def do_open(
        self,
        server: bool,
        verify: int,
        ca: bytes | None,
        certificate: bytes | None,
        key: bytes | None,
        hostname: str | None,
        session: int | None,
    ) -> int:
        """A number for one connection. The certificates are the content of files."""
        import ssl

        resumed = None
        if session is not None:
            context, resumed = self._sessions[session]
        else:
            context = _context(server, verify, ca, certificate, key, hostname)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        name = None if server else hostname or None
        tls = context.wrap_bio(incoming, outgoing, server, name, resumed)
        self._last += 1
        self._links[self._last] = _Link(context, verify, incoming, outgoing, tls)
        return self._last

    def do_shake(self, number: int, received: bytes | None) -> list[Any]:
        """Go on with the handshake: [whether it is over, what to send, error or 0]. received: None
        at the end of the stream. An error is [number, whether it is that of the verification]."""
        import ssl

        link = self._links[number]
        done, error, verified = False, 0, True
        self._feed(link, received)
        try:
            link.tls.do_handshake()
            done = link.shaken = True
            self.board.spend_us(RESUMED_US if link.tls.session_reused else HANDSHAKE_US)
        except ssl.SSLWantReadError:
            if received is None:
                error = CONN_EOF
        except ssl.SSLCertVerificationError as problem:
            error, verified = _flags(problem), False
            if link.verify == CERT_REQUIRED:
                error, verified = CERT_VERIFY_FAILED, True
        except ssl.SSLError as problem:
            error = _number(problem)
        return [done, link.outgoing.read(), error, verified]

    def do_read(self, number: int, received: bytes | None, count: int) -> list[Any]:
        """[data, error or 0]; data None: more has to come, b"": the other side has ended."""
        import ssl

        link = self._links[number]
        self._feed(link, received)
        try:
            return [link.tls.read(min(count, _MOST)), 0]
        except ssl.SSLWantReadError:
            return [None, 0]
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return [b"", 0]
        except ssl.SSLError as problem:
            return [None, _number(problem)]

    def do_write(self, number: int, data: bytes) -> list[Any]:
        """[how much was taken, what to send]"""
        link = self._links[number]
        if not link.shaken:
            raise OSError(BAD_INPUT_DATA)
        taken = link.tls.write(data[:_MOST])
        return [taken, link.outgoing.read()]

    def do_close(self, number: int) -> bytes:
        """What to send at the end."""
        import ssl

        link = self._links.pop(number, None)
        if link is None or not link.shaken:
            return b""
        try:
            link.tls.unwrap()
        except (ssl.SSLError, ValueError):  # the other side has not ended yet
            pass
        return link.outgoing.read()

    def do_session(self, number: int) -> int:
        link = self._links.get(number)
        if link is None or not link.shaken:
            raise OSError(BAD_INPUT_DATA)
        self._sessions.append((link.context, link.tls.session))
        return len(self._sessions) - 1

    def _feed(self, link: _Link, received: bytes | None) -> None:
        if received is None:
            link.incoming.write_eof()
        elif received:
            link.incoming.write(received)


def _context(
    server: bool,
    verify: int,
    ca: bytes | None,
    certificate: bytes | None,
    key: bytes | None,
    hostname: str | None,
) -> ssl.SSLContext:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE if verify == CERT_NONE else ssl.CERT_REQUIRED
    if verify != CERT_NONE:
        context.check_hostname = bool(hostname) and not server
        context.verify_flags |= _NO_DATES | _PARTIAL
        try:
            context.load_verify_locations(cadata=(ca or b"").decode("ascii"))
        except (ssl.SSLError, ValueError):
            raise OSError(CERT_INVALID) from None
    if certificate is not None and key is not None:
        _load_own(context, certificate, key)
    return context


def _load_own(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    import ssl

    with tempfile.TemporaryDirectory(prefix="tls-") as folder:
        files = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        files[0].write_bytes(certificate)
        files[1].write_bytes(key)
        try:
            context.load_cert_chain(*files)
        except ssl.SSLError:
            raise OSError(KEY_INVALID if b"CERTIFICATE" in certificate else CERT_INVALID) from None


def _flags(problem: ssl.SSLCertVerificationError) -> int:
    return OTHER_NAME if problem.verify_code in _OTHER_NAMES else NOT_TRUSTED


def _number(problem: ssl.SSLError) -> int:
    """mbedTLS's number of a failure."""
    import ssl

    reason = problem.reason or ""
    if isinstance(problem, ssl.SSLEOFError) or reason == "UNEXPECTED_EOF_WHILE_READING":
        return CONN_EOF
    if "ALERT" in reason:
        return FATAL_ALERT
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"):
        return INVALID_RECORD
    return HANDSHAKE_FAILED
