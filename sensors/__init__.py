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
                  label is the short name in a report, unit one of RFC 8428, and the integer
                  round(value * factor) * 10 ** exponent is the value in that unit
ARGUMENTS         what get_reading takes: (name, kind, limits[, default]), see utils.configuration,
                  and the kind "number": int or float from limits[0] to limits[1]. Arguments that
                  end in _pin must be different pins

Causes: "absent" nobody answers; "wrong_part" somebody else does; "busy" a conversion did not end;
"crc" a checksum was wrong, also at the repetition; "stuck" the bus is held down; "implausible" the
value lies outside what the sensor can measure; "under_range", "saturated" the voltage is outside
what the converter can tell; "failed" the firmware refused.

The name of a measurement is the label of its field, with a number from the second sensor on that
has such a label ("t", "t2"). A line can have a "name" of its own instead: it stands for the label
of a sensor with one field, and before a dot and the label otherwise ("battery", "roof.t").

A new sensor is a new file with these things; nothing here needs to be edited.
"""

from ucollections import namedtuple

from utils import configuration, plugins

# value * 10 ** exponent in `unit`, or None and the cause
Measurement = namedtuple("Measurement", ("name", "value", "exponent", "unit", "cause"))

# Usable as output and for I2C; P13 to P18 are inputs only (Pycom firmware, esp32/boards).
# P0 and P1 are the console; the modem has P5 and P7 on a GPy, P17 to P20 on a FiPy.
IO_PINS = ("P0", "P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P11", "P12")
IO_PINS += ("P19", "P20", "P21", "P22", "P23")
ADC_PINS = ("P13", "P14", "P15", "P16", "P17", "P18", "P19", "P20")


class SensorError(OSError):
    """args: (cause,). Stays inside drivers: get_reading turns it into None and last_cause."""


def find(kind):
    """Return the sensor module of this name; no other is loaded.

    Raises ValueError naming what is there if there is none of that name.
    """
    return plugins.find("sensors", kind, ("FIELDS", "get_reading"))


def check(lines):
    """Return one text per problem in configuration lines; an empty list if there is none."""
    return _plan(lines)[0]


def measure(lines):
    """Measure with each sensor in turn and return a list of Measurement.

    A sensor that fails has its measurements with value None and a cause; the others go on.
    Raises ValueError with all problems if `check` has any, before anything is powered.
    """
    problems, plan = _plan(lines)
    if problems:
        raise ValueError("; ".join(problems))
    measurements = []
    for module, names, arguments in plan:
        values, cause = _read(module, arguments)
        for (_, _, unit, exponent, factor), name, value in zip(module.FIELDS, names, values):
            if value is None or value - value != 0:  # neither NaN nor infinity is a measurement
                scaled, why = None, cause or "implausible"
            else:
                scaled, why = int(round(value * factor)), None
            measurements.append(Measurement(name, scaled, exponent, unit, why))
    return measurements


def require(arguments, given):
    """Raise ValueError with all problems of the dict `given`, checked against `arguments`."""
    problems = _problems(arguments, given)
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


def _read(module, arguments):
    """Return (values, cause), the values as a tuple that is as long as FIELDS."""
    try:
        reading = module.get_reading(**arguments)
        cause = module.last_cause
    except Exception as error:  # noqa: BLE001 - who breaks the contract loses its own values only
        from utils import logging

        logging.Logger("sensors").exception(error, "%s", module.FIELDS[0][1])
        reading, cause = None, "failed"
    if not isinstance(reading, tuple):
        reading = (reading,)
    return tuple(reading) + (None,) * (len(module.FIELDS) - len(reading)), cause


def _plan(lines):
    """Return (problems, [(module, names of its measurements, arguments)])."""
    problems = []
    plan = []
    taken = set()
    number = 0
    for line in lines:
        number += 1
        where = "sensor {}".format(number)
        if not (isinstance(line, (tuple, list)) and len(line) == 2 and isinstance(line[1], dict)):
            problems.append("{} = {!r}; allowed: (kind, {{argument: value}})".format(where, line))
            continue
        try:
            module = find(line[0])
        except ValueError as error:
            problems.append("{}: {}".format(where, error.args[0]))
            continue
        arguments = dict(line[1])
        own = arguments.pop("name", None)
        found = _problems(module.ARGUMENTS, arguments)
        names = ()
        if own is not None and not _is_name(own):
            found.append("name = {!r}; allowed: 1 to 20 letters, digits, -:./_".format(own))
        else:
            names = _names(module, own, taken)
            for name in names:
                if name in taken:
                    found.append("name {!r} is taken; allowed: one that is not".format(name))
                taken.add(name)
        problems.extend("{} ({}): {}".format(where, line[0], text) for text in found)
        plan.append((module, names, arguments))
    return problems, plan


def _names(module, own, taken):
    """The names of one line's measurements; without a name of its own, numbered until free."""
    labels = [field[0] for field in module.FIELDS]
    if own is not None:
        return [own] if len(labels) == 1 else [own + "." + label for label in labels]
    names = labels
    number = 2
    while any(name in taken for name in names):
        names = ["{}{}".format(label, number) for label in labels]
        number += 1
    return names


def _problems(arguments, given):
    """One text per argument that is unknown, missing or not as `arguments` allows."""
    known = [field[0] for field in arguments]
    found = []
    for name in sorted(given):
        if name not in known:
            found.append("{} is unknown; allowed: {}".format(name, ", ".join(known)))
    pins = [given[name] for name in sorted(given) if name.endswith("_pin")]
    for pin in pins:
        if isinstance(pin, str) and pins.count(pin) > 1:
            found.append("{} is used twice; allowed: different pins".format(pin))
            break
    holder = _Given(given)
    for field in arguments:
        name, kind, limits = field[:3]
        if kind != "number":
            found.extend(configuration.problems(holder, (field,))[1])
        elif name in given and not _is_number(given[name], limits):
            text = "{} = {!r}; allowed: a number {} to {}"
            found.append(text.format(name, given[name], limits[0], limits[1]))
    return found


class _Given:
    """Shows a dict as an object with attributes, which is what utils.configuration reads."""

    def __init__(self, given):
        for name in given:
            setattr(self, name, given[name])


def _is_number(value, limits):
    if value is True or value is False or not isinstance(value, (int, float)):
        return False
    return limits[0] <= value <= limits[1]


def _is_name(text):
    if not isinstance(text, str) or not 1 <= len(text) <= 20:
        return False
    for character in text:
        # RFC 8428, 4.5.1
        if not (
            "a" <= character.lower() <= "z" or "0" <= character <= "9" or character in "-:./_"
        ):
            return False
    return True
