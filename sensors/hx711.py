"""Weight or counts from a HX711, the 24-bit converter of load cells, on two pins.

    from sensors import hx711
    empty = hx711.get_reading("P9", "P10")                                # 84215 counts
    kg = hx711.get_reading("P9", "P10", tare=empty, scale=21470)          # 12.304 kg

Wiring: DOUT to `data_pin`, PD_SCK to `clock_pin`, supply 2.6 to 5.5 V; with more than 3.3 V at
DVDD a divider or level shifter at DOUT. `vcc_pin` may feed the module if the bridge has 1 kOhm or
more (1.5 mA of the chip and 3.3 mA of the bridge at 3.3 V). Without it the chip is put to sleep
after each reading by a clock line that is left high; it also stays high while the board is in
deep sleep if it is one that the ESP32 can hold: P2, P3, P4, P6, P8 to P10, P19 to P23.

To calibrate: read the empty scale (tare), then with a known mass: scale = (counts - tare) / kg; it
is negative if the load lowers the counts.

A reading takes 0.6 s (0.4 s to settle, then a conversion each 0.1 s), with a gain other than 128
0.4 s more. Written against the AVIA Semiconductor HX711 data sheet (tables 2 and 3, figure 2),
on Pycom firmware 1.20.2.r4. The words have no checksum: one of three may be damaged without harm,
because the median is taken. Editions of the data sheet disagree on input B: its gain is 32 (+-80
mV at 5 V) in the one followed here, 64 (+-40 mV) in an earlier Chinese one, and figure 2 names
input B for the pulses of gain 64. There is a part that obeys the figure (bogde/HX711 issue 133):
gain=64 reads its input B. gain=128 is the same in all.
"""

from micropython import const

from sensors import IO_PINS, Sensor, SensorError
from utils import timing

