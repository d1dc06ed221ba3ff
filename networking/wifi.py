"""Wi-Fi on Pycom boards: scan, associate with a known network, switch the radio off.

    from networking import wifi
    known = {"field-ap": {"pwd": "for-documentation"}}
    result = wifi.connect(known, 30)
    if result.connection_status:
        ...                                # usocket
    wifi.deactivate()

The keys of a known network are listed in networking/_wifi_nets.py.

Fields that the functions of every bearer read from the configuration object:

_WIFI_NETS                        the known networks: a dict, or a list of (ssid, entry) to give an
                                  order (dicts have none on this VM)
_MAX_CONNECTION_ATTEMPT_TIME_SEC  int, seconds for scan and association together, 1 to 3600
_WIFI_FORCE_NO_SCAN               bool, optional, False: try the first network without a scan
_NTP_HOST                         str, optional, None: a time server, by address or name

Wrong configuration or arguments raise ValueError before the radio is touched. Trouble in the field
never raises: the result shows it, `last_outcome()` has its cause, and the log has one line.

Written against Pycom firmware 1.20.2.r4 (esp32/mods/modwlan.c).
"""

from micropython import const
from ucollections import namedtuple

from networking import _wifi_nets
from utils import logging, timing
from utils.configuration import is_integer, refuse
from utils.configuration import problems as configured

_OPEN = const(0)  # wifi_auth_mode_t of ESP-IDF, as scan() reports it
_WEP = const(1)
_ENTERPRISE = const(5)

# Limits for an association and for an address; after them the next access point is tried, or the
# same one again. A wrong passphrase gives no sign, and the firmware does not repeat an attempt.
_ASSOCIATE_MS = const(6000)
_ADDRESS_MS = const(9000)
_POLL_MS = const(25)
_SOCKET_TIMEOUT_S = const(10)
_LINGER_MS = const(40)  # the last datagram may still wait for ARP and for the channel
_MOST_POINTS = const(5)  # access points tried after a scan, the strongest first

_FIELDS = (
    ("_WIFI_NETS", "special secret", "a dict {ssid: {...}}, see docs/wifi.md", None),
    ("_MAX_CONNECTION_ATTEMPT_TIME_SEC", "integer", (1, 3600)),
    ("_WIFI_FORCE_NO_SCAN", "choice", (False, True), False),
    ("_NTP_HOST", "host", (1, 100), None),
)

ConnectResult = namedtuple(
    "ConnectResult",
    "connection_status conn_attempt_duration scan_attempt_duration channel rssi".split(),
)
DeactivateResult = namedtuple(
    "DeactivateResult", "deactivation_status deactivation_duration".split()
)
Outcome = namedtuple("Outcome", "status cause phases ssid".split())

_wlan = None
_outcome = Outcome(0, "never_tried", (), None)
_rssi = -1
_left = None
_ntp_host = None

_log = logging.Logger("wifi")


def connect(known_nets, max_connection_attempt_time_sec, force_no_scan=False):
    """Associate with the strongest known network in range, else with the next one. Blocks.

    known_nets: dict or list of (ssid, entry), see above. max_connection_attempt_time_sec: 1 to
    3600, for scan and association together; a scan that has begun (2 to 3 s) is completed.
    force_no_scan: try the first entry only, without a scan (hidden networks, or to save time).

    Returns a named tuple. connection_status: True with an IPv4 address. conn_attempt_duration,
    scan_attempt_duration: ms over all rounds, -1 if not begun. channel, and rssi in dBm: -1 if not
    connected.
    """
    global _outcome, _rssi
    found = _wifi_nets.problems(known_nets)
    if found:
        raise ValueError("; ".join(found))
    nets = list(_wifi_nets.pairs(known_nets))
    if not is_integer(max_connection_attempt_time_sec, 1, 3600):
        refuse("max_connection_attempt_time_sec", max_connection_attempt_time_sec, "1 to 3600")
    attempt = _Attempt(max_connection_attempt_time_sec * 1000)
    try:
        attempt.start(on_boot(nets, force_no_scan))
        attempt.run(nets, force_no_scan)
    except ImportError:
        attempt.cause = "no_wifi"
    except OSError as error:
        _log.warning("%s", error)
        attempt.cause = "wifi_error"
    up = attempt.cause == "connected"
    _rssi = attempt.rssi
    _outcome = Outcome(int(up), attempt.cause, tuple(attempt.phases), attempt.ssid)
    text = "%s: ssid %s, channel %d, rssi %d dBm"
    level = logging.INFO if up else logging.WARNING
    _log.log(level, text, attempt.cause, attempt.ssid, attempt.channel, attempt.rssi)
    return ConnectResult(
        up, attempt.took("association"), attempt.took("scan"), attempt.channel, attempt.rssi
    )


