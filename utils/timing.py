"""Durations, deadlines and waiting: the only place in device code that asks for ticks or sleeps.

    from utils import timing
    watch = timing.Stopwatch()
    deadline = timing.Deadline(30000)
    while not ready() and not deadline.expired():
        timing.sleep_ms(250)
    took_ms = watch.elapsed_ms()

Time is read from `utime.ticks_cpu`, the microseconds of the boot timer. On this firmware
`ticks_ms` and `ticks_us` follow the wall clock and jump when NTP, the RTC or the network sets it
(Pycom firmware 1.20.2.r4, esp32/mods/modutime.c), so a deadline made of them can end at once or
never. `ticks_cpu` wraps after 71.6 minutes. `now_ms` adds up the differences and does not wrap, if
it is called at least once in that time. Every wait here calls it.

All values are ints: this VM has single-precision floats, which lose milliseconds after 4.6 hours.
"""

import utime

_watchdog = None
# ticks of the last call; the boot timer starts at 0: the first difference is the time since boot
_ticks = 0
_ms = 0
_us = 0  # the part below a millisecond


def set_watchdog(watchdog):
    """Let every wait feed `watchdog` (an object with `feed()`); None to stop."""
    global _watchdog
    _watchdog = watchdog


def feed():
    """Feed the watchdog, if the application armed one."""
    if _watchdog:
        _watchdog.feed()


def now_ms():
    """Return the milliseconds since boot, on a scale that neither jumps nor wraps."""
    global _ticks, _ms, _us
    ticks = utime.ticks_cpu()
    # masked, because a difference of more than half a period is negative
    _us += utime.ticks_diff(ticks, _ticks) & 0xFFFFFFFF
    _ticks = ticks
    _ms += _us // 1000
    _us %= 1000
    return _ms


def sleep_ms(duration_ms):
    """Wait and feed the watchdog each second. Zero or less returns at once.

    The firmware's own sleep_ms takes a negative time for 49 days.
    """
    deadline = Deadline(duration_ms)
    while True:
        feed()
        left_ms = deadline.left_ms()
        if not left_ms:
            return
        utime.sleep_ms(min(left_ms, 1000))


def wait_for(condition, timeout_ms, poll_ms=100):
    """Call `condition()` every `poll_ms` until true or out of time. Return its last value."""
    deadline = Deadline(timeout_ms)
    while True:
        value = condition()
        if value or deadline.expired():
            return value
        sleep_ms(min(poll_ms, deadline.left_ms()))


class Stopwatch:
    """Measures the time since it was made, in whole milliseconds. start_ms: as of now_ms()."""

    def __init__(self):
        self.start_ms = now_ms()

    def elapsed_ms(self):
        return now_ms() - self.start_ms


class Deadline:
    """An instant `timeout_ms` from now."""

    def __init__(self, timeout_ms):
        self._end = now_ms() + timeout_ms

    def left_ms(self):
        """Milliseconds until the deadline; 0 when it has passed."""
        return max(0, self._end - now_ms())

    def expired(self):
        return not self.left_ms()


class Phase:
    """Appends [name, start, duration] of a `with` block to a list, also if it fails; in ms."""

    def __init__(self, phases, name):
        self._phases = phases
        self._name = name

    def __enter__(self):
        self._start_ms = now_ms()

    def __exit__(self, kind, error, traceback):
        self._phases.append([self._name, self._start_ms, now_ms() - self._start_ms])