FIELDS = (("raw", "counts", "count", 0, 1),)
_WEIGHT = (("w", "weight", "kg", -3, 1000),)  # with a scale
ARGUMENTS = (
    ("data_pin", "choice", IO_PINS),
    ("clock_pin", "choice", IO_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
    ("gain", "choice", (128, 64, 32), 128),
    ("tare", "integer", (-8388608, 8388607), 0),
    ("scale", "number", (-10000000, 10000000), 0),
    ("samples", "integer", (1, 99), 3),
)
SHARED_PINS = ("data_pin", "clock_pin")  # the two inputs of one chip
POWER_UP_MS = 0  # it is waited for where it settles

last_cause = None

_PULSES = {128: 1, 32: 2, 64: 3}  # clock pulses after the 24 bits: gain of the next conversion
_BITS = const(24)
_LEAST = const(-0x800000)
_GREATEST = const(0x7FFFFF)
_RESET_MS = const(1)  # clock high for more than 60 us
# Settled 400 ms after a start or a change of the gain, or 50 ms if the chip converts at 80 Hz. Its
# oscillator has no tolerance in the data sheet; parts that are a sixth too fast are common.
_FILTER = const(4)  # so many conversions until it has settled
_SETTLING_MS = const(330)
_FIRST_MS = const(580)  # by then a chip that is a third too slow has its first conversion
_NEXT_MS = const(200)  # between conversions; less than a chip takes that had to start anew
_POLL_MS = const(2)  # of 12.5 ms at 80 Hz, and a word is to be fetched before the next one


def fields(given):
    """A weight if there is a scale, else counts."""
    return _WEIGHT if given.get("scale") else FIELDS


def get_reading(data_pin, clock_pin, vcc_pin=None, gain=128, tare=0, scale=0, samples=3):
    """Return the weight in kg, a float; without `scale` the counts above `tare`, an int.

    data_pin, clock_pin, vcc_pin: pin names such as "P9"; with `vcc_pin` the supply is switched on
    before and off after. gain: 128 or 64 for input A, 32 for input B. tare: counts of the empty
    scale, -8388608 to 8388607. scale: counts per kg (or per whatever unit you want returned),
    -1e7 to 1e7, 0 for none. samples: 1 to 99 conversions, of which the median is taken.
    Returns None if there is no such value; `last_cause` says why: "absent", "busy" no conversion
    ended, "stuck" DOUT is held low, "saturated" the input is outside what the gain allows.
    Raises ValueError for arguments that cannot be. Blocks for 0.6 s, 2.5 s at most with up to 3
    samples; each further one adds 0.1 s.
    """
    global last_cause
    import sensors

    given = {
        "data_pin": data_pin,
        "clock_pin": clock_pin,
        "vcc_pin": vcc_pin,
        "gain": gain,
        "tare": tare,
        "scale": scale,
        "samples": samples,
    }
    values, last_cause = sensors.take("hx711", given)
    return values[0]


def build(rig, data_pin, clock_pin, vcc_pin=None, gain=128, tare=0, scale=0, samples=3):
    """The sensor on these pins; `rig` lends nothing, because nobody shares them."""
    from machine import Pin

    switched = vcc_pin is not None
    clock = Pin(clock_pin, mode=Pin.OUT, value=0 if switched else 1)
    return Hx711(Pin(data_pin, mode=Pin.IN), clock, gain, tare, scale, samples, switched)


class Hx711(Sensor):
    """The chip at two machine.Pin, `data` an input, `clock` an output.

    switched: its supply is taken away afterwards, so that no line may be left high.
    Its two inputs can be two sensors on the same pins: they are measured one after the other.
    """

    def __init__(self, data, clock, gain=128, tare=0, scale=0, samples=3, switched=False):
        self.exclusive = ("hx711", id(data))
        self._data = data
        self._clock = clock
        self._extra = _PULSES[gain]
        self._tare = tare
        self._scale = scale
        self._samples = samples
        self._switched = switched

    def steps(self):
        """Wake the chip, measure, put it to sleep; returns (weight or counts,)."""
        self._hold(False)  # that of an earlier reading
        self._pull("PULL_UP")
        try:
            try:
                words = yield from self._words()
            except SensorError as error:
                if error.args[0] == "absent":
                    raise
                words = yield from self._words()  # its supply may have failed for an instant
            return (self._value(words),)
        finally:
            self._rest()

    def _words(self):
        """Settled conversions, after a start that leaves no doubt of gain and filter."""
        self._clock(1)
        yield _RESET_MS
        self._clock(0)
        if self._extra != _PULSES[128]:  # what a start selects
            yield from self._word(_FIRST_MS)
        yield _SETTLING_MS
        if not self._data():
            # It is a fast one, or one that tells of conversions before it has settled. When this
            # one ended is unknown: the next may end while it is fetched, which garbles the pulses
            # that select the gain, and the filter settles anew. From here on each is fetched as
            # it ends, and the fifth is good in any case.
            self._shift()
            for _ in range(_FILTER):
                yield from self._word(_NEXT_MS)
        words = [(yield from self._word(_FIRST_MS - _SETTLING_MS))]
        while len(words) < self._samples:
            words.append((yield from self._word(_NEXT_MS)))
        return words

    def _value(self, words):
        words.sort()
        middle = len(words) // 2
        counts = words[middle]
        if len(words) % 2 == 0:
            counts = (counts + words[middle - 1]) // 2
        if not _LEAST < counts < _GREATEST:
            raise SensorError("saturated")
        counts -= self._tare
        return counts / self._scale if self._scale else counts

    def _word(self, timeout_ms):
        """Wait for the next conversion and fetch it."""
        deadline = timing.Deadline(timeout_ms)
        while self._data():
            if deadline.expired():
                raise SensorError(self._why_silent())
            yield _POLL_MS
        return self._shift()

    def _shift(self):
        """Fetch the conversion that is ready, and select the gain of the next one.

        A clock line that is high for more than 60 us switches the chip off, so nothing may come
        between the two edges. A bit stays on DOUT until the next rising edge.
        """
        from machine import disable_irq, enable_irq

        data = self._data
        clock = self._clock
        word = 0
        for _ in range(_BITS):
            state = disable_irq()
            clock(1)
            clock(0)
            enable_irq(state)
            word = word << 1 | data()
        for _ in range(self._extra):
            state = disable_irq()
            clock(1)
            clock(0)
            enable_irq(state)
        if not word and not data():  # a chip lets DOUT rise after the last pulse
            raise SensorError("stuck")
        return word - 0x1000000 if word & 0x800000 else word

    def _why_silent(self):
        """DOUT is high: because the chip holds it there, or only the pull-up."""
        self._pull("PULL_DOWN")
        timing.sleep_ms(1)  # for the capacitance of a long cable
        held = self._data()
        self._pull("PULL_UP")
        return "busy" if held else "absent"

    def _pull(self, which):
        from machine import Pin

        self._data.init(mode=Pin.IN, pull=which and getattr(Pin, which))

    def _rest(self):
        self._pull(None)  # no current into a chip without supply
        if self._switched:
            self._clock(0)
        else:
            self._clock(1)
            self._hold(True)

    def _hold(self, on):
        """Have the clock line keep its level in deep sleep, or not any more."""
        try:
            self._clock.hold(on)
        except OSError:  # outside of the RTC domain: the chip wakes in deep sleep
            pass
