"""Sockets of AF_LORA, to which usocket hands over.

Source: Pycom firmware 1.20.2.r4, esp32/mods/modlora.c lora_socket_*, modusocket.c.
"""

from _arguments import data_of, to_float, to_int
from _board import call

_SOCK_RAW = 3
_SOL_LORA = 0xFFF05
_SO_CONFIRMED = 0xF0002
_SO_DR = 0xF0003
_EAGAIN = 11
_EOPNOTSUPP = 95
_MOST_PORT = 224
_LOOK_US = 100000
_YIELD_US = 1000  # other threads and handlers have their turn


class LoraSocket:
    """What usocket.socket does for a LoRa socket. `timeout`: usocket's exception."""

    def __init__(self, kind, timeout):
        if kind != _SOCK_RAW:
            raise OSError("incorrect socket type")
        self._rate = call("lora.open")
        self._timeout = timeout
        self._port = 2
        self._confirmed = False
        self._left_us = -1
        self._closed = False

    def close(self):
        self._closed = True

    def settimeout(self, seconds):
        self._left_us = -1 if seconds is None else int(1000 * to_float(seconds)) * 1000

    def setblocking(self, flag):
        self._left_us = -1 if flag else 0

    def setsockopt(self, level, option, value):
        if isinstance(value, (bytes, bytearray)):
            value = int.from_bytes(bytes(value[:4]), "little")
        value = to_int(value)
        if level == _SOL_LORA and option == _SO_CONFIRMED:
            self._confirmed = bool(value & 0xFF)
        elif level == _SOL_LORA and option == _SO_DR and call("lora.rate_fits", value):
            self._rate = value
        else:
            raise OSError(_EOPNOTSUPP)

    def bind(self, port):
        port = to_int(port)
        if not 0 <= port <= _MOST_PORT:
            raise OSError(_EOPNOTSUPP)
        self._port = port

    def send(self, data):
        data = data_of(data)
        if not data:
            return 0
        blocks = self._left_us != 0
        number = call("lora.send", data, self._rate, self._confirmed, self._port, blocks)
        if not blocks:
            return len(data)
        state = call("lora.sent", number)
        while state < 0:
            call("lora.wait", number, _LOOK_US)
            call("rtc.sleep_us", _YIELD_US)
            state = call("lora.sent", number)
        if state == 0:
            raise self._timeout("timed out") if self._left_us > 0 else OSError(_EAGAIN)
        return len(data)

    def sendto(self, data, address):
        raise OSError(_EOPNOTSUPP)  # not implemented for LoRaWAN

    def recv(self, count):
        found = self._receive(count)
        return b"" if found is None else found[0]

    def recvfrom(self, count):
        """(data, port); the port is 0 when nothing has come."""
        found = self._receive(count)
        return (b"", 0) if found is None else (found[0], found[1])

    def _receive(self, count):
        """[data, port]; None if the socket does not block and nothing has come."""
        found = call("lora.recv", count)
        left_us = self._left_us
        while found is None:
            if left_us == 0:
                return None
            slice_us = _LOOK_US if left_us < 0 else min(_LOOK_US, left_us)
            call("rtc.sleep_us", slice_us)
            if left_us > 0:
                left_us -= slice_us
                if left_us <= 0:
                    raise self._timeout("timed out")
            found = call("lora.recv", count)
        return found
