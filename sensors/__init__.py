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

What a sensor module has:

get_reading(...)  the documented function. Powers the sensor, measures, and releases bus and power
                  on every path. Returns a tuple, or the bare value if there is only one; None
                  stands for what could not be measured. Bad arguments raise ValueError before
                  anything is powered; trouble in the field never raises and is logged once.
last_cause        why the last get_reading had a None in it: one of the words below; None if it
                  had none. Read it as an attribute of the module, before the next reading.
FIELDS            what get_reading returns, in its order: (label, name, unit, exponent, factor);
                  label is the short name in a report, unit one of RFC 8428 or 8798, and the
                  integer round(value * factor) * 10 ** exponent is the value in that unit
fields(given)     where they depend on the arguments: the FIELDS for this dict of arguments
ARGUMENTS         what get_reading takes: (name, kind, limits[, default]), see utils.configuration,
                  and the kind "number": int or float from limits[0] to limits[1]. Arguments that
                  end in _pin must be different pins
problems(given)   what ARGUMENTS cannot say: texts like theirs for this dict of arguments, each of
                  which fits ARGUMENTS
build(rig, ...)   takes what get_reading takes behind a Rig (sensors/_rig.py), which lends the
                  buses, and returns a Sensor
POWER_UP_MS       with `vcc_pin`: from switching it on to the first step of the measurement
LONGEST_S         a measurement that goes on for longer is ended as "busy", and the others are
                  not kept awake; 120 if it does not say. The watchdog is no help: waiting feeds it
ADDRESS           on I2C, where no argument `address` chooses it

The measurement itself is the generator Sensor.steps(), which yields wherever there is to wait.
Sensors of one run wait together: each is started, and resumed when its own time has come, so that
a run takes as long as the slowest of them and not as long as all.

A module that has get_reading but no build works as well; the others wait while it measures.

Causes: "absent" nobody answers; "wrong_part" somebody else does; "busy" a conversion did not end;
"not_ready" no fresh value came in time; "crc" a checksum was wrong, also at the repetition;
"stuck" the bus is held down; "implausible" the value lies outside what the sensor can measure;
"under_range", "saturated" it lies outside what the converter can tell; "failed" the firmware
refused.

The name of a measurement is the label of its field, with a number from the second sensor on that
has such a label ("t", "t2"). A line can have a "name" of its own instead: it stands for the label
of a sensor with one field, and before a dot and the label otherwise ("battery", "roof.t"). In a
report the cause of one that failed stands under its name with "_e" behind: see `statuses`.