def deactivate():
    """Leave the network and switch the radio off.

    If connected, wait 40 ms first for the last datagram. A radio that was never on is left alone.

    Returns a named tuple: deactivation_status True when it is off, deactivation_duration in ms.
    """
    global _left
    watch = timing.Stopwatch()
    if _wlan:
        _left = None
        if _is_connected():
            timing.sleep_ms(_LINGER_MS)
            # the driver sends what it was given while the association lasts
            _left = _is_connected() or None
    status = _wlan is None or _off()
    return DeactivateResult(status, watch.elapsed_ms())


class _Attempt:
    def __init__(self, limit_ms):
        self.deadline = timing.Deadline(limit_ms)
        self.cause = "out_of_time"
        self.phases = []
        self.ssid = None
        self.channel = -1
        self.rssi = -1
        self.begun = False  # the firmware began to associate before boot.py

    def took(self, name):
        """Return the duration of a phase over all rounds, in ms; -1 if it was not begun."""
        return dict(self.phases).get(name, -1)

    def note(self, name, watch):
        """Add to the duration of a phase. A phase has one entry for all its rounds."""
        for index, (phase, duration_ms) in enumerate(self.phases):
            if phase == name:
                self.phases[index] = (name, duration_ms + watch.elapsed_ms())
                return
        self.phases.append((name, watch.elapsed_ms()))

    def start(self, stored):
        """Start the radio as a station, in place of any other mode.

        stored: the result of `on_boot`. A station that is already joining that network goes on.
        """
        global _wlan
        watch = timing.Stopwatch()
        try:
            import network

            timing.feed()
            if stored:
                _wlan = network.WLAN()  # without arguments it leaves a started radio as it is
                self.begun = _wlan.mode() == network.WLAN.STA and _wlan.ssid() == stored[0]
            if not self.begun:
                _wlan = network.WLAN(mode=network.WLAN.STA)
        finally:
            self.note("init", watch)

    def scan(self, nets):
        """Return candidates, strongest first; None if the radio could not scan."""
        watch = timing.Stopwatch()
        known = dict(nets)
        candidates = None
        for _ in range(2):  # a scan can miss a beacon
            timing.feed()
            try:
                heard = _wlan.scan()
            except OSError as error:
                _log.warning("%s", error)
                continue
            heard.sort(key=lambda ap: -ap.rssi)
            candidates = []
            for ap in heard:
                entry = known.get(ap.ssid)
                if entry is not None and _suits(entry, ap.sec):
                    candidates.append((ap.ssid, entry, ap.bssid, ap.channel))
            if candidates or self.deadline.expired():
                break
        self.note("scan", watch)
        return candidates and candidates[:_MOST_POINTS]

    def run(self, nets, force_no_scan):
        """Scan and try the known networks heard; repeat until connected or out of time."""
        candidates = None
        while self.cause != "connected" and not self.deadline.expired():
            if not force_no_scan:
                candidates = self.scan(nets)
            if candidates is None:  # not scanned, or the radio could not
                candidates = _unheard(nets[:1] if force_no_scan else nets)
            if not candidates:
                self.cause = "no_known_network"
                return
            if not self.deadline.expired():
                watch = timing.Stopwatch()
                try:
                    self.associate(candidates)
                finally:
                    self.note("association", watch)

    def associate(self, candidates):
        """Try the candidates in order until one gives an address or the time is over."""
        left = len(candidates)
        for candidate in candidates:
            limit_ms = self.deadline.left_ms() // left
            left -= 1
            if self.join(limit_ms, *candidate):
                return

    def join(self, limit_ms, ssid, entry, bssid, channel):
        """Try one access point; return True if it gave an address."""
        self.ssid = ssid
        if self.begun:
            self.begun = False
        else:
            self.ask_for(ssid, entry, bssid, channel)
        joined = timing.wait_for(_is_connected, min(limit_ms, _ASSOCIATE_MS), _POLL_MS)
        info = _access_point()
        if info and not joined and limit_ms > _ASSOCIATE_MS:
            limit_ms = min(limit_ms - _ASSOCIATE_MS, _ADDRESS_MS)
            joined = timing.wait_for(_is_connected, limit_ms, _POLL_MS)
            info = _access_point()
        if not info:  # not associated: out of reach, or the wrong password
            joined = False
            if self.cause == "out_of_time":  # the cause of another attempt says more
                self.cause = "not_joined"
        else:
            if self.cause != "other_security":
                self.cause = "no_address"
            if not _suits(entry, info.auth):  # somebody else's network of the same name
                joined = False
                self.cause = "other_security"
        if joined:
            self.cause = "connected"
            self.channel = info.primary_chn
            self.rssi = info.rssi
            _stop_servers()
        else:
            _wlan.disconnect()
        return joined

    def ask_for(self, ssid, entry, bssid, channel):
        """Begin to associate with one access point."""
        config = entry.get("wlan_config")
        try:
            _wlan.ifconfig(config=tuple(config) if config else "dhcp")
        except OSError:  # DHCP is on already
            pass
        keywords = {}
        if bssid:
            keywords["bssid"] = bssid
        if channel:
            keywords["channel"] = channel  # one channel searched instead of 13
        pwd = entry.get("pwd")
        user = entry.get("user")
        if user:
            keywords["auth"] = (_ENTERPRISE, user, pwd)
            keywords["identity"] = entry.get("identity", user)
            if "ca_certs" in entry:
                keywords["ca_certs"] = entry["ca_certs"]
        elif pwd:
            keywords["auth"] = (_wlan.WPA2, pwd)  # WPA as well: the driver looks at the beacon
        _wlan.connect(ssid, **keywords)


