"""The node's clock: seconds since 1970, from the board's RTC and the times that somebody told.

    from utils import clock
    clock.expect(bearer)                          # before bearer.up(...)
    clock.ask(bearer)                             # after it, and again before bearer.down(...)
    clock.ask_server(session)                     # before session.deliver(...)
    clock.hear(session)                           # after it
    clock.utc_now()                               # int, None as long as nobody has told the time
    machine.deepsleep(clock.sleep_ms(900000))     # 15 minutes of the true time

The RTC of the board is never set: it counts on through deep sleep, and drifts by some percent. An
anchor is a moment of the RTC whose true time is known. From one anchor to the next the rate of the
RTC is learned, in ppm: after d seconds of the RTC, d * (1 + rate / 1000000) have passed. A run of
the RTC, until a reset that is no deep sleep, is an epoch; moments of two epochs have nothing in
common. A new epoch has the rate of the earlier ones, from NVS, until it has learned its own. No
deadline depends on this clock: utils/timing.py counts ticks.

A time is believed if it lies in 2024 to 2059 and differs from the RTC by no more than that can
have drifted, and 10 s. Another one is believed when a second source, or the same one a minute or
more later, agrees with it; one that goes back by more than a day when a second source agrees, or
the same one a day later. State is in the RTC memory (utils/store.py). All values are ints: the
floats of this VM would lose minutes. Facts behind the limits: docs/time.md.
"""

import ustruct
import utime
from micropython import const

from utils import store

_PART = "clock"
LEARNED = const(1)  # of State.flags: the rate is of this epoch
CONFIRMED = const(4)  # and this one: somebody else agrees with the network
LEAST_SPAN_S = const(600)  # between two times from which the rate is learned
FRESH_S = const(21600)  # a time older than this is asked for again
_YEAR_S = const(31622400)  # no sleep is longer: such a leap of the RTC is none

# the fields of State, as they are stored
_FORM = "<BHIIIBIIBiBbIIBIB"
_VERSION = const(1)

_state = None


class State:
    """What is known of this epoch."""

    def __init__(self, values):
        """values: the fields in the order of _FORM."""
        _, self.epoch, self.seen = values[:3]
        self.rtc, self.utc, self.error = values[3:6]  # the anchor; utc 0: none
        self.base_rtc, self.base_utc, self.base_error = values[6:9]  # where learning began
        self.rate, self.flags, self.zone = values[9:12]  # zone: of the network, quarter hours
        self.doubt_rtc, self.doubt_utc, self.doubt_source = values[12:15]  # utc 0: none
        self.waited, self.misses = values[15:]  # for a time, in vain

    def save(self):
        self.seen = rtc_s()
        values = (_VERSION, self.epoch, self.seen, self.rtc, self.utc, self.error)
        values += (self.base_rtc, self.base_utc, self.base_error)
        values += (self.rate, self.flags, self.zone)
        values += (self.doubt_rtc, self.doubt_utc, self.doubt_source, self.waited, self.misses)
        store.keep_part(_PART, ustruct.pack(_FORM, *values))

    def has(self, flag):
        return bool(self.flags & flag)

    def put(self, flag, on):
        self.flags = self.flags | flag if on else self.flags & ~flag

    def learned_rate(self):
        """Return the rate that was learned in this epoch, 0 without one."""
        return self.rate if self.has(LEARNED) else 0


def load():
    """Return the state of this epoch; a new one if the RTC has started or was set."""
    global _state
    if _state is None:
        now = rtc_s()
        kept = store.part(_PART)
        if len(kept) == ustruct.calcsize(_FORM) and kept[0] == _VERSION:
            found = State(ustruct.unpack(_FORM, kept))
            if 0 <= now - found.seen < _YEAR_S:
                _state = found
        if _state is None:
            from utils import _clock_kept

            _state = State((_VERSION, _clock_kept.next_epoch()) + (0,) * 15)
            _state.rate = _clock_kept.rate()
            _state.save()
    return _state


def rtc_s():
    """Return the seconds of the RTC, which begin at 0 with each epoch."""
    return utime.time()


