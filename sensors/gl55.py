"""Illuminance from a GL55 photoresistor (GL5506 to GL5549): an indication, no measurement.

    from sensors import gl55
    lux = gl55.get_reading("P15")                   # 16.8: somewhere from 7 to 32
    low, high = gl55.spread(lux)

Wiring: the photoresistor from the supply to the pin, `fixed_ohm` from the pin to ground; the
brighter, the higher the voltage. 10 kOhm suit 0.2 to 1500 lx, 1 kOhm suits daylight. `vcc_pin`
may feed it: 0.33 mA at most with 10 kOhm.

The resistance falls with the illuminance E as R = r10 * (E / 10 lx) ** -gamma. A type has a wide
range of r10, so that single parts differ by a factor of two each way; `spread` tells how far a
value may be off. Best is to give r10 and gamma of the very part: measure R beside a luxmeter at
two illuminances. The light before, temperature and age shift it as well, by less.

type      r10 kOhm    gamma         type      r10 kOhm    gamma
GL5506    2 to 6      0.6           GL5537    16 to 50    0.7
GL5516    5 to 10     0.6           GL5539    30 to 100   0.8
GL5528    8 to 20     0.6 to 0.7    GL5549    100 to 200  0.9

The defaults are the middle of a GL5528. Source: data sheets of the GL55 series, which differ from
reseller to reseller.

Darkness and a broken wire both leave the pin at 0 V: "under_range", below 142 mV, which with the
defaults is less than 0.15 lx. More light than the converter can tell is "saturated".
"""

from sensors import ADC_PINS, IO_PINS, Sensor, SensorError, _analog

FIELDS = (("lx", "illuminance", "lx", -1, 10),)
ARGUMENTS = (
    ("data_pin", "choice", ADC_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
    ("r10_kohm", "number", (0.1, 1000), 14),
    ("gamma", "number", (0.3, 1.5), 0.65),
    ("fixed_ohm", "number", (100, 1000000), 10000),
    ("supply_mv", "number", (1000, 5500), 3300),
)
POWER_UP_MS = 5  # 5 * 10 kOhm * 100 nF; the resistance itself is there without a supply

last_cause = None

_ATTENUATION_DB = 11
_BRIGHTEST = 120000.0  # lx: more than the sun gives


def get_reading(data_pin, vcc_pin=None, r10_kohm=14, gamma=0.65, fixed_ohm=10000, supply_mv=3300):
    """Return the illuminance in lux, a float; how far it may be off tells `spread`.

    data_pin: "P13" to "P20". vcc_pin: switched on before and off after, None if there is none.
    r10_kohm: resistance at 10 lx in kOhm, 0.1 to 1000. gamma: log10(R at 10 lx / R at 100 lx).
    fixed_ohm: of the resistor to ground, 100 to 1000000. supply_mv: of the divider, 1000 to 5500.
    Returns None if it cannot be told; `last_cause` then says why: "under_range" for darkness or a
    broken wire, "saturated" for too much light, "implausible" for a pin at the supply or more than
    the sun gives, "not_ready" for a voltage that does not stand still.
    Raises ValueError for arguments that cannot be. Blocks for 10 ms, 30 ms if it repeats.
    """
    global last_cause
    import sensors

    given = {"data_pin": data_pin, "vcc_pin": vcc_pin, "r10_kohm": r10_kohm, "gamma": gamma}
    given.update(fixed_ohm=fixed_ohm, supply_mv=supply_mv)
    values, last_cause = sensors.take("gl55", given)
    return values[0]


def lux(voltage_mv, r10_kohm=14, gamma=0.65, fixed_ohm=10000, supply_mv=3300):
    """Return the illuminance in lux behind a voltage at the pin, a float.

    None if there is none: at 0 V it is dark or a wire is broken, at the supply it is shorted.
    """
    if not 0 < voltage_mv < supply_mv:
        return None
    ratio = fixed_ohm * (supply_mv - voltage_mv) / voltage_mv / (r10_kohm * 1000)
    return 10 * ratio ** (-1 / gamma)


def spread(value, gamma=0.65, r10_spread=0.43, gamma_spread=0.05):
    """Return (lowest, highest) illuminance in lux that may be behind `value`, floats.

    r10_spread: by which share r10 may be off each way, 0 to 0.9; gamma_spread: by how much gamma.
    The defaults are those of a GL5528 that nobody has measured: r10 of 8 to 20 kOhm, gamma of 0.6
    to 0.7. At 10 lx gamma does not matter; the farther from it, the more it does.
    Raises ValueError for a value that is not above 0.
    """
    if not value > 0:
        raise ValueError("value = {!r}; allowed: a number above 0".format(value))
    ratio = (value / 10) ** -gamma  # R / r10, as assumed for `value`
    found = []
    for off in (gamma - gamma_spread, gamma + gamma_spread):
        for share in (1 - r10_spread, 1 + r10_spread):
            found.append(10 * (ratio / share) ** (-1 / off))
    return min(found), max(found)


def build(rig, data_pin, vcc_pin=None, r10_kohm=14, gamma=0.65, fixed_ohm=10000, supply_mv=3300):
    """The sensor of these arguments; see sensors/__init__.py."""
    source = _analog.channel(rig, data_pin, _ATTENUATION_DB)
    return Gl55(source, r10_kohm, gamma, fixed_ohm, supply_mv)


class Gl55(Sensor):
    """The photoresistor at a machine.ADCChannel; the other arguments are those of `lux`."""

    def __init__(self, channel, r10_kohm=14, gamma=0.65, fixed_ohm=10000, supply_mv=3300):
        self._channel = channel
        self._divider = r10_kohm, gamma, fixed_ohm, supply_mv

    def steps(self):
        """Measure; the illuminance in lux as a tuple of one."""
        voltage_mv = yield from _analog.settled_mv(self._channel)
        value = lux(voltage_mv, *self._divider)
        if value is None or value > _BRIGHTEST:
            raise SensorError("implausible")
        return (value,)
