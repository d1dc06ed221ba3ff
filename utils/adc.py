"""The voltage at an ADC pin: the mean of many samples, or the cause why there is none.

    from machine import ADC
    from utils import adc
    channel = ADC(0).channel(pin="P16", attn=adc.ATTN_11DB)
    voltage_mv, cause = adc.mean(channel, divider=2)        # 3584, None

attenuation     reads from .. to    below reads   error with the fuses of the chip, at most
0 dB            100 .. 950 mV       75 mV         23 mV
2.5 dB          100 .. 1250 mV      78 mV         30 mV
6 dB            150 .. 1750 mV      107 mV        40 mV
11 dB           150 .. 2450 mV      142 mV        60 mV; not linear above, rough up to 3100 mV

A voltage below the range reads as a constant, one above it as 4095 counts: neither is a
measurement. The source, or the tap of a divider, needs less than 10 kOhm or 100 nF to ground.

Erratum: the inputs P13 (GPIO36) and P16 (GPIO39) are pulled down for about 80 ns when the
converter is powered (ESP32 Series SoC Errata, GPIO-3.11); 100 nF at the pin bridge that.

Written against Pycom firmware 1.20.2.r4 (esp32/mods/pybadc.c) and Espressif's API guide "Analog to
Digital Converter" (esp_adc_cal). The constant differs a little from chip to chip; the errors are
Espressif's, from memory. A divider multiplies them.
"""

from micropython import const

# The numbers of machine.ADC, which is not imported here: modules load without hardware.
ATTN_0DB = 0
ATTN_2_5DB = 1
ATTN_6DB = 2
ATTN_11DB = 3
ATTENUATIONS_DB = (0, 2.5, 6, 11)  # indexed by these numbers

# One sample has a noise of a few counts. The mean of 64 has an eighth of it: less than the step of
# 0.8 mV and far less than the error of the calibration. 500 samples take eight times as long.
SAMPLES = 64

_FULL_SCALE = const(4095)
_SPIKES = const(16)  # one sample in 16 at full scale is a disturbance and is left out
_DRIFT = const(16)  # the two halves may differ by 16 counts and a 16th of their value


def mean(channel, samples=SAMPLES, divider=1):
    """Return (mV as an int, None), or (None, cause).

    channel: a machine.ADCChannel of a converter with 12 bits. samples: their number, 1 or more;
    one takes about 0.07 ms. divider: (Rtop + Rbottom) / Rbottom.
    Causes: "saturated", "under_range" as above; "not_ready": the voltage changed meanwhile,
    because it had not settled or its supply was lost.
    Raises OSError if the firmware refuses.
    """
    half = samples // 2
    early, early_count = _sum(channel, half)
    late, late_count = _sum(channel, samples - half)
    total, count = early + late, early_count + late_count
    if count < samples - samples // _SPIKES:
        return None, "saturated"
    # the two means, each multiplied by early_count * late_count
    before, after = early * late_count, late * early_count
    allowed = _DRIFT * early_count * late_count + min(before, after) // _DRIFT
    if abs(before - after) > allowed:
        return None, "not_ready"
    # Counts, not millivolts, are averaged, so that no sample is rounded; between two counts the
    # curve of the converter is a straight line.
    low = total // count
    low_mv = channel.value_to_voltage(low)
    high_mv = channel.value_to_voltage(low + 1)
    sum_mv = low_mv * count + (high_mv - low_mv) * (total - low * count)
    if (2 * sum_mv + count) // (2 * count) <= channel.value_to_voltage(0):
        return None, "under_range"
    return (int(sum_mv * divider) + count // 2) // count, None


def _sum(channel, samples):
    """Return (sum, count) of the samples below full scale."""
    total = count = 0
    for _ in range(samples):
        raw = channel.value()
        if raw < _FULL_SCALE:
            total += raw
            count += 1
    return total, count
