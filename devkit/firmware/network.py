"""network: the radio interfaces of a Pycom board.

LTE and WLAN are complete. Bluetooth is just enough for a script that switches it off at its start.
LoRa is not here: importing it fails, as on a GPy.
Source: Pycom firmware 1.20.2, esp32/mods/modwlan.c, modnetwork.c.
"""

from _lte import LTE  # noqa: F401
from _wlan import WLAN, Server  # noqa: F401


class Bluetooth:
    INT_ANT = 0
    EXT_ANT = 1

    def init(self, *args, **keywords):
        pass

    def deinit(self):
        pass