def epoch():
    """Return the number of this run of the RTC, 1 to 65535."""
    return load().epoch


def anchor():
    """Return (rtc_s, utc_s, rate_ppm) of the last good time of this epoch, None without any.

    rate_ppm: 0 as long as this epoch has not learned it.
    """
    state = load()
    return (state.rtc, state.utc, state.learned_rate()) if state.utc else None


def utc_now():
    """Return the seconds since 1970, None as long as the time is not known."""
    state = load()
    return state.utc + true(rtc_s() - state.rtc, state.rate) if state.utc else None


def age_s(rtc_s_then):
    """Return how long ago a moment of this epoch was, in true seconds."""
    return true(rtc_s() - rtc_s_then, load().rate)


def sleep_ms(true_ms):
    """Return what to ask deep sleep for, which the RTC measures. Call it last: it also saves."""
    state = load()
    state.save()
    more = share(true_ms, state.rate)
    return true_ms - more + share(more, state.rate)


def utc(moment, before, after):
    """Return the time of a moment of an epoch, None if it is not known.

    moment: seconds of the RTC; before, after: the anchors of that epoch nearest before and behind
    it, (rtc_s, utc_s, rate_ppm), or None. Between two anchors the time is interpolated. Beside
    one whose rate is 0, unknown, the node's present rate counts.
    """
    if before and after and after[0] > before[0]:
        from utils import _clock_told

        found = _clock_told.between(moment, before, after)
        if found is not None:
            return found
    found = after or before
    return found and found[1] + true(moment - found[0], found[2] or load().rate)


def wanted(confirm=False):
    """Return whether to ask for the time: it is unknown or doubted, or the rate is not learned 10
    minutes after the first one, or the last one is 6 hours old.

    confirm: True also if nobody has confirmed how the network writes its zone; the server can.
    """
    state = load()
    if not state.utc or state.doubt_utc:
        return True
    now = rtc_s()
    if not state.has(LEARNED):
        return now - state.base_rtc >= LEAST_SPAN_S
    unsure = confirm and state.zone and not state.has(CONFIRMED)
    return bool(unsure) or now - state.rtc >= FRESH_S


def expect(bearer, costly=False):
    """Tell a bearer, before it is brought up, that it will be asked for the time, if it will.

    costly: it would not have to attach otherwise. If no time comes of it, the next try waits.
    """
    prepare = getattr(bearer, "expect_time", None)
    if not prepare or not wanted():
        return
    if costly:
        from utils import _clock_told

        if not _clock_told.begin_costly():
            return
    prepare()


def ask(bearer):
    """Ask a bearer that is up for the time if it is wanted. True if one came and is believed.

    Blocks for the time that the bearer states (networking/__init__.py). A bearer that took half a
    second and had no time is asked again 15 minutes later, then 30 and so on up to 6 hours.
    """
    if not hasattr(bearer, "network_time") or not wanted():
        return False
    from utils import _clock_told

    return _clock_told.ask(bearer)


def ask_server(session):
    """Let a session (protocols/__init__.py) ask the server for the time, if it is wanted."""
    session.ask_time = wanted(True)


def hear(session):
    """Take the time that the server has told in a session (protocols/__init__.py), if any."""
    utc_s = getattr(session, "server_time", None)
    if utc_s is None:
        return False
    session.server_time = None
    return believe(utc_s, "server", getattr(session, "server_time_error_s", 5))


def believe(utc_s, source, error_s=1):
    """Take a time that was told just now, in seconds since 1970. True if it is believed.

    source: "network", "server" or another word; error_s: by how much it may be wrong.
    """
    from utils import _clock_told

    return _clock_told.believe(utc_s, source, error_s)


def true(span, rate):
    """Return the true duration of a span of the RTC; negative ones too."""
    return span + (share(span, rate) if span >= 0 else -share(-span, rate))


def share(amount, ppm):
    """Return `ppm` millionths of an amount, rounded towards zero.

    In parts that stay small for the amounts of years in seconds: 30 bits are fast on this VM.
    """
    if ppm < 0:
        return -share(amount, -ppm)
    return amount // 10000 * ppm // 100 + amount % 10000 * ppm // 1000000
