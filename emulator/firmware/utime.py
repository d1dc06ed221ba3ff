"""utime of the firmware: ticks come from the wall clock, delays are unsigned 32-bit numbers.

Source: Pycom firmware 1.20.2.r4, esp32/mods/modutime.c, esp32/hal/esp32_mphal.c.
"""

from _board import call

_MASK = 0xFFFFFFFF
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _wait(duration_us):
    until_us = call("rtc.sleep_us", duration_us)
    while until_us:  # an interrupt was handled meanwhile
        until_us = call("rtc.sleep_until", until_us)


def sleep(seconds):
    _wait((int(seconds * 1000) & _MASK) * 1000)


def sleep_ms(ms):
    _wait((int(ms) & _MASK) * 1000)


def sleep_us(us):
    us = int(us) & _MASK
    if us > 1000:  # whole milliseconds let others run
        _wait(us // 1000 * 1000)
        us %= 1000
    call("rtc.spin_us", us)


def ticks_ms():
    return call("rtc.ticks_ms")


def ticks_us():
    return call("rtc.ticks_us")


def ticks_cpu():
    return call("rtc.ticks_cpu")


def ticks_add(ticks, delta):
    return (ticks + delta) & _MASK


def ticks_diff(end, start):
    return ((end - start + 0x80000000) & _MASK) - 0x80000000


def time():
    return call("rtc.time")


def timezone(seconds=None):
    if seconds is None:
        return call("rtc.timezone", None)
    call("rtc.timezone", seconds)


def _leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days_before_year(year):
    """Days from 1970-01-01 to January 1st of the year."""
    past = year - 1
    return (year - 1970) * 365 + (past // 4 - past // 100 + past // 400) - 477


def _split(seconds):
    days = seconds // 86400
    rest = seconds - days * 86400
    year = 1970 + days // 366
    while _days_before_year(year + 1) <= days:
        year += 1
    yearday = days - _days_before_year(year)
    month = 0
    left = yearday
    while True:
        length = _MONTH_DAYS[month] + (1 if month == 1 and _leap(year) else 0)
        if left < length:
            break
        left -= length
        month += 1
    return (
        year,
        month + 1,
        left + 1,
        rest // 3600,
        rest // 60 % 60,
        rest % 60,
        (days + 3) % 7,
        yearday + 1,
    )


def gmtime(seconds=None):
    return _split(time() if seconds is None else int(seconds))


def localtime(seconds=None):
    return _split((time() if seconds is None else int(seconds)) + call("rtc.timezone", None))


def mktime(when):
    """Seconds since 1970 of an 8- or 9-tuple; fields out of range are carried over."""
    if len(when) not in (8, 9):
        raise TypeError("mktime needs a tuple of length 8 or 9")
    year, month = when[0], when[1] - 1
    year += month // 12
    month %= 12
    days = _days_before_year(year) + when[2] - 1
    for past in range(month):
        days += _MONTH_DAYS[past] + (1 if past == 1 and _leap(year) else 0)
    return days * 86400 + when[3] * 3600 + when[4] * 60 + when[5]
