"""The time from an NTP server: a part of networking/wifi.py.

The firmware's RTC.ntp_sync() is not used: it sets the RTC, by which moments are told apart.
"""

from micropython import const

from utils import endpoint, timing

_PORT = const(123)
_TRIES = const(2)
_ANSWER_MS = const(1000)
_1970 = const(2208988800)  # in seconds since 1900
_ERA = const(4294967296)  # seconds of 32 bits; the second era begins in 2036


def ask(transport, host):
    """Return the seconds since 1970, None without an answer in 2 s; OSError without an address.

    The look-up of a name takes up to 10 s (utils/endpoint.py). Source: RFC 4330, SNTP.
    """
    import ucrypto

    to = endpoint.resolve(transport, host, _PORT)
    for _ in range(_TRIES):
        nonce = ucrypto.getrandbits(64)  # in the place of our own time: the answer repeats it
        transport.sendto(b"\x23" + bytes(39) + nonce, to)
        deadline = timing.Deadline(_ANSWER_MS)
        while not deadline.expired():
            timing.feed()
            transport.settimeout(deadline.left_ms() / 1000)
            try:
                answer, sender = transport.recvfrom(90)
            except OSError:  # nothing came
                break
            if sender[1] == _PORT and endpoint.same(sender[0], to[0]):
                utc_s = _time(answer, nonce)
                if utc_s is not None:
                    return utc_s
    return None


def _time(answer, nonce):
    """Return the time in an answer, None if it is no answer or its server has no time itself."""
    if len(answer) < 48 or answer[24:32] != nonce:
        return None
    if answer[0] & 7 != 4 or answer[0] >> 6 == 3 or not 1 <= answer[1] <= 15:
        return None
    seconds = int.from_bytes(answer[40:44], "big") + (answer[44] >> 7)
    if seconds < _1970:
        seconds += _ERA
    return seconds - _1970
