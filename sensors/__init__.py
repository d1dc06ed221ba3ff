"""Sensors: ways to measure. This file is their contract and the way to use one by name.

Each module in this folder measures with one kind of sensor and can be used alone:

    from sensors import si7021
    temperature, humidity = si7021.get_reading("P9", "P10", vcc_pin="P11")
    if temperature is None:
        print(si7021.last_cause)        # "absent", "crc", ...

An application turns lines of its configuration into measurements without knowing any sensor:

    LINES = (
        ("si7021", {"sda_pin": "P9", "scl_pin": "P10", "vcc_pin": "P11"}),
        ("analog_generic", {"name": "battery", "data_pin": "P16", "divider": 2}),
    )
    problems = sensors.check(LINES)     # [] or texts; touches no hardware
    for item in sensors.measure(LINES):
        print(item.name, item.value, item.exponent, item.unit, item.cause)

Members of a sensor module:

get_reading(...)  the documented function. Powers the sensor, measures, and releases bus and power
                  on every path. Returns a tuple, or the bare value if there is only one. None
                  stands for a value that could not be measured. Bad arguments raise ValueError
                  before anything is powered; trouble in the field never raises and is logged once.
last_cause        the reason for a None in the last result: one of the words below; None if all was
                  measured. Read it as an attribute of the module, before the next reading.
FIELDS            one row per value of get_reading: (label, name, unit, exponent, factor). label is
                  the short name in a report, unit one of RFC 8428 or 8798, and the integer
                  round(value * factor) * 10 ** exponent is the value in that unit
fields(given)     the FIELDS for this dict of arguments, if they depend on the arguments
ARGUMENTS         one row per argument of get_reading: (name, kind, limits[, default]). The kinds
                  are those of utils.configuration. Arguments whose names end in _pin must be
                  different pins, and none that the board needs (utils/pins.py)
SHARED_PINS       names of the pins that two lines of this kind may share, absent for none.
                  All kinds share sda_pin, scl_pin and vcc_pin; lines of a kind share analog pins
problems(given)   cross-field checks: messages for arguments of this dict that fit ARGUMENTS one by
                  one, but not together
build(rig, ...)   takes a Rig (sensors/_rig.py), which lends the buses, and the arguments of
                  get_reading; returns a Sensor
POWER_UP_MS       ms from switching `vcc_pin` on to the first step of the measurement
LONGEST_S         limit of a measurement in s, 120 if absent. A longer one is ended as "busy", to
                  let the node sleep. The watchdog does not end it: waiting feeds it
ADDRESS           the address on I2C, if there is no argument `address`

The generator Sensor.steps() measures and yields every wait. All sensors of a run are started
first. Each is resumed when its wait is over, so a run takes as long as its slowest sensor.

A module that has get_reading but no build works as well; the others wait while it measures.

Causes: "absent": no answer; "wrong_part": another part answers; "busy": a conversion did not end;
"not_ready": no fresh value came in time; "crc": a checksum was wrong, also when repeated;
"stuck": the bus is held down; "implausible": the value is outside the range of the sensor;
"under_range", "saturated": it is outside the range of the converter; "failed": the firmware
refused; "hung": not measured, because the watchdog has reset the board in its measurement.

The name of a measurement is the label of its field. From the second sensor with that label on, a
number follows ("t", "t2"; "co2", "co2_2"). A "name" in the line replaces the label of a sensor
with one field; otherwise it precedes a dot and the label ("battery", "roof.t"). In a report the
cause of a failed measurement has its name plus "_e": see `statuses`.

An "alarm" in the line bounds its measurements: {"t": (-10, 30.5)}. A key is a label of the sensor
or a name in the report, a bound a number in the unit of the report; None is no bound.

A new sensor is a new file with these members; nothing here has to be edited.
"""

from micropython import const
from ucollections import namedtuple

from utils import pins

# value * 10 ** exponent in `unit`, or None and the cause; line: index of the sensor's line;
# outside: whether the value is outside the bounds of its alarm, None if it has none or failed
Measurement = namedtuple(
    "Measurement", ("name", "value", "exponent", "unit", "cause", "line", "outside")
)

IO_PINS = pins.IO
ADC_PINS = pins.ADC

_PRECISE = const(1 << 22)  # below this, the error of a float on this VM is an eighth at most
_MOST = 1 << 62  # a report has integers of 64 bits; a larger value is no measurement


class SensorError(OSError):
    """args: (cause,). Stays inside drivers: get_reading turns it into None and last_cause."""


class Sensor:
    """One sensor, made by the `build` of its module, or on a bus that the caller opened.

    cause       after a measurement: the reason why a value is None, or None
    exclusive   a key. Sensors with equal keys are measured one after the other, because they are
                parts of one chip or need the whole bus. None: no limit, except that two lines with
                one I2C address take turns
    """

    cause = None
    exclusive = None

    def steps(self):
        """Measure: a generator that yields the ms to wait before its next step.

        Returns the values as a tuple as long as FIELDS, with None for failed ones, and sets
        `cause`. Raises SensorError if all failed; OSErrors of the firmware may pass through.
        """
        raise NotImplementedError

    def read(self):
        """Measure and wait for the end. Return the result of `steps`, None after a SensorError."""
        from utils import timing

        self.cause = None
        steps = self.steps()
        try:
            while True:
                # one more, since now_ms rounds down to whole milliseconds
                timing.sleep_ms((next(steps) or -1) + 1)
        except StopIteration as end:
            return end.args[0]
        except SensorError as error:
            self.cause = error.args[0]
        return None


