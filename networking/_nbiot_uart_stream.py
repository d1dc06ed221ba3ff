"""TCP by the modem's own stack, over a link that hears what the modem says: no data state.

    stream = Stream(modem, cid)
    stream.settimeout(20)                    # seconds, for each call
    stream.connect(("192.0.2.1", 1883))
    stream.send(b"...")                      # count of bytes that the modem took
    stream.recv(64)                          # bytes, b"" once the other side has closed
    stream.close()

These are the members of a TCP usocket that a protocol uses. OSError if the connection breaks,
usocket.timeout, which is one, if the time is over. Taken by the modem is not received by anybody.

Written against AT+SQNS* of the Sequans Monarch (LR6.x): +SQNSRING tells of data, +SQNSH of the
end.
"""

import microATreceive
from micropython import const

import microATsocket
from utils import at, timing

_PIECE = const(1460)  # bytes in one go: what fits a segment, and less than a payload may have
_FULL_MS = const(200)  # to the next try of a modem whose buffer is full
_LISTEN_MS = const(2000)
_HANDSHAKE_MS = const(5000)  # to hear of its end behind the modem's own limit
_AT_ONCE = const(1500)  # bytes read in one go


class Stream:
    def __init__(self, modem, cid):
        self._socket = microATsocket.socket(microATsocket.AF_INET)
        self._socket.setModemInstance(modem)
        self._socket.setMessageFormat(0)  # raw bytes out; in they come as hex
        self._socket.cid = cid
        self._timeout_ms = 60000
        self._is_open = False
        self._in = b""

    def settimeout(self, seconds):
        self._timeout_ms = int(seconds * 1000)

    def getaddrinfo(self, host, port):
        return self._socket.getaddrinfo(host, port)

    def connect(self, address):
        sock = self._socket
        limit_ms = max(1000, self._timeout_ms)
        sock.configure(limit_ms // 100)  # if it refuses, it refuses to dial as well
        dial = 'AT+SQNSD=%d,0,%d,"%s",0,0,1' % (sock.number, address[1], address[0])
        reply = sock.ask(dial, limit_ms + _HANDSHAKE_MS)
        if not reply.ok:
            raise OSError("no connection: %s" % (reply.final,))
        self._is_open = True
        sock.peer = address

    def send(self, data):
        data = bytes(data[:_PIECE])
        deadline = timing.Deadline(self._timeout_ms)
        while self._socket.peer:
            if self._socket.say("AT+SQNSSENDEXT=%d,%d", len(data)).prompt:
                reply = self._socket.ask(data)
                if reply.ok:
                    microATsocket.accepted.append(timing.now_ms())
                    return len(data)
                if reply.final is None:
                    raise OSError("the modem does not say whether it took all")
            if deadline.expired():
                self._time_out()
            timing.sleep_ms(_FULL_MS)
        raise OSError("the connection has ended")

    def recv(self, count):
        deadline = timing.Deadline(self._timeout_ms)
        sock = self._socket
        while not self._in:
            if sock.peer and not sock.rung:
                limit_ms = min(_LISTEN_MS, max(1, deadline.left_ms()))
                sock.note(at.listen(sock.modem, limit_ms))
            self._fetch()
            if not (self._in or sock.peer):
                break
            if not self._in and deadline.expired():
                self._time_out()
        data, self._in = self._in[:count], self._in[count:]
        return data

    def close(self):
        """Close the connection: what the modem took is still sent."""
        try:
            if self._is_open:
                self._socket.say("AT+SQNSH=%d")  # also after the other side has closed
        except OSError:  # the modem is gone, and the connection with it
            pass
        self._is_open = False
        self._socket.drop()

    def _fetch(self):
        """Read what has come, also without a ring: it may stand for several segments."""
        data, _ = microATreceive._read(self._socket, _AT_ONCE)
        self._socket.rung = 0
        if data is not None:
            del microATsocket.accepted[:]  # an answer: what was sent has left
            self._in = data.encode() if isinstance(data, str) else data
            self._socket.rung = int(len(self._in) >= _AT_ONCE)  # there may be more

    def _time_out(self):
        import usocket

        raise usocket.timeout("timed out")
