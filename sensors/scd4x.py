"""CO2, temperature and humidity from a Sensirion SCD40 or SCD41 on I2C.

    from sensors import scd4x
    co2, temperature, humidity = scd4x.get_reading("P9", "P10")     # 500 ppm, 25.0 Cel, 37.0 %RH

Wiring: SDA and SCL with pull-ups of about 4.7 kOhm; supply 2.4 to 5.5 V, with peaks of 0.2 A: a
pin cannot feed it, `vcc_pin` is that of a load switch.

A reading takes 5 s. What the chip does before and after:

mode         SCD41                                  SCD40
single       is idle (0.15 mA), measures once;      is idle, starts to measure, is stopped after
             the first value after power-on is      the first value
             dropped, so a reading takes 10 s
             with the supply switched
periodic     measures all the time, every 5 s (15 mA): a reading takes the value that is there
low_power    the same every 30 s (3.2 mA)

Always on, the chip calibrates itself and is more accurate. If `mode` changes, switch its supply
off once: whether it measures every 5 or every 30 s cannot be asked.

The chip goes by its altitude until it is told a pressure, then by that. Without `pressure_hpa` it
is asked for it, and goes by its altitude again if that is another one than after power-on: once,
for 0.05 s, in the other modes for 0.6 s and a measurement. A chip that cannot tell it keeps it
until its supply is switched off.

Written against Sensirion's SCD4x data sheets 1.1 to 1.7, on Pycom firmware 1.20.2.r4; the
pressure is read as Sensirion/embedded-i2c-scd4x 1.2.0 does. The data sheets differ in the time
from power-on to the first command (1.1: 1000 ms, later 30 ms): it is asked until it answers. Until
April 2021 Sensirion's own driver allowed 1350 ms for a single value and 5500 for the self-test
where 5000 and 10 000 are right. Settings
that belong to the place where it hangs are methods of Scd4x, once, from the console:

    from machine import I2C
    sensor = scd4x.Scd4x(I2C(0, I2C.MASTER, pins=("P9", "P10")))
    sensor.altitude_m(430)
"""

from micropython import const
from ucollections import namedtuple

from sensors import IO_PINS, Sensor, SensorError, _i2c, _sensirion
from utils import timing

