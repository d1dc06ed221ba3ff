"""ussl: TLS over a socket; the thin face of service "tls" (emulator/network/tls.py).

A wrapped socket shares the number of the one that it wraps. It reads without a limit unless it
was given a time-out itself: setblocking(False) does not keep it from waiting.
Source: Pycom firmware 1.20.2.r4, esp32/mods/modussl.c, lwipsocket.c, modusocket.c.
"""

from _arguments import REQUIRED, as_is, assign, data_of, to_int, to_text
from _board import call
from _texts import BADVAL
from usocket import socket, timeout

CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED = range(3)
SSL_TIMEOUT = -0x6800  # of mbedTLS

SSLError = OSError

_UNVERIFIED = -1  # what wrap_socket() makes of a certificate that is not trusted
_TIMEOUTS = 10
_RECV_MOST = 2048
_EBADF = 9
_ENOTCONN = 128
_ECONNRESET = 104
_RECV_FAILED, _SEND_FAILED, _CONN_RESET = -0x4C, -0x4E, -0x50  # of mbedTLS's net_sockets.c
_POLLIN = 1

_WRAP = (
    ("sock", as_is, REQUIRED),
    ("keyfile", to_text, None),
    ("certfile", to_text, None),
    ("server_side", bool, False),
    ("cert_reqs", to_int, CERT_NONE),
    ("ssl_version", to_int, 0),
    ("ca_certs", as_is, None),
    ("server_hostname", to_text, None),
    ("saved_session", as_is, None),
    ("timeout", as_is, None),
)


class SSLSession:
    """What save_session() gives; for saved_session=."""

    def __init__(self, number):
        self._number = number


class ussl(socket):  # noqa: N801 - the firmware's name
    def __new__(cls, *args):
        return object.__new__(cls)

    def __init__(self, sock, settings, timeouts):
        self._number = sock._number
        self._stream = sock._stream
        self._connected = sock._connected
        self._left_us = -1
        self._timeouts = timeouts
        self._tls = call("tls.open", *settings)

    def settimeout(self, seconds):
        socket.settimeout(self, seconds)
        if self._left_us == 0:
            self._left_us = -1

    def setblocking(self, flag):
        self._left_us = -1

    def connect(self, address):
        socket.connect(self, address)
        try:
            self.do_handshake()
        except OSError:
            if self._left_us > 0:
                self.close()
            raise

    def do_handshake(self):
        self._shake(None)

    def _shake(self, unverified):
        """unverified: the error for a certificate that is not trusted; None: its flags."""
        received = b""
        waited = 0
        while True:
            done, answer, error, verified = call("tls.shake", self._tls, received)
            try:
                self._send_raw(answer)
            except OSError as problem:
                error = error or _of_mbedtls(problem, _SEND_FAILED)
            if error:
                raise OSError(error if verified or unverified is None else unverified)
            if done:
                return
            received = self._receive_raw()
            while received is False:
                if waited >= self._timeouts:
                    raise OSError(SSL_TIMEOUT)
                waited += 1
                received = self._receive_raw()

    def _send_raw(self, data):
        while data:
            data = data[socket.send(self, data) :]

    def _receive_raw(self):
        """What has come, None at the end, False after a time-out."""
        try:
            found = call("socket.recv", self._number, _RECV_MOST)
            while found is None:
                if not self._wait(_POLLIN):
                    return False
                found = call("socket.recv", self._number, _RECV_MOST)
        except OSError as problem:
            raise OSError(_of_mbedtls(problem, _RECV_FAILED))
        return found[0] or None

    def _check(self):
        if self._number < 0:
            raise OSError(_EBADF)
        if not self._connected:
            raise OSError(_ENOTCONN)

    def send(self, data):
        self._check()
        taken, records = call("tls.write", self._tls, data_of(data))
        self._send_raw(records)
        return taken

    sendall = send

    def _receive(self, count):
        self._check()
        received = b""
        while True:
            data, error = call("tls.read", self._tls, received, count)
            if error:
                raise OSError(error)
            if data is not None:
                return data, "", 0
            received = self._receive_raw()
            if received is False:
                raise timeout("timed out")

    def close(self):
        if self._number >= 0:
            last = call("tls.close", self._tls)
            if self._connected:
                try:
                    self._send_raw(last)
                except OSError:
                    pass  # the other side is gone
            socket.close(self)


def _of_mbedtls(problem, other):
    return _CONN_RESET if problem.args[0] == _ECONNRESET else other


def wrap_socket(*args, **keywords):
    values = assign(_WRAP, 1, args, keywords)
    sock, keyfile, certfile, server_side, verify = values[:5]
    ca_certs, hostname, session, timeouts = values[6:]
    if verify != CERT_NONE and ca_certs is None:
        raise ValueError(BADVAL)
    ca_certs = None if verify == CERT_NONE else to_text(ca_certs)
    own = keyfile is not None and certfile is not None
    if server_side and not own:
        raise ValueError(BADVAL)
    if type(sock) is not socket:
        raise ValueError(BADVAL)
    if session is not None and not isinstance(session, SSLSession):
        raise ValueError(BADVAL)
    timeouts = _TIMEOUTS if timeouts is None else to_int(timeouts)
    settings = [
        server_side,
        verify,
        _content(ca_certs, "CA file not found"),
        _content(certfile if own else None, "certificate file not found"),
        _content(keyfile if own else None, "key file not found"),
        hostname,
        None if session is None else session._number,
    ]
    wrapped = ussl(sock, settings, timeouts)
    if wrapped._connected:
        wrapped._shake(_UNVERIFIED)
    return wrapped


def save_session(ssl_sock):
    return SSLSession(call("tls.session", ssl_sock._tls))


def _content(name, message):
    """What stands in a file; None without a name."""
    if name is None:
        return None
    try:
        with open(name, "rb") as file:
            return file.read()
    except OSError:
        raise OSError(message)
