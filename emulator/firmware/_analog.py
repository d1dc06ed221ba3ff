"""machine.ADC: one converter and one object per channel, whoever asks for them.

Source: Pycom firmware 1.20.2.r4, esp32/mods/pybadc.c.
"""

from _arguments import OnlyOne
from _board import call
from _pin import pin_named
from _texts import BADVAL, NA, NOTPOSS

_PINS = ("P13", "P14", "P15", "P16", "P19", "P20", "P18", "P17")
_VREF_PINS = ("P6", "P21", "P22")

_channels = {}


class ADCChannel:
    def __init__(self, adc, pin):
        self._adc = adc
        self._pin = pin
        self._attn = 0
        self._on = False

    def init(self):
        if not self._adc._on:
            raise OSError(NOTPOSS)
        self._on = True

    def deinit(self):
        self._on = False

    def value(self):
        self._check()
        return call("adc.read", self._pin, self._attn, self._adc._bits)

    def __call__(self):
        return self.value()

    def __repr__(self):
        channel = _PINS.index(self._pin)
        if not self._on:
            return "ADCChannel({})".format(channel)
        return "ADCChannel({}, pin={}, attn={})".format(channel, self._pin, self._attn)

    def _check(self):
        if not self._on:  # the channel counts, not whether the converter has been given back
            raise OSError(NOTPOSS)

    def value_to_voltage(self, value):
        self._check()
        return call("adc.to_mv", value, self._attn, self._adc._bits)

    def voltage(self):
        return self.value_to_voltage(self.value())


class ADC(OnlyOne):
    ATTN_0DB, ATTN_2_5DB, ATTN_6DB, ATTN_11DB = range(4)

    def __init__(self, id=0, *, bits=12):
        if id != 0:
            raise OSError(NA)
        self.init(bits=bits)

    def init(self, *, bits=12):
        if not 9 <= bits <= 12:
            raise ValueError(BADVAL)
        self._bits = bits
        self._on = True

    def deinit(self):
        self._on = False

    def __repr__(self):
        return "ADC(0, bits={})".format(self._bits) if self._on else "ADC(0)"

    def vref(self, *mv):
        if not mv:
            return call("adc.vref", None)
        call("adc.vref", mv[0])

    def vref_to_pin(self, pin):
        if pin_named(pin).id() not in _VREF_PINS:
            raise ValueError("only pins P6, P21 and P22 are able to output VREF")

    def channel(self, id=None, *, pin=None, attn=0):
        if id is not None:
            if id >= len(_PINS):
                raise ValueError(NA)
            name = _PINS[id]
            if pin is not None and pin_named(pin).id() != name:
                raise ValueError(BADVAL)
        else:
            name = pin_named(pin).id()
        if name not in _PINS:
            raise OSError(NA)
        if not 0 <= attn <= 3:
            raise ValueError(BADVAL)
        if name not in _channels:
            _channels[name] = ADCChannel(self, name)
        channel = _channels[name]
        channel._adc, channel._attn = self, attn
        channel.init()
        return channel
