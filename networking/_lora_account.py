"""The account of time on air that keeps a node within the duty cycle of its region.

    account = Account(10)                # permille
    wait_ms = account.wait_ms(60000)     # microseconds on air: 0 if they may go now
    account.charge(60000)
    account.keep()                       # over deep sleep

The rule (ETSI EN 300 220-2, 1 % in 868.0 to 868.6 MHz) limits the sum over any hour. The firmware
does not enforce it: each initialisation switches its duty cycle off (Pycom firmware 1.20.2,
esp32/mods/modlora.c, E_LORA_CMD_INIT). The account is a leaky bucket. It holds half of an hour's
allowance, and a full one leaks empty in an hour. The sum over any hour is therefore at most one
bucket and the amount that leaked meanwhile, together the allowance. A node may send a few reports
in a row, and half of the duty cycle in the long run. All channels share one account, also where
the region allows one for each band.

The only state is the time at which the bucket will be empty. Over deep sleep it is kept in NVS, as
an int in seconds of the clock, which goes on in deep sleep. An impossible value counts as a full
bucket.
"""

from micropython import const

from utils import timing

_HOUR_MS = const(3600000)
_KEY = "lora_even"


class Account:
    """The used part of the duty cycle. permille: the duty cycle; 0 for no limit."""

    def __init__(self, permille):
        self._permille = permille
        self._even_ms = 0  # time at which it is empty, on the scale of timing.now_ms
        if permille:
            import machine
            import pycom
            import utime

            # after a loss of power the clock is wrong, and the time without power unknown
            if machine.reset_cause() != machine.PWRON_RESET:
                even_s = pycom.nvs_get(_KEY, 0)
                ahead_s = even_s - utime.time() if isinstance(even_s, int) else 3600
                if ahead_s > 0:
                    self._even_ms = timing.now_ms() + min(ahead_s * 1000, _HOUR_MS)

    def wait_ms(self, airtime_us):
        """Return the ms until this time on air is allowed, 0 for now.

        More than a full bucket counts as a full one.
        """
        if not self._permille:
            return 0
        return max(0, min(self._cost_ms(airtime_us), _HOUR_MS) - self._room_ms())

    def count(self, airtime_us):
        """Return how many times this time on air is allowed now; 1000 without a limit."""
        return self._room_ms() // self._cost_ms(airtime_us) if self._permille else 1000

    def charge(self, airtime_us):
        """Add a time on air that was used."""
        if self._permille:
            self._even_ms = max(self._even_ms, timing.now_ms()) + self._cost_ms(airtime_us)

    def keep(self):
        """Store the account in NVS for the next boot, if not empty. OSError if NVS is full."""
        ahead_ms = self._even_ms - timing.now_ms()
        if self._permille and ahead_ms > 0:
            import utime

            from utils import store

            store.nvs_set(_KEY, utime.time() + ahead_ms // 1000 + 1)

    def _room_ms(self):
        return _HOUR_MS - max(0, self._even_ms - timing.now_ms())

    def _cost_ms(self, airtime_us):
        return airtime_us * 2 // self._permille + 1
