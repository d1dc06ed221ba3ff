"""pycom of the firmware: LED, NVS, settings stored in flash, boot manager, image update.

Source: Pycom firmware 1.20.2.r4, esp32/mods/modpycom.c, pycom_config.c, ftp/updater.c.
"""

from _arguments import assign, data_of, forward, to_int
from _board import call
from _pin import pin_named
from _texts import BADVAL

FACTORY = 0
OTA_0 = 1
FAT = 0
LittleFS = 1


def heartbeat(*on):
    state = call("system.heartbeat", bool(on[0]) if on else None)
    return None if on else state


def rgbled(*colour):
    shown = call("system.rgbled", to_int(colour[0]) if colour else None)
    return None if colour else shown


def nvs_set(key, value):
    if isinstance(value, bool) or not isinstance(value, (int, str, bytes)):
        raise ValueError("Value must be string, bytes or integer")
    call("nvs.set", key, value)


def nvs_get(key, *default):
    found = call("nvs.get", key)
    if found:
        return found[0]
    if default:
        return default[0]
    raise ValueError("No matching object for the provided key")


nvs_erase = forward("nvs.erase", 1)
nvs_erase_all = forward("nvs.erase_all")


def _setting(name, convert=None):
    """A function that reads a stored setting, or writes what it is given."""

    def access(*value):
        if not value:
            return call("config.get", name)
        call("config.set", name, convert(value[0]) if convert else value[0])

    return access


def _wifi_setting(name, fits):
    """The same of a setting of Wi-Fi: a value that it cannot have changes nothing."""
    access = _setting(name)
    return lambda *value: access(*value) if not value or fits(value[0]) else None


def _is_mode(mode):
    return to_int(mode) & 0xFF in (0, 1, 2, 3)


def _is_text(text):
    return text is None or isinstance(text, str)


def wifi_on_boot(*value):
    """wifi_on_boot(on, now): with `now` a change is carried out at once."""
    before = call("config.get", "wifi_on_boot")
    if not value:
        return before
    on = bool(value[0])
    if on != before:
        call("config.set", "wifi_on_boot", on)
        if len(value) > 1 and value[1]:
            call("wlan.boot" if on else "wlan.deinit")
    return None


heartbeat_on_boot = _setting("heartbeat_on_boot", bool)
wifi_mode_on_boot = _wifi_setting("wifi_mode_on_boot", _is_mode)
wifi_ssid_sta = _wifi_setting("wifi_ssid_sta", _is_text)
wifi_ssid_ap = _wifi_setting("wifi_ssid_ap", _is_text)
wifi_pwd_sta = _wifi_setting("wifi_pwd_sta", _is_text)
wifi_pwd_ap = _wifi_setting("wifi_pwd_ap", _is_text)
wdt_on_boot = _setting("wdt_on_boot", bool)
wdt_on_boot_timeout = _setting("wdt_on_boot_timeout")
lte_modem_en_on_boot = _setting("lte_modem_en_on_boot", bool)
pybytes_on_boot = _setting("pybytes_on_boot", bool)
smart_config_on_boot = _setting("smart_config_on_boot", bool)


def _unprovisioned(empty):
    """What Pybytes builds read of a config block that nothing was ever written to."""
    return lambda: empty


pybytes_device_token = _unprovisioned("")
pybytes_mqttServiceAddress = _unprovisioned("")  # noqa: N816 - the firmware's name
pybytes_userId = _unprovisioned("")  # noqa: N816
pybytes_network_preferences = _unprovisioned("")
pybytes_extra_preferences = _unprovisioned("")
pybytes_force_update = _unprovisioned(False)
pybytes_lte_config = _unprovisioned((None, None, 1, None, None, False))


def get_free_heap():
    return tuple(call("system.free_heap"))


def pulses_get(pin, timeout):
    return [tuple(pulse) for pulse in call("pins.pulses", pin_named(pin).id(), timeout)]


_NOT_GIVEN = 255
_BOOTMGR = (
    ("boot_partition", to_int, _NOT_GIVEN),
    ("fs_type", to_int, _NOT_GIVEN),
    ("safeboot", to_int, _NOT_GIVEN),
    ("reset", bool, False),
)
_SAFE_BOOT_SW = 2


def bootmgr(*args, **keywords):
    """A value that is set already is an error, but for fs_type. Another boot partition resets the
    board at once, the others only with reset=True."""
    partition, fs_type, safeboot, reset = assign(_BOOTMGR, 0, args, keywords)
    active, safe = call("config.get", "boot_partition"), call("config.get", "safeboot")
    if (partition, fs_type, safeboot) == (_NOT_GIVEN, _NOT_GIVEN, _NOT_GIVEN):
        return (
            ("Factory", "ota_0")[active],
            ("FAT", "LittleFS")[call("config.fs_type")],
            "SafeBoot: " + str(bool(safe)),
            "Status: Ready",
        )
    if partition != _NOT_GIVEN and (partition not in (FACTORY, OTA_0) or partition == active):
        raise ValueError("Error invalid boot partition! or partition already active!")
    if safeboot != _NOT_GIVEN and (safeboot not in (0, 1) or safeboot == safe):
        raise ValueError("Error safeboot must be True or False!")
    changed = False
    if fs_type != _NOT_GIVEN:
        if fs_type not in (FAT, LittleFS):
            raise ValueError("Error invalid filesystem type!")
        if fs_type != call("config.fs_type"):
            call("config.set", "boot_fs_type", fs_type)
            changed = True
    if safeboot != _NOT_GIVEN:
        call("config.set", "safeboot", _SAFE_BOOT_SW if safeboot else 0)
        changed = True
    if partition != _NOT_GIVEN:
        call("config.set", "boot_partition", partition)
        call("system.reset")
    if changed and reset:
        call("system.reset")


ota_start = forward("ota.start")
ota_finish = forward("ota.finish")
ota_verify = forward("ota.verify")
ota_slot = forward("ota.slot")


def ota_write(buf):
    call("ota.write", data_of(buf))


def diff_update_enabled():
    return False


def sigfox_info():
    return False


def create_128bit_le_uuid_from_string(text):
    """Up to 16 characters as bytes, the unused end filled with zeros."""
    data = text.encode()
    if len(data) > 16:
        raise ValueError(BADVAL)
    return data + bytes(16 - len(data))
