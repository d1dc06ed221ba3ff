"""CO2, temperature and humidity from a Sensirion SCD30 on I2C.

    from sensors import scd30
    co2, temperature, humidity = scd30.get_reading("P9", "P10")     # 439.1 ppm, 27.2 Cel, 48.8 %RH

Wiring: SDA and SCL with pull-ups to 3.3 V, SEL open or low; supply 3.3 to 5.5 V, 19 mA on average
and up to 75 mA: a pin cannot feed it, `vcc_pin` is that of a load switch.

The module measures all the time, once each `interval_s`; a reading takes the next value. It is
accurate after two minutes: leave it supplied where the battery allows. With the supply switched a
reading takes about 5 s and is a rough one. The module keeps interval and mode without supply, so
they are written only when they differ from what is wanted.

The module stretches the clock, by up to 30 ms and once a day by 150 ms, and the ESP32 ends a
transfer whose clock is stretched for more than 0.4 ms: every transfer here is repeated.

Written against Sensirion's SCD30 interface description 1.0, on Pycom firmware 1.20.2.r4. The bus
runs at 50 kHz, as recommended there: at 100 kHz, which is allowed, modules are reported to be
found half of the time. The pressure can be read back, though the document does not say so
(adafruit/Adafruit_SCD30, getAmbientPressureOffset): it is sent only when it differs. Settings that
belong to the place where it hangs are methods of Scd30, once, from the console:

    from machine import I2C
    sensor = scd30.Scd30(I2C(0, I2C.MASTER, pins=("P9", "P10")))
    sensor.altitude_m(430)
"""

import struct

from micropython import const
from ucollections import namedtuple

from sensors import IO_PINS, Sensor, SensorError, _i2c, _sensirion
from utils import timing

