"""Plain messages: the payload is the datagram, and no server answers.

    from protocols import udp
    outcome = udp.deliver(transport, payload, "192.0.2.1", 5683)      # "unknown"

UDP (RFC 768) has no acknowledgement: a datagram that the transport accepted may be lost on any
link after it, so the outcome is "unknown", unless the transport itself has a confirmation (of a
LoRaWAN gateway's network, for instance): then it is "delivered" with it.
"""

from protocols import DELIVERED, REFUSED, UNKNOWN

NEEDS = "message"


def problems(cfg):
    """Nothing beside the application's _HOST and _PORT."""
    return []


def overhead(cfg):
    return 0


def open(transport, cfg):
    """Return a session; see protocols/__init__.py."""
    return _Session(transport, cfg._HOST, cfg._PORT)


def deliver(transport, payload, host, port):
    """Send `payload` as one message; return "unknown" if it was accepted whole, else "refused".

    transport: anything with `sendto(payload, (host, port))` that returns the count of bytes it
    accepted. "delivered" if the transport confirms and did. Blocks for as long as the transport
    takes to accept it.
    """
    try:
        accepted = transport.sendto(payload, (host, port))
    except OSError as error:  # no link, no buffer, no such address
        from utils import logging

        logging.Logger("udp").warning("%d bytes refused: %s", len(payload), error)
        return REFUSED
    if accepted != len(payload):
        return REFUSED
    return DELIVERED if getattr(transport, "confirmed", False) else UNKNOWN


class _Session:
    def __init__(self, transport, host, port):
        self._transport = transport
        self._to = host, port
        self.confirms = getattr(transport, "confirms", False)
        self.is_last = False

    def deliver(self, payload):
        if hasattr(self._transport, "follows"):
            self._transport.follows(0 if self.is_last else None)
        return deliver(self._transport, payload, *self._to)

    def close(self):
        self._transport.close()
