"""Temperature and humidity from a DHT11 or DHT22 (AM2302, AM2301, AM2320 on one wire).

    from sensors import dht
    temperature, humidity = dht.get_reading("P9", "DHT22", vcc_pin="P11")     # 35.1 Cel, 65.2 %RH

Wiring: data line to `data_pin` with 4.7 to 10 kOhm to the sensor's supply, 3.3 V; `vcc_pin` may
feed it, 2.5 mA at most.

These sensors answer with what they measured when they were asked the time before, be that an hour
ago. So they are asked twice, a sampling interval apart, and the second answer counts. A reading
takes 1.1 s (DHT11) or 2.2 s (DHT22), 1 or 2 s more with the supply switched, because they must
not be asked earlier; other sensors of the same run go on but for two times 0.1 s.

Written against the Aosong product manuals of DHT11, AM2302 and AM2320 and Pycom firmware
1.20.2.r4 (esp32/mods/modpycom.c): the receiver hands a capture over after 65.5 ms without an
edge, may or may not have caught how the answer begins, and includes pulses of no length.
"""

from micropython import const
from ucollections import namedtuple

from sensors import IO_PINS, Sensor, SensorError
from utils import timing

FIELDS = (
    ("t", "temperature", "Cel", -1, 10),
    ("h", "humidity", "%RH", -1, 10),
)
_MODELS = ("DHT11", "DHT22")
ARGUMENTS = (
    ("data_pin", "choice", IO_PINS),
    ("dht_model", "choice", _MODELS),
    ("vcc_pin", "choice", IO_PINS, None),
)
POWER_UP_MS = 1000  # of a DHT11; the rest is waited for below

Reading = namedtuple("Reading", ("temperature", "humidity"))  # Cel, %RH

last_cause = None

# By model: ms between two requests, and as long after power-up; ms of the start pulse. A DHT11
# wants 18 to 30 ms, a DHT22 0.8 to 20: the former's is short enough for one that is misnamed.
_TIMES = {"DHT11": (1000, 19), "DHT22": (2000, 2)}
_CAPTURE_MS = const(100)  # a frame of 5 ms and 65.5 ms of silence
_DISCARD_MS = const(1)
_BITS = const(40)
_ONE_US = const(48)  # a high pulse of a 0 lasts 22 to 30 us, of a 1 68 to 75 us
_NO_BIT_US = const(100)

# Tenths of a Cel and of a %RH, the widest that a manual of the model gives
_RANGES = {"DHT11": (-200, 600, 50, 950), "DHT22": (-400, 800, 0, 1000)}


def get_reading(data_pin, dht_model, vcc_pin=None):
    """Return Reading(temperature in Cel, humidity in %RH), floats; both None if it failed.

    data_pin, vcc_pin: pin names such as "P9"; with `vcc_pin` the supply is switched on before and
    off after. dht_model: "DHT11" or "DHT22".
    `last_cause` then says why: "absent" no answer, be it that a DHT11 is called a DHT22, "stuck"
    the line is held low, "crc" a damaged or incomplete answer, also at the repetition,
    "wrong_part" it is a DHT22, "implausible" outside what the sensor can measure.
    Raises ValueError for arguments that cannot be. Blocks for 6.4 s at most, with a switched DHT22
    whose first answer was damaged; see above for the usual times.
    """
    global last_cause
    import sensors

    given = {"data_pin": data_pin, "dht_model": dht_model, "vcc_pin": vcc_pin}
    values, last_cause = sensors.take("dht", given)
    return Reading(*values)


def build(rig, data_pin, dht_model, vcc_pin=None):
    """The sensor on this pin; `rig` lends nothing, because nobody shares it."""
    from machine import Pin

    return Dht(Pin(data_pin, mode=Pin.OPEN_DRAIN, value=1), dht_model, vcc_pin is not None)


