"""network: the radio interfaces of a Pycom board.

LTE, WLAN and LoRa are complete; LoRa is there on a FiPy only, as on boards. Bluetooth
is just enough for a script that switches it off at its start.
Source: Pycom firmware 1.20.2, esp32/mods/modwlan.c, modnetwork.c.
"""

import sys

from _arguments import OnlyOne, as_is, assign, to_int
from _lte import LTE  # noqa: F401
from _texts import NA
from _wlan import WLAN, Server  # noqa: F401

if sys.platform == "FiPy":
    from _lora import LoRa  # noqa: F401


_BLUETOOTH = (
    ("id", to_int, 0), ("mode", to_int, 0), ("antenna", as_is, None),
    ("modem_sleep", as_is, None), ("pin", as_is, None), ("privacy", bool, True),
    ("secure_connections", bool, True), ("mtu", to_int, 200),
)  # fmt: skip


class Bluetooth(OnlyOne):
    INT_ANT = 0
    EXT_ANT = 1

    def __init__(self, *args, **keywords):
        if assign(_BLUETOOTH, 1, args, keywords)[0] != 0:
            raise OSError(NA)

    def init(self, *args, **keywords):
        assign(_BLUETOOTH, 1, args, keywords)

    def deinit(self):
        pass
