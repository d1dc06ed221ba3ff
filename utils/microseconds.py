"""Waits and measurements in microseconds, for a line that is driven bit by bit.

    from utils.microseconds import sleep_us
    pin(0)
    sleep_us(60)
    pin(1)

`sleep_us(us)` is the function of the firmware itself: calling a Python function would take longer
than many pulses. Up to 1000 us it counts processor cycles. No thread or handler runs meanwhile,
and no watchdog is fed. The call itself adds about 3 us. Interrupts still stretch it: where the
length matters, disable them (`machine.disable_irq`) for less than 1 ms. For longer waits use
utils.timing. Source: Pycom firmware 1.20.2.r4, esp32/hal/esp32_mphal.c.

`call_us(pin)` measures a call with the loop around it. Code that drives a line can choose a
shorter way if the interpreter is slow.
"""

import utime

sleep_us = utime.sleep_us

_CALLS = 64  # enough to hide the time of reading the clock


def call_us(call):
    """Return the duration of `call()` in whole us, interrupts included. Blocks for 64 calls."""
    begin = utime.ticks_cpu()
    for _ in range(_CALLS):
        call()
    return utime.ticks_diff(utime.ticks_cpu(), begin) // _CALLS
