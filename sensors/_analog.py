"""What the sensors at the converter have in common: one converter, and a mean that has settled."""

from micropython import const

from sensors import SensorError
from utils import adc

_PAUSE_MS = const(20)  # one period of the mains, and the end of most dips of a supply


def channel(rig, pin, attenuation_db):
    """Return the machine.ADCChannel of a pin; all sensors of a run share the converter."""
    from machine import ADC

    converter = rig.share("adc", lambda: ADC(0))
    return converter.channel(pin=pin, attn=adc.ATTENUATIONS_DB.index(attenuation_db))


def settled_mv(source, divider=1):
    """A generator like Sensor.steps; returns mV, once more measured if it was still moving.

    source: a machine.ADCChannel. Raises SensorError with the cause of utils.adc.mean.
    """
    source.value()  # behind a high impedance it has some of the voltage of the pin before
    value_mv, cause = adc.mean(source, adc.SAMPLES, divider)
    if cause == "not_ready":
        yield _PAUSE_MS
        value_mv, cause = adc.mean(source, adc.SAMPLES, divider)
    if cause is not None:
        raise SensorError(cause)
    return value_mv
