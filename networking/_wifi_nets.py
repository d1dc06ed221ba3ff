"""Known Wi-Fi networks of networking/wifi.py: the keys of an entry, and their check.

A known network is an entry `ssid: {...}` with

pwd          str, 8 to 63 characters: passphrase, or password of the user; absent: open network
user         str, 1 to 127 characters: WPA2-Enterprise with name and password (PEAP or TTLS)
identity     str, 1 to 127 characters: outer identity of WPA2-Enterprise; default: the user
ca_certs     str, optional: file with the CA of the WPA2-Enterprise server; without it any
             server is trusted. Firmware 1.20.2.r0 to r4 cannot read it
wlan_config  optional (ip, mask, gateway, dns), dotted text: instead of DHCP
channel      optional int, 1 to 13: the channel to search first when there is no scan
"""

from micropython import const

from utils.configuration import is_integer

_OPEN = const(0)  # wifi_auth_mode_t of ESP-IDF, as scan() reports it
_WEP = const(1)
_ENTERPRISE = const(5)
_KEYS = ("pwd", "user", "identity", "ca_certs", "wlan_config", "channel")


def pairs(known_nets):
    return known_nets.items() if isinstance(known_nets, dict) else known_nets


def suits(entry, security):
    """True if the protection is as configured: an open or a WEP network may be a forgery."""
    if "user" in entry:
        return security == _ENTERPRISE
    if "pwd" in entry:
        return _WEP < security < _ENTERPRISE
    return security == _OPEN


def _is_text(value, least, most):
    return isinstance(value, str) and least <= len(value.encode()) <= most


def _is_file(path):
    import uos

    try:
        return bool(uos.stat(path))
    except (OSError, TypeError):
        return False


def _unread():
    """Return the release if its WLAN.connect() reads no certificate, else None.

    From 1.20.2 on it relies on a file that nothing reads; r5 mends that, 1.20.3 does not (tags of
    the firmware, esp32/mods/modwlan.c).
    """
    import uos

    release = uos.uname().release
    reads = release < "1.20.2" or "1.20.2.r5" <= release < "1.20.2.rc"
    return None if reads else release


def problems(known_nets):
    """Return one text per problem, none of which shows a password."""
    found = []
    if not isinstance(known_nets, (dict, list, tuple)) or not known_nets:
        return ["known networks: allowed: a dict {ssid: {...}}, or a list of (ssid, {...})"]
    for pair in pairs(known_nets):
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            found.append("known network: allowed: (ssid, {...})")
            continue
        ssid, entry = pair
        if not _is_text(ssid, 1, 32):
            found.append("ssid = %r; allowed: str of 1 to 32 bytes" % (ssid,))
        elif not isinstance(entry, dict):
            found.append("%s: allowed: a dict" % ssid)
        else:
            _check_entry(ssid, entry, found)
    return found


def _check_entry(ssid, entry, found):
    from utils import address

    pwd = entry.get("pwd")
    config = entry.get("wlan_config")
    enterprise = "user" in entry
    if ("pwd" in entry or enterprise) and not _is_text(pwd, 1 if enterprise else 8, 63):
        text = "%s: pwd; allowed: str of %d to 63 characters"
        found.append(text % (ssid, 1 if enterprise else 8))
    for name in ("user", "identity", "ca_certs"):
        if name in entry and not (enterprise and _is_text(entry[name], 1, 127)):
            text = "%s: %s; allowed: str of 1 to 127, beside user and pwd"
            found.append(text % (ssid, name))
    if "ca_certs" in entry and _unread():
        text = "%s: ca_certs = %r; firmware %s never reads the file and would not connect; r5 does"
        found.append(text % (ssid, entry["ca_certs"], _unread()))
    elif "ca_certs" in entry and not _is_file(entry["ca_certs"]):
        found.append("%s: ca_certs = %r; no such file" % (ssid, entry["ca_certs"]))
    if "channel" in entry and not is_integer(entry["channel"], 1, 13):
        found.append("%s: channel = %r; allowed: 1 to 13" % (ssid, entry["channel"]))
    if config is not None and not (
        isinstance(config, (list, tuple))
        and len(config) == 4
        and all(address.family(each) == 2 for each in config)
    ):
        text = "%s: wlan_config = %r; allowed: (ip, mask, gateway, dns), dotted text"
        found.append(text % (ssid, config))
    for name in entry:
        if name not in _KEYS:
            found.append("%s: unknown key %r; allowed: %s" % (ssid, name, ", ".join(_KEYS)))
