"""The board: what it is, how it woke, what it has left; its LED, its watchdog, its start options.

    from utils import device_info
    device_info.get_device_id()             # ("240ac4a1b2c3", b"...")
    device_info.get_lte_ids().imei          # "354347091234567"
    device_info.get_cpu_temp()              # 43.3
    device_info.set_led_color("green")

What a board or its firmware lacks is None and raises nothing: no LoRa on a GPy, no SIM card, a
modem that does not answer. Nothing is done at import. Written against Pycom firmware 1.20.2.r4.
"""

from micropython import const
from ucollections import namedtuple

# The numbers of get_reset_cause
PWRON_RESET = 0
HARD_RESET = 1
WDT_RESET = 2  # also machine.reset()
DEEPSLEEP_RESET = 3
SOFT_RESET = 4
BROWN_OUT_RESET = 5

COLORS = {
    "blue": 0x000010,
    "red": 0x100000,
    "yellow": 0x101000,
    "green": 0x001000,
    "white": 0x101010,
    "off": 0,
}

LteIds = namedtuple("LteIds", ("imei", "iccid", "imsi", "modem_version", "lte_fw_version"))

_AT_MS = const(3000)


def get_device_fw():
    """Return (release, version) of the firmware, such as ("1.20.2.r4", "v1.11-... on ...")."""
    import uos

    name = uos.uname()
    return name.release, name.version


def get_reset_cause():
    """Return why the board has started: one of PWRON_RESET to BROWN_OUT_RESET."""
    import machine

    return machine.reset_cause()


def get_device_id():
    """Return (12 hex digits, 6 bytes): the id of the chip, which is the MAC of its Wi-Fi."""
    import machine

    identity = machine.unique_id()
    return _hex(identity), identity


def get_lora_mac():
    """Return (16 upper-case hex digits, 8 bytes): the DevEUI of the board. (None, None) without.

    A radio in use goes on as it is, but for raw LoRa that listens all the time: it is put to
    sleep, as is a radio that had to be started for this. The EUI reads FFFFFFFFFFFFFFFF where a
    full erase of the board took it away.
    """
    try:
        from network import LoRa
    except ImportError:
        return None, None
    try:
        try:
            lora = LoRa()  # no argument: one that runs is left alone, and a session with it
        except ValueError:  # it does not run, and the board has no region stored
            lora = LoRa(mode=LoRa.LORAWAN, region=LoRa.EU868)
        mac = bytes(lora.mac())
        if lora.power_mode() == LoRa.ALWAYS_ON and not lora.has_joined():
            lora.power_mode(LoRa.SLEEP)
    except (OSError, ValueError) as error:
        _log().warning("no LoRa MAC: %s", error)
        return None, None
    return _hex(mac).upper(), mac


def get_lte_ids():
    """Return LteIds(imei, iccid, imsi, modem_version, lte_fw_version): str, None for what is not.

    modem_version: of the software as a whole ("UE6..."), lte_fw_version: of the radio ("LR6...").
    Takes a second if the modem is up. If it is not, it is started, which takes some seconds more,
    and stays so; if it carries data (PPP), it cannot be asked and all are None. The modem gives
    the SIM card's numbers with the radio off as well. At most half a minute with a mute modem.
    """
    ids = [None] * 5
    try:
        from network import LTE
    except ImportError:
        return LteIds(*ids)
    from utils import at

    try:
        lte = LTE()
        ids[0] = _one(at.exchange(lte, "AT+CGSN", _AT_MS))
        ids[1] = _one(at.exchange(lte, "AT+SQNCCID?", _AT_MS, named=True))
        ids[2] = _one(at.exchange(lte, "AT+CIMI", _AT_MS))
        reply = at.exchange(lte, "ATI1", _AT_MS)
        if reply.ok:
            ids[3:5] = (reply.lines + [None, None])[:2]
    except OSError as error:
        _log().warning("modem: %s", error)
    return LteIds(*ids)


def get_heap_memory():
    """Return (allocated, free) bytes of the interpreter's heap, as it is now: garbage counts."""
    import gc

    return gc.mem_alloc(), gc.mem_free()


def get_cpu_temp(unit_in_celsius=True):
    """Return the temperature of the chip, a float in Cel; with False the sensor's own int.

    The sensor is not calibrated and the chip warms itself: for trends only. None without one.
    """
    import machine

    if not hasattr(machine, "temperature"):
        return None
    raw = machine.temperature()
    return (raw - 32) / 1.8 if unit_in_celsius else raw


def set_defaults(
    heartbeat=False,
    wifi_on_boot=True,
    wdt_on_boot=False,
    wdt_on_boot_timeout_sec=120,
    bt_on_boot=False,
):
    """Set what the board does from its next start on; and at once: LED and Bluetooth.

    heartbeat: the LED blinks. wifi_on_boot: the firmware starts Wi-Fi. wdt_on_boot: it arms a
    watchdog of wdt_on_boot_timeout_sec, 5 to 4294967 seconds. bt_on_boot False: Bluetooth is
    switched off. Pybytes is never started. Settings in flash are written only if they change.
    Raises ValueError for the time, before anything is set.
    """
    from utils import configuration

    if not configuration.is_integer(wdt_on_boot_timeout_sec, 5, 4294967):
        allowed = "an integer 5 to 4294967"
        configuration.refuse("wdt_on_boot_timeout_sec", wdt_on_boot_timeout_sec, allowed)
    import pycom

    pycom.heartbeat(bool(heartbeat))
    for name, value in (
        ("wifi_on_boot", bool(wifi_on_boot)),
        # the time first: a start in between must not meet a watchdog with the old one
        ("wdt_on_boot_timeout", wdt_on_boot_timeout_sec * 1000),
        ("wdt_on_boot", bool(wdt_on_boot)),
        ("pybytes_on_boot", False),
    ):
        setting = getattr(pycom, name, None)  # some are not in every build
        if setting is not None and setting() != value:
            setting(value)
    if not bt_on_boot:
        _stop_bluetooth()


def set_led_color(color):
    """Light the LED: one of COLORS by name, or 0xRRGGBB, also as a text. Its blinking ends.

    Raises ValueError for any other colour.
    """
    from utils import configuration

    shown = color
    if isinstance(color, str):
        shown = COLORS[color] if color in COLORS else _hexadecimal(color)
    if not configuration.is_integer(shown, 0, 0xFFFFFF):
        allowed = ", ".join(sorted(COLORS)) + ", 0 to 0xFFFFFF"
        configuration.refuse("color", color, allowed)
    import pycom

    try:
        if pycom.heartbeat():  # while it blinks the firmware refuses
            pycom.heartbeat(False)
        pycom.rgbled(shown)
    except OSError:  # a build without the LED
        pass


def wdt_reset():
    """Feed the watchdog, if the application armed one and gave it to utils.timing."""
    from utils import timing

    timing.feed()


def _one(reply):
    """The only field of the only line of a reply; None if there is none or it is empty."""
    from utils import at

    if not reply.ok or not reply.lines:
        return None
    return at.fields(reply.lines[0])[0] or None


def _hexadecimal(text):
    """The number behind 0x; None if there is none."""
    try:
        return int(text, 16) if text[:2].lower() == "0x" else None
    except ValueError:
        return None


def _stop_bluetooth():
    try:
        from network import Bluetooth

        Bluetooth().deinit()
    except (ImportError, OSError):  # not in this build, or not running
        pass


def _hex(data):
    import ubinascii

    return ubinascii.hexlify(data).decode()


def _log():
    from utils import logging

    return logging.Logger("device")
