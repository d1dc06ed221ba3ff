"""The map in a server's answer to a report (docs/report.md): a part of protocols/coap.py.

It is loaded when an answer has a payload.
"""

from micropython import const

from utils import cbor_read

_TIME = const(1)  # labels
_OFFER = const(2)
_SHORT_MS = const(10000)  # of the exchange, for a time to be of use
_LONGEST = const(256)
_MOST_SEQ = const(262143)
_DIGEST = const(8)


def note(session, payload, took_ms):
    """Set the time and the offer of a session from the payload of an answer of class 2."""
    answer = read(payload)
    told = answer.get(_TIME)
    if isinstance(told, int) and took_ms <= _SHORT_MS:
        # it was told in the middle of the exchange, or nearly
        session.server_time = told + (took_ms + 1000) // 2000
        session.server_time_error_s = 1 + took_ms // 2000
    offer = answer.get(_OFFER)
    if isinstance(offer, list) and len(offer) == 2:
        seq, digest = offer
        if isinstance(seq, int) and 0 < seq <= _MOST_SEQ and isinstance(digest, bytes):
            if len(digest) == _DIGEST:
                session.offer = (seq, digest)


def read(payload):
    """Return the map that a payload holds, {} if it holds none."""
    if len(payload) > _LONGEST:
        return {}
    try:
        found = cbor_read.item(payload)[0]
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
