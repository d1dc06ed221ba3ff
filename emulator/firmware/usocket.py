"""usocket: the thin face of service "socket" (emulator/network/ip.py).

Only what belongs to the interpreter is done here: arguments, waiting, the two ways in which
nothing is told: b"" and exceptions. IPv4 only, addresses are (dotted text, port).
Source: Pycom firmware 1.20.2.r4, esp32/mods/modusocket.c, lwipsocket.c.
"""

import sys

from _arguments import data_of, to_float, to_int, to_sequence
from _board import call

AF_INET = 2
SOCK_STREAM = 1
SOCK_DGRAM = 2
SOCK_RAW = 3
IPPROTO_IP = 0
IPPROTO_ICMP = 1
IPPROTO_TCP = 6
IPPROTO_UDP = 17
IPPROTO_IPV6 = 41
IPPROTO_RAW = 255
SOL_SOCKET = 4095
SO_REUSEADDR = 4

_POLLIN = 1
_POLLOUT = 4
_RECV_MOST = 2048  # of one recv
_EAGAIN = 11
_EINVAL = 22
_EINPROGRESS = 119
_FIRST_SLICE_US = 20000
_LAST_SLICE_US = 200000
_YIELD_US = 1000  # other threads and handlers have their turn

if sys.platform == "FiPy":
    from _lorasocket import LoraSocket

    AF_LORA = 0xA0
    SOL_LORA = 0xFFF05
    SO_CONFIRMED = 0xF0002
    SO_DR = 0xF0003

error = OSError


class TimeoutError(OSError):
    """No builtin on this firmware; reached as socket.timeout."""


timeout = TimeoutError


def _wait(wanted, left_us):
    """Wait for one of [number, mask]; left_us -1: without limit. Returns what is ready."""
    slice_us = _FIRST_SLICE_US
    while True:
        ready, left_us = call("socket.wait", wanted, left_us, slice_us)
        if ready or left_us == 0:
            return ready
        call("rtc.sleep_us", _YIELD_US)
        if left_us > 0:
            left_us = max(1, left_us - _YIELD_US)
        slice_us = min(_LAST_SLICE_US, 2 * slice_us)


def _address(pair):
    """(host, port) of an address; the firmware takes tuples and lists of two."""
    host, port = to_sequence(pair, 2)
    if isinstance(host, bytes):
        host = host.decode()
    if not isinstance(host, str):
        raise TypeError("can't convert '{}' object to str implicitly".format(type(host).__name__))
    return host, to_int(port) & 0xFFFF


