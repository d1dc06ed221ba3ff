"""Microseconds, between the edges of a line that is driven bit by bit: waiting, measuring.

    from utils.microseconds import sleep_us
    pin(0)
    sleep_us(60)
    pin(1)

`sleep_us(us)` is the firmware's own function, not one around it: a call of a Python function costs
more than many a pulse lasts. Up to 1000 us it counts processor cycles and lets neither threads nor
handlers run, nor does it feed a watchdog; the call itself adds about 3 us. Interrupts still
stretch it, so keep them off (`machine.disable_irq`) where the length matters, for less than 1 ms.
Anything longer is a wait for utils.timing.
Source: Pycom firmware 1.20.2.r4, esp32/hal/esp32_mphal.c.

`call_us(pin)` tells how long a call takes here, with the loop around it: code that drives a line
can take shorter ways where the interpreter is slower.
"""

import utime

sleep_us = utime.sleep_us

_CALLS = 64  # enough to lose what the clock itself takes


def call_us(call):
    """Return how long `call()` takes in whole us; more if it was interrupted. Blocks for 64."""
    begin = utime.ticks_cpu()
    for _ in range(_CALLS):
        call()
    return utime.ticks_diff(utime.ticks_cpu(), begin) // _CALLS
