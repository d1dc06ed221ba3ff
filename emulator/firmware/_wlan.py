"""network.WLAN and network.Server: the thin faces of service "wlan".

Only what belongs to the interpreter is done here: arguments, their checks and the waiting. Checks
come in the firmware's order, and where it has none there is none here. Not here: SmartConfig, a
MAC to set, and what sends and catches raw frames.
Source: Pycom firmware 1.20.2.r4, esp32/mods/modwlan.c, modnetwork.c; r5 for certificates.
"""

from _arguments import (
    REQUIRED,
    OnlyOne,
    as_is,
    assign,
    attrtuple,
    method,
    set_handler,
    setting,
    to_int,
    to_sequence,
    to_text,
)
from _board import call
from _texts import BADNUM, BADVAL, FAILED, NA, NOTPOSS

_SCAN_LOOK_US = 20000
_SSID_MOST = 32
_OUT_OF_TIME = 2

_ANY_SECURITY = 6  # WIFI_AUTH_MAX of ESP-IDF
_MANUAL = 2


def _to_str(value):
    """mp_obj_str_get_str, which refuses None as well."""
    if value is None:
        raise TypeError("can't convert 'NoneType' object to str implicitly")
    return to_text(value)


def _to_bssid(value):
    """The same of a BSSID, of which six bytes are copied."""
    return (value if isinstance(value, bytes) else _to_str(value).encode())[:6]


def _optional(convert):
    """An argument that may be None."""
    return lambda value: None if value is None else convert(value)


_INIT = (
    ("mode", to_int, 1),
    ("ssid", _to_str, None),
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
    ("ssid", _to_str, REQUIRED),
    ("auth", as_is, None),
    ("bssid", _optional(_to_bssid), None),
    ("timeout", _optional(to_int), None),
    ("ca_certs", to_text, None),
    ("keyfile", to_text, None),
    ("certfile", to_text, None),
    ("identity", to_text, None),
    ("hostname", to_text, None),
    ("channel", _optional(to_int), None),
)
_SCAN = (
    ("ssid", to_text, None),
    ("bssid", as_is, None),
    ("channel", _optional(to_int), None),
    ("show_hidden", _optional(to_int), None),
    ("type", _optional(to_int), None),
    ("scantime", as_is, None),
)
_SERVER = (
    ("id", to_int, 0),
    ("login", as_is, ("micro", "python")),
    ("timeout", to_int, 300),
)
_PACKET = (
    "rssi", "rate", "sig_mode", "mcs", "cwb", "aggregation", "stbc", "fec_coding", "sgi",
    "noise_floor", "ampdu_cnt", "channel", "sec_channel", "time_stamp", "ant", "sig_len",
    "rx_state", "data",
)  # fmt: skip
_LOGIN_MOST = 32
_TIMEOUT_LEAST_MS = 5000
_IFCONFIG = (("id", to_int, 0), ("config", as_is, REQUIRED))
_COUNTRY = (
    ("country", to_text, None),
    ("schan", _optional(to_int), None),
    ("nchan", _optional(to_int), None),
    ("max_tx_pwr", _optional(to_int), None),
    ("policy", _optional(to_int), None),
)


def _check_ssid(ssid):
    if ssid is not None and len(ssid.encode()) > _SSID_MOST:
        raise ValueError(BADVAL)
    return ssid


def _in_range(least, most, text=BADVAL):
    """A check of a setting that is one of the integers from `least` to `most`."""

    def check(value):
        value = to_int(value) & 0xFF
        if not least <= value <= most:
            raise ValueError(text.format(value))
        return value

    return check


_check_mode = _in_range(1, 3)
_check_channel = _in_range(1, 14)
_check_antenna = _in_range(0, 2, "invalid antenna type {}")
_check_bandwidth = _in_range(1, 2)
_check_policy = _in_range(0, 1, "Invalid Country Policy!")


def _key_of(auth):
    """(security, key) of WLAN() and auth(), (0, "") without any."""
    if auth is None:
        return 0, ""
    security, key = to_sequence(auth, 2)
    return to_int(security), _to_str(key)


def _check_hostname(name):
    if not 1 <= len(name) <= _SSID_MOST:
        raise ValueError(BADVAL)
    return name


def _check_country(name):
    if len(name) > 2:
        raise ValueError("Wrong Country string length!")
    return name


def _country_of(given):
    """The value of WLAN(country=...): (name, first channel, number of channels, policy)."""
    if given is None:
        return None
    if type(given) is not tuple:
        raise TypeError(BADNUM)
    if len(given) < 4:
        call("wlan.undefined", "WLAN(country=...) reads behind the end of a short tuple")
    name, first, count, policy = given[:4]
    name, first, count, policy = _to_str(name), to_int(first), to_int(count), to_int(policy)
    _check_country(name)
    return [name, _check_channel(first), _check_channel(count), 20, _check_policy(policy)]