A new sensor is a new file with these things; nothing here needs to be edited.
"""

from micropython import const
from ucollections import namedtuple

from utils import plugins

# value * 10 ** exponent in `unit`, or None and the cause; line: index of the sensor's line
Measurement = namedtuple("Measurement", ("name", "value", "exponent", "unit", "cause", "line"))

# Usable as output and for I2C; P13 to P18 are inputs only (Pycom firmware, esp32/boards).
# P0 and P1 are the console; the modem has P5 and P7 on a GPy, P17 to P20 on a FiPy.
IO_PINS = ("P0", "P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P11", "P12")
IO_PINS += ("P19", "P20", "P21", "P22", "P23")
ADC_PINS = ("P13", "P14", "P15", "P16", "P17", "P18", "P19", "P20")

_PRECISE = const(1 << 22)  # below, a float of this VM is at most an eighth off
_MOST = 1 << 62  # a report has integers of 64 bits; what is above is no measurement


class SensorError(OSError):
    """args: (cause,). Stays inside drivers: get_reading turns it into None and last_cause."""


class Sensor:
    """One sensor, made by the `build` of its module, or on a bus that the caller opened.

    cause       after a measurement: why a value is None, or None
    exclusive   sensors that have equal ones are measured one after the other: they are parts of
                one chip, or need the bus for themselves; None: at any time, but for two lines of
                one address on I2C
    """

    cause = None
    exclusive = None

    def steps(self):
        """Measure: a generator that yields how many ms to wait before it goes on.

        Returns the values as a tuple as long as FIELDS, None for those that failed, and leaves
        their cause. Raises SensorError if there are none; OSErrors of the firmware may pass.
        """
        raise NotImplementedError

    def read(self):
        """Measure, waiting for it; return what `steps` does, or None if nothing was measured."""
        from utils import timing

        self.cause = None
        steps = self.steps()
        try:
            while True:
                timing.sleep_ms(next(steps))
        except StopIteration as end:
            return end.args[0]
        except SensorError as error:
            self.cause = error.args[0]
        return None


def find(kind):
    """Return the sensor module of this name; no other is loaded.

    Raises ValueError naming what is there if there is none of that name.
    """
    return plugins.find("sensors", kind, ("FIELDS", "get_reading"))


def check(lines):
    """Return one text per problem in configuration lines; an empty list if there is none."""
    from sensors import _lines

    return _lines.plan(lines)[0]


def measure(lines):
    """Measure with all sensors at once and return a list of Measurement, in the lines' order.

    A sensor that fails has its measurements with value None and a cause; the others go on.
    Raises ValueError with all problems if `check` has any, before anything is powered.
    """
    from sensors import _lines, _rig
    from utils import logging

    problems, plan = _lines.plan(lines)
    if problems:
        raise ValueError("; ".join(problems))
    results = _rig.carry_out([_rig.Job(line.title, line.module, line.arguments) for line in plan])
    measurements = []
    for index, (line, (values, cause)) in enumerate(zip(plan, results)):
        for (_, _, unit, exponent, factor), name, value in zip(line.fields, line.names, values):
            scaled = _scaled(value, factor)
            if scaled is None and value is not None:
                logging.Logger("sensors").warning("%s = %r: implausible", name, value)
            why = None if scaled is not None else cause or "implausible"
            measurements.append(Measurement(name, scaled, exponent, unit, why, index))
    return measurements


def _scaled(value, factor):
    """round(value * factor) as an int; None for what is no measurement: NaN, infinity, a text."""
    if not isinstance(value, (int, float)):
        return None
    product = value * factor
    if product - product != 0 or not -_MOST < product < _MOST:
        return None
    if -_PRECISE < product < _PRECISE:
        return int(round(product))
    whole = int(value)  # apart, for a float has 24 bits
    return int(round(whole * factor)) + int(round((value - whole) * factor))


def statuses(measurements):
    """Return a record (name, cause, 0, None) for each sensor that has something to tell.

    It is named after its first measurement that failed, with "_e" behind: ("t_e", "absent", 0,
    None). SenML has no word for a value that could not be measured; this is why it is missing.
    """
    records = []
    told = set()
    for item in measurements:
        if item.cause is not None and item.line not in told:
            told.add(item.line)
            records.append((item.name + "_e", item.cause, 0, None))
    return records


def take(kind, given):
    """Measure with one sensor: (values, cause), the values as a tuple. What get_reading does.

    given: all arguments of its get_reading as a dict. Raises ValueError for those that cannot be.
    """
    module = find(kind)
    from sensors import _lines, _rig

    problems = _lines.problems_of(module, given)
    if problems:
        raise ValueError("; ".join(problems))
    return _rig.carry_out([_rig.Job(kind, module, given)])[0]


def require(arguments, given):
    """Raise ValueError with all problems of the dict `given`, checked against `arguments`."""
    from sensors import _lines

    problems = _lines.problems(arguments, given)
    if problems:
        raise ValueError("; ".join(problems))


def set_sensor_power_on(vcc_pin, settle_ms=500):
    """Switch the supply on and wait until the sensor has woken; nothing if `vcc_pin` is None."""
    if vcc_pin is not None:
        from machine import Pin

        from utils import timing

        Pin(vcc_pin, mode=Pin.OUT).value(1)
        timing.sleep_ms(settle_ms)


def set_sensor_power_off(vcc_pin):
    """Switch the supply off at once; nothing if `vcc_pin` is None."""
    if vcc_pin is not None:
        from machine import Pin

        Pin(vcc_pin, mode=Pin.OUT).value(0)
