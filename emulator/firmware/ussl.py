"""ussl: the face of the firmware's TLS. Arguments are checked as there; then it ends, because TLS
itself is not emulated: a handshake fails with the number mbedTLS gives for a lost connection.

Source: Pycom firmware 1.20.2.r4, esp32/mods/modussl.c.
"""

from usocket import socket

CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED = range(3)
PROTOCOL_SSLv3, PROTOCOL_TLSv1, PROTOCOL_TLSv1_1, PROTOCOL_TLSv1_2 = range(4)

SSLError = OSError

_CONN_EOF = -0x7280  # MBEDTLS_ERR_SSL_CONN_EOF


def wrap_socket(
    sock,
    *,
    keyfile=None,
    certfile=None,
    server_side=False,
    cert_reqs=CERT_NONE,
    ssl_version=PROTOCOL_TLSv1,
    ca_certs=None,
    server_hostname=None,
    saved_session=None,
    timeout=10,
):
    if not isinstance(sock, socket):
        raise ValueError("invalid argument(s) value")
    if cert_reqs != CERT_NONE and ca_certs is None:
        raise ValueError("invalid argument(s) value")
    _readable(ca_certs, "CA file not found")
    _readable(certfile, "certificate file not found")
    _readable(keyfile, "key file not found")
    raise OSError(_CONN_EOF)


def _readable(name, message):
    if name is None:
        return
    try:
        open(name, "rb").close()
    except OSError:
        raise OSError(message)
