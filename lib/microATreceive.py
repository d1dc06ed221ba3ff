"""The receiving half of microATsocket: datagrams and name look-ups, for nodes that receive.

Its functions are the methods of the same name of microATsocket.socket, which loads this module
when one of them is called for the first time.
"""

from micropython import const

from utils import address, at, timing
from utils.arguments import is_plain, refuse

_PAUSE_MS = const(150)
_LISTEN_MS = const(2000)


def recvfrom(sock, bufsize):
    """Wait for a datagram for up to the socket's time-out; see microATsocket.

    The modem is polled for unread datagrams. By network.LTE its ring is slower and not certain:
    the firmware hands it over only after a second of silence, and drops it if another command
    follows. A pause is a sixteenth of the time waited so far, and 0.15 s at least. A modem that
    is heard at once is asked when it has said nothing for 2 s.
    """
    if not sock.peer or not sock.modem:
        return None, None
    deadline = timing.Deadline(sock.wait_ms)
    watch = timing.Stopwatch()
    is_heard = getattr(sock.modem, "knows_prompts", False)
    while True:
        if is_heard and not sock.rung and deadline.left_ms():
            sock.note(at.listen(sock.modem, min(deadline.left_ms(), _LISTEN_MS)))
        told = sock.rung or _has_unread(sock, deadline.left_ms())
        if sock.rung:
            data, sender = _read(sock, bufsize)
            if data is not None:
                del sock.accepted[:]  # the modem sends in order: they have left
                sock.heard += 1
                return data, sender
            sock.rung = 0  # announced, but read already or lost with a restart
        left_ms = deadline.left_ms()
        if not left_ms or not sock.peer:
            return None, None
        if is_heard:
            continue
        if told is not None:
            timing.sleep_ms(min(left_ms, max(_PAUSE_MS, watch.elapsed_ms() // 16)))
        else:  # the modem does not tell: listen for its ring
            sock.note(at.listen(sock.modem, min(left_ms, _LISTEN_MS)))


def _has_unread(sock, left_ms):
    """Ask the modem; note what it has in `rung`. None if it does not tell."""
    reply = sock.ask("AT+SQNSI=%d" % sock.number, max(1000, min(10000, left_ms)))
    for line in reply.lines:
        if at.number((at.fields(line) + [""] * 4)[3]):
            sock.rung = 1
    return sock.rung if reply.ok else None


def _read(sock, bufsize):
    """Fetch one datagram; (None, None) if the modem has none."""
    import ubinascii

    reply = sock.say("AT+SQNSRECV=%d,%d", max(1, min(bufsize, 1500)))
    sock.rung -= 1
    answer = at.counted(reply.text, "+SQNSRECV")
    if not answer or len(answer[0]) < 2:
        return None, None
    values, text = answer
    length = 2 * (at.number(values[1]) or 0)
    if not 0 <= length <= len(text):
        return None, None
    try:
        data = ubinascii.unhexlify(text[:length])
    except ValueError:  # not the hex that was asked for
        return None, None
    if not sock.hex:
        try:
            data = data.decode()
        except UnicodeError:  # bytes that are no text stay bytes
            pass
    return data, (values[2], at.number(values[3])) if len(values) > 3 else sock.peer


def getaddrinfo(sock, host, port):
    """Let the modem, or the server of dnsserver(), resolve a name; see microATsocket."""
    if not host or not is_plain(host):
        refuse("host", host, "a name without quotes")
    at.check_length("length of host", host, at.longest_host(at.line_limit(sock.modem)))
    if sock.dns_server != "0.0.0.0":
        # by name: what a program of its own asks for is no part of those that never do
        return __import__("dns_query").getaddrinfo(sock, host, port)
    found = []
    ipv6 = sock.family == 10
    for line in sock.ask('AT+SQNDNSLKUP="%s",%d' % (host, ipv6), 20000).lines:
        for ip in at.fields(line)[1:]:
            if address.family(ip) == sock.family:  # else damaged
                found.append((sock.family, 2, 0, "", (ip, port)))
    return found