def _unheard(nets):
    """Return candidates (ssid, entry, bssid, channel) without a scan: given channel, then any."""
    candidates = []
    for ssid, entry in nets:
        if "channel" in entry:
            candidates.append((ssid, entry, None, entry["channel"]))
        candidates.append((ssid, entry, None, 0))
    return candidates


def _is_connected():
    try:
        return _wlan.isconnected()
    except OSError:  # a TimeoutError, if an earlier program called connect() with a timeout
        return False


def _access_point():
    """Return the firmware's data on the associated access point, None without an association."""
    try:
        return _wlan.joined_ap_info()
    except OSError:
        return None


def _stop_servers():
    """Stop FTP and telnet. The firmware starts them with the address; their password is public."""
    import network

    network.Server().deinit()


def _suits(entry, security):
    """True if the protection is as configured: an open or a WEP network may be a forgery."""
    if "user" in entry:
        return security == _ENTERPRISE
    if "pwd" in entry:
        return _WEP < security < _ENTERPRISE
    return security == _OPEN


def _off():
    global _wlan
    try:
        import network

        timing.feed()
        (_wlan or network.WLAN()).deinit()
    except (ImportError, OSError) as error:
        _log.warning("%s", error)
        return False
    _wlan = None
    return True


def on_boot(known_nets, force_no_scan=True):
    """Return (ssid, password) of the network that the firmware can join before boot.py, or None.

    The association then runs while Python loads, and connect() continues it. The firmware stores
    one network with a password, and does not scan.
    """
    for ssid, entry in _wifi_nets.pairs(known_nets):
        plain = force_no_scan and list(entry) == ["pwd"]
        return (ssid, entry["pwd"]) if plain else None


# The functions of every bearer: networking/__init__.py


