"""Packet service: from the registration to the first datagram that can be sent.

    service = Service(exchange, cid, family, data_state)
    service.note(lines)        # of AT+CEREG?;+CGATT?;...;+CGPADDR=<cid>
    service.is_there()         # raises Failed once this cannot come any more

A registration alone carries no data. Besides it the modem needs the packet service, +CGATT: 1,
which may follow seconds later, and an address on the context that is to be used. Some firmware
says +CGATT: 0 for ever, although data passes: there, and on another context than that of the
attach, a UDP socket is tried. It opens without a packet on air.

Source: 3GPP TS 27.007 10.1.9, 10.1.10, 10.1.14; the sockets of Sequans modems.
"""

from micropython import const

from networking import _nbiot_causes as causes
from networking._nbiot_causes import Failed
from utils import address, at, timing

IPV4, IPV6 = const(2), const(10)  # as utils.address has them

_FIRST_CID = const(1)  # the context of the attach
_OTHER_FAMILY_MS = const(3000)  # an IPv6 address may follow the IPv4 one
_TRUST_MS = const(5000)  # then an address counts although +CGATT is 0
_ACTIVATE_MS = const(60000)
_SOCKET_MS = const(10000)
_TRIES = const(5)  # of a context that the modem refuses

# Socket 6: bind it to the context, open it, close it. The peer is an address for documentation
_TRY = 'AT+SQNSCFG=6,%d,300,90,600,50;+SQNSD=6,1,9,"%s",0,0,1;+SQNSH=6'
_PEERS = {IPV4: "192.0.2.1", IPV6: "2001:db8::1"}


class Service:
    """What is known of packet service since the modem registered."""

    def __init__(self, exchange, cid, family, data_state):
        """exchange(command, limit_ms) returns a Reply; family: the one that is needed, or None."""
        self._exchange = exchange
        self._cid = cid
        self._family = family
        self._data_state = data_state
        self._since = timing.Stopwatch()
        self._attached = False  # +CGATT: 1
        self._families = None  # of the addresses of the context; None: not answered
        self._refusals = 0

    def note(self, lines):
        """Store what a poll says."""
        self._attached = "+CGATT: 1" in lines
        self._families = None
        for line in lines:
            values = at.fields(line)
            if line.startswith("+CGPADDR") and values[0] == str(self._cid):
                found = [_family(value) for value in values[1:]]
                # a modem may have a line for each family
                self._families = (self._families or []) + [each for each in found if each]

    def pause_ms(self):
        """Return the time to the next poll: the packet service often follows within 3 s."""
        return min(max(200, self._since.elapsed_ms() // 6), 5000)

    def lacks(self, family):
        """True if the addresses are known, and none is of this family."""
        return bool(self._families) and family not in self._families

    def is_there(self):
        """True if a datagram can be sent now."""
        waited_ms = self._since.elapsed_ms()
        if self._families == []:
            if self._attached and (self._cid != _FIRST_CID or waited_ms > _OTHER_FAMILY_MS):
                self._count(self._exchange("AT+CGACT=1,%d" % self._cid, _ACTIVATE_MS))
            return False
        if self._family and self.lacks(self._family):
            if waited_ms > _OTHER_FAMILY_MS:
                raise Failed(causes.ADDRESS_FAMILY)
            return False
        if not self._attached and waited_ms < _TRUST_MS:
            return False
        usual = self._attached and self._families and self._cid == _FIRST_CID
        return bool(usual or self._data_state or self._opens_a_socket())

    def _opens_a_socket(self):
        families = self._families or (IPV4,)
        family = self._family or families[0]
        return self._count(self._exchange(_TRY % (self._cid, _PEERS[family]), _SOCKET_MS))

    def _count(self, reply):
        """Return whether the modem agreed; end the attempt at the last refusal of the context."""
        if not reply.ok:
            self._refusals += 1
            if self._refusals == _TRIES and self._attached:
                raise Failed(causes.CONTEXT_UNAVAILABLE)
        return reply.ok


def _family(text):
    """Return the family of an address in +CGPADDR: IPv6 is written as 16 numbers with dots, too.

    None for an empty text and for the addresses that stand for none.
    """
    if text.count(".") == 15:
        return IPV6
    return address.family(text) if text.strip("0.:") else None
