"""Voltage at an analog pin, such as the output of a sensor or the tap of a divider.

    from sensors import analog_generic
    supply_mv = analog_generic.get_reading("P16", divider=2)        # 3584

Wiring: the source, or the tap of a divider, at P13 to P20 (P17 to P20 belong to the modem on a
FiPy); impedance below 10 kOhm or 100 nF to ground. What the attenuations can tell stands in
utils/adc.py: 150 to 2450 mV with the 11 dB used if nothing else is said, and up to 3100 mV less
exactly. What is below or above is no measurement. With a divider the limits scale.
"""

from sensors import ADC_PINS, IO_PINS, Sensor, _analog
from utils.adc import ATTENUATIONS_DB

FIELDS = (("v", "voltage", "V", -3, 1),)  # get_reading returns mV
ARGUMENTS = (
    ("data_pin", "choice", ADC_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
    ("divider", "number", (1, 1000), 1),
    ("settle_ms", "integer", (0, 60000), 500),
    ("attenuation_db", "choice", ATTENUATIONS_DB, 11),
)

last_cause = None


def get_reading(data_pin, vcc_pin=None, divider=1, settle_ms=500, attenuation_db=11):
    """Return the voltage in mV, an int: the mean of 64 samples, times `divider`.

    data_pin: "P13" to "P20". vcc_pin: switched on before and off after, None if there is none.
    divider: (Rtop + Rbottom) / Rbottom, 1 to 1000. settle_ms: from switching `vcc_pin` on to the
    first sample; a divider needs 5 * R * C, a sensor its warm-up. attenuation_db: 0, 2.5, 6 or 11,
    the range of the converter.
    Returns None if there is no such voltage; `last_cause` then says why.
    Raises ValueError for arguments that cannot be. Blocks for `settle_ms` and about 5 ms, 30 ms if
    the voltage was still moving.
    """
    global last_cause
    import sensors

    given = {"data_pin": data_pin, "vcc_pin": vcc_pin, "divider": divider}
    given.update(settle_ms=settle_ms, attenuation_db=attenuation_db)
    values, last_cause = sensors.take("analog_generic", given)
    return values[0]


def build(rig, data_pin, vcc_pin=None, divider=1, settle_ms=500, attenuation_db=11):
    """The sensor of these arguments; see sensors/__init__.py."""
    source = _analog.channel(rig, data_pin, attenuation_db)
    return AnalogGeneric(source, divider, 0 if vcc_pin is None else settle_ms)


class AnalogGeneric(Sensor):
    """The voltage at a machine.ADCChannel, which is to settle for `settle_ms` first."""

    def __init__(self, channel, divider=1, settle_ms=0):
        self._channel = channel
        self._divider = divider
        self._settle_ms = settle_ms

    def steps(self):
        """Measure; the voltage in mV as a tuple of one."""
        yield self._settle_ms
        return ((yield from _analog.settled_mv(self._channel, self._divider)),)
