"""machine.RMT: pulses sent and received in ticks of the channel.

Source: Pycom firmware, esp32/mods/machrmt.c. A carrier is accepted and not modelled.
"""

from _arguments import REQUIRED, as_is, assign, to_int
from _board import call
from _pin import pin_named

# Ticks of 12.5 ns of each channel; 0 and 1 belong to the firmware
_TICKS = (80, 8, 8, 8, 80, 80, 250, 250)
_MAX_TICKS = 0x7FFF  # a duration has 15 bits

_INIT = (
    ("gpio", as_is, None),
    ("rx_idle_threshold", as_is, None),
    ("rx_filter_threshold", as_is, None),
    ("tx_idle_level", as_is, None),
    ("tx_carrier", as_is, None),
)
_SEND = (
    ("duration", as_is, REQUIRED),
    ("data", as_is, None),
    ("start_level", as_is, None),
    ("wait_tx_done", bool, True),
)
_GET = (("pulses", as_is, None), ("timeout", as_is, None))

_used = {}  # pin names by channel


class RMT:
    LOW = 0
    HIGH = 1

    def __init__(self, *, channel, **settings):
        if not 2 <= channel < len(_TICKS):
            raise ValueError("Channel is invalid!")
        self._channel = channel
        self._pin = self._idle = self._level = None
        if settings:
            self.init(**settings)

    def init(self, **settings):
        gpio, idle, rx_filter, level, carrier = assign(_INIT, 0, (), settings)
        if gpio is None:
            raise ValueError("GPIO must be defined!")
        name = pin_named(gpio).id()
        if any(used == name for channel, used in _used.items() if channel != self._channel):
            raise ValueError("The given Pin is already used by other RMT channel!")
        if idle is None and level is None:
            raise ValueError("Either RX or TX configuration must be given!")
        if idle is not None and level is not None:
            raise ValueError("A channel can be configured only for RX or TX at the same time!")
        if rx_filter is not None and to_int(rx_filter) > 31:
            raise ValueError(
                "Filter threshold is accepted between values: 0-31, counted 100 nano sec!"
            )
        if carrier is not None and not 0 <= carrier[1] <= 100:
            raise ValueError("Duty_percent argument is invalid!")
        self._idle, self._level = idle, level
        self._filter_us = (rx_filter or 0) // 10
        self._pin = _used[self._channel] = name
        if level is None:  # an input from now on: that is when a start pulse ends
            call("pins.set", name, 1, pin_named(gpio).pull())
        else:
            call("pins.init", name, 2, None, to_int(level))

    def deinit(self):
        self._pin = None
        _used.pop(self._channel, None)

    def pulses_send(self, *args, **keywords):
        duration, data, level, wait = assign(_SEND, 2, args, keywords)
        self._check(self._level is None, "RX")
        levels = _levels(duration, data, level)
        if not isinstance(duration, tuple):
            duration = (duration,) * len(levels)
        if len(duration) != len(levels):
            raise ValueError('Number of the given "duration" and "data" values must be equal!')
        pulses = [[each, self._us(ticks)] for each, ticks in zip(levels, duration)]  # noqa: B905
        call("pins.send", self._pin, pulses, self._level, wait)

    def pulses_get(self, **keywords):
        """Without a timeout it waits for so many pulses, for ever if need be."""
        pulses, timeout = assign(_GET, 0, (), keywords)
        self._check(self._idle is None, "TX")
        wanted = 1 if pulses is None else pulses
        found = []
        while True:
            items = call("pins.receive", self._pin, self._us(self._idle),
                         1000 if timeout is None else timeout)  # fmt: skip
            for level, length_us in items:
                if length_us > self._filter_us:
                    ticks = length_us * 80 // _TICKS[self._channel]
                    found.append((level, min(ticks, _MAX_TICKS)))
            if timeout is not None or len(found) >= wanted:
                return tuple(found)

    def _us(self, ticks):
        return to_int(ticks) * _TICKS[self._channel] // 80

    def _check(self, wrong, configured):
        if self._pin is None:
            raise ValueError("RMT channel is not initialized!")
        if wrong:
            raise ValueError("RMT channel is configured for {}!".format(configured))


def _levels(duration, data, level):
    if not isinstance(duration, (int, tuple)):
        raise ValueError('"Duration" can be a single integer or a tuple!')
    if isinstance(data, tuple):
        if any(each > 1 for each in data):
            raise ValueError('Only 0 or 1 can be given if the "data" is provided as a tuple!')
        return data
    if data is None:
        if not isinstance(duration, tuple):
            raise ValueError('"Duration" must be a tuple if "data" parameter left empty!')
        data = len(duration)
    elif not isinstance(data, int):
        raise ValueError('"data" parameter must be a single integer, a tuple or left empty!')
    if level is None:
        raise ValueError('"start_level" parameter must be given!')
    if level > 1:
        raise ValueError('"start_level" can be 0 or 1')
    return tuple((level + place) % 2 for place in range(data))