FIELDS = (
    ("co2", "co2", "ppm", 0, 1),
    ("t", "temperature", "Cel", -1, 10),  # exact to 0.8 Cel
    ("h", "humidity", "%RH", 0, 1),  # exact to 6 %RH
)
ARGUMENTS = (
    ("sda_pin", "choice", IO_PINS),
    ("scl_pin", "choice", IO_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
    ("model", "choice", ("scd40", "scd41"), None),
    ("mode", "choice", ("single", "periodic", "low_power"), "single"),
    ("pressure_hpa", "integer", (700, 1200), None),
)
ADDRESS = 0x62
POWER_UP_MS = 30  # of newer parts; it is asked until it answers

Reading = namedtuple("Reading", ("co2", "temperature", "humidity"))  # None for what failed

last_cause = None

_PERIODIC = const(0x21B1)
_LOW_POWER = const(0x21AC)
_SINGLE_SHOT = const(0x219D)
_STOP = const(0x3F86)
_READ = const(0xEC05)
_READY = const(0xE4B8)
_PRESSURE = const(0xE000)
_VARIANT = const(0x202F)
_SERIAL = const(0x3682)
_SET_OFFSET = const(0x241D)
_GET_OFFSET = const(0x2318)
_SET_ALTITUDE = const(0x2427)
_GET_ALTITUDE = const(0x2322)
_SET_SELF_CALIBRATION = const(0x2416)
_GET_SELF_CALIBRATION = const(0x2313)
_RECALIBRATE = const(0x362F)
_PERSIST = const(0x3615)
_REINIT = const(0x3646)
_SELF_TEST = const(0x3639)
_POWER_DOWN = const(0x36E0)
_WAKE_UP = const(0x36F6)

_BOOT_MS = const(1000)  # of the first parts
_ANSWER_MS = const(2)  # more than 1
_WAKE_MS = const(30)
_STOP_MS = const(500)
_REINIT_MS = const(30)
_NO_PRESSURE = (0, 1013)  # of a chip that was told none
_PERSIST_MS = const(800)
_RECALIBRATE_MS = const(400)
_SELF_TEST_MS = const(10000)
_PATIENCE_MS = const(30)
_POLL_MS = const(50)
_VALUE_MS = const(5000)
_LATE_MS = const(1500)
_LOW_POWER_MS = const(35000)
_ATTEMPTS = const(2)  # besides those for values that are dropped

_known = []  # pins of sensors that have measured since the board was powered


def get_reading(sda_pin, scl_pin, vcc_pin=None, model=None, mode="single", pressure_hpa=None):
    """Return Reading(CO2 in ppm, temperature in Cel, humidity in %RH), None for what failed.

    The CO2 is an int, the others are floats. sda_pin, scl_pin, vcc_pin: pin names such as "P9";
    with `vcc_pin` the supply is switched on before and off after. model: "scd40" or "scd41";
    None: the chip is asked, and taken for an SCD40 if it is too old to know. mode: "single",
    "periodic" or "low_power", see above. pressure_hpa: of the air, 700 to 1200, to correct the
    CO2 for; None: the chip goes by its altitude.
    Blocks for 5 or 10 s, see above; 25 s at most (120 s in low_power), or 7 to 18 s if something
    holds the bus. Raises ValueError for arguments that cannot be; `last_cause` says why a value
    is None.
    """
    global last_cause
    import sensors

    given = {
        "sda_pin": sda_pin,
        "scl_pin": scl_pin,
        "vcc_pin": vcc_pin,
        "model": model,
        "mode": mode,
        "pressure_hpa": pressure_hpa,
    }
    values, last_cause = sensors.take("scd4x", given)
    return Reading(*values)


def build(rig, sda_pin, scl_pin, vcc_pin=None, model=None, mode="single", pressure_hpa=None):
    """The sensor of these arguments; see sensors/__init__.py."""
    import machine

    i2c = rig.i2c(sda_pin, scl_pin)
    if vcc_pin is not None:
        return Scd4x(i2c, model, mode, pressure_hpa, True, _BOOT_MS)
    pins = (sda_pin, scl_pin)
    # Board and chip were powered together, as far as one can tell.
    fresh = pins not in _known and machine.reset_cause() == machine.PWRON_RESET
    if fresh:
        _known.append(pins)
    return Scd4x(i2c, model, mode, pressure_hpa, fresh, _BOOT_MS if fresh else 0)


class Scd4x(Sensor):
    """The chip on an I2C bus that the caller opened and will close, 100 kHz.

    model, mode, pressure_hpa: see get_reading. fresh: it was powered just now, so a first single
    value is to be dropped. boot_ms: how long it may still be starting.
    """

    def __init__(self, i2c, model=None, mode="single", pressure_hpa=None, fresh=False, boot_ms=0):
        self._chip = _i2c.Device(i2c, ADDRESS)
        self._model = model
        self._mode = mode
        self._pressure_hpa = pressure_hpa
        self._fresh = fresh
        self._boot_ms = boot_ms

    def steps(self):
        """Measure; Reading(co2, temperature, humidity), None for what failed."""
        command = yield from self._prepare()
        values = (None, None, None)
        cause = "not_ready"
        attempts = _ATTEMPTS
        while attempts:
            attempts -= 1
            measured, words = False, None
            try:
                yield from self._measure(command)
                measured = True
                words = yield from _sensirion.ask(self._chip, _READ, 3, None, _ANSWER_MS, 0, False)
            except SensorError as error:
                cause = error.args[0]
                if cause == "stuck":
                    raise
            if not measured:
                if not (yield from self._recover()):
                    break
                continue
            if self._fresh and command == _SINGLE_SHOT:  # also one that was disturbed on the wire
                self._fresh = False
                attempts += 1
            elif words is not None:
                values = _values(words)
                cause = "implausible" if None in values else None
                if cause is None:
                    break
        if self._mode == "single" and command != _SINGLE_SHOT:
            self._chip.try_write(_sensirion.frame(_STOP))
        if values == (None, None, None):
            raise SensorError(cause)
        self.cause = cause if None in values else None
        return Reading(*values)

    # Settings, each in one call that waits; they stop a periodic measurement. They raise
    # SensorError if the chip does not answer.

    def serial_number(self):
        """Return the 48-bit serial number."""
        words = self._command(_SERIAL, 3)
        return words[0] << 32 | words[1] << 16 | words[2]

    def altitude_m(self, altitude_m=None):
        """Return the stored height above sea level, or store another: 0 to 3000 m."""
        return self._setting(_GET_ALTITUDE, _SET_ALTITUDE, "altitude_m", altitude_m, 3000)

    def temperature_offset(self, hundredths=None):
        """Return what is taken off the temperature, in hundredths of a Cel, or store another.

        The chip warms itself, by an amount that depends on its case. 0 to 2000; 400 when new.
        """
        word = None
        if hundredths is not None:
            _sensirion.limit("hundredths", hundredths, 0, 2000)
            word = (hundredths * 65535 + 8750) // 17500
        word = self._setting(_GET_OFFSET, _SET_OFFSET, "hundredths", word, 65535)
        return (word * 17500 + 32767) // 65535

    def self_calibration(self, on=None):
        """Return 1 if the chip calibrates itself, else 0; or switch that on (1) or off (0).

        It needs fresh air now and then, and a supply that is never switched off.
        """
        on = None if on is None else int(on)
        return self._setting(_GET_SELF_CALIBRATION, _SET_SELF_CALIBRATION, "on", on, 1)

    def recalibrate(self, ppm):
        """Take the CO2 around the chip for `ppm`, 400 to 2000; return the correction in ppm.

        It has to measure for three minutes before, in air that does not change. None: refused.
        """
        _sensirion.limit("ppm", ppm, 400, 2000)
        word = self._command(_RECALIBRATE, 1, ppm, _RECALIBRATE_MS)[0]
        return None if word == 0xFFFF else word - 0x8000

    def self_test(self):
        """Return True if the chip finds itself in order. Takes 10 s."""
        return self._command(_SELF_TEST, 1, None, _SELF_TEST_MS)[0] == 0

    def power_down(self):
        """Put the chip to sleep, less than 1 uA; a reading wakes it, and drops a value then."""
        _sensirion.finish(self._idle())
        self._send(_POWER_DOWN, None, _ANSWER_MS)

    def _setting(self, get, set_, name, value, most):
        """Return a setting; if another value is wanted, after that was made and kept."""
        if value is not None:
            _sensirion.limit(name, value, 0, most)
        stored = self._command(get, 1)[0]
        if value is not None and value != stored:
            self._send(set_, value, _ANSWER_MS)
            self._send(_PERSIST, None, _PERSIST_MS)  # good for 2000 times
            stored = self._command(get, 1)[0]
        return stored

    def _command(self, command, count, argument=None, wait_ms=_ANSWER_MS):
        _sensirion.finish(self._idle())
        again = wait_ms == _ANSWER_MS  # what takes longer changes something
        asking = _sensirion.ask(self._chip, command, count, argument, wait_ms, 0, again)
        return _sensirion.finish(asking)

    def _send(self, command, argument, wait_ms):
        _sensirion.finish(_sensirion.send(self._chip, command, argument, _PATIENCE_MS))
        timing.sleep_ms(wait_ms + 1)  # it rounds down

    # Steps of a measurement

    def _prepare(self):
        """Have the chip ready for the command that is returned."""
        command = _LOW_POWER if self._mode == "low_power" else _PERIODIC
        if self._mode == "single":
            yield from self._idle()
            if self._model is None:
                self._model = yield from self._recognise()
            if self._model == "scd41":
                command = _SINGLE_SHOT
        else:
            try:
                yield from self._ask(_READY, 1)
            except SensorError as error:
                if error.args[0] != "absent":
                    raise
                yield from self._idle()
        if self._pressure_hpa is not None:
            yield from _sensirion.send(self._chip, _PRESSURE, self._pressure_hpa, _PATIENCE_MS)
            yield _ANSWER_MS
        elif (yield from self._pressure()) not in _NO_PRESSURE:
            yield from self._idle()
            yield from _sensirion.send(self._chip, _REINIT)  # its settings as after power-on
            yield _REINIT_MS
            yield from self._idle()
            self._fresh = True
        return command

    def _pressure(self):
        """Return the pressure in hPa that the chip corrects for, 0 if it does not tell."""
        try:
            return (yield from self._ask(_PRESSURE, 1))[0]
        except SensorError as error:
            if error.args[0] == "stuck":
                raise
            return 0

    def _idle(self):
        """Wait until the chip answers and is idle: it may be starting, asleep or measuring."""
        if (yield from self._is_idle(max(self._boot_ms, _PATIENCE_MS))):
            return
        self._chip.try_write(_sensirion.frame(_WAKE_UP))  # is never acknowledged
        yield _WAKE_MS
        if (yield from self._is_idle(0)):
            self._fresh = True
            return
        # it may still be stopping, for an earlier reading
        yield from _sensirion.send(self._chip, _STOP, None, _STOP_MS)
        yield _STOP_MS
        yield from self._ask(_SERIAL, 3)

    def _recover(self):
        """True if it is idle again after it gave no value: it may have lost its supply."""
        self._fresh = True
        try:
            yield from self._idle()
        except SensorError as error:
            if error.args[0] != "absent":
                raise
            return False
        return True

    def _is_idle(self, patience_ms):
        """True if it answers to what it refuses while it measures."""
        try:
            yield from _sensirion.ask(self._chip, _SERIAL, 3, None, _ANSWER_MS, patience_ms)
        except SensorError as error:
            if error.args[0] != "absent":
                raise
            return False
        return True

    def _recognise(self):
        """Return the model. The first parts do not know it: what an SCD40 can do suits them."""
        try:
            variant = yield from self._ask(_VARIANT, 1)
        except SensorError as error:
            if error.args[0] not in ("absent", "busy"):
                raise
            return "scd40"
        return "scd41" if variant[0] >> 12 else "scd40"  # 5: an SCD43, which can do the same

    def _measure(self, command):
        """Have the next value ready."""
        typical_ms = 0  # from here to the value
        if command == _SINGLE_SHOT:
            yield from _sensirion.send(self._chip, command, None, _PATIENCE_MS)
            typical_ms = _VALUE_MS
        elif self._chip.try_write(_sensirion.frame(command)):
            typical_ms = _LOW_POWER_MS - _VALUE_MS if self._mode == "low_power" else _VALUE_MS
        # else it is refused because it measures already
        late_ms = _LOW_POWER_MS if self._mode == "low_power" else _VALUE_MS + _LATE_MS
        yield from self._wait_for_value(typical_ms, late_ms)

    def _wait_for_value(self, typical_ms, late_ms):
        """Wait until there is a value that was not read yet."""
        deadline = timing.Deadline(late_ms)
        yield typical_ms
        while True:
            late = deadline.expired()
            try:
                if (yield from self._ask(_READY, 1))[0] & 0x07FF:
                    return
                cause = "not_ready"
            except SensorError as error:
                cause = error.args[0]
                if cause == "stuck":
                    raise
                if cause == "absent":
                    cause = "busy"  # it does not answer while it takes a single value
            if late:
                raise SensorError(cause)
            yield _POLL_MS

    def _ask(self, command, count):
        return _sensirion.ask(self._chip, command, count, None, _ANSWER_MS, _PATIENCE_MS)


def _values(words):
    """Return (co2, temperature, humidity), None for what cannot be."""
    co2, temperature, humidity = words
    return (
        _sensirion.within(co2, 1, 40000),
        _sensirion.within(175 * temperature / 65535 - 45, -10, 60),
        100 * humidity / 65535,
    )
