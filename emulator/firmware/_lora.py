"""network.LoRa of a FiPy: the thin face of service "lora" (emulator/lorawan/device.py).

Source: Pycom firmware 1.20.2.r4, esp32/mods/modlora.c.
"""

from _arguments import (
    REQUIRED,
    OnlyOne,
    as_is,
    assign,
    attrtuple,
    data_of,
    method,
    set_handler,
    setting,
    to_int,
    to_sequence,
)
from _board import call
from usocket import timeout as _timeout

_JOIN_LOOK_MS = 50
_FOREVER_MS = 0x7FFFFFFF

_INIT = (
    ("mode", to_int, 0),
    ("frequency", to_int, None),
    ("tx_power", to_int, None),
    ("bandwidth", to_int, 0),
    ("sf", to_int, 7),
    ("preamble", to_int, 8),
    ("coding_rate", to_int, 1),
    ("power_mode", to_int, 0),
    ("tx_iq", bool, False),
    ("rx_iq", bool, False),
    ("adr", bool, False),
    ("public", bool, True),
    ("tx_retries", to_int, 2),
    ("device_class", to_int, 0),
    ("region", to_int, None),
)
_NEW = (("id", to_int, 0),) + _INIT
_JOIN = (
    ("activation", to_int, REQUIRED),
    ("auth", as_is, REQUIRED),
    ("dr", as_is, None),
    ("timeout", as_is, None),
)
_CHANNEL = (
    ("index", to_int, REQUIRED),
    ("frequency", to_int, REQUIRED),
    ("dr_min", to_int, REQUIRED),
    ("dr_max", to_int, REQUIRED),
)
_STATS = (
    "rx_timestamp",
    "rssi",
    "snr",
    "sfrx",
    "sftx",
    "tx_trials",
    "tx_power",
    "tx_time_on_air",
    "tx_counter",
    "tx_frequency",
)


class LoRa(OnlyOne):
    """The one radio; every LoRa(...) is the same object."""

    timeout = _timeout
    LORA, LORAWAN = range(2)
    OTAA, ABP = range(2)
    ALWAYS_ON, TX_ONLY, SLEEP = range(3)
    BW_125KHZ, BW_250KHZ, BW_500KHZ = range(3)
    CODING_4_5, CODING_4_6, CODING_4_7, CODING_4_8 = range(1, 5)
    RX_PACKET_EVENT, TX_PACKET_EVENT, TX_FAILED_EVENT = 1, 2, 4
    CLASS_A, CLASS_C = 0, 2
    AS923 = 0
    AU915 = 1
    CN470 = 2
    EU433 = 4
    EU868 = 5
    IN865 = 7
    US915 = 8

    def __init__(self, *args, **keywords):
        values = assign(_NEW, 1, args, keywords)
        if values[0] != 0:
            raise OSError("resource not available")
        if keywords or not call("lora.started"):
            call("lora.init", values[1:])

    def init(self, *args, **keywords):
        call("lora.init", assign(_INIT, 0, args, keywords))

    reset = method("lora.reset")

    # joining

    def join(self, *args, **keywords):
        call("lora.check_join")
        activation, auth, dr, timeout = assign(_JOIN, 1, args, keywords)
        if not 0 <= activation <= 1:
            raise ValueError("invalid activation type {}".format(activation))
        auth = to_sequence(auth)
        rate = None if dr is None else to_int(dr)
        if activation == LoRa.OTAA:
            if len(auth) == 2:
                auth = [None] + list(auth)
            keys = [None if each is None else data_of(each) for each in auth[:3]]
            left_ms = _FOREVER_MS if timeout is None else to_int(timeout)
            call("lora.join_otaa", keys[0], keys[1], keys[2], rate)
        else:
            to_sequence(auth, 3)
            left_ms = _FOREVER_MS if timeout is None else to_int(timeout)
            call("lora.join_abp", to_int(auth[0]), data_of(auth[1]), data_of(auth[2]))
        if left_ms <= 0:
            return
        while left_ms >= 0 and not call("lora.has_joined"):
            call("rtc.sleep_us", _JOIN_LOOK_MS * 1000)
            left_ms -= _JOIN_LOOK_MS
        if left_ms <= 0:
            raise _timeout("timed out")

    has_joined = method("lora.has_joined")
    nvram_save = method("lora.nvram_save")
    nvram_restore = method("lora.nvram_restore")
    nvram_erase = method("lora.nvram_erase")

    def join_multicast_group(self, *args, **keywords):
        """Multicast is not emulated: nobody sends any."""
        return False

    def leave_multicast_group(self, address):
        return False

    # settings

    frequency = setting("lora", "frequency")
    tx_power = setting("lora", "tx_power")
    bandwidth = setting("lora", "bandwidth")
    coding_rate = setting("lora", "coding_rate")
    preamble = setting("lora", "preamble")
    sf = setting("lora", "sf")

    def power_mode(self, *mode):
        if not mode:
            return call("lora.get", "power_mode")
        call("lora.power_mode", to_int(mode[0]))

    def add_channel(self, *args, **keywords):
        call("lora.add_channel", *assign(_CHANNEL, 1, args, keywords))

    def remove_channel(self, index):
        call("lora.remove_channel", to_int(index))

    # what it knows

    mac = method("lora.mac")
    events = method("lora.events")

    def stats(self):
        return attrtuple(_STATS, call("lora.stats"))

    def airtime(self, length):
        return call("lora.airtime", to_int(length))

    def ischannel_free(self, rssi, time_ms):
        return call("lora.channel_free", to_int(rssi), to_int(time_ms))

    def set_battery_level(self, level):
        call("lora.battery", to_int(level))

    def callback(self, *args, **keywords):
        set_handler("lora", self, args, keywords)
