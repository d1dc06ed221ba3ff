"""machine.RTC, WDT and Timer.

Source: Pycom firmware 1.20.2.r4, esp32/mods/machrtc.c, machwdt.c, machtimer_alarm.c,
machtimer_chrono.c.
"""

import ustruct
import utime
from _arguments import data_of, method, to_int, to_text
from _board import call, on_interrupt
from _texts import BADNUM, BADVAL, NA


class RTC:
    INTERNAL_RC = 0
    XTAL_32KHZ = 1

    def __init__(self, id=0, datetime=None, source=None):
        if id != 0:
            raise OSError(NA)
        if datetime is not None:
            self.init(datetime, source)

    def init(self, datetime=None, source=None):
        if source not in (None, 0, 1):
            raise ValueError(BADVAL)
        if datetime is None:
            datetime = (1970, 1, 1)
        if not 3 <= len(datetime) <= 8:
            raise ValueError(BADNUM)
        fields = list(datetime) + [0] * (8 - len(datetime))
        call("rtc.set", fields)

    def now(self):
        return tuple(call("rtc.now")) + (None,)

    def ntp_sync(self, server, update_period=3600, backup_server=None):
        if update_period < 15:
            raise ValueError("update period cannot be shorter than 15 s")
        call("rtc.ntp_sync", to_text(server), update_period, to_text(backup_server))

    synced = method("rtc.synced")

    def memory(self, *data):
        return call("rtc.memory", data_of(data[0]) if data else None)


class WDT:
    def __init__(self, id=0, *, timeout):
        if id != 0:
            raise OSError(NA)
        self.init(timeout)

    def init(self, timeout):
        call("wdt.start", to_int(timeout))

    feed = method("wdt.feed")


def _float32(value):
    return ustruct.unpack("<f", ustruct.pack("<f", value))[0]


class Chrono:
    """A stopwatch. Its readings are single-precision floats."""

    def __init__(self):
        self.reset()

    def reset(self):
        self._kept_us = 0
        self._since_us = None

    def start(self):
        if self._since_us is None:
            self._since_us = utime.ticks_cpu()

    def stop(self):
        self._kept_us = self._elapsed_us()
        self._since_us = None

    def _elapsed_us(self):
        if self._since_us is None:
            return self._kept_us
        now_us = utime.ticks_cpu()
        self._kept_us += (now_us - self._since_us) & 0xFFFFFFFF
        self._since_us = now_us
        return self._kept_us

    def read(self):
        return _float32(self._elapsed_us() / 1000000)

    def read_ms(self):
        return _float32(self._elapsed_us() / 1000)

    def read_us(self):
        return _float32(self._elapsed_us() / 1)


class Alarm:
    def __init__(self, handler=None, s=None, *, ms=0, us=0, arg=None, periodic=False):
        if handler is not None and not callable(handler):
            raise TypeError(BADNUM)
        given = [unit for unit, value in (("s", s), ("ms", ms), ("us", us)) if value]
        if len(given) != 1:
            raise ValueError("please provide a single duration")
        self._arg = arg
        self._periodic = periodic
        value = {"s": s, "ms": ms, "us": us}[given[0]]
        self._id = call("timers.start", given[0], value, bool(periodic))
        self.callback(handler, arg=arg)

    def callback(self, handler, *, arg=None):
        given = self if arg is None else arg
        if handler is None:
            on_interrupt("timers", self._id, None)
        else:
            on_interrupt("timers", self._id, lambda trigger: handler(given))

    def cancel(self):
        call("timers.cancel", self._id)
        on_interrupt("timers", self._id, None)


class Timer:
    """A name space only: there is no Timer(id) on this firmware."""

    Chrono = Chrono
    Alarm = Alarm

    def __init__(self):
        pass  # without it, this VM's later versions take any arguments

    @staticmethod
    def sleep_us(us):
        utime.sleep_us(us)