def find(kind):
    """Return the sensor module of this name; no other is loaded.

    Raises ValueError with the available names if there is none of that name.
    """
    from utils import plugins

    return plugins.find("sensors", kind, ("FIELDS", "get_reading"), field="module")


def check(lines, reserved=()):
    """Return one text per problem in configuration lines; an empty list if there is none.

    reserved: (pin, text) for each pin that something other than a sensor uses.
    """
    from sensors import _check

    return _check.lines(lines, reserved)


def records(lines):
    """Return the (name, unit) of each measurement of the lines, which `check` has found right."""
    from sensors import _lines

    plan = _lines.plan(lines)
    return [(name, field[2]) for line in plan for field, name in zip(line.fields, line.names)]


def measure(lines, skip=(), mark=None, checked=False, meanwhile=None):
    """Measure with all sensors at once and return a list of Measurement, in the lines' order.

    The measurements of a failed sensor have value None and a cause; the other sensors go on.
    skip: indexes of lines that are left out, with the cause "hung".
    mark: function(index) that is called before each step of the sensor of that line.
    checked: True if `check` has found these lines right, which is then not repeated.
    meanwhile: an iterator of other work, a step of which is done in each wait for a sensor. It may
        make the sensor's next step late, as other sensors do.
    Raises ValueError with all problems if `check` finds any, before anything is powered.
    """
    from sensors import _lines, _rig
    from utils import logging

    problems = () if checked else check(lines)
    if problems:
        raise ValueError("; ".join(problems))
    plan = _lines.plan(lines)
    jobs = [
        _rig.Job(line.title, line.module, line.arguments, index, mark)
        for index, line in enumerate(plan)
        if index not in skip
    ]
    results = _rig.carry_out(jobs, meanwhile)
    measurements = []
    for index, line in enumerate(plan):
        if index in skip:
            values, cause = (None,) * len(line.fields), "hung"
        else:
            values, cause = results.pop(0)
        for field, name, value in zip(line.fields, line.names, values):
            label, _, unit, exponent, factor = field
            scaled = _scaled(value, factor)
            if scaled is None and value is not None:
                logging.Logger("sensors").warning("%s = %r: implausible", name, value)
            why = None if scaled is not None else cause or "implausible"
            outside = None
            if line.alarm and why is None:
                from sensors import _alarm

                bounds = line.alarm.get(name, line.alarm.get(label))
                outside = _alarm.is_outside(scaled, exponent, bounds) if bounds else None
            item = Measurement(name, scaled, exponent, unit, why, index, outside)
            measurements.append(item)
    return measurements


def _scaled(value, factor):
    """Return round(value * factor) as an int; None for NaN, infinity, a text, or a huge value."""
    if not isinstance(value, (int, float)):
        return None
    product = value * factor
    if product - product != 0 or not -_MOST < product < _MOST:
        return None
    if -_PRECISE < product < _PRECISE:
        return int(round(product))
    whole = int(value)  # the fraction apart, since a float has 24 bits
    return int(round(whole * factor)) + int(round((value - whole) * factor))


def statuses(measurements):
    """Return a record (name, cause, 0, None) for each sensor with a failed measurement.

    Its name is that of the first failed measurement plus "_e": ("t_e", "absent", 0, None). SenML
    has no word for a value that could not be measured; this record tells why it is missing.
    """
    records = []
    told = set()
    for item in measurements:
        if item.cause is not None and item.line not in told:
            told.add(item.line)
            records.append((item.name + "_e", item.cause, 0, None))
    return records


def take(kind, given):
    """Measure with one sensor for its get_reading. Return (values, cause), the values as a tuple.

    given: all arguments of get_reading as a dict. Raises ValueError for wrong ones.
    """
    module = find(kind)
    from sensors import _check, _rig

    problems = _check.problems_of(module, given)
    if problems:
        raise ValueError("; ".join(problems))
    return _rig.carry_out([_rig.Job(kind, module, given)])[0]


def require(arguments, given):
    """Raise ValueError with all problems of the dict `given`, checked against `arguments`."""
    from sensors import _check

    problems = _check.problems(arguments, given)
    if problems:
        raise ValueError("; ".join(problems))


def set_sensor_power_on(vcc_pin, settle_ms=500):
    """Switch the supply on and wait `settle_ms`. Do nothing if `vcc_pin` is None."""
    if vcc_pin is not None:
        from machine import Pin

        from utils import timing

        Pin(vcc_pin, mode=Pin.OUT).value(1)
        timing.sleep_ms(settle_ms)


def set_sensor_power_off(vcc_pin):
    """Switch the supply off at once. Do nothing if `vcc_pin` is None."""
    if vcc_pin is not None:
        from machine import Pin

        Pin(vcc_pin, mode=Pin.OUT).value(0)
