# drop-in: only programs that were written for the original need it
"""Names looked up at a DNS server of your choice, by any UDP socket (RFC 1035, RFC 3596).

    import dns_query
    dns_query.dns_resolve(sock, "example.org", "2001:db8::53")   # [("2001:db8:...:7", "AAAA")]

The interface is that of the module of the same name which comes with microATsocket. Its classes
for the parts of a message are not here.
"""

import uos
from micropython import const

from utils.arguments import refuse

_PORT = const(53)
_TRIES = const(2)  # datagrams may be lost
_KINDS = {1: "A", 28: "AAAA"}


def dns_resolve(socket, url, dns_server, ipv6=True, debug_mode=False, recursive=True):
    """Return [(address, "A" or "AAAA"), ...] of the host `url`; [] without an answer.

    socket: with sendto, and recvfrom that gives bytes. Blocks twice as long as its time-out.
    recursive: the server may ask others.
    """
    asked = uos.urandom(2) + (b"\1" if recursive else b"\0") + b"\0\0\1\0\0\0\0\0\0"
    for label in url.rstrip(".").split("."):
        if not 0 < len(label) < 64:
            refuse("url", url, "labels of 1 to 63 characters")
        asked += bytes((len(label),)) + label.encode()
    asked += b"\0\0\x1c\0\1" if ipv6 else b"\0\0\1\0\1"
    for _ in range(_TRIES):
        socket.sendto(asked, (dns_server, _PORT))
        try:
            data = socket.recvfrom(1024)[0]
        except OSError:  # of usocket: nothing came in time
            data = None
        if data and data[:2] == asked[:2]:
            found = _addresses(data)
            if debug_mode:
                print(url, found)  # noqa: T201 - asked for
            return found
    return []


def getaddrinfo(sock, host, port):
    """What getaddrinfo of a socket of microATsocket returns, from the server that it was given."""
    other = type(sock)(sock.family)
    other.modem = sock.modem
    try:
        found = dns_resolve(other, host, sock.dns_server, sock.family == 10)
    finally:
        other.close()
    return [(2 if kind == "A" else 10, 2, 0, "", (ip, port)) for ip, kind in found]


def _addresses(data):
    """Return what an answer says of addresses, up to where it is damaged."""
    found = []
    try:
        place = 12
        for _ in range(data[5]):  # questions
            place = _behind_name(data, place) + 4
        for _ in range(data[6] << 8 | data[7]):
            place = _behind_name(data, place) + 10
            kind = _KINDS.get(data[place - 10] << 8 | data[place - 9])
            value = data[place : place + (data[place - 2] << 8 | data[place - 1])]
            place += data[place - 2] << 8 | data[place - 1]
            if kind == "A" and len(value) == 4:
                found.append((".".join([str(each) for each in value]), kind))
            elif kind and len(value) == 16:
                groups = ["%x" % (value[at] << 8 | value[at + 1]) for at in range(0, 16, 2)]
                found.append((":".join(groups), kind))
    except IndexError:
        pass
    return found


def _behind_name(data, place):
    """Return the place behind a name, which ends with a 0 or with two bytes that point back."""
    while data[place]:
        if data[place] >= 192:
            return place + 2
        place += 1 + data[place]
    return place + 1