class Dht(Sensor):
    """The sensor at a machine.Pin that is open drain and high.

    starts: its supply was switched on POWER_UP_MS ago.
    """

    def __init__(self, pin, dht_model, starts=False):
        self._pin = pin
        self._model = dht_model
        self._interval_ms, self._start_ms = _TIMES[dht_model]
        self._starts = starts
        self.exclusive = ("dht", id(pin))

    def steps(self):
        """Measure; returns (temperature, humidity)."""
        if self._starts:
            yield self._interval_ms - POWER_UP_MS
        self._receive(_DISCARD_MS)  # what an earlier call may have left in the receiver
        heard = self._capture()
        yield self._interval_ms
        try:
            return decode(self._model, self._answer())
        except SensorError as error:
            if not heard or error.args[0] == "wrong_part":
                raise  # it will be no better for a second, or third, attempt
        yield self._interval_ms
        return decode(self._model, self._answer())

    def _answer(self):
        pulses = self._capture()
        if not pulses:
            raise SensorError("absent" if self._pin() else "stuck")
        return frame(pulses)

    def _capture(self):
        """Ask the sensor; return its pulses. This also starts a measurement."""
        self._pin(0)
        return self._receive(_CAPTURE_MS, self._start_ms)

    def _receive(self, timeout_ms, wait_ms=0):
        """Wait, then let go of the line and listen: the receiver makes it an input."""
        import pycom
        from machine import Pin

        try:
            timing.sleep_ms(wait_ms)
            return [pulse for pulse in pycom.pulses_get(self._pin, timeout_ms) if pulse[1]]
        finally:
            self._pin.init(mode=Pin.OPEN_DRAIN, value=1)


def frame(pulses):
    """Return the five bytes that stand in a capture, a list of (level, duration in us).

    Bits are the last 40 high pulses: how much of what comes before was caught is a matter of luck.
    Raises SensorError("crc") if there are fewer, if their sum is wrong, or if the response is not
    right before them: with a pulse too many all bits move, and twice the values have a right sum.
    """
    highs = [length for level, length in pulses if level and 0 < length < _NO_BIT_US]
    if len(highs) < _BITS or len(highs) > _BITS + 1 and highs[-_BITS - 1] <= _ONE_US:
        raise SensorError("crc")  # the very first pulse may be the rest of a longer one
    data = bytearray(5)
    place = 0
    for length in highs[-_BITS:]:
        data[place >> 3] = data[place >> 3] << 1 & 0xFF | (1 if length > _ONE_US else 0)
        place += 1
    if sum(data[:4]) & 0xFF != data[4]:
        raise SensorError("crc")
    return data


def decode(model, data):
    """Return (Cel, %RH) of the five bytes. Raises SensorError for what `model` cannot measure."""
    tenths = _tenths(model, data)
    if tenths is None:
        other = _MODELS[1 - _MODELS.index(model)]
        raise SensorError("implausible" if _tenths(other, data) is None else "wrong_part")
    return tenths[0] / 10, tenths[1] / 10


def _tenths(model, data):
    """(temperature, humidity) in tenths, None if a sensor of this model cannot send that.

    The sign of the temperature is a bit of its own; older DHT11 know neither it nor tenths. Some
    parts sold as DHT22 send two's complement of 16, 15 or 12 bits instead: -0.1 Cel is 0xFFFF,
    0x7FFF or 0x0FFF, not 0x8001. The forms do not overlap from -40 to 80 Cel. Some DHT11 send
    the tenths below 0 as their complement to 10, which nothing tells: they are up to 1 Cel off.
    """
    if model == "DHT11":
        sign = data[3] & 0x80
        fractions = data[1], data[3] & 0x7F
        if max(fractions) > 9:
            return None
        temperature = data[2] * 10 + fractions[1]
        humidity = data[0] * 10 + fractions[0]
    else:
        sign = data[2] & 0x80
        temperature = (data[2] & 0x7F) << 8 | data[3]
        complement = 0x1000 - (temperature & 0xFFF)
        if complement <= -_RANGES[model][0] and data[2] >> 4 in (0x0, 0x7, 0xF):
            sign, temperature = True, complement
        humidity = data[0] << 8 | data[1]
    if sign:
        temperature = -temperature
    least, most, driest, wettest = _RANGES[model]
    if not (least <= temperature <= most and driest <= humidity <= wettest):
        return None
    # 0.0 Cel in perfectly dry air: what a DHT22 sends before it has measured
    return (temperature, humidity) if any(data) else None
