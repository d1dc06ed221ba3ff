"""The board: identity, reset cause, memory, temperature; LED, watchdog, start options.

    from utils import device_info
    device_info.get_device_id()             # ("240ac4a1b2c3", b"...")
    device_info.get_lte_ids().imei          # "354347091234567"
    device_info.get_cpu_temp()              # 43.3
    device_info.set_led_color("green")

A value that the board lacks is None, and nothing is raised: no LoRa on a GPy, no SIM card, a modem
that does not answer. Nothing happens at import. Written against Pycom firmware 1.20.2.r4.
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
    """Return (16 upper-case hex digits, 8 bytes): the DevEUI of the board; or (None, None).

    A radio in use stays as it is, with one exception: raw LoRa that listens all the time is put to
    sleep. A radio that had to be started for this call is put to sleep, too. The EUI reads
    FFFFFFFFFFFFFFFF after a full erase of the board.
    """
    try:
        from network import LoRa
    except ImportError:
        return None, None
    try:
        try:
            lora = LoRa()  # without arguments a running radio and its session go on
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
    """Return LteIds(imei, iccid, imsi, modem_version, lte_fw_version): str, None if unknown.

    modem_version: of the software as a whole ("UE6..."), lte_fw_version: of the radio ("LR6...").
    Takes 1 s if the modem is up. Otherwise the modem is started, which takes some seconds more,
    and stays on. In data state (PPP) it cannot be asked, and all values are None. The SIM card's
    numbers are available with the radio off, too. A mute modem blocks for half a minute at most.
    """
    ids = [None] * 5
    try:
        from network import LTE
    except ImportError:
        return LteIds(*ids)
    from utils import at

    try:
        lte = LTE()
        ids[0] = _id(at.exchange(lte, "AT+CGSN", _AT_MS), 15, 15)
        ids[1] = _id(at.exchange(lte, "AT+SQNCCID?", _AT_MS, named=True), 19, 20)
        ids[2] = _id(at.exchange(lte, "AT+CIMI", _AT_MS), 14, 15)
        reply = at.exchange(lte, "ATI1", _AT_MS)
        ids[3:5] = _version(reply, "UE"), _version(reply, "LR")
    except OSError as error:
        _log().warning("modem: %s", error)
    return LteIds(*ids)


def get_heap_memory():
    """Return (allocated, free) bytes of the interpreter's heap. Garbage counts as allocated."""
    import gc

    return gc.mem_alloc(), gc.mem_free()


def get_cpu_temp(unit_in_celsius=True):
    """Return the temperature of the chip, a float in Cel; with False the sensor's raw int.

    The sensor is not calibrated and the chip warms itself: for trends only. None without a sensor.
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
    """Set the start options of the board. LED and Bluetooth change at once.

    heartbeat: the LED blinks. wifi_on_boot: the firmware starts Wi-Fi. wdt_on_boot: it arms a
    watchdog of wdt_on_boot_timeout_sec, 5 to 4294967 seconds. bt_on_boot False: Bluetooth is
    switched off. Pybytes is never started. Settings in flash are written only if they change.
    Raises ValueError for a wrong time, before anything is set.
    """
    from utils import configuration

    if not configuration.is_integer(wdt_on_boot_timeout_sec, 5, 4294967):
        allowed = "an integer 5 to 4294967"
        configuration.refuse("wdt_on_boot_timeout_sec", wdt_on_boot_timeout_sec, allowed)
    import pycom

    pycom.heartbeat(bool(heartbeat))
    for name, value in (
        ("wifi_on_boot", bool(wifi_on_boot)),
        # the time first: a reset in between must not arm the watchdog with the old time
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
    """Light the LED: a name of COLORS, or 0xRRGGBB as int or text. It stops blinking.

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


def _id(reply, least, most):
    """Return the first field of a reply that has this number of digits, or None.

    IMEI: 3GPP TS 23.003 6; IMSI: 2.2; ICCID: ITU-T E.118, on cards with an even number of places,
    the last of which may be an F.
    """
    from utils import at

    for line in reply.lines if reply.ok else ():
        value = at.fields(line)[0]
        if value[-1:] in ("F", "f"):
            value = value[:-1]
        if at.is_digits(value, least, most):
            return value
    return None


def _version(reply, start):
    """Return the line that begins with `start` and a digit, or None."""
    for line in reply.lines if reply.ok else ():
        if line.startswith(start) and "0" <= line[len(start) : len(start) + 1] <= "9":
            return line
    return None


def _hexadecimal(text):
    """Return the number after 0x; None if there is none."""
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
