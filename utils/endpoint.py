"""The peer of a datagram: look-up of its name, comparison of its address.

from utils import endpoint
to = endpoint.resolve(transport, "example.org", 5683)     # ("192.0.2.1", 5683), or OSError
endpoint.same("2001:db8::1", "2001:DB8:0:0:0:0:0:1")      # True
"""

from utils import address


def resolve(transport, host, port):
    """Return (IP literal, port): `host` itself if it is a literal, else its looked-up address.

    The look-up is that of the transport, if it has one (an AT socket asks the modem), else that of
    the firmware, which blocks for up to 10 s. Raises OSError if there is no address.
    """
    if address.family(host):
        return host, port
    lookup = getattr(transport, "getaddrinfo", None)
    if not lookup:
        import usocket

        lookup = usocket.getaddrinfo
    try:
        for found in lookup(host, port):
            return found[-1][0], port
    except ValueError:  # no name at all
        pass
    raise OSError("no address for " + host)


def same(one, other):
    """True if two texts are equal, or spellings of the same IP address."""
    packed = _packed(one)
    return one == other or (packed is not None and packed == _packed(other))


def _packed(host):
    """Return 4 or 16 bytes; None if `host` is not an address."""
    if not isinstance(host, str):
        return None
    parts = host.split(".")
    # a modem may write IPv6 as 16 decimal numbers (3GPP TS 27.007, <PDP_addr>)
    quads = [".".join(parts[at : at + 4]) for at in range(0, len(parts), 4)]
    if len(parts) in (4, 16) and all(address.family(quad) == 2 for quad in quads):
        return bytes([int(part) for part in parts])
    if not address.family(host):
        return None
    if len(parts) > 1:
        colon = host.rfind(":") + 1
        a, b, c, d = [int(part) for part in host[colon:].split(".")]
        host = host[:colon] + "%x:%x" % (a << 8 | b, c << 8 | d)
    halves = [[int(group, 16) for group in half.split(":") if group] for half in host.split("::")]
    missing = 8 - sum(len(half) for half in halves)
    groups = halves[0] + [0] * missing + halves[-1] if len(halves) > 1 else halves[0]
    return b"".join(group.to_bytes(2, "big") for group in groups)
