"""Temperature and humidity from a Si7021 on I2C (also Si7020, Si7013, HTU21D, SHT20/21).

    from sensors import si7021
    temperature, humidity = si7021.get_reading("P9", "P10", vcc_pin="P11")   # 24.23 Cel, 54.79 %RH

Wiring: SDA and SCL with pull-ups of about 4.7 kOhm to the sensor's supply; address 0x40. `vcc_pin`
may feed the sensor, which draws 0.2 mA at most (3.5 mA for 5 ms when it starts).

A reading takes about 20 ms, 40 to 100 ms with the supply switched. Written against Silicon Labs
Si7021-A20 data sheet rev. 1.1 (tables 2 and 11, sections 5.1 to 5.3), TE HTU21D(F) and Sensirion
SHT20 data sheets, on Pycom firmware 1.20.2.r4. The latter two convert more slowly and lack the
command E0; they are told apart by the electronic id, else by the user register: an SHT21 does not
answer the question for its id. The HTU21D's optional correction of the humidity by temperature
(-0.15 %RH per Cel off 25) is not applied. A heater that another program left on, or a lower
resolution, is taken back; a reading that finds the heater on is "not_ready", for the chip is warm.

Measured without holding the bus: the ESP32 ends a transfer whose clock is stretched for more than
0.4 ms, and these chips would stretch it for the whole conversion.
"""

from micropython import const
from ucollections import namedtuple

from sensors import IO_PINS, Sensor, SensorError, _i2c
from utils import timing

