"""Voltage at an input of an ADS1115 on I2C, a converter of 16 bits (also ADS1015, 12 bits).

    from sensors import ads1115
    voltage = ads1115.get_reading("P9", "P10", channel=0)                    # 512.0 mV
    bridge = ads1115.get_reading("P9", "P10", channel="2-3")                 # -0.0625 mV
    battery = ads1115.get_reading("P9", "P10", channel=1, divider=2)         # 3712.5 mV

Wiring: SDA and SCL with pull-ups to the supply; address 0x48 with ADDR to ground, 0x49 to VDD
(also that of a TSL2561), 0x4A to SDA, 0x4B to SCL. Each input has to stay between ground and the
supply whatever the range: one above the supply reads as about the supply. An input to ground may
read a little below 0, as the converter has an offset of some steps: it is given as it is.

Without `full_scale_mv` a short conversion in the widest range tells which is the finest that holds
the voltage; it costs 2 ms. The steps are 187.5, 125, 62.5, 31.25, 15.625 and 7.8125 uV in the
ranges 6144, 4096, 2048, 1024, 512 and 256 mV, and 16 times as large with an ADS1015. The converter
takes 128 samples a second (ADS1015: 1600), up to which the data sheet's noise stays below a step.
A part sold as an ADS1115 may be an ADS1015: all its numbers are multiples of 16.

Several inputs of one chip are several lines of a configuration; they are measured one after the
other while other sensors go on. After each conversion the chip rests by itself (0.5 uA). Written
against Texas Instruments ADS1115 data sheet SBAS444 (sections on operating modes, register map),
on Pycom firmware 1.20.2.r4.
"""

from micropython import const

from sensors import IO_PINS, Sensor, SensorError, _registers
from utils import timing

