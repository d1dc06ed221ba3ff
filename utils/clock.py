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
common. No deadline depends on this clock: utils/timing.py counts ticks.

A time is believed if it lies in 2024 to 2059 and differs from the RTC by no more than that can
have drifted, and 10 s. Another one is believed when a second source, or the same one a minute or
more later, agrees with it; one that goes back by more than a day when a second source agrees, or
the same one a day later. State is in the RTC memory (utils/store.py). All values are ints: the
floats of this VM would lose minutes. Facts behind the limits: docs/time.md.
"""

import ustruct
import utime
from micropython import const

from utils import logging, store, timing

_PART = "clock"
_EPOCH_KEY = "clock_epoch"  # in NVS
_EPOCH_END = const(65536)

_EARLIEST = const(1704067200)  # 2024-01-01
_LATEST = const(2840140800)  # 2060-01-01
_MARGIN_S = const(10)
_QUARTER_S = const(900)  # zones count in quarter hours
_DAY_S = const(86400)
_YEAR_S = const(31622400)  # no sleep is longer: such a leap of the RTC is none
_SECOND_S = const(60)  # the same source counts as a second one after this time
_LEAST_SPAN_S = const(600)  # between two times from which the rate is learned
_SHARPNESS = const(300)  # and this multiple of their errors: 0.3 % of the rate
_SPAN_S = const(3600)  # of the RTC, for a rate that is kept until the next time
_FRESH_S = const(21600)  # a time older than this is asked for again
_MOST_PPM = const(50000)
_LONG_MS = const(500)
_WAIT_S = const(900)  # from one vain wait for a time to the next, at first

_LEARNED = const(1)  # flags: the rate is known
_READS_UTC = const(2)  # the network's clock shows UTC beside its zone
_CONFIRMED = const(4)  # somebody else agrees with the network

# the fields of _State, as they are stored
_FORM = "<BHIIIBIIBiBbIIBIB"
_VERSION = const(1)
_SOURCES = ("", "network", "server")  # others count as the first

_log = logging.Logger("clock")
_state = None


class _State:
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


def _load():
    """Return the state of this epoch; a new one if the RTC has started or was set."""
    global _state
    if _state is None:
        now = rtc_s()
        kept = store.part(_PART)
        if len(kept) == ustruct.calcsize(_FORM) and kept[0] == _VERSION:
            found = _State(ustruct.unpack(_FORM, kept))
            if 0 <= now - found.seen < _YEAR_S:
                _state = found
        if _state is None:
            _state = _State((_VERSION, _next_epoch()) + (0,) * 15)
            _state.save()
    return _state


def _next_epoch():
    """Return the number of a new epoch, 1 to 65535; a random one if the NVS fails."""
    import pycom

    try:
        last = pycom.nvs_get(_EPOCH_KEY, 0)
        number = (last + 1 if isinstance(last, int) and last >= 0 else 1) % _EPOCH_END or 1
        pycom.nvs_set(_EPOCH_KEY, number)
    except Exception as error:  # noqa: BLE001 - the firmware raises bare Exception
        import uos

        _log.warning("epoch not counted: %s", error)
        number = int.from_bytes(uos.urandom(2), "big") or 1
    return number


def rtc_s():
    """Return the seconds of the RTC, which begin at 0 with each epoch."""
    return utime.time()


def epoch():
    """Return the number of this run of the RTC, 1 to 65535."""
    return _load().epoch


def anchor():
    """Return (rtc_s, utc_s, rate_ppm) of the last good time of this epoch, None without any."""
    state = _load()
    return (state.rtc, state.utc, state.rate) if state.utc else None


def utc_now():
    """Return the seconds since 1970, None as long as the time is not known."""
    state = _load()
    return _expected(state, rtc_s()) if state.utc else None


def age_s(rtc_s_then):
    """Return how long ago a moment of this epoch was, in true seconds."""
    return _true(rtc_s() - rtc_s_then, _load().rate)


def sleep_ms(true_ms):
    """Return what to ask deep sleep for, which the RTC measures. Call it last: it also saves."""
    state = _load()
    state.save()
    more = _share(true_ms, state.rate)
    return true_ms - more + _share(more, state.rate)


def utc(moment, before, after):
    """Return the time of a moment of an epoch, None if it is not known.

    moment: seconds of the RTC; before, after: the anchors of that epoch nearest before and behind
    it, (rtc_s, utc_s, rate_ppm), or None. Between two anchors the time is interpolated.
    """
    if before and after and after[0] > before[0]:
        span = after[0] - before[0]
        drifted = after[1] - before[1] - span
        if abs(drifted) <= span // 20 + 2 * _MARGIN_S:
            return before[1] + _true(moment - before[0], _ppm(drifted, span))
        before = None  # a step: the later time was believed for a reason
    found = after or before
    return found and found[1] + _true(moment - found[0], found[2])


def wanted(confirm=False):
    """Return whether to ask for the time: it is unknown or doubted, or the rate is not known 10
    minutes after the first one, or the last one is 6 hours old.

    confirm: True also if nobody has confirmed how the network writes its zone; the server can.
    """
    state = _load()
    if not state.utc or state.doubt_utc:
        return True
    now = rtc_s()
    if not state.has(_LEARNED):
        return now - state.base_rtc >= _LEAST_SPAN_S
    unsure = confirm and state.zone and not state.has(_CONFIRMED)
    return bool(unsure) or now - state.rtc >= _FRESH_S


def expect(bearer):
    """Tell a bearer, before it is brought up, that it will be asked for the time, if it will."""
    prepare = getattr(bearer, "expect_time", None)
    if prepare and wanted():
        prepare()


def ask(bearer):
    """Ask a bearer that is up for the time if it is wanted. True if one came and is believed.

    Blocks for the time that the bearer states (networking/__init__.py). A bearer that took half a
    second and had no time is asked again 15 minutes later, then 30 and so on up to 6 hours.
    """
    tell = getattr(bearer, "network_time", None)
    if not tell or not wanted() or _is_pausing():
        return False
    watch = timing.Stopwatch()
    utc_s = tell()
    took_ms = watch.elapsed_ms()
    if utc_s is None:
        if took_ms >= _LONG_MS:
            _note_wait()
        return False
    _load().misses = 0
    zone = bearer.network_zone() if hasattr(bearer, "network_zone") else 0
    return believe(_in_zone(utc_s, zone), "network", 1 + took_ms // 2000)


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


def _is_pausing():
    state = _load()
    pause_s = min(_WAIT_S << state.misses >> 1, _FRESH_S) if state.misses else 0
    return rtc_s() - state.waited < pause_s


def _note_wait():
    state = _load()
    state.waited = rtc_s()
    state.misses = min(state.misses + 1, 8)
    state.save()


def _in_zone(local, quarters):
    """Return the time that a network tells beside a zone, in quarter hours.

    By the standard its clock shows local time (3GPP TS 27.007 8.15), of which `local` was made;
    some show UTC. What fits the known time is taken, without one the standard.
    """
    state = _load()
    plain = local + quarters * _QUARTER_S
    if state.utc and quarters:
        now = rtc_s()
        expected, allowed = _expected(state, now), _allowed(state, now - state.rtc)
        if (abs(local - expected) <= allowed) != (abs(plain - expected) <= allowed):
            state.put(_READS_UTC, abs(plain - expected) <= allowed)
    state.zone = quarters if -128 <= quarters < 128 else 0
    return plain if state.has(_READS_UTC) else local


def believe(utc_s, source, error_s=1):
    """Take a time that was told just now, in seconds since 1970. True if it is believed.

    source: "network", "server" or another word; error_s: by how much it may be wrong.
    """
    if not isinstance(utc_s, int) or not _EARLIEST <= utc_s < _LATEST:
        _log.warning("%s says %s: no time", source, utc_s)
        return False
    state, now = _load(), rtc_s()
    error_s = min(max(error_s, 0), 255)
    if not state.utc:
        _begin(state, now, utc_s, error_s)
    else:
        step = utc_s - _expected(state, now)
        allowed = _allowed(state, now - state.rtc) + error_s
        if source != "network" and state.zone and not state.has(_CONFIRMED):
            step = _settle_zone(state, step, allowed)
        if abs(step) <= allowed:
            _go_on(state, now, utc_s, error_s)
        elif not _agreed(state, now, utc_s, source, step):
            state.save()
            _log.warning("%s is %d s off: not believed yet", source, step)
            return False
        else:
            _log.warning("the clock was wrong by %d s", step)
            _restart(state, now, utc_s, error_s)
    state.put(_CONFIRMED, state.has(_CONFIRMED) or source != "network")
    state.doubt_utc = 0
    state.save()
    _log.info("%d from %s, rate %d ppm", utc_s, source, state.rate)
    return True


def _begin(state, now, utc_s, error_s):
    """The first anchor, from which the rate is learned."""
    state.rtc, state.utc, state.error = now, utc_s, error_s
    state.base_rtc, state.base_utc, state.base_error = now, utc_s, error_s


def _go_on(state, now, utc_s, error_s):
    """Move the anchor, and learn the rate if the times are far enough apart."""
    span = now - state.base_rtc
    if span >= max(_LEAST_SPAN_S, _SHARPNESS * (error_s + state.base_error)):
        rate = _ppm(utc_s - state.base_utc - span, span)
        state.rate = min(max(rate, -_MOST_PPM), _MOST_PPM)
        state.put(_LEARNED, True)
        if span >= _SPAN_S:
            state.base_rtc, state.base_utc, state.base_error = now, utc_s, error_s
    if error_s <= state.error + (now - state.rtc) // 100:  # else the old one is the better
        state.rtc, state.utc, state.error = now, utc_s, error_s


def _agreed(state, now, utc_s, source, step):
    """Return whether a second source, or a second time, says what this one says; else note it."""
    number = _SOURCES.index(source) if source in _SOURCES else 0
    if state.doubt_utc:
        since = now - state.doubt_rtc
        differs = abs(utc_s - state.doubt_utc - _true(since, state.rate))
        if differs <= since // 25 + _MARGIN_S:
            least_s = _DAY_S if step < -_DAY_S else _SECOND_S
            return number != state.doubt_source or since >= least_s
    state.doubt_rtc, state.doubt_utc, state.doubt_source = now, utc_s, number
    return False


def _restart(state, now, utc_s, error_s):
    """Begin again with what two agree on; the rate was learned from times that may be wrong."""
    state.rate = 0
    state.put(_LEARNED, False)
    if state.doubt_rtc == now:
        _begin(state, now, utc_s, error_s)
    else:
        _begin(state, state.doubt_rtc, state.doubt_utc, _MARGIN_S)
        _go_on(state, now, utc_s, error_s)


def _settle_zone(state, step, allowed):
    """If the network's time is wrong by its zone, read it the other way from now on.

    Returns the step that remains.
    """
    shift = state.zone * _QUARTER_S
    if not state.has(_READS_UTC):
        shift = -shift  # from the local reading to the other one: the zone is added again
    if abs(step + shift) > allowed or abs(step) <= allowed:
        return step
    state.put(_READS_UTC, not state.has(_READS_UTC))
    state.utc -= shift
    state.base_utc -= shift
    _log.warning("the network's clock is read the other way: %d s", -shift)
    return step + shift


def _expected(state, now):
    return state.utc + _true(now - state.rtc, state.rate)


def _allowed(state, span):
    """By how much a time may be off after `span` seconds: 1.6 % with a known rate, else 4 %."""
    return _MARGIN_S + (span // 64 if state.has(_LEARNED) else span // 25)


def _true(span, rate):
    """Return the true duration of a span of the RTC; negative ones too."""
    return span + (_share(span, rate) if span >= 0 else -_share(-span, rate))


def _share(amount, ppm):
    """Return `ppm` millionths of an amount, rounded towards zero.

    In parts that stay small for the amounts of years in seconds: 30 bits are fast on this VM.
    """
    if ppm < 0:
        return -_share(amount, -ppm)
    return amount // 10000 * ppm // 100 + amount % 10000 * ppm // 1000000


def _ppm(part, whole):
    """Return part / whole in millionths, for a part below the whole, rounded towards zero.

    Digit by digit: the division of long integers of this VM can fail (micropython issue 6777).
    """
    rest, result = abs(part), 0
    for _ in range(6):
        rest *= 10
        result = result * 10 + rest // whole
        rest %= whole
    return result if part >= 0 else -result
