"""Pins: voltages at inputs, levels of outputs.

    from utils import gpio_handler
    gpio_handler.get_vin()                                      # 4987 mV at an expansion board 3
    gpio_handler.get_input_voltage("P13", 11, gpio_handler.ATTN_0DB)
    gpio_handler.timed_pin_pull_up("P21", 500)                  # pets an external watchdog
    gpio_handler.check_minimum_voltage_threshold()              # sleeps on a low battery

Voltages are ints in mV. Outside its range the converter shows a constant or its full scale
(utils/adc.py): the result is then None, with a line in the log.
Dividers (Rtop + Rbottom) / Rbottom: 2 on Pycom's expansion board 3, 3.054 on board 2.
Pins that cannot be used and other impossible arguments raise ValueError.
"""

from micropython import const

from utils.adc import ATTN_0DB, ATTN_2_5DB, ATTN_6DB, ATTN_11DB, mean

_ATTENUATIONS = (ATTN_0DB, ATTN_2_5DB, ATTN_6DB, ATTN_11DB)
_OUTPUTS = tuple(range(13)) + tuple(range(19, 24))
_INPUTS = tuple(range(13, 21))  # of the converter
_SETTLE_MS = const(100)  # of a battery's divider: 5 * R * C
_PAUSE_MS = const(20)


def get_input_voltage(pin, voltage_divider=1, attn=ATTN_11DB, measurement_cycles=500):
    """Return the voltage in front of a divider at `pin` in mV, an int; None if it fails.

    pin: "P13" to "P20". voltage_divider: 1 to 1000. attn: ATTN_0DB to ATTN_11DB, numbered as those
    of machine.ADC. measurement_cycles: number of samples, 1 to 10000, 0.07 ms each. A voltage that
    changed meanwhile is measured once more.
    """
    from utils import configuration, logging, timing

    _require_input("pin", pin, voltage_divider, attn)
    if not configuration.is_integer(measurement_cycles, 1, 10000):
        configuration.refuse("measurement_cycles", measurement_cycles, "an integer 1 to 10000")
    from machine import ADC

    try:
        converter = ADC(0)
        try:
            channel = converter.channel(pin=pin, attn=attn)
            value_mv, cause = mean(channel, measurement_cycles, voltage_divider)
            if cause == "not_ready":
                timing.sleep_ms(_PAUSE_MS)
                value_mv, cause = mean(channel, measurement_cycles, voltage_divider)
        finally:
            converter.deinit()
    except OSError:
        value_mv, cause = None, "failed"
    if cause is not None:
        logging.Logger("gpio").warning("%s: %s", pin, cause)
    return value_mv


def get_vin(pin="P16"):
    """Return the board's supply in mV, measured at the divider of expansion board 3; or None.

    For expansion board 2 use get_input_voltage("P16", 3.054).
    """
    return get_input_voltage(pin, 2)


def set_pin_value(pin, value):
    """Make `pin` an output and set it: high if `value` is true. It stays so until a reset."""
    _require_pin("pin", pin, _OUTPUTS)
    from machine import Pin

    Pin(pin, mode=Pin.OUT).value(1 if value else 0)


def timed_pin_pull_up(pin, durationms=500):
    """Give a pulse: `pin` is high for `durationms`, 0 to 60000, and low before and after."""
    from utils import configuration, timing

    if not configuration.is_integer(durationms, 0, 60000):
        configuration.refuse("durationms", durationms, "an integer 0 to 60000")
    set_pin_value(pin, 0)
    set_pin_value(pin, 1)
    try:
        timing.sleep_ms(durationms)
    finally:
        set_pin_value(pin, 0)


def check_minimum_voltage_threshold(
    pin_enable_battery_meas="P23",
    pin_battery_voltage="P13",
    threshold_mv=3000,
    voltage_divider=11,
    attn=ATTN_0DB,
    sleep_ms=180000,
):
    """Deep sleep for `sleep_ms` if the battery is below `threshold_mv`; the board then resets.

    Else return its voltage in mV, or None if it cannot be measured: the node goes on then.
    The defaults are for an insigh.io board, where BAT_MEAS_ON is P23. That pin is high only while
    the divider settles and is measured.
    pin_enable_battery_meas None: the divider is always on. threshold_mv: 1 to 60000. sleep_ms: 1
    to 2147483647. The others as in get_input_voltage.
    """
    from utils import configuration, logging, timing

    _require_input("pin_battery_voltage", pin_battery_voltage, voltage_divider, attn)
    if not configuration.is_integer(threshold_mv, 1, 60000):
        configuration.refuse("threshold_mv", threshold_mv, "an integer 1 to 60000")
    if not configuration.is_integer(sleep_ms, 1, 0x7FFFFFFF):
        configuration.refuse("sleep_ms", sleep_ms, "an integer 1 to 2147483647")
    if pin_enable_battery_meas is None:
        value_mv = get_input_voltage(pin_battery_voltage, voltage_divider, attn)
    else:
        set_pin_value(pin_enable_battery_meas, 1)
        try:
            timing.sleep_ms(_SETTLE_MS)
            value_mv = get_input_voltage(pin_battery_voltage, voltage_divider, attn)
        finally:
            set_pin_value(pin_enable_battery_meas, 0)
    if value_mv is not None and value_mv < threshold_mv:
        from machine import deepsleep

        logging.Logger("gpio").warning("battery at %d mV: asleep", value_mv)
        deepsleep(sleep_ms)
    return value_mv


def _require_input(name, pin, voltage_divider, attn):
    from utils import configuration

    _require_pin(name, pin, _INPUTS)
    number = isinstance(voltage_divider, (int, float)) and voltage_divider is not True
    if not (number and 1 <= voltage_divider <= 1000):
        configuration.refuse("voltage_divider", voltage_divider, "a number 1 to 1000")
    if attn not in _ATTENUATIONS:
        configuration.refuse("attn", attn, "ATTN_0DB to ATTN_11DB")


def _require_pin(name, pin, numbers):
    if pin not in ["P%d" % number for number in numbers]:
        from utils import configuration

        configuration.refuse(name, pin, ", ".join(["P%d" % number for number in numbers]))
