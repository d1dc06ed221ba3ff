"""utime of the firmware: ticks come from the wall clock, delays are unsigned 32-bit numbers.

Source: Pycom firmware 1.20.2.r4, esp32/mods/modutime.c, esp32/hal/esp32_mphal.c.
"""

from _arguments import forward, to_float, to_int, to_sequence
from _board import call

_MASK = 0xFFFFFFFF


def _wait(duration_us):
    until_us = call("rtc.sleep_us", duration_us)
    while until_us:  # an interrupt was handled meanwhile
        until_us = call("rtc.sleep_until", until_us)


def sleep(seconds):
    _wait((int(1000 * to_float(seconds)) & _MASK) * 1000)


def sleep_ms(ms):
    _wait((to_int(ms) & _MASK) * 1000)


def sleep_us(us):
    us = to_int(us) & _MASK
    if us > 1000:  # whole milliseconds let others run
        _wait(us // 1000 * 1000)
        us %= 1000
    call("rtc.spin_us", us)


ticks_ms = forward("rtc.ticks_ms")
ticks_us = forward("rtc.ticks_us")
ticks_cpu = forward("rtc.ticks_cpu")
time = forward("rtc.time")


def ticks_add(ticks, delta):
    return (ticks + delta) & _MASK


def ticks_diff(end, start):
    return ((end - start + 0x80000000) & _MASK) - 0x80000000


def timezone(seconds=None):
    if seconds is None:
        return call("rtc.timezone", None)
    call("rtc.timezone", to_int(seconds))


def gmtime(seconds=None):
    return tuple(call("rtc.gmtime", None if seconds is None else to_int(seconds)))


def localtime(seconds=None):
    return tuple(call("rtc.localtime", None if seconds is None else to_int(seconds)))


def mktime(when):
    """Seconds since 1970 of an 8- or 9-tuple; fields out of range are carried over."""
    count = len(to_sequence(when))
    if count not in (8, 9):
        raise TypeError("mktime needs a tuple of length 8 or 9 ({} given)".format(count))
    return call("rtc.mktime", [to_int(field) for field in when[:6]] + list(when[6:]))
