"""When a node that cannot deliver tries again: waits that grow by cause, and ceilings of attempts.

    from utils import backoff
    state = backoff.Backoff(text, now_s, (10, 96), checksum, random)
    if not state.wait_s(now_s):
        state.begin(now_s)
        keep(state.text(now_s))                  # before the radio is touched
        ...
        state.failed(now_s, "no_cell")           # or state.delivered()

This file knows neither clock nor flash (utils/manners.py does). `now_s` is node time: the seconds
for which the node has had power. A power cut does not shorten a wait. `random(n)` returns an int
of 0 to n - 1.

A class of causes decides the schedule. Each delay is varied by a quarter, so that nodes which fail
together do not return together. After a delivered report, and with other fields of the
configuration, the node tries at once; the ceilings hold all the same.
"""

TEMPORARY = "temporary"  # no cell, a silent server, and each cause that nobody has classified
UNANSWERED = "unanswered"  # no gateway in range: few and cheap tries, which the bearer bounds
CONGESTION = "congestion"  # the network asks for patience
PERMANENT = "permanent"  # no SIM card, or one that is refused for good
CONFIGURATION = "configuration"  # useless until somebody changes config.py

_PATIENT = 4  # each fourth attempt in a row takes its whole time, the others half of it
_NOTE_S = 1800  # node time that a power cut may cost, in a wait
_NOTE_SHARE = 4  # nor more than this share of the time since the last one, lest waits never end

# Attempts are counted in steps of 450 s. An hour ends within its ninth step
_STEP_S = 450
_HOUR = 9
_DAY = 193
_MOST_IN_STEP = 60
_VERSION = "1"


class Backoff:
    """What is known of the attempts of this node.

    failures    number of them since the last delivered report
    cause       of the last one
    damaged     the text was damaged; it counts as one failure
    """

    def __init__(self, text, now_s, limits, checksum, random):
        """text: what text() returned, "" on a new node. limits: attempts an hour, and a day.

        checksum: of the configuration.
        """
        self._limits = limits
        self._random = random
        self._checksum = checksum
        self._fresh()
        self.noted_s = 0
        self._last_s = 0  # the last attempt
        self._counts = []  # of attempts by step; the last one is the step of the last attempt
        self.damaged = bool(text) and not self._read(text)
        if self.damaged:
            self._fresh()
            self._last_s, self._counts = now_s, [1]
            self.failed(now_s, "damaged")

    def _fresh(self):
        self.failures = 0
        self.cause = "none"
        self._futile = 0  # those of the failures that time alone does not mend
        self._until_s = 0

    def _read(self, text):
        """Take over a text; False if it is damaged."""
        try:
            body, check = text.rsplit(" ", 1)
            fields = body.split(" ")
            if fields[0] != _VERSION or int(check) != checked(body):
                return False
            self.cause = fields[1]
            found = [int(field) for field in fields[2:8]]
            self._counts = [ord(one) - 48 for one in fields[8][1:]]
        except (ValueError, IndexError, AttributeError):
            return False
        checksum = found.pop()
        self.failures, self._futile, self.noted_s, self._until_s, self._last_s = found
        if checksum != self._checksum:
            self._fresh()
        return True

    def text(self, now_s):
        """Return what a later Backoff() continues with: no longer than 260 characters."""
        self.noted_s = now_s
        numbers = self.failures, self._futile, now_s, self._until_s, self._last_s, self._checksum
        counts = "".join([chr(48 + count) for count in self._counts])
        body = "%s %s %s :%s" % (_VERSION, self.cause, " ".join(map(str, numbers)), counts)
        return "%s %d" % (body, checked(body))

    def wait_s(self, now_s):
        """Return the seconds until the next attempt is allowed, 0 if it is allowed now."""
        return max(self._until_s - now_s, self._ceiling_s(now_s), 0)

    def is_noting(self, now_s, run_s):
        """True if the progress of a wait is to be kept: a power cut costs what is not kept.

        run_s: for how long there has been power.
        """
        due_s = min(_NOTE_S, run_s // _NOTE_SHARE)
        return self._until_s > now_s and now_s - self.noted_s >= due_s

    def is_hasty(self):
        """True if the next attempt is to take half the time: a cell that is back is soon found."""
        return self.failures % _PATIENT != 0

    def begin(self, now_s):
        """Count an attempt. The caller keeps the text before it uses the radio."""
        steps = now_s // _STEP_S - self._last_s // _STEP_S
        self._counts = (self._counts + [0] * min(max(steps, 0), _DAY))[-_DAY:] or [0]
        self._counts[-1] = min(self._counts[-1] + 1, _MOST_IN_STEP)
        self._last_s = now_s

    def failed(self, now_s, cause, kind=TEMPORARY, wait_s=0):
        """Note that the attempt delivered nothing. kind: the class of the cause. wait_s: the next
        attempt would be in vain before."""
        from utils import _backoff_delays

        self.failures += 1
        self.cause = cause
        number = self.failures
        if kind in (PERMANENT, CONFIGURATION):
            number = self._futile = self._futile + 1
        delay_s = _backoff_delays.seconds(kind, number, self._random)
        self._until_s = now_s + max(wait_s, delay_s)

    def delivered(self):
        """Note a delivered report. Return True if it ended a row of failures."""
        ended = self.failures > 0
        self._fresh()
        return ended

    def _ceiling_s(self, now_s):
        """Return the seconds for which an attempt would be one too many in an hour or a day."""
        hour, day = self._limits
        step = now_s // _STEP_S
        length = _DAY
        if (now_s - self._last_s) * 100 * day >= 86400 * 85:
            length -= 3  # one in each period, whose noise must not count against it
        for later in range(_DAY + 1):
            if self._in(step + later, _HOUR) < hour and self._in(step + later, length) < day:
                break
        return (step + later) * _STEP_S - now_s if later else 0

    def _in(self, step, length):
        """Return the number of attempts in the steps before this one and in it."""
        first = len(self._counts) + step - self._last_s // _STEP_S - length
        return sum(self._counts[max(0, first) :])


def checked(text):
    """Return a number of 16 bits that nearly each change of a text changes (Fletcher)."""
    low = high = 0
    for byte in text.encode():
        low = (low + byte) % 255
        high = (high + low) % 255
    return high << 8 | low
