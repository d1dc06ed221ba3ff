"""Probes that speak SDI-12: what their values are, and how to name those of any other.

A row of PROBES:

    (who it must say it is, command, ms after power-on, fields, how often the fields repeat)

where the name must occur in vendor and model together, and a field is one of the contract with
the least and the greatest plausible value behind it. A probe may give more values than there are
fields; those are not looked at.

Sources: METER TEROS 11/12 user manual (4.1.1, mineral soil) and its SDI-12 integrator guide,
Acclima True TDR manual, Implexx sap flow sensor's program for Campbell loggers, EnviroPro SDI-12
command list. The order of the values and the warm-up are as these makers' examples have them;
not tried on probes here.
"""

from utils import configuration

_MOISTURE = ("vwc", "moisture", "/", -3, 10, -10, 100)  # in %
_TEMPERATURE = ("t", "temperature", "Cel", -1, 10, -40, 80)
_CONDUCTIVITY = ("ec", "conductivity", "S/m", -4, 1, 0, 30000)  # in uS/cm

PROBES = {
    "teros12": ("TER12", "M", 300, (_MOISTURE, _TEMPERATURE, _CONDUCTIVITY), 1),
    "teros11": ("TER11", "M", 300, (_MOISTURE, _TEMPERATURE), 1),
    "acclima": (
        "ACCLIMA", "M", 500,
        (
            _MOISTURE,
            _TEMPERATURE,
            ("er", "permittivity", "/", -1, 10, 0, 120),
            _CONDUCTIVITY,
            ("ecp", "pore_conductivity", "S/m", -4, 1, 0, 60000),
        ), 1,
    ),
    # sap flow in l/h, velocities in cm/h
    "implexx": (
        "IMPLEXX", "C", 1000,
        (
            ("sf", "sap_flow", "l/s", -7, 2777.7778, -100, 100),
            ("vo", "outer_velocity", "m/s", -8, 277.77778, -500, 500),
            ("vi", "inner_velocity", "m/s", -8, 277.77778, -500, 500),
            ("ro", "outer_log_ratio", "/", -5, 100000, -20, 20),
            ("ri", "inner_log_ratio", "/", -5, 100000, -20, 20),
        ), 1,
    ),
    # one value for each depth: `count` of them
    "enviropro": ("EP100", "C", 1000, (_MOISTURE,), 4),
    "enviropro_salinity": ("EP100", "C1", 1000, (("s", "salinity", "/", 0, 1, 0, 30000),), 4),
    "enviropro_temperature": ("EP100", "C2", 1000, (_TEMPERATURE,), 4),
}  # fmt: skip
NAMES = tuple(sorted(PROBES))

_COUNTS = ("teros11", "teros12")  # their moisture comes as counts
_VALUES = "label:unit:decimals of each value, such as 't:Cel:1 p:kPa:2'"


def fields(probe, values, count):
    """Return the fields with their limits, for a probe of the table or for a text `values`.

    Raises ValueError if neither or both are given, or if `values` cannot be read.
    """
    if (probe is None) == (values is None):
        configuration.refuse("probe", probe, "one of {}, or values instead".format(NAMES))
    if values is not None:
        return tuple([_declared(text, values) for text in values.split()])
    _, _, _, found, repeats = PROBES[probe]
    if repeats == 1:
        return found
    field = found[0]
    numbers = range(1, (count or repeats) + 1)
    return tuple(
        [(field[0] + str(number), field[1] + str(number)) + field[2:] for number in numbers]
    )


def is_nothing(probe, values):
    """True if a probe says values that it has not measured: TEROS 11 and 12 then count 0.

    In air they count 1800.
    """
    return probe in _COUNTS and values and not values[0]


def converted(probe, values):
    """Return the values of a probe in the units of its fields."""
    if probe in _COUNTS and values:
        # Mineral soil; drier than it was calibrated for is dry.
        moisture = values[0] * 0.03879 - 69.56
        values[0] = 0.0 if -10 <= moisture < 0 else moisture
    return values


def _declared(text, values):
    """The field for `label:unit` or `label:unit:decimals`."""
    parts = text.split(":")
    decimals = parts[2] if len(parts) > 2 else "2"
    wrong = len(parts) not in (2, 3) or not parts[0] or not parts[1]
    if wrong or len(decimals) != 1 or decimals not in "0123456":
        configuration.refuse("values", values, _VALUES)
    for character in parts[0].lower():
        if not ("a" <= character <= "z" or "0" <= character <= "9" or character in "_-"):
            configuration.refuse("values", values, _VALUES)
    places = int(decimals)
    return (parts[0], parts[0], parts[1], -places, 10**places, None, None)
