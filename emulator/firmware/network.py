"""network: the radio interfaces of a Pycom board.

LTE, WLAN and LoRa are complete; LoRa is there on a FiPy only, as on boards. Bluetooth
is just enough for a script that switches it off at its start.
Source: Pycom firmware 1.20.2, esp32/mods/modwlan.c, modnetwork.c.
"""

import sys

from _lte import LTE  # noqa: F401
from _wlan import WLAN, Server  # noqa: F401

if sys.platform == "FiPy":
    from _lora import LoRa  # noqa: F401


class Bluetooth:
    INT_ANT = 0
    EXT_ANT = 1

    def init(self, *args, **keywords):
        pass

    def deinit(self):
        pass
