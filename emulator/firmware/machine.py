"""machine of the firmware: the ESP32 and its peripherals. Also known as umachine.

Source: Pycom firmware 1.20.2.r4, esp32/mods/modmachine.c, util/mpsleep.c.
"""

from _analog import ADC  # noqa: F401
from _arguments import forward, to_int
from _board import call
from _buses import I2C, PWM, SPI, UART  # noqa: F401
from _clocks import RTC, WDT, Timer  # noqa: F401
from _pin import Pin, pin_named  # noqa: F401
from _rmt import RMT  # noqa: F401
from _sd import SD  # noqa: F401

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET, BROWN_OUT_RESET = range(6)
PWRON_WAKE, PIN_WAKE, RTC_WAKE, ULP_WAKE = range(4)
WAKEUP_ALL_LOW, WAKEUP_ANY_HIGH = range(2)

_FREQ_HZ = 160000000

reset = forward("system.reset")
reset_cause = forward("system.reset_cause")
remaining_sleep_time = forward("system.remaining_sleep_time")
unique_id = forward("system.unique_id")
temperature = forward("system.temperature")
main = forward("system.main", 1)


def idle():
    call("irq.masked")


disable_irq = forward("irq.disable")


def wake_reason():
    reason, names = call("system.wake_reason")
    return (reason, [pin_named(name) for name in names] if names else None)


def deepsleep(ms=None):
    call("system.deepsleep", None if ms is None else to_int(ms))


def sleep(ms=None, resume=False):
    call("system.light_sleep", None if ms is None else to_int(ms))


def pin_sleep_wakeup(pins, mode, enable_pull=False):
    if mode not in (WAKEUP_ALL_LOW, WAKEUP_ANY_HIGH):
        raise ValueError("invalid argument(s) value")
    names = [pin_named(pin).id() for pin in pins]
    call("system.pin_sleep_wakeup", names, mode, bool(enable_pull))


def freq():
    return _FREQ_HZ


def rng():
    return call("system.random", 24)


def enable_irq(state=0):
    call("irq.restore", to_int(state))


def info(*_):
    for line in ("-" * 45, "System memory info (in bytes)", "-" * 45):
        print(line)  # noqa: T201 - the firmware's own printf
    print("MPTask stack water mark: 8192")  # noqa: T201