FIELDS = (("v", "voltage", "V", -6, 1000),)  # get_reading returns mV
INPUTS = ("0-1", "0-3", "1-3", "2-3", 0, 1, 2, 3)  # in the order of their codes
RANGES_MV = (6144, 4096, 2048, 1024, 512, 256)
MODELS = ("ads1115", "ads1015")
ARGUMENTS = (
    ("sda_pin", "choice", IO_PINS),
    ("scl_pin", "choice", IO_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
    ("address", "choice", (0x48, 0x49, 0x4A, 0x4B), 0x48),
    ("channel", "choice", INPUTS, 0),
    ("full_scale_mv", "choice", RANGES_MV, None),
    ("divider", "number", (1, 1000), 1),
    ("model", "choice", MODELS, "ads1115"),
    ("settle_ms", "integer", (0, 60000), 0),
)
POWER_UP_MS = 1

last_cause = None

_CONVERSION = const(0)
_CONFIGURATION = const(1)
_START = const(0x8000)  # written; read: it is idle
_ONCE = const(0x0103)  # single shot, comparator off
_LATCH = const(0x0004)  # of the comparator: means nothing while that is off
_AFTER_RESET = const(0x0583)
_KEPT = const(0x7FFF)
_RATE = const(4 << 5)  # 128 a second, ADS1015: 1600
_FASTEST = const(7 << 5)  # 860, 3300
_WAKE_MS = const(5)
_PAUSE_MS = const(2)

# From start to end in ms, rounded up: a conversion at _FASTEST, one at _RATE. Up to a tenth more.
_TIMES = {"ads1115": (2, 8), "ads1015": (1, 1)}
# Outside the range, of 16 bits and of 12: many a part sold as an ADS1115 is an ADS1015.
_ENDS = (-0x8000, 0x7FFF, 0x7FF0)
_FIRST_TO_GROUND = const(4)  # of INPUTS
_LEAST_MV = const(-300)  # its diode conducts below


def fields(given):
    """FIELDS with as many decimals as the converter can tell with these arguments."""
    step_uv = (given.get("full_scale_mv") or RANGES_MV[-1]) * 1000 / 32768
    step_uv *= given.get("divider", 1)
    if given.get("model") == "ads1015":
        step_uv *= 16
    exponent, factor = -6, 1000
    while step_uv >= 10 and factor > 1:
        step_uv /= 10
        exponent += 1
        factor //= 10
    return (("v", "voltage", "V", exponent, factor),)


def get_reading(
    sda_pin,
    scl_pin,
    vcc_pin=None,
    address=0x48,
    channel=0,
    full_scale_mv=None,
    divider=1,
    model="ads1115",
    settle_ms=0,
):
    """Return the voltage in mV, a float, times `divider`; None if it could not be measured.

    sda_pin, scl_pin, vcc_pin: pin names such as "P9"; with `vcc_pin` the supply is switched on
    before and off after. address: 0x48 to 0x4B. channel: 0 to 3, an input to ground, or two inputs
    against each other: "0-1", "0-3", "1-3", "2-3". full_scale_mv: 6144, 4096, 2048, 1024, 512 or
    256 in either direction; None to have the finest that fits. divider: (Rtop + Rbottom) /
    Rbottom, 1 to 1000. model: "ads1115" or "ads1015". settle_ms: from switching `vcc_pin` on to
    the conversion, for what else it supplies; a divider needs 5 * R * C.
    Blocks for `settle_ms` and about 20 ms; for 0.2 s at most, or 6 s if something holds the bus.
    Raises ValueError for arguments that cannot be; `last_cause` says why there is no value.
    """
    global last_cause
    import sensors

    given = {
        "sda_pin": sda_pin,
        "scl_pin": scl_pin,
        "vcc_pin": vcc_pin,
        "address": address,
        "channel": channel,
        "full_scale_mv": full_scale_mv,
        "divider": divider,
        "model": model,
        "settle_ms": settle_ms,
    }
    values, last_cause = sensors.take("ads1115", given)
    return values[0]


def build(
    rig,
    sda_pin,
    scl_pin,
    vcc_pin=None,
    address=0x48,
    channel=0,
    full_scale_mv=None,
    divider=1,
    model="ads1115",
    settle_ms=0,
):
    """The sensor for these arguments, on buses of `rig`."""
    i2c = rig.i2c(sda_pin, scl_pin)
    if vcc_pin is None:
        settle_ms = 0
    return Ads1115(i2c, address, channel, full_scale_mv, divider, model, settle_ms)


class Ads1115(Sensor):
    """One input of a chip on an I2C bus that the caller opened and will close.

    Reads (voltage in mV,). settle_ms counts from here; other arguments as get_reading.
    """

    def __init__(
        self,
        i2c,
        address=0x48,
        channel=0,
        full_scale_mv=None,
        divider=1,
        model="ads1115",
        settle_ms=0,
    ):
        self.exclusive = ("ads1115", id(i2c), address)
        self._registers = _registers.Registers(i2c, address)
        self._input = INPUTS.index(channel)
        self._range = None if full_scale_mv is None else RANGES_MV.index(full_scale_mv)
        self._divider = divider
        self._times = _TIMES[model]
        self._settled = timing.Deadline(settle_ms)  # of all inputs at the same time

    def steps(self):
        yield self._settled.left_ms()
        try:
            return (yield from self._measure())
        except SensorError as error:
            if error.args[0] in ("stuck", "saturated"):
                raise
        yield _PAUSE_MS  # it may be starting anew
        return (yield from self._measure())

    def _measure(self):
        configuration = self._configuration(0, _RATE)
        yield from self._registers.find(
            _CONFIGURATION, configuration, configuration, _KEPT, _WAKE_MS
        )
        if self._range is None:
            chosen, number = yield from self._in_the_best_range()
        else:
            chosen = self._range
            number = yield from self._convert(chosen, _RATE, self._times[1])
        if number is None:
            raise SensorError("saturated")
        voltage_mv = millivolts(number, RANGES_MV[chosen])
        if voltage_mv < _LEAST_MV and self._input >= _FIRST_TO_GROUND:
            raise SensorError("implausible")
        return (voltage_mv * self._divider,)

    def _in_the_best_range(self):
        """Return (range, number of the converter or None if it is outside the widest)."""
        chosen = 0
        number = yield from self._convert(chosen, _FASTEST, self._times[0])
        if number is not None:
            # an eighth is left free for noise, which is larger in the short conversion
            needed_mv = abs(number) * RANGES_MV[0] * 9 // (32768 * 8)
            chosen = len(RANGES_MV) - 1
            while chosen and RANGES_MV[chosen] <= needed_mv:
                chosen -= 1
        while True:
            number = yield from self._convert(chosen, _RATE, self._times[1])
            if number is not None or not chosen:
                return chosen, number
            chosen -= 1

    def _convert(self, chosen, rate, took_ms):
        """Return the number of the converter, None if the voltage is outside the range."""
        configuration = self._configuration(chosen, rate)
        self._registers.write(_CONFIGURATION, _START | configuration)
        yield took_ms
        deadline = timing.Deadline(took_ms // 8 + 2)
        while True:
            late = deadline.expired()
            if self._registers.peek(_CONFIGURATION) & _START:
                break
            if late:
                raise SensorError("busy" if self._registers.read(_CONFIGURATION) else "stuck")
            yield 1
        number = _registers.signed(self._registers.read(_CONVERSION))
        # after a brown-out it is idle as well, and the number is 0
        if not self._registers.holds(_CONFIGURATION, _START | configuration):
            raise SensorError("busy")
        return None if number in _ENDS else number

    def _configuration(self, chosen, rate):
        configuration = self._input << 12 | chosen << 9 | rate | _ONCE
        if configuration == _AFTER_RESET:  # must not look like a chip that has just started
            configuration |= _LATCH
        return configuration


def millivolts(number, full_scale_mv):
    """Return the mV that a number of the converter stands for, -32768 to 32767, in a range.

    That of an ADS1015 has 12 bits and 0 in the four lowest. The result is exact: a power of two
    divides, and the numbers of the ranges have at most two bits set.
    """
    return number * full_scale_mv / 32768