class socket:
    def __new__(cls, family=AF_INET, type=None, proto=IPPROTO_TCP, fileno=-1):
        if family == 0xA0 and sys.platform == "FiPy":
            return LoraSocket(SOCK_RAW if type is None else type, timeout)
        if family == 0xA1 and sys.platform == "FiPy":
            from _board import refuse

            refuse("socket.AF_SIGFOX")
        return object.__new__(cls)

    def __init__(self, family=AF_INET, type=SOCK_STREAM, proto=IPPROTO_TCP, fileno=-1):
        self._number = call("socket.open", family, type, proto)
        self._left_us = -1  # per operation; -1: without limit, 0: does not block
        self._stream = type == SOCK_STREAM
        self._connected = False

    def fileno(self):
        return self._number

    def close(self):
        if self._number >= 0:
            number, self._number = self._number, -1
            call("socket.close", number)

    def settimeout(self, seconds):
        self._left_us = -1 if seconds is None else int(1000 * to_float(seconds)) * 1000

    def setblocking(self, flag):
        self._left_us = -1 if flag else 0

    def setsockopt(self, level, option, value):
        """Addresses are reused anyway; the options of lwIP have no effect here."""
        if not isinstance(value, (bytes, bytearray)):
            to_int(value)

    # addresses

    def bind(self, address):
        call("socket.bind", self._number, *_address(address))

    def listen(self, backlog=1):
        call("socket.listen", self._number)

    def accept(self):
        accepted = call("socket.accept", self._number)
        while accepted is None:
            if not self._wait(_POLLIN):
                raise OSError(_EAGAIN)  # accept() does not know its time-out by name
            accepted = call("socket.accept", self._number)
        number, host, port = accepted
        other = object.__new__(socket)
        other._number = number
        other._left_us = -1
        other._stream = True
        other._connected = True
        return other, (host, port)

    def connect(self, address):
        host, port = _address(address)
        if call("socket.connect", self._number, host, port):
            self._connected = True
            return
        if self._left_us == 0:
            raise OSError(_EINPROGRESS)
        if not self._wait(_POLLOUT):
            self.close()
            raise timeout("timed out")
        call("socket.connected", self._number)
        self._connected = True

    # data

    def send(self, data):
        data = data_of(data)
        count = call("socket.send", self._number, data)
        while count == 0 and data:
            if not self._wait(_POLLOUT):
                self._nothing()
            count = call("socket.send", self._number, data)
        return count

    sendall = send  # the firmware's sendall does not loop

    def sendto(self, data, address):
        return call("socket.sendto", self._number, data_of(data), *_address(address))

    def recv(self, count):
        found = self._receive(min(count, _RECV_MOST))
        return b"" if found is None else found[0]

    def recvfrom(self, count):
        found = self._receive(min(count, _RECV_MOST))
        if found is None:
            raise OSError(_EAGAIN)
        return found[0], (found[1], found[2])

    def _receive(self, count):
        """What has come; None if the socket does not block and nothing has."""
        found = call("socket.recv", self._number, count)
        while found is None:
            if self._left_us == 0:
                return None
            if not self._wait(_POLLIN):
                raise timeout("timed out")
            found = call("socket.recv", self._number, count)
        return found

    def _wait(self, mask):
        return _wait([[self._number, mask]], self._left_us)

    def _nothing(self):
        if self._left_us == 0:
            raise OSError(_EAGAIN)
        raise timeout("timed out")

    # as a stream

    def makefile(self, *mode):
        return self

    def read(self, count=-1):
        """Up to `count` bytes, all of them unless the stream ends; None if it does not block."""
        data = b""
        while count < 0 or len(data) < count:
            found = self._receive(_RECV_MOST if count < 0 else min(_RECV_MOST, count - len(data)))
            if found is None:
                return data or None
            if not found[0]:
                break
            data += found[0]
        return data

    def readinto(self, buffer, count=-1):
        data = self.read(len(buffer) if count < 0 else count)
        if data is None:
            return None
        buffer[: len(data)] = data
        return len(data)

    def readline(self, count=-1):
        line = b""
        while not line.endswith(b"\n") and (count < 0 or len(line) < count):
            found = self._receive(1)
            if found is None:
                return line or None
            if not found[0]:
                break
            line += found[0]
        return line

    def write(self, data, *part):
        """All of it, unlike send; part: [start,] count."""
        data = data_of(data, *part)
        done = 0
        while done < len(data):
            done += self.send(data[done:])
        return done


def getaddrinfo(host, port, *ignored):
    """One address; blocks everything while the name is looked up. Up to four more arguments, as
    other boards have them, are not looked at."""
    if len(ignored) > 4:
        raise TypeError("function expected at most 6 arguments, got {}".format(2 + len(ignored)))
    if not isinstance(host, str):
        raise TypeError("can't convert '{}' object to str implicitly".format(type(host).__name__))
    return [(AF_INET, SOCK_STREAM, 0, "", (call("socket.getaddrinfo", host), port))]


def dnsserver(index=None, address=None):
    """Both servers, the one of an index (0, 1), or set that one."""
    if index is not None and index not in (0, 1):
        raise OSError(_EINVAL)
    servers = call("socket.dnsserver", index, address)
    if servers is None:
        return None
    return tuple(servers) if index is None else servers[index]