FIELDS = (
    ("t", "temperature", "Cel", -2, 100),
    ("h", "humidity", "%RH", -1, 10),  # exact to 3 %RH: a second decimal would only cost bytes
)
ARGUMENTS = (
    ("sda_pin", "choice", IO_PINS),
    ("scl_pin", "choice", IO_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
)
ADDRESS = 0x40
POWER_UP_MS = 18  # typical; it is asked until it answers

Reading = namedtuple("Reading", ("temperature", "humidity"))  # Cel, %RH; None for what failed

last_cause = None

_ID = b"\xfc\xc9"
_USER_REGISTER = b"\xe7"
_WRITE_USER_REGISTER = const(0xE6)
_HEATER = const(0x04)
_RESOLUTION = const(0x81)
_HUMIDITY = b"\xf5"
_TEMPERATURE = b"\xf3"
_TEMPERATURE_OF_HUMIDITY = b"\xe0"

_POWER_UP_MAX_MS = const(80)  # over the whole temperature range; 25 ms at 25 Cel
_RESET_MS = const(15)
_LOOKS = const(4)
_LEAST = const(-4500)  # hundredths of a Cel
_GREATEST = const(13000)

# Conversion times in ms, rounded up: humidity typ, max, temperature typ, max. A Si70xx measures
# the temperature together with each humidity. The slow ones: typ of HTU21D, max of SHT20.
_SI70XX = (17, 23, 7, 11)
_SLOW = (14, 29, 44, 85)
_SI70XX_IDS = (0x15, 0x14, 0x0D)


def get_reading(sda_pin, scl_pin, vcc_pin=None):
    """Return Reading(temperature in Cel, humidity in %RH), floats, None for what failed.

    sda_pin, scl_pin, vcc_pin: pin names such as "P9"; with `vcc_pin` the supply is switched on
    before and off after. Blocks for 0.5 s at most, or 6 s if something holds the bus.
    Raises ValueError for pins that cannot be used; `last_cause` says why a value is None.
    """
    global last_cause
    import sensors

    given = {"sda_pin": sda_pin, "scl_pin": scl_pin, "vcc_pin": vcc_pin}
    values, last_cause = sensors.take("si7021", given)
    return Reading(*values)


def build(rig, sda_pin, scl_pin, vcc_pin=None):
    """The sensor of these arguments; see sensors/__init__.py."""
    i2c = rig.i2c(sda_pin, scl_pin)
    return Si7021(i2c, _RESET_MS if vcc_pin is None else _POWER_UP_MAX_MS - POWER_UP_MS)


class Si7021(Sensor):
    """The chip on an I2C bus that the caller opened and will close.

    wake_ms: how long the chip may leave its address unanswered at the first reading.
    """

    def __init__(self, i2c, wake_ms=_RESET_MS):
        self._chip = _i2c.Device(i2c, ADDRESS)
        self._wake_ms = wake_ms
        self._times = None  # by the kind of chip, once that is known

    def steps(self):
        """Measure; Reading(temperature, humidity) as floats, None for what failed."""
        if self._times is None:
            self._times = yield from self._identify()
            self._take_back()
        humidity = temperature = None
        try:
            humidity = yield from self._humidity()
        except SensorError as error:
            if error.args[0] == "stuck":
                raise
            self.cause = error.args[0]
        try:
            temperature = yield from self._temperature(humidity is not None)
        except SensorError as error:
            self.cause = error.args[0]
        return Reading(
            None if temperature is None else temperature / 100,
            None if humidity is None else humidity / 100,
        )

    def _identify(self):
        """Wait until the chip answers; return its conversion times."""
        deadline = timing.Deadline(self._wake_ms)
        while True:
            late = deadline.expired()
            identity = self._ask(_ID, 6)
            if identity is not None and identity[0] in _SI70XX_IDS:
                return _SI70XX
            register = self._ask(_USER_REGISTER, 1)
            if register is not None:
                # bits 5, 4, 3 and 1: 0001 of HTU21D and SHT2x; all of a Si70xx, whose identity
                # may be garbled, so it is asked again before it counts as one without
                bits = register[0] & 0x3A
                if bits == 0x02 or (late and bits == 0x3A and register != b"\xff"):
                    return _SLOW
            if late:
                break
            yield 5
        if identity is None:
            raise SensorError("absent" if register is None else "wrong_part")
        # all bits 0 is what a held data line looks like
        raise SensorError("wrong_part" if any(identity) else "stuck")

    def _take_back(self):
        """Switch a heater off and a lower resolution up; SensorError if the heater was on."""
        register = self._ask(_USER_REGISTER, 1)
        if register is None or not register[0] & (_HEATER | _RESOLUTION):
            return
        if self._ask(_USER_REGISTER, 1) != register or register == b"\xff":
            return  # it has no checksum
        value = register[0] & ~(_HEATER | _RESOLUTION)
        self._chip.try_write(bytes((_WRITE_USER_REGISTER, value)))
        if register[0] & _HEATER:
            raise SensorError("not_ready")

    def _humidity(self):
        """Hundredths of %RH."""
        word = yield from self._measure(_HUMIDITY, self._times[0], self._times[1])
        value = ((12500 * word + 32768) >> 16) - 600
        return min(max(value, 0), 10000)  # the data sheets let it fall slightly outside

    def _temperature(self, humidity_measured):
        """Hundredths of Cel."""
        word = None
        if humidity_measured and self._times is _SI70XX:
            word = self._agreed(_TEMPERATURE_OF_HUMIDITY)
        if word is None:
            word = yield from self._measure(_TEMPERATURE, self._times[2], self._times[3])
        value = ((17572 * word + 32768) >> 16) - 4685
        if not _LEAST <= value <= _GREATEST:
            raise SensorError("implausible")
        return value

    def _agreed(self, command):
        """Return a word that comes without a checksum: all looks have to agree. None if in doubt.

        Two would not do: on a line that disturbs every third answer they agree on a wrong bit
        once in 200 readings. In doubt there is a conversion, which has a checksum.
        """
        first = self._ask(command, 2)
        if first is None or not any(first):
            return None
        for _ in range(_LOOKS - 1):
            if self._ask(command, 2) != first:
                return None
        return first[0] << 8 | first[1]

    def _measure(self, command, typ_ms, max_ms):
        """Convert and return the word; once more if the first attempt failed."""
        try:
            return (yield from self._convert(command, typ_ms, max_ms))
        except SensorError as error:
            if error.args[0] == "stuck":
                raise
        deadline = timing.Deadline(_POWER_UP_MAX_MS)  # it may be starting anew
        while not (self._chip.try_write(_USER_REGISTER) or deadline.expired()):
            yield 5
        return (yield from self._convert(command, typ_ms, max_ms))

    def _convert(self, command, typ_ms, max_ms):
        answer = yield from self._chip.converted(command, 3, typ_ms, max_ms)
        word = _i2c.words(answer, 0)[0]
        # the slow kinds keep two status bits at the end; those of a Si70xx belong to the value
        return word if self._times is _SI70XX else word & 0xFFFC

    def _ask(self, command, count):
        """Return the answer to a command that needs no time, or None."""
        if not self._chip.try_write(command):
            return None
        return self._chip.try_read(count)
