"""The delays of utils/backoff.py; only a cycle that failed loads them."""

from utils import backoff

# Minutes after the first failure in a row, the second, ..., the last for all further ones
# (GSMA TS.34_4.0_REQ_011; classes of 3GPP TS 24.301 Annex A)
_DELAYS_MIN = {
    backoff.TEMPORARY: (10, 20, 40, 80, 160, 360),
    backoff.UNANSWERED: (10, 20, 40),
    backoff.CONGESTION: (30, 30, 40, 80, 160, 360),
    backoff.PERMANENT: (60, 1440),
    backoff.CONFIGURATION: (1440,),
}
_NEVER_SHORTER_MIN = (30, 1440)  # these vary to the longer side only


def seconds(kind, number, random):
    """Return the delay after a failure, varied by a quarter.

    kind: a class of utils/backoff.py. number: of the failure in its row, from 1. random: as there.
    """
    delays_min = _DELAYS_MIN.get(kind, _DELAYS_MIN[backoff.TEMPORARY])
    delay_min = delays_min[min(number, len(delays_min)) - 1]
    delay_s = delay_min * 60
    least_s = delay_s if delay_min in _NEVER_SHORTER_MIN else delay_s * 3 // 4
    return least_s + random(delay_s * 5 // 4 - least_s)
