"""The place of a node in the period, so that a thousand nodes do not act in the same second.

    from utils import place
    offset = place.offset_ms(machine.unique_id(), 900)
    at_ms = place.wake_ms(run_ms, 900, offset, place.random)
    delay_ms = place.spread_ms(place.random)  # of the first use of the radio after a power cut

The place follows from the id of the board: it needs no storage, and differs between nodes that
power returns to in the same moment. It counts from the instant at which the clock of the board
started: run_ms is the time since then. Each cycle gets a fresh small part on top, which does not
accumulate. `random(n)` returns an int of 0 to n - 1.
"""

SPREAD_S = 600  # after a power cut (GSMA TS.34_4.0_REQ_003)
_WIDTH_S = 900  # periods up to this one are used in their whole length, longer ones in a quarter
_NOISE_SHARE = 20  # the fresh part is 0 to a twentieth of the period
_MOST_NOISE_MS = 60000


def offset_ms(identity, period_s):
    """Return the place: 0 to the width that places of this period use. identity: bytes."""
    width_s = max(min(period_s, _WIDTH_S), period_s // 4)
    return fraction(identity, width_s * 1000)


def fraction(identity, width):
    """Return a number of 0 to width - 1 that follows from the id.

    By the golden ratio: boards of one batch, whose ids follow each other, are far apart.
    """
    number = int.from_bytes(bytes(identity)[-4:], "big")
    return (number * 2654435769 & 0xFFFFFFFF) * width >> 32


def wake_ms(run_ms, period_s, offset, random, off_place_ms=None):
    """Return the instant of the next wake-up: at this place, and a fresh part behind it.

    off_place_ms: the instant at which this cycle began if that was not at the place, after a start
    or a spread: then the next one is not earlier than a period after it.
    """
    period_ms = period_s * 1000
    earliest_ms = run_ms + 1
    if off_place_ms is not None:
        earliest_ms = max(earliest_ms, off_place_ms + period_ms)
    periods = max(0, -(-(earliest_ms - offset) // period_ms))
    noise_ms = min(period_ms // _NOISE_SHARE, _MOST_NOISE_MS)
    return periods * period_ms + offset + random(noise_ms)


def spread_ms(random):
    """Return the delay of the first use of the radio after a power cut."""
    return random(SPREAD_S * 1000)


def random(n):
    """Return a random int of 0 to n - 1; 0 for n = 0."""
    import uos

    return int.from_bytes(uos.urandom(4), "big") % n if n else 0