FIELDS = (
    ("co2", "co2", "ppm", 0, 1),  # exact to 30 ppm and 3 %
    ("t", "temperature", "Cel", -1, 10),  # exact to 0.4 Cel
    ("h", "humidity", "%RH", 0, 1),  # exact to 3 %RH
)
ARGUMENTS = (
    ("sda_pin", "choice", IO_PINS),
    ("scl_pin", "choice", IO_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
    ("pressure_hpa", "integer", (700, 1400), None),
    ("interval_s", "integer", (2, 1800), 2),
)
ADDRESS = 0x61
POWER_UP_MS = 1000  # less than 2 s; it is asked until it answers
LONGEST_S = 10000  # five of the longest intervals

Reading = namedtuple("Reading", ("co2", "temperature", "humidity"))  # None for what failed

last_cause = None

_START = const(0x0010)
_STOP = const(0x0104)
_READY = const(0x0202)
_READ = const(0x0300)
_INTERVAL = const(0x4600)
_ALTITUDE = const(0x5102)
_RECALIBRATE = const(0x5204)
_SELF_CALIBRATION = const(0x5306)
_OFFSET = const(0x5403)
_FIRMWARE = const(0xD100)

_BAUDRATE = const(50000)
_ANSWER_MS = const(4)  # more than 3
_PATIENCE_MS = const(400)  # longer than any stretching of the clock
_BOOT_MS = const(2000)
_GRACE_MS = const(1000)
_LOOK_MAX_MS = const(1000)  # between two looks: no start is to be missed
_LATEST_MS = const(3000)
_ATTEMPTS = const(3)  # the first value after a start may be 0 ppm, another one be disturbed


def get_reading(sda_pin, scl_pin, vcc_pin=None, pressure_hpa=None, interval_s=2):
    """Return Reading(CO2 in ppm, temperature in Cel, humidity in %RH), floats, None for failed.

    sda_pin, scl_pin, vcc_pin: pin names such as "P9"; with `vcc_pin` the supply is switched on
    before and off after. pressure_hpa: of the air, 700 to 1400, to correct the CO2 for; None: the
    module goes by its altitude. interval_s: how often the module is to measure, 2 to 1800.
    Blocks until the next value, with the supply switched for about 5 s; at most four times
    interval_s + 3 s and 2 s more, or 7 to 25 s if something holds the bus.
    Raises ValueError for arguments that cannot be; `last_cause` says why a value is None.
    """
    global last_cause
    import sensors

    given = {
        "sda_pin": sda_pin,
        "scl_pin": scl_pin,
        "vcc_pin": vcc_pin,
        "pressure_hpa": pressure_hpa,
        "interval_s": interval_s,
    }
    values, last_cause = sensors.take("scd30", given)
    return Reading(*values)


def build(rig, sda_pin, scl_pin, vcc_pin=None, pressure_hpa=None, interval_s=2):
    """The sensor of these arguments; see sensors/__init__.py."""
    boot_ms = 0 if vcc_pin is None else _BOOT_MS - POWER_UP_MS
    return Scd30(rig.i2c(sda_pin, scl_pin, _BAUDRATE), pressure_hpa, interval_s, boot_ms)


class Scd30(Sensor):
    """The module on an I2C bus that the caller opened and will close, best at 50 kHz.

    pressure_hpa, interval_s: see get_reading. boot_ms: how long it may still be starting.
    """

    def __init__(self, i2c, pressure_hpa=None, interval_s=2, boot_ms=0):
        self._chip = _i2c.Device(i2c, ADDRESS)
        self._pressure_hpa = pressure_hpa
        self._interval_s = interval_s
        self._boot_ms = boot_ms
        self._runs = False  # as far as is known

    def steps(self):
        """Measure; Reading(co2, temperature, humidity) as floats, None for what failed."""
        yield from self._prepare()
        values = (None, None, None)
        cause = None
        for _ in range(_ATTEMPTS):
            try:
                if cause == "absent":  # it had answered: it lost supply and pressure
                    self._boot_ms, self._runs = _BOOT_MS, False
                    yield from self._prepare()
                yield from self._wait_for_value()
                values = yield from self._values()
                cause = "implausible" if None in values else None
            except SensorError as error:
                cause = error.args[0]
            if cause in (None, "stuck", "not_ready"):
                break
        if values == (None, None, None):
            raise SensorError(cause)
        self.cause = cause if None in values else None
        return Reading(*values)

    # Settings, each in one call that waits. They raise SensorError if the module does not answer.

    def stop(self):
        """Stop measuring, also after the next power-on. A reading starts it again."""
        _sensirion.finish(self._send(_STOP))
        self._runs = False

    def firmware(self):
        """Return (major, minor)."""
        word = _sensirion.finish(self._ask(_FIRMWARE, 1))[0]
        return word >> 8, word & 0xFF

    def altitude_m(self, altitude_m=None):
        """Return the stored height above sea level, or store another: 0 to 65535 m."""
        return self._setting(_ALTITUDE, "altitude_m", altitude_m, 0, 65535)

    def temperature_offset(self, hundredths=None):
        """Return what is taken off the temperature, in hundredths of a Cel, or store another.

        The module warms itself, by an amount that depends on its case. 0 to 65535.
        """
        return self._setting(_OFFSET, "hundredths", hundredths, 0, 65535)

    def self_calibration(self, on=None):
        """Return 1 if the module calibrates itself, else 0; or switch that on (1) or off (0).

        It needs fresh air for an hour each day, and a supply that is never switched off.
        """
        return self._setting(_SELF_CALIBRATION, "on", None if on is None else int(on), 0, 1)

    def recalibrate(self, ppm):
        """Take the CO2 around the module for `ppm`, 400 to 2000, from now on.

        It has to measure every 2 s for two minutes before, in air that does not change, and for
        5 s after: with a supply that goes at once the value was lost to a user
        (Sensirion/arduino-i2c-scd30 issue 4).
        """
        _sensirion.limit("ppm", ppm, 400, 2000)
        _sensirion.finish(self._send(_RECALIBRATE, ppm))

    def _setting(self, command, name, value, least, most):
        """Return a stored value, after it was replaced if another is wanted.

        It lies in a memory that wears out: nothing is written if it is the same.
        """
        if value is not None:
            _sensirion.limit(name, value, least, most)
        stored = _sensirion.finish(self._ask(command, 1))[0]
        if value is not None and value != stored:
            _sensirion.finish(self._send(command, value))
            timing.sleep_ms(_ANSWER_MS)
            stored = _sensirion.finish(self._ask(command, 1))[0]
        return stored

    # Steps of a measurement

    def _prepare(self):
        """Wait until the module answers; have it measure at the interval, and for the pressure."""
        yield from self._ask(_FIRMWARE, 1, self._boot_ms)
        stored = yield from self._ask(_INTERVAL, 1)
        if stored[0] != self._interval_s:
            yield from self._send(_INTERVAL, self._interval_s)
            yield _ANSWER_MS
        pressure_hpa = self._pressure_hpa or 0  # 0: by the altitude
        if (yield from self._stored_pressure()) != pressure_hpa:
            yield from self._start()
            if (yield from self._ask(_READY, 1))[0]:
                try:
                    yield from self._values()  # by another pressure, so it does not count
                except SensorError as error:
                    if error.args[0] == "stuck":
                        raise

    def _stored_pressure(self):
        """Return the pressure that the module corrects for, which it forgets without supply.

        Of a module that does not tell it is assumed to be another one, unless none is wanted.
        """
        try:
            return (yield from self._ask(_START, 1))[0]
        except SensorError as error:
            if error.args[0] == "stuck":
                raise
            return 0 if self._pressure_hpa is None else None

    def _start(self):
        """Have it measure and correct for the pressure."""
        yield from self._send(_START, self._pressure_hpa or 0)
        yield _ANSWER_MS
        self._runs = True

    def _wait_for_value(self):
        """Wait until there is a value that was not read yet; "not_ready" if none comes.

        Whether the module measures cannot be asked. To start it writes to its memory, so that is
        done only if an interval goes by in which nothing comes.
        """
        interval_ms = 1000 * self._interval_s
        if not self._runs:
            self._runs = yield from self._ready_within(interval_ms + _GRACE_MS)
            if self._runs:
                return
            yield from self._start()
        self._runs = yield from self._ready_within(interval_ms + _LATEST_MS)
        if not self._runs:
            raise SensorError("not_ready")

    def _ready_within(self, timeout_ms):
        deadline = timing.Deadline(timeout_ms)
        while True:
            late = deadline.expired()
            if (yield from self._ask(_READY, 1))[0]:
                return True
            if late:
                return False
            yield min(50 * self._interval_s, _LOOK_MAX_MS)

    def _values(self):
        """Read the value that is there: (co2, temperature, humidity), None for what cannot be."""
        words = yield from self._ask(_READ, 6, repeat=False)
        co2, temperature, humidity = floats(words)
        humidity = _sensirion.within(humidity, -1, 110)
        if humidity is not None:  # the correction for its own warmth may take it slightly outside
            humidity = min(max(humidity, 0.0), 100.0)
        return (
            _sensirion.within(co2, 0, 40000) or None,  # 0 ppm is none, but what a start may give
            _sensirion.within(temperature, -40, 70),
            humidity,
        )

    def _send(self, command, argument=None):
        return _sensirion.send(self._chip, command, argument, _PATIENCE_MS)

    def _ask(self, command, count, more_ms=0, repeat=True):
        return _sensirion.ask(
            self._chip, command, count, None, _ANSWER_MS, _PATIENCE_MS + more_ms, repeat
        )


def floats(words):
    """Return the floats that 16-bit words make, two each, the higher one first (IEEE 754)."""
    found = []
    for place in range(0, len(words), 2):
        bits = words[place] << 16 | words[place + 1]
        found.append(struct.unpack(">f", struct.pack(">I", bits))[0])
    return tuple(found)
