"""network.WLAN and network.Server: the thin faces of service "wlan".

Only what belongs to the interpreter is done here: arguments, their checks and the waiting.
Source: Pycom firmware 1.20.2.r4, esp32/mods/modwlan.c, modnetwork.c.
"""

from _arguments import (
    REQUIRED,
    OnlyOne,
    as_is,
    assign,
    method,
    setting,
    to_int,
    to_sequence,
    to_text,
)
from _board import call
from _texts import BADVAL, NA, NOTPOSS

_SCAN_LOOK_US = 20000
_SSID_MOST = 32
_OUT_OF_TIME = 2

_INIT = (
    ("mode", to_int, 1),
    ("ssid", to_text, None),
    ("auth", as_is, None),
    ("channel", to_int, 1),
    ("antenna", as_is, None),
    ("power_save", bool, False),
    ("hidden", bool, False),
    ("bandwidth", to_int, 2),
    ("max_tx_pwr", to_int, 0),
    ("country", as_is, None),
)
_NEW = (("id", to_int, 0),) + _INIT
_CONNECT = (
    ("ssid", to_text, REQUIRED),
    ("auth", as_is, None),
    ("bssid", as_is, None),
    ("timeout", as_is, None),
    ("ca_certs", to_text, None),
    ("keyfile", to_text, None),
    ("certfile", to_text, None),
    ("identity", to_text, None),
    ("hostname", to_text, None),
    ("channel", to_int, 0),
)
_SCAN = (
    ("ssid", to_text, None),
    ("bssid", as_is, None),
    ("channel", to_int, 0),
    ("show_hidden", bool, False),
    ("type", as_is, None),
    ("scantime", as_is, None),
)
_IFCONFIG = (("id", to_int, 0), ("config", as_is, None))


def _check_ssid(ssid):
    if ssid is not None and len(ssid.encode()) > _SSID_MOST:
        raise ValueError(BADVAL)
    return ssid


def _in_range(least, most):
    """A check of a setting that is one of the integers from `least` to `most`."""

    def check(value):
        value = to_int(value)
        if not least <= value <= most:
            raise ValueError(BADVAL)
        return value

    return check


_check_mode = _in_range(1, 3)
_check_channel = _in_range(1, 14)
_check_antenna = _in_range(0, 2)
_check_bandwidth = _in_range(1, 2)


def _key_of(auth):
    """(security, key) of an access point of our own."""
    if auth is None:
        return None
    security, key = to_sequence(auth, 2)
    key = to_text(key)
    if not 8 <= len(key) <= 32:
        raise ValueError("invalid key length")
    return [to_int(security), key]


def _credentials(auth):
    """(security, user, key) as connect() takes them; security None: whatever the network has."""
    if auth is None:
        return None, None, None
    bad = ValueError("invalid authentication tuple")
    auth = to_sequence(auth, 0, 9)
    if not 1 <= len(auth) <= 3:
        raise bad
    security = None if auth[0] is None else to_int(auth[0])
    enterprise = security == WLAN.WPA2_ENT
    if enterprise != (len(auth) != 2):
        raise bad
    if len(auth) == 1:
        return security, None, None
    if len(auth) == 2:
        return security, None, to_text(auth[1])
    return security, to_text(auth[1]), to_text(auth[2])


def _check_enterprise(user, keyfile, certfile, identity):
    by_certificate = keyfile is not None and certfile is not None
    if by_certificate == (user is not None):
        raise ValueError("invalid WAP2_ENT credentials")
    if identity is None:
        raise ValueError("indentiy required for WPA2_ENT authentication")
    if len(identity) > 127:
        raise ValueError("invalid identity length {}".format(len(identity)))


def _check_files(names):
    import uos

    for name in names:
        if name is not None:
            try:
                uos.stat(name)
            except OSError:
                raise ValueError("invalid file path")


def _named(kind, fields, values):
    from ucollections import namedtuple

    return namedtuple(kind, fields)(*values)


