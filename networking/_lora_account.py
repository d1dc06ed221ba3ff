"""The account of time on air that keeps a node within the duty cycle of its region.

    account = Account(10)                # permille
    wait_ms = account.wait_ms(60000)     # microseconds on air: 0 if they may go now
    account.charge(60000)
    account.keep()                       # over deep sleep

The rule (ETSI EN 300 220-2, 1 % in 868.0 to 868.6 MHz) is about the sum of any hour, and the
firmware does not watch it: it switches its own watch off at each initialisation (Pycom firmware
1.20.2, esp32/mods/modlora.c, E_LORA_CMD_INIT). So this is a bucket that holds half of an hour's
allowance and runs empty within an hour: what is sent within any hour is at most the bucket and
what ran out, which is the allowance. A node may thus send a few reports one behind the other,
and half of the duty cycle in the long run. All channels share the one account, also where the
region would grant each of its bands one.

Its whole state is the time at which it will be empty. Over deep sleep that is an int in NVS, in
seconds of the clock, which deep sleep keeps. A value that cannot be is taken for a full bucket.
"""

from micropython import const

from utils import timing

_HOUR_MS = const(3600000)
_KEY = "lora_even"


class Account:
    """How much of the duty cycle is used; permille 0: there is no such rule."""

    def __init__(self, permille):
        self._permille = permille
        self._even_ms = 0  # when it is empty, on the scale of timing.now_ms
        if permille:
            import machine
            import pycom
            import utime

            # after a loss of power the clock says nothing, and the time without is not known
            if machine.reset_cause() != machine.PWRON_RESET:
                even_s = pycom.nvs_get(_KEY, 0)
                ahead_s = even_s - utime.time() if isinstance(even_s, int) else 3600
                if ahead_s > 0:
                    self._even_ms = timing.now_ms() + min(ahead_s * 1000, _HOUR_MS)

    def wait_ms(self, airtime_us):
        """Return in how many ms this much may be sent, 0 for now; at most a bucket counts."""
        if not self._permille:
            return 0
        return max(0, min(self._cost_ms(airtime_us), _HOUR_MS) - self._room_ms())

    def count(self, airtime_us):
        """Return how often this much may be sent now, at most 1000 times."""
        return self._room_ms() // self._cost_ms(airtime_us) if self._permille else 1000

    def charge(self, airtime_us):
        """Note what was sent."""
        if self._permille:
            self._even_ms = max(self._even_ms, timing.now_ms()) + self._cost_ms(airtime_us)

    def keep(self):
        """Write it down for the next boot, if it is not empty. OSError if NVS is full."""
        ahead_ms = self._even_ms - timing.now_ms()
        if self._permille and ahead_ms > 0:
            import pycom
            import utime

            pycom.nvs_set(_KEY, utime.time() + ahead_ms // 1000 + 1)

    def _room_ms(self):
        return _HOUR_MS - max(0, self._even_ms - timing.now_ms())

    def _cost_ms(self, airtime_us):
        return airtime_us * 2 // self._permille + 1
