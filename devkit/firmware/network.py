"""network: the radio interfaces of a Pycom board.

LTE is complete. WLAN, Bluetooth and Server are just enough for a script that switches them off at
its start. LoRa is there on a FiPy only: on a GPy importing it fails.
Source: Pycom firmware 1.20.2, esp32/mods/modwlan.c, modnetwork.c.
"""

import sys

from _lte import LTE  # noqa: F401

if sys.platform == "FiPy":
    from _lora import LoRa  # noqa: F401


class WLAN:
    """Wi-Fi that never finds anybody: enough to be switched off or found unconnected."""

    STA = 1
    AP = 2
    STA_AP = 3
    WEP = 1
    WPA = 2
    WPA2 = 3
    WPA2_ENT = 5
    INT_ANT = 0
    EXT_ANT = 1
    MAN_ANT = 2
    HT20 = 1
    HT40 = 2

    def __init__(self, id=0, **keywords):
        self._mode = WLAN.STA
        self.init(id, **keywords)

    def init(self, id=0, **keywords):
        self._mode = keywords.get("mode", self._mode)
        if self._mode == WLAN.AP and "ssid" not in keywords:
            raise ValueError("AP SSID not given")

    def deinit(self):
        pass

    def mode(self, mode=None):
        if mode is None:
            return self._mode
        self._mode = mode

    def connect(self, ssid, auth=None, **keywords):
        if self._mode == WLAN.AP:
            raise OSError("the requested operation is not possible")

    def disconnect(self):
        pass

    def isconnected(self):
        return False

    def scan(self, **keywords):
        return []

    def ifconfig(self, id=0, config=None):
        return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")

    def antenna(self, antenna=None):
        return WLAN.INT_ANT if antenna is None else None


class Bluetooth:
    INT_ANT = 0
    EXT_ANT = 1

    def init(self, *args, **keywords):
        pass

    def deinit(self):
        pass


class Server:
    """The FTP and telnet server of the firmware; it never runs here."""

    def __init__(self, *args, **keywords):
        pass

    def init(self, *args, **keywords):
        pass

    def deinit(self):
        pass

    def isrunning(self):
        return False

    def timeout(self, seconds=None):
        return 300 if seconds is None else None