class WLAN(OnlyOne):
    """The one Wi-Fi interface; every WLAN(...) is the same object."""

    STA, AP, STA_AP = range(1, 4)
    WEP, WPA, WPA2, WPA2_ENT = 1, 2, 3, 5
    INT_ANT, EXT_ANT, MAN_ANT = range(3)
    HT20, HT40 = range(1, 3)
    SCAN_ACTIVE, SCAN_PASSIVE = range(2)

    def __init__(self, *args, **keywords):
        values = assign(_NEW, 1, args, keywords)
        if keywords or not call("wlan.started"):
            if values[0] != 0:
                raise OSError(NA)
            self._start(values[1:])

    def init(self, *args, **keywords):
        self._start(assign(_INIT, 0, args, keywords))

    def _start(self, values):
        mode, ssid, auth, channel, antenna = values[:5]
        _check_mode(mode)
        _check_ssid(ssid)
        own_key = None if mode == WLAN.STA and auth is None else auth
        if mode != WLAN.STA:
            own_key = _key_of(auth)
            if own_key and own_key[0] == WLAN.WPA2_ENT:
                raise ValueError("WPA2_ENT not supported in AP mode")
        _check_channel(channel)
        antenna = WLAN.MAN_ANT if antenna is None else _check_antenna(antenna)
        if mode != WLAN.STA and ssid is None:
            raise ValueError("AP SSID not given")
        names = [each[0] for each in _INIT]
        settings = dict(zip(names, values))
        settings["auth"] = own_key if mode != WLAN.STA else None
        settings["ssid"] = ssid or ""
        settings["antenna"] = antenna
        settings["country"] = None
        call("wlan.init", settings)
        if mode == WLAN.STA and ssid is not None:
            self.connect(ssid, auth=auth, timeout=30000)

    deinit = method("wlan.deinit")

    # as a station

    def connect(self, *args, **keywords):
        _not_as_access_point()
        values = assign(_CONNECT, 2, args, keywords)
        ssid, auth, bssid, timeout, ca_certs, keyfile, certfile, identity, hostname, channel = (
            values
        )
        _check_ssid(ssid)
        security, user, key = _credentials(auth)
        if security == WLAN.WPA2_ENT:
            _check_enterprise(user, keyfile, certfile, identity)
            _check_files((ca_certs, keyfile, certfile))
        bssid = None if bssid is None else bytes(bssid)
        if hostname is not None:
            call("wlan.set", "hostname", hostname)
        timeout = -1 if timeout is None else to_int(timeout)
        enterprise = security == WLAN.WPA2_ENT
        call("wlan.connect", ssid, key, user, enterprise, bssid, channel, timeout)

    def disconnect(self):
        _not_as_access_point()
        call("wlan.disconnect")

    def isconnected(self):
        if call("wlan.get", "mode") == WLAN.AP:
            return False  # nobody ever joins the board's own network here
        state = call("wlan.isconnected")
        if state == _OUT_OF_TIME:
            from usocket import timeout

            raise timeout("Connection to AP Timeout!")
        return bool(state)

    def scan(self, *args, **keywords):
        ssid, bssid, channel, show_hidden, kind, scantime = assign(_SCAN, 0, args, keywords)
        if bssid is not None and not isinstance(bssid, bytes):
            raise ValueError("invalid bssid")
        if scantime is not None:
            scantime = _scan_time(scantime, kind == WLAN.SCAN_PASSIVE)
        _not_as_access_point()
        wanted = {
            "ssid": _check_ssid(ssid),
            "bssid": bssid,
            "channel": channel,
            "show_hidden": show_hidden,
            "scantime": scantime,
        }
        call("wlan.scan_start", wanted)
        found = call("wlan.scan_result")
        while found is None:
            call("rtc.sleep_us", _SCAN_LOOK_US)  # interpreter unlocked
            found = call("wlan.scan_result")
        fields = ("ssid", "bssid", "sec", "channel", "rssi")
        return [_named("wlan", fields, each) for each in found]

    def joined_ap_info(self):
        found = call("wlan.joined")
        if found is None:
            raise OSError(NOTPOSS)
        fields = ("bssid", "ssid", "primary_chn", "rssi", "auth", "standard")
        bssid, ssid, channel, rssi, auth = found
        return _named("ap_info", fields, (bssid, ssid, channel, rssi, auth, 1))

    # settings

    def ifconfig(self, *args, **keywords):
        interface, config = assign(_IFCONFIG, 2, args, keywords)
        if not 0 <= interface <= 1:
            raise OSError(NA)
        if config is None:
            return tuple(call("wlan.ifconfig", interface, None))
        if isinstance(config, tuple):
            config = [_address(each) for each in to_sequence(config, 4)]
        elif to_text(config) not in ("dhcp", "auto"):
            raise ValueError(BADVAL)
        call("wlan.ifconfig", interface, config)

    mode = setting("wlan", "mode", _check_mode)
    ssid = setting("wlan", "ssid", lambda ssid: _check_ssid(to_text(ssid)))
    channel = setting("wlan", "channel", _check_channel)
    antenna = setting("wlan", "antenna", _check_antenna)
    hostname = setting("wlan", "hostname", to_text)
    bandwidth = setting("wlan", "bandwidth", _check_bandwidth)
    max_tx_power = setting("wlan", "max_tx_pwr")

    def bssid(self):
        return call("wlan.get", "bssid")

    def auth(self, *auth):
        if auth:
            call("wlan.set", "auth", _key_of(auth[0]))
            return None
        found = call("wlan.get", "sta_auth") or call("wlan.get", "auth")
        return None if not found or not found[0] else tuple(found)

    def mac(self):
        return _named("mac", ("sta_mac", "ap_mac"), call("wlan.mac"))


def _scan_time(given, passive):
    """Most milliseconds on a channel: (least, most) of an active scan, one int of a passive."""
    if passive and isinstance(given, int) and given >= 0:
        return given
    if not passive and isinstance(given, tuple) and len(given) == 2:
        return to_int(given[1])
    raise ValueError("invalid scan timings")


def _not_as_access_point():
    if call("wlan.get", "mode") == WLAN.AP:
        raise OSError(NOTPOSS)


def _address(text):
    """A dotted IPv4 address, as lib/netutils takes it."""
    parts = to_text(text).split(".")
    for part in parts:
        if not part.isdigit() or int(part) > 255:
            raise ValueError("invalid arguments")
    if len(parts) != 4:
        raise ValueError("invalid arguments")
    return text


class Server:
    """The FTP and telnet servers (user micro, password python), up as soon as Wi-Fi is."""

    def __init__(self, *args, **keywords):
        self.init(*args, **keywords)

    def init(self, *args, **keywords):
        call("wlan.servers", True)

    def deinit(self):
        call("wlan.servers", False)

    def isrunning(self):
        return call("wlan.servers", None)

    def timeout(self, seconds=None):
        return 300 if seconds is None else None
