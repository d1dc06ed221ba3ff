"""What the clock (utils/clock.py) makes of the times that it is told.

Apart from it because most cycles only read the clock. What the functions do stands there.
"""

from micropython import const

from utils import logging, timing
from utils.clock import CONFIRMED, FRESH_S, LEARNED, LEAST_SPAN_S, load, rtc_s, true

_EARLIEST = const(1704067200)  # 2024-01-01
_LATEST = const(2840140800)  # 2060-01-01
_MARGIN_S = const(10)
_QUARTER_S = const(900)  # zones count in quarter hours
_DAY_S = const(86400)
_SECOND_S = const(60)  # the same source counts as a second one after this time
_SHARPNESS = const(300)  # and this multiple of their errors: 0.3 % of the rate
_SPAN_S = const(3600)  # of the RTC, for a rate that is kept until the next time
_MOST_PPM = const(50000)
_LONG_MS = const(500)
_WAIT_S = const(900)  # from one vain wait for a time to the next, at first

_READS_UTC = const(2)  # flags: the network's clock shows UTC beside its zone

_SOURCES = ("", "network", "server")  # others count as the first

_is_costly = False  # the bearer attaches for the time alone

_log = logging.Logger("clock")


def between(moment, before, after):
    """Return the interpolated time; None if a step lies between: the later time was believed for a
    reason."""
    span = after[0] - before[0]
    drifted = after[1] - before[1] - span
    if abs(drifted) > span // 20 + 2 * _MARGIN_S:
        return None
    return before[1] + true(moment - before[0], _ppm(drifted, span))


def begin_costly():
    """Note that the bearer attaches for the time alone; False if that has been in vain lately."""
    global _is_costly
    _is_costly = not _is_pausing()
    return _is_costly


def ask(bearer):
    """Ask a bearer for the time that is wanted. True if one came and is believed."""
    if _is_pausing():
        return False
    watch = timing.Stopwatch()
    utc_s = bearer.network_time()
    took_ms = watch.elapsed_ms()
    if utc_s is None:
        if took_ms >= _LONG_MS or _is_costly:
            _note_wait()
        return False
    load().misses = 0
    zone = bearer.network_zone() if hasattr(bearer, "network_zone") else 0
    return believe(_in_zone(utc_s, zone), "network", 1 + took_ms // 2000)


def _is_pausing():
    state = load()
    pause_s = min(_WAIT_S << state.misses >> 1, FRESH_S) if state.misses else 0
    return rtc_s() - state.waited < pause_s


def _note_wait():
    state = load()
    state.waited = rtc_s()
    state.misses = min(state.misses + 1, 8)
    state.save()


def _in_zone(local, quarters):
    """Return the time that a network tells beside a zone, in quarter hours.

    By the standard its clock shows local time (3GPP TS 27.007 8.15), of which `local` was made;
    some show UTC. What fits the known time is taken, without one the standard.
    """
    state = load()
    plain = local + quarters * _QUARTER_S
    if state.utc and quarters:
        now = rtc_s()
        expected, allowed = _expected(state, now), _allowed(state, now - state.rtc)
        if (abs(local - expected) <= allowed) != (abs(plain - expected) <= allowed):
            state.put(_READS_UTC, abs(plain - expected) <= allowed)
    state.zone = quarters if -128 <= quarters < 128 else 0
    return plain if state.has(_READS_UTC) else local


def believe(utc_s, source, error_s=1):
    if not isinstance(utc_s, int) or not _EARLIEST <= utc_s < _LATEST:
        _log.warning("%s says %s: no time", source, utc_s)
        return False
    state, now = load(), rtc_s()
    error_s = min(max(error_s, 0), 255)
    if not state.utc:
        _begin(state, now, utc_s, error_s)
    else:
        step = utc_s - _expected(state, now)
        allowed = _allowed(state, now - state.rtc) + error_s
        if source != "network" and state.zone and not state.has(CONFIRMED):
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
    state.put(CONFIRMED, state.has(CONFIRMED) or source != "network")
    if source != "network" or state.doubt_source == _SOURCES.index("network"):
        state.doubt_utc = 0  # else somebody else has contradicted the network, and may do so again
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
    if span >= max(LEAST_SPAN_S, _SHARPNESS * (error_s + state.base_error)):
        rate = _ppm(utc_s - state.base_utc - span, span)
        state.rate = min(max(rate, -_MOST_PPM), _MOST_PPM)
        state.put(LEARNED, True)
        if span >= _SPAN_S:
            from utils import _clock_kept

            _clock_kept.keep_rate(state.rate)
            state.base_rtc, state.base_utc, state.base_error = now, utc_s, error_s
    if error_s <= state.error + (now - state.rtc) // 100:  # else the old one is the better
        state.rtc, state.utc, state.error = now, utc_s, error_s


def _agreed(state, now, utc_s, source, step):
    """Return whether a second source, or a second time, says what this one says; else note it."""
    number = _SOURCES.index(source) if source in _SOURCES else 0
    if state.doubt_utc:
        since = now - state.doubt_rtc
        differs = abs(utc_s - state.doubt_utc - true(since, state.learned_rate()))
        if differs <= since // 25 + _MARGIN_S:
            least_s = _DAY_S if step < -_DAY_S else _SECOND_S
            return number != state.doubt_source or since >= least_s
    state.doubt_rtc, state.doubt_utc, state.doubt_source = now, utc_s, number
    return False


def _restart(state, now, utc_s, error_s):
    """Begin again with what two agree on; the rate was learned from times that may be wrong."""
    from utils import _clock_kept

    state.rate = _clock_kept.rate()
    state.put(LEARNED, False)
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
    """The time by this clock. A kept rate decides nothing: the drift may have changed since."""
    return state.utc + true(now - state.rtc, state.learned_rate())


def _allowed(state, span):
    """By how much a time may be off after `span` seconds: 1.6 % with a known rate, else 4 %."""
    return _MARGIN_S + (span // 64 if state.has(LEARNED) else span // 25)


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
