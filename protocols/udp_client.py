"""One datagram over a network socket: `udp_send`, as the product family has it.

    from protocols.udp_client import udp_send
    accepted = udp_send("192.0.2.1", 5683, "hello")          # 5

For bearers with an IP stack of the firmware: Wi-Fi, NB-IoT in the data state. Applications that
shall not know their bearer use protocols.udp instead.
"""

from utils import configuration

_TIMEOUT_S = 10  # for room in the stack's buffers
_MOST = 65507  # octets of a datagram's data over IPv4: RFC 768, RFC 791


def udp_send(remote_host, remote_port, msg):
    """Send `msg` in one datagram and return the count of bytes that the IP stack accepted.

    remote_host: an IPv4 literal or a name; the sockets of this firmware know no IPv6. A name is
    looked up first, which takes up to half a minute where no DNS server answers.
    remote_port: 1 to 65535. msg: str, sent as UTF-8, or bytes: 1 to 65507 of them.

    0 if nothing was accepted: no link, no such name, no memory; logged with its cause. Accepted is
    not delivered. Raises ValueError for arguments, before a socket is opened.
    """
    if not isinstance(remote_host, str) or not remote_host or ":" in remote_host:
        configuration.refuse("remote_host", remote_host, "an IPv4 address or a name")
    if not configuration.is_integer(remote_port, 1, 65535):
        configuration.refuse("remote_port", remote_port, "1 to 65535")
    if isinstance(msg, str):
        msg = msg.encode()
    if not isinstance(msg, (bytes, bytearray)) or not 0 < len(msg) <= _MOST:
        configuration.refuse("msg", msg, "a str or bytes, 1 to 65507 bytes")

    import usocket

    from utils import timing

    sock = None
    try:
        timing.feed()  # a look-up feeds nothing
        address = usocket.getaddrinfo(remote_host, remote_port)[0][-1]
        timing.feed()
        sock = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM, usocket.IPPROTO_UDP)
        sock.settimeout(_TIMEOUT_S)
        return sock.sendto(msg, address) or 0
    except (OSError, ValueError) as error:  # the latter for what the stack takes for no name
        from utils import logging

        logging.Logger("udp_client").warning(
            "%d bytes to %s refused: %s", len(msg), remote_host, error
        )
        return 0
    finally:
        if sock is not None:
            sock.close()
