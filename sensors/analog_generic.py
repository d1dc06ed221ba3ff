"""Voltage at an analog pin, such as a battery behind a divider.

    from sensors import analog_generic
    battery_mv = analog_generic.get_reading("P16", divider=2)        # 3584

Wiring: the source, or the tap of a divider, at P13 to P20 (P17 to P20 belong to the modem on a
FiPy); impedance below 10 kOhm or 100 nF to ground. With the 11 dB attenuation used here the
converter can tell 150 to 2450 mV and is nearly exact up to 3100 mV; below that it reads a constant
142 mV and above it 4095 counts: both are no measurement. With a divider the limits scale.

Written against Pycom firmware 1.20.2.r4 (esp32/mods/pybadc.c) and Espressif's API guide "Analog to
Digital Converter" (esp_adc_cal). The firmware calibrates with what is fused into the chip.
"""

from micropython import const

from sensors import ADC_PINS, IO_PINS

FIELDS = (("v", "voltage", "V", -3, 1),)  # get_reading returns mV
ARGUMENTS = (
    ("data_pin", "choice", ADC_PINS),
    ("vcc_pin", "choice", IO_PINS, None),
    ("divider", "number", (1, 1000), 1),
    ("settle_ms", "integer", (0, 60000), 500),
)

last_cause = None

# The mean of 64 samples has an eighth of the noise of one, which is a few counts: it comes below
# the step of 0.8 mV and far below the error of the calibration. 500 take eight times as long.
_SAMPLES = const(64)
_FULL_SCALE = const(4095)
_SPIKES_MAX = const(4)  # so many samples at full scale are disturbances and are left out


def get_reading(data_pin, vcc_pin=None, divider=1, settle_ms=500):
    """Return the voltage in mV, an int: the mean of 64 samples at 11 dB, times `divider`.

    data_pin: "P13" to "P20". vcc_pin: switched on before and off after, None if there is none.
    divider: (Rtop + Rbottom) / Rbottom, 1 to 1000. settle_ms: from switching `vcc_pin` on to the
    first sample; a divider needs 5 * R * C, a sensor its warm-up.
    Returns None if there is no such voltage; `last_cause` then says why.
    Raises ValueError for arguments that cannot be. Blocks for `settle_ms` and about 5 ms.
    """
    global last_cause
    import sensors

    sensors.require(
        ARGUMENTS,
        {"data_pin": data_pin, "vcc_pin": vcc_pin, "divider": divider, "settle_ms": settle_ms},
    )
    value_mv = None
    try:
        sensors.set_sensor_power_on(vcc_pin, settle_ms)
        value_mv, last_cause = _measure(data_pin, divider)
    except OSError:
        last_cause = "failed"
    finally:
        sensors.set_sensor_power_off(vcc_pin)
    if last_cause is not None:
        from utils import logging

        logging.Logger("analog").warning("%s: %s", data_pin, last_cause)
    return value_mv


def _measure(data_pin, divider):
    """Return (mV, None) or (None, cause)."""
    from machine import ADC

    adc = ADC(0)
    try:
        channel = adc.channel(pin=data_pin, attn=ADC.ATTN_11DB)
        total, count = _sample(channel)
        if count < _SAMPLES - _SPIKES_MAX:
            return None, "saturated"
        # Counts, not millivolts, are averaged, so that no sample is rounded; between two counts
        # the curve of the converter is a straight line.
        low = total // count
        low_mv = channel.value_to_voltage(low)
        high_mv = channel.value_to_voltage(low + 1)
        sum_mv = low_mv * count + (high_mv - low_mv) * (total - low * count)
        if low == 0 and (2 * sum_mv + count) // (2 * count) <= channel.value_to_voltage(0):
            return None, "under_range"
        return (int(sum_mv * divider) + count // 2) // count, None
    finally:
        adc.deinit()


def _sample(channel):
    """Return (sum, count) of the samples below full scale."""
    total = count = 0
    for _ in range(_SAMPLES):
        raw = channel.value()
        if raw < _FULL_SCALE:
            total += raw
            count += 1
    return total, count