def _credentials(auth):
    """(security, user, key) as connect() takes them; _ANY_SECURITY: whatever the network has."""
    if auth is None:
        return _ANY_SECURITY, None, None
    auth = to_sequence(auth)
    count = len(auth)
    if not 1 <= count <= 3:
        raise ValueError("invalid authentication tuple")
    security = _ANY_SECURITY if count == 2 and auth[0] is None else to_int(auth[0])
    if (security == WLAN.WPA2_ENT) != (count != 2):
        raise ValueError("invalid authentication tuple")
    if count == 1:
        return security, None, None
    if count == 2:
        return security, None, _to_str(auth[1])
    return security, to_text(auth[1]), to_text(auth[2])


def _check_enterprise(user, keyfile, certfile, identity):
    by_certificate = keyfile is not None and certfile is not None
    if by_certificate == (user is not None):
        raise ValueError("invalid WAP2_ENT credentials")
    if identity is None:
        raise ValueError("indentiy required for WPA2_ENT authentication")
    if len(identity) > 127:
        raise ValueError("invalid identity length {}".format(len(identity)))


def _read_files(ca_certs, keyfile, certfile):
    """From r5 on connect() reads them. Up to r4 it does not, and so has none."""
    import uos

    wanted = [("certificate", ca_certs)]
    if keyfile is not None and certfile is not None:
        wanted += [("device key certificate", keyfile), ("device client certificate", certfile)]
    release = uos.uname().release
    for what, name in wanted:
        if name is None:
            continue
        if release < "1.20.2.r5":
            raise ValueError("invalid file path")
        try:
            uos.stat(name)
        except OSError:
            raise OSError(what + " file not found")


