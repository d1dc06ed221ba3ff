"""Temperature and humidity from a Sensirion SHT40, SHT41 or SHT45 on I2C.

    from sensors import sht4x
    temperature, humidity = sht4x.get_reading("P9", "P10", vcc_pin="P11")   # 24.666 Cel, 47.66 %RH

Wiring: SDA and SCL with pull-ups of about 4.7 kOhm to the sensor's supply, 1.08 to 3.6 V. The
letter in the part number tells the address: SHT4x-A 0x44, -B 0x45, -C 0x46. `vcc_pin` may feed
the sensor, which draws half a mA while it measures.

A reading takes 8 ms, with high repeatability, and 2 ms more with the supply switched. Written
against Sensirion's SHT4x data sheet (timings, commands, conversion of the signal, section 4.9 of
version 5 on the heater), on Pycom firmware 1.20.2.r4. The chip does not stretch the clock: while
it measures it leaves its address unanswered. Editions differ in the longest measurement, 8.2 or
8.3 ms; 9 are waited for.

Water on the chip, and weeks in air of more than 80 %RH, make the humidity read too high. The
heater drives both out. It is never on by itself; it is used from the console or a program:

    from machine import I2C
    sensor = sht4x.Sht4x(I2C(0, I2C.MASTER, pins=("P9", "P10")))
    sensor.heater()                             # 1 s; the supply has to give 75 mA
"""

from micropython import const
from ucollections import namedtuple

from sensors import IO_PINS, Sensor, SensorError, _i2c, _sensirion
from utils import timing

