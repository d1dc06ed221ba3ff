"""Datagrams in data state: a socket of the firmware that notes when the modem has taken them.

Part of networking.nbiot. Whoever leaves data state must know what may still be in the modem.
"""

from utils import timing


class Socket:
    """Wraps a usocket of SOCK_DGRAM. accepted: list of instants, as microATsocket keeps one."""

    def __init__(self, wrapped, accepted):
        self._wrapped = wrapped
        self._accepted = accepted
        self.settimeout = wrapped.settimeout
        self.close = wrapped.close

    def sendto(self, payload, address):
        count = self._wrapped.sendto(payload, address)
        self._accepted.append(timing.now_ms())
        return count

    def recvfrom(self, size):
        found = self._wrapped.recvfrom(size)
        del self._accepted[:]  # the modem sends in order: they have left
        return found
