"""Plain datagrams: the payload is the datagram, and nobody answers.

    from protocols import udp
    outcome = udp.deliver(bearer, payload, "2001:db8::1", 5683)      # "unknown"

UDP (RFC 768) has no acknowledgement: a datagram that the transport accepted may be lost on any
link after it, so the outcome is never "delivered".
"""

from protocols import REFUSED, UNKNOWN

OVERHEAD = 0


def deliver(transport, payload, host, port):
    """Send `payload` as one datagram; return "unknown" if it was accepted whole, else "refused".

    transport: socket with `sendto(payload, (host, port))` or bearer with `send(payload, host,
    port)`. Blocks for as long as the transport takes to accept it.
    """
    try:
        if hasattr(transport, "sendto"):
            accepted = transport.sendto(payload, (host, port))
        else:
            accepted = transport.send(payload, host, port)
    except OSError as error:  # no link, no buffer, no such address
        from utils import logging

        logging.Logger("udp").warning("%d bytes refused: %s", len(payload), error)
        return REFUSED
    return UNKNOWN if accepted == len(payload) else REFUSED