class WLAN(OnlyOne):
    """The one Wi-Fi interface; every WLAN(...) is the same object."""

    STA, AP, STA_AP = range(1, 4)
    WEP, WPA, WPA2, WPA2_ENT = 1, 2, 3, 5
    INT_ANT, EXT_ANT, MAN_ANT = range(3)
    HT20, HT40 = range(1, 3)
    SCAN_ACTIVE, SCAN_PASSIVE = range(2)
    PHY_11_B, PHY_11_G, PHY_11_N, PHY_LOW_RATE = range(1, 5)
    COUNTRY_POL_AUTO, COUNTRY_POL_MAN = range(2)
    SECONDARY_CHN_NONE, SECONDARY_CHN_ABOVE, SECONDARY_CHN_BELOW = range(3)

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
        power_save, hidden, bandwidth, max_tx_pwr, country = values[5:]
        _check_mode(mode)
        _check_ssid(ssid)
        security, key = _key_of(auth)
        if auth is not None and not 8 <= len(key) <= 32:
            raise ValueError("invalid key length")
        _check_channel(channel)
        antenna = _MANUAL if antenna is None else _check_antenna(antenna)
        if mode != WLAN.STA:
            if ssid is None:
                raise ValueError("AP SSID not given")
            if security == WLAN.WPA2_ENT:
                raise ValueError("WPA2_ENT not supported in AP mode")
        _check_bandwidth(bandwidth)
        settings = {
            "mode": mode,
            "antenna": antenna,
            "power_save": power_save,
            "hidden": hidden,
            "bandwidth": bandwidth,
            "country": _country_of(country),
        }
        if max_tx_pwr > 0:
            settings["max_tx_pwr"] = max_tx_pwr
        if mode != WLAN.STA:
            settings.update(ssid=ssid, security=security, key=key, channel=channel)
        call("wlan.init", settings)
        if mode != WLAN.AP and ssid is not None:
            if security == WLAN.WPA2_ENT:
                call(
                    "wlan.undefined", "WLAN(ssid=...) has no identity for WPA2_ENT and reads NULL"
                )
            call("wlan.connect", ssid, key or None, None, False, None, 0, 30000, security)

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
        enterprise = security == WLAN.WPA2_ENT
        if hostname is not None:
            _check_hostname(hostname)
        if enterprise:
            _check_enterprise(user, keyfile, certfile, identity)
            call("wlan.leave")  # what follows begins so
            _read_files(ca_certs, keyfile, certfile)
            if (user is None) != (key is None):
                call("wlan.undefined", "WLAN.connect() reads a user or a password at NULL")
        if hostname is not None:
            call("wlan.set", "hostname", hostname)
        timeout = -1 if timeout is None else timeout
        channel = (channel or 0) & 0xFF
        call("wlan.connect", ssid, key, user, enterprise, bssid, channel, timeout, security)

    def disconnect(self):
        _not_as_access_point()
        call("wlan.disconnect")

    def isconnected(self):
        state = call("wlan.isconnected")
        if state == _OUT_OF_TIME:
            from usocket import timeout

            raise timeout("Connection to AP Timeout!")
        return bool(state)

    def scan(self, *args, **keywords):
        ssid, bssid, channel, show_hidden, kind, scantime = assign(_SCAN, 0, args, keywords)
        if bssid is not None and not isinstance(bssid, bytes):
            raise ValueError("invalid bssid")
        if kind is None:  # a station that is associated listens only
            passive = call("wlan.get", "mode") == WLAN.STA and call("wlan.get", "associated")
        else:
            passive = kind == WLAN.SCAN_PASSIVE
        if scantime is not None:
            scantime = _scan_time(scantime, passive)
        _not_as_access_point()
        wanted = {
            "ssid": ssid,
            "bssid": bssid,
            "channel": (channel or 0) & 0xFF,
            "show_hidden": (show_hidden or 0) >= 1,
            "scantime": scantime,
            "passive": passive,
        }
        call("wlan.scan_start", wanted)
        found = call("wlan.scan_result")
        while found is None:
            call("rtc.sleep_us", _SCAN_LOOK_US)  # interpreter unlocked
            found = call("wlan.scan_result")
        fields = ("ssid", "bssid", "sec", "channel", "rssi")
        return [attrtuple(fields, each) for each in found]

    def joined_ap_info(self):
        found = call("wlan.joined")
        if found is None:
            raise OSError(NOTPOSS)
        fields = ("bssid", "ssid", "primary_chn", "rssi", "auth", "standard")
        bssid, ssid, channel, rssi, auth = found
        return attrtuple(fields, (bssid, ssid, channel, rssi, auth, 1))

    # settings

    def ifconfig(self, *args, **keywords):
        given = len(args) > 1 or "config" in keywords
        table = _IFCONFIG if given else _IFCONFIG[:1]
        interface = assign(table, 2, args, keywords)[0]
        if interface > 1:
            raise OSError(NA)
        interface = 1 if interface else 0
        if not given:
            return tuple(call("wlan.ifconfig", interface, None))
        config = args[1] if len(args) > 1 else keywords["config"]
        if type(config) is tuple:
            config = [_address(each) for each in to_sequence(config, 4)]
        elif _to_str(config) not in ("dhcp", "auto"):
            raise ValueError(BADVAL)
        call("wlan.ifconfig", interface, config)

    mode = setting("wlan", "mode", _check_mode)
    antenna = setting("wlan", "antenna", _check_antenna)

    def ssid(self, *ssid):
        if ssid:
            call("wlan.set", "ssid", _check_ssid(_to_str(ssid[0])))
            return None
        mode = call("wlan.get", "mode")
        as_station, as_access_point = call("wlan.get", "ssids")
        if mode == WLAN.STA_AP:
            return as_station, as_access_point
        return as_station if mode == WLAN.STA else as_access_point

    def channel(self, *channels):
        if not channels:
            return call("wlan.get", "channel")
        mode = call("wlan.get", "mode")
        if mode == WLAN.AP:
            call("wlan.set", "channel", _check_channel(channels[0]))
        elif mode == WLAN.STA:
            if not call("wlan.get", "promiscuous"):
                raise OSError("Wifi is not in promiscuous mode!")
            if len(channels) > 1 and to_int(channels[1]) & 0xFF > 2:
                raise ValueError("Invalid Secondary Channel position!")
            call("wlan.tune", _check_channel(channels[0]))
        return None

    def hostname(self, *name):
        if not name:
            return call("wlan.get", "hostname")
        return call("wlan.set", "hostname", _check_hostname(_to_str(name[0])))

    def bandwidth(self, *width):
        if not width:
            return call("wlan.get", "bandwidth")
        return call("wlan.set", "bandwidth", _check_bandwidth(width[0]))

    def max_tx_power(self, *power):
        if power:
            to_int(power[0])
        if not call("wlan.started"):
            raise OSError(NOTPOSS)
        if not power:
            return call("wlan.get", "max_tx_pwr")
        call("wlan.set", "max_tx_pwr", power[0])
        return None

    def country(self, *args, **keywords):
        name, first, count, power, policy = assign(_COUNTRY, 0, args, keywords)
        if (name, first, count, power, policy) == (None,) * 5:
            fields = ("country", "schan", "nchan", "max_tx_pwr", "policy")
            return attrtuple(fields, call("wlan.get", "country"))
        if name is None:
            raise OSError("No Country Specified!")
        _check_country(name)
        if first is None:
            raise OSError("Please Specify start channel!")
        _check_channel(first)
        if count is None:
            raise OSError("Please Specify number of channels!")
        _check_channel(count)
        policy = 0 if policy is None else _check_policy(policy)
        if not call("wlan.started"):
            raise OSError(FAILED)
        power = 20 if power is None else power
        call("wlan.set", "country", [name, first, count, power, policy])

    def promiscuous(self, *on):
        if not on:
            return call("wlan.get", "promiscuous")
        if not call("wlan.started"):
            raise OSError(NOTPOSS)
        call("wlan.set", "promiscuous", bool(on[0]))
        return None

    def callback(self, *args, **keywords):
        set_handler("wlan", self, args, keywords)

    events = method("wlan.events")

    def wifi_packet(self):
        return attrtuple(_PACKET, call("wlan.packet"))

    def wifi_protocol(self, *protocols):
        if call("wlan.get", "mode") == WLAN.STA_AP:
            raise OSError(NOTPOSS)
        if not protocols:
            fields = ("protocol_11B", "protocol_11G", "protocol_11N")
            return attrtuple(fields, (True, True, True))
        if type(protocols[0]) is not tuple:
            raise TypeError(BADNUM)
        return None

    def ap_sta_list(self):
        """Which protocol: the first that the firmware asks for, which all stations know."""
        fields = ("mac", "rssi", "wlan_protocol")
        return [attrtuple(fields, (mac, rssi, WLAN.PHY_11_B)) for mac, rssi, _ in _stations()]

    def ap_tcpip_sta_list(self):
        return [attrtuple(("mac", "IP"), (mac, address)) for mac, _, address in _stations()]

    def Connected_ap_pwd(self):  # noqa: N802 - the firmware's name
        return call("wlan.get", "key") if self.isconnected() else None

    def bssid(self):
        return call("wlan.get", "bssid")

    def auth(self, *auth):
        if auth:
            security, key = _key_of(auth[0])
            call("wlan.set", "security", security)
            call("wlan.set", "key", key)
            return None
        security = call("wlan.get", "security")
        return (security, call("wlan.get", "key")) if security else None

    def mac(self):
        return attrtuple(("sta_mac", "ap_mac"), call("wlan.mac"))


