"""How an attempt of nbiot.connect() ended: what its parts and its callers share.

outcome = outcomes.told(status, cause, phases, registration, reject_cause, durations, levels)
"""

from micropython import const
from ucollections import namedtuple

from utils import logging

log = logging.Logger("nbiot")

# The states that are confirmed one after the other, as documented for nbiot.connect()
DETACHED = const(-1)
ACTIVATED = const(0)
ATTACHED = const(1)
CONNECTED = const(2)

REGISTERED = (1, 5)  # <stat> of +CEREG: home, roaming (3GPP TS 27.007 10.1.22)

# phases: ((name, ms), ...); durations in ms of activation, attachment and connection; levels: RSSI
# in dBm, RSRP in dBm, RSRQ in dB; -1 is unknown
Outcome = namedtuple("Outcome", "status cause phases registration reject_cause durations levels")
UNKNOWN = (-1, -1, -1)
NOTHING = Outcome(DETACHED, "never_tried", (), None, None, UNKNOWN, UNKNOWN)


def told(level, *values):
    """Return the Outcome of these values, and log it in one line."""
    outcome = Outcome(*values)
    found = outcome.cause, outcome.phases[-1][0], outcome.registration, outcome.reject_cause
    log.log(level, "%s after %s: stat %s, reject cause %s, signal %s", *found + (outcome.levels,))
    return outcome


def step(work):
    """Take a step of an iterator: work for the time of a wait. False if none is left."""
    try:
        for _ in work:
            return True
    except Exception as error:  # noqa: BLE001 - who gave the work meets it again
        log.warning("%s", error)
    return False