def last_outcome():
    """Return (status, cause, phases, ssid) of the last connect(); status 1 connected, 0 not.

    cause   connected, never_tried, no_wifi (this firmware has none), wifi_error (the firmware's
            text is in the log), no_known_network (none was heard), not_joined (wrong password or
            out of reach: the firmware does not tell), no_address (DHCP), other_security (a network
            of that name without the configured protection), out_of_time (spent on scanning)
    phases  ((name, ms), ...) of init, scan and association if begun, over all rounds
    """
    return _outcome


def problems(cfg):
    """Return the problems of the configuration as a list of str; none shows a password."""
    from utils import address

    found = configured(cfg, _FIELDS)[1]
    nets = getattr(cfg, "_WIFI_NETS", None)
    if nets is None:
        found.append("_WIFI_NETS is missing in credentials.py; allowed: a dict {ssid: {...}}")
    else:
        found += ["_WIFI_NETS: " + text for text in _wifi_nets.problems(nets)]
    host = getattr(cfg, "_HOST", None)
    if address.family(host) == 10:
        text = "_HOST = %r, _BEARER = 'wifi'; allowed: IPv4, as sockets of this firmware have it"
        found.append(text % host)
    return found


def boot_options(cfg):
    """Return the options of pycom that let the firmware join on_boot()'s network; {} if it cannot.

    With {} boot.py keeps Wi-Fi off at the start, because a new board opens an access point whose
    password is public.
    """
    no_scan = getattr(cfg, "_WIFI_FORCE_NO_SCAN", False)
    station = None if problems(cfg) else on_boot(cfg._WIFI_NETS, no_scan)
    if station is None:
        return {}
    return {
        "wifi_on_boot": True,
        "wifi_mode_on_boot": 1,  # WLAN.STA
        "wifi_ssid_sta": station[0],
        "wifi_pwd_sta": station[1],
    }


def carries(cfg):
    """Return the kinds of transport: all, with every configuration."""
    return ("message", "datagram", "stream")


def time_fields(kind):
    """Return the fields whose sum in s bounds up()."""
    return ("_MAX_CONNECTION_ATTEMPT_TIME_SEC",)


def up(cfg, kind):
    """Connect as configured; every kind of transport works over the same link."""
    global _ntp_host
    found = problems(cfg)
    if found:
        raise ValueError("; ".join(found))
    _ntp_host = getattr(cfg, "_NTP_HOST", None)
    no_scan = getattr(cfg, "_WIFI_FORCE_NO_SCAN", False)
    return connect(cfg._WIFI_NETS, cfg._MAX_CONNECTION_ATTEMPT_TIME_SEC, no_scan).connection_status


def transport(kind):
    """Return a socket of usocket for IPv4 literals, timeout 10 s. OSError if not connected."""
    import usocket

    if not (_wlan and _is_connected()):
        raise OSError("not connected")

    stream = kind == "stream"
    socket = usocket.socket(usocket.AF_INET, usocket.SOCK_STREAM if stream else usocket.SOCK_DGRAM)
    socket.settimeout(_SOCKET_TIMEOUT_S)
    return socket


def network_time():
    """Return the seconds since 1970 that `_NTP_HOST` tells, None without one or without an answer.

    Blocks for up to 2 s, and for a name up to 10 s more.
    """
    if not _ntp_host:
        return None
    from networking import _wifi_time

    try:
        socket = transport("datagram")
    except OSError:
        return None
    try:
        return _wifi_time.ask(socket, _ntp_host)
    except OSError as error:
        _log.warning("no time: %s", error)
        return None
    finally:
        socket.close()


def datagram_limit():
    """Return the maximum payload in bytes of a datagram that is not fragmented."""
    return 1472  # 1500 of Ethernet less the headers of IPv4 and UDP


def metrics():
    """Return the RSSI as a record, if the last connect() succeeded."""
    return [("rs", _rssi, 0, None)] if _outcome.status else []


def down(settled=False):
    """Leave the network and switch the radio off. True if it is off."""
    return deactivate().deactivation_status


def left():
    """Return True if the association lasted for 40 ms after the last datagram, else None."""
    return _left


def stop(woken=False):
    """Switch off a radio that the firmware or an earlier program started. True if it is off."""
    return _off()