def _stations():
    if call("wlan.get", "mode") == WLAN.STA:
        raise OSError(NOTPOSS)
    return call("wlan.stations")


def _scan_time(given, passive):
    """Most milliseconds on a channel: (least, most) of an active scan, one int of a passive."""
    if passive and isinstance(given, int):
        return given & 0xFFFFFFFF
    if not passive and isinstance(given, tuple) and len(given) == 2:
        return to_int(given[1])
    raise ValueError("invalid scan timings")


def _not_as_access_point():
    if call("wlan.get", "mode") == WLAN.AP:
        raise OSError(NOTPOSS)


def _address(text):
    """A dotted IPv4 address, as lib/netutils takes it: it looks at the dots alone."""
    text = _to_str(text)
    if not text:
        return "0.0.0.0"
    parts = text.split(".")
    if len(parts) != 4:
        raise ValueError("invalid arguments")
    values = []
    for part in parts:
        value = 0
        for character in part:
            value = value * 10 + ord(character) - ord("0")
        values.append(str(value & 0xFF))
    return ".".join(values)


class Server(OnlyOne):
    """The FTP and telnet servers (user micro, password python), up as soon as Wi-Fi is."""

    _timeout_ms = 300000

    def __init__(self, *args, **keywords):
        number, login, timeout = assign(_SERVER, 1, args, keywords)
        if number != 0:
            raise OSError(NA)
        self._start(login, timeout)

    def init(self, *args, **keywords):
        self._start(*assign(_SERVER[1:], 0, args, keywords))

    def _start(self, login, timeout):
        for text in to_sequence(login, 2):
            if len(_to_str(text)) > _LOGIN_MOST:
                raise ValueError(BADVAL)
        self.timeout(timeout)
        call("wlan.servers", True)

    def deinit(self):
        call("wlan.servers", False)

    def isrunning(self):
        return call("wlan.servers", None)

    def timeout(self, *seconds):
        if not seconds:
            return self._timeout_ms // 1000
        milliseconds = to_int(seconds[0]) * 1000 & 0xFFFFFFFF
        if milliseconds < _TIMEOUT_LEAST_MS:
            raise ValueError(BADVAL)
        self._timeout_ms = milliseconds
        return None