FIELDS = (
    ("t", "temperature", "Cel", -2, 100),
    ("h", "humidity", "%RH", -1, 10),  # exact to 1.8 %RH at best: a decimal is enough
)
ARGUMENTS = (
    ("sda_pin", "choice", IO_PINS),
    ("scl_pin", "choice", IO_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
    ("address", "choice", (0x44, 0x45, 0x46), 0x44),
)
POWER_UP_MS = 1

Reading = namedtuple("Reading", ("temperature", "humidity"))  # Cel, %RH; None for what failed

last_cause = None

_MEASURE = b"\xfd"  # with high repeatability
_SERIAL = b"\x89"
_MEASURE_TYP_MS = const(7)
_MEASURE_MAX_MS = const(9)
_SERIAL_MS = const(10)
_RESET_MS = const(2)
# (mW at 3.3 V, ms): command. Its timer is exact to a tenth, and a measurement follows.
_HEATER = {
    (200, 1000): b"\x39",
    (200, 100): b"\x32",
    (110, 1000): b"\x2f",
    (110, 100): b"\x24",
    (20, 1000): b"\x1e",
    (20, 100): b"\x15",
}
_HEATER_MOST = const(65000)  # thousandths of a Cel: warmer air and the heater are too much for it
_HEATER_REST = const(12)  # times its duration, from start to start: it is made for less than 10 %
_BROKEN = (0x8000, 0x8001)  # both words of a damaged part


def get_reading(sda_pin, scl_pin, vcc_pin=None, address=0x44):
    """Return Reading(temperature in Cel, humidity in %RH), floats, None for what failed.

    sda_pin, scl_pin, vcc_pin: pin names such as "P9"; with `vcc_pin` the supply is switched on
    before and off after. address: 0x44, 0x45 or 0x46.
    Blocks for 50 ms at most, or 6 to 11 s if something holds the bus. Raises ValueError for
    arguments that cannot be; `last_cause` says why a value is None.
    """
    global last_cause
    import sensors

    given = {"sda_pin": sda_pin, "scl_pin": scl_pin, "vcc_pin": vcc_pin, "address": address}
    values, last_cause = sensors.take("sht4x", given)
    return Reading(*values)


def build(rig, sda_pin, scl_pin, vcc_pin=None, address=0x44):
    """The sensor of these arguments; see sensors/__init__.py."""
    return Sht4x(rig.i2c(sda_pin, scl_pin), address)


class Sht4x(Sensor):
    """The chip on an I2C bus that the caller opened and will close."""

    def __init__(self, i2c, address=0x44):
        self._chip = _i2c.Device(i2c, address)
        self._cool = timing.Deadline(0)  # the heater may be used from then on

    def steps(self):
        """Measure; Reading(temperature, humidity) as floats."""
        try:
            signals = yield from self._measure()
        except SensorError as error:
            if error.args[0] == "stuck":
                raise
            yield _RESET_MS  # it may be starting anew
            signals = yield from self._repeat(error.args[0])
        if signals[0] == signals[1] and signals[0] in _BROKEN:
            raise SensorError("implausible")
        temperature, humidity = thousandths(signals[0], signals[1])
        return Reading(temperature / 1000, humidity / 1000)

    def serial_number(self):
        """Return the 32-bit serial number; SensorError if there is none."""
        self._chip.write(_SERIAL)
        timing.sleep_ms(_SERIAL_MS)
        words = _sensirion.words(self._chip.read(6))
        return words[0] << 16 | words[1]

    def heater(self, milliwatts=200, duration_ms=1000):
        """Heat the chip once; return the Reading at the end, of the hot chip and not of the air.

        milliwatts: 200, 110 or 20. duration_ms: 1000 or 100. At 200 mW it draws up to 75 mA. Ten
        times at 1 s dry a wet chip; wait a minute before the next reading of the air.
        Blocks for 1.2 s at most, and before that for 12 s at most: the data sheet allows heating
        for less than a tenth of the time, which is kept from call to call of an object. Raises
        ValueError for other arguments; SensorError "implausible" in air of more than 65 Cel, for
        which the data sheet forbids it; "busy" if the supply breaks down; others as for a reading.
        """
        command = _HEATER.get((milliwatts, duration_ms))
        if command is None:
            from utils import configuration

            allowed = "200, 110 or 20 mW for 1000 or 100 ms"
            configuration.refuse("heater", (milliwatts, duration_ms), allowed)
        timing.sleep_ms(self._cool.left_ms())
        signals = _sensirion.finish(self._measure())
        if thousandths(signals[0], signals[1])[0] > _HEATER_MOST:
            raise SensorError("implausible")
        self._cool = timing.Deadline(_HEATER_REST * duration_ms)
        least_ms = duration_ms * 9 // 10
        most_ms = duration_ms * 11 // 10 + _MEASURE_MAX_MS
        answer = _sensirion.finish(self._chip.converted(command, 6, least_ms, most_ms))
        signals = _sensirion.words(answer)
        temperature, humidity = thousandths(signals[0], signals[1])
        return Reading(temperature / 1000, humidity / 1000)

    def _measure(self):
        """Return both 16-bit signals."""
        answer = yield from self._chip.converted(_MEASURE, 6, _MEASURE_TYP_MS, _MEASURE_MAX_MS)
        return _sensirion.words(answer)

    def _repeat(self, first_cause):
        """As `_measure`, after it failed once; who answered then is not absent."""
        try:
            return (yield from self._measure())
        except SensorError as error:
            cause = error.args[0]
            if cause == "absent":
                cause = first_cause
            elif cause == "busy" and self._chip.try_write(_SERIAL):
                yield _SERIAL_MS
                # An SHT3x at the same address takes commands, but none of one byte.
                if self._chip.try_read(6) is None:
                    cause = "wrong_part"
            raise SensorError(cause)


def thousandths(temperature_signal, humidity_signal):
    """Return (temperature, humidity) in thousandths of Cel and %RH, ints.

    T = -45 + 175 * S / 65535 and RH = -6 + 125 * S / 65535 as the data sheet has it; a humidity
    outside 0 to 100 %RH, which the formula allows at both ends, is brought back to the limit.
    """
    temperature = (175000 * temperature_signal + 32767) // 65535 - 45000
    humidity = (125000 * humidity_signal + 32767) // 65535 - 6000
    return temperature, min(max(humidity, 0), 100000)
