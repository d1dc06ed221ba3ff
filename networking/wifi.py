"""Wi-Fi on Pycom boards: scan, associate with a known network, switch the radio off.

    from networking import wifi
    known = {"field-ap": {"pwd": "for-documentation"}}
    result = wifi.connect(known, 30)
    if result.connection_status:
        ...                                # usocket
    wifi.deactivate()

The keys of a known network stand in networking/_wifi_nets.py.

Fields read from the configuration object by the uniform face:

_WIFI_NETS                        the known networks: a dict, or a list of (ssid, entry), which has
                                  an order (dicts have none on this VM)
_MAX_CONNECTION_ATTEMPT_TIME_SEC  int, seconds for scan and association together, 1 to 3600
_WIFI_FORCE_NO_SCAN               bool, optional, False: try the first network without a scan

Wrong configuration or arguments raise ValueError before the radio is touched. Trouble in the field
never raises: it is in the result, its cause in `last_outcome()`, and in one line of the log.

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

# A wrong passphrase gives no sign, and the firmware does not repeat an attempt that failed: so
# long for an association, then the next access point or the same anew; so long for an address
_ASSOCIATE_MS = const(6000)
_ADDRESS_MS = const(9000)
_POLL_MS = const(25)
_SOCKET_TIMEOUT_S = const(10)
_LINGER_MS = const(40)  # what was sent last may still wait for ARP and for the channel
_MOST_POINTS = const(5)  # tried of those heard, the strongest first

_FIELDS = (
    ("_MAX_CONNECTION_ATTEMPT_TIME_SEC", "integer", (1, 3600)),
    ("_WIFI_FORCE_NO_SCAN", "choice", (False, True), False),
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
_outcome = Outcome(0, "never_tried", [], None)
_rssi = -1

_log = logging.Logger("wifi")


def connect(known_nets, max_connection_attempt_time_sec, force_no_scan=False):
    """Associate with the strongest known network in range, else the next one; blocking.

    known_nets: dict or list of (ssid, entry), see above. max_connection_attempt_time_sec: 1 to
    3600, for scan and association together; a scan under way (2 to 3 s) is waited for.
    force_no_scan: try the first entry only (hidden networks; no scan to pay for).

    Returns a named tuple: connection_status, True with an IPv4 address; conn_attempt_duration and
    scan_attempt_duration in ms, all rounds together, -1 where not reached; channel, and rssi in
    dBm, -1 if not connected.
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
    _outcome = Outcome(int(up), attempt.cause, attempt.phases, attempt.ssid)
    text = "%s: ssid %s, channel %d, rssi %d dBm"
    level = logging.INFO if up else logging.WARNING
    _log.log(level, text, attempt.cause, attempt.ssid, attempt.channel, attempt.rssi)
    return ConnectResult(
        up, attempt.took("association"), attempt.took("scan"), attempt.channel, attempt.rssi
    )


def deactivate():
    """Leave the network and switch the radio off, 40 ms after the last datagram at the earliest.

    There is nothing to do if it was never on.

    Returns a named tuple: deactivation_status True when it is off, deactivation_duration in ms.
    """
    watch = timing.Stopwatch()
    if _wlan and _is_connected():
        timing.sleep_ms(_LINGER_MS)
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
        """Duration of a phase, all its rounds together; -1 if it was not begun."""
        return dict(self.phases).get(name, -1)

    def note(self, name, watch):
        """Add to the duration of a phase: one entry each, however many rounds there are."""
        for index, (phase, duration_ms) in enumerate(self.phases):
            if phase == name:
                self.phases[index] = (name, duration_ms + watch.elapsed_ms())
                return
        self.phases.append((name, watch.elapsed_ms()))

    def start(self, stored):
        """Start the radio as a station, whatever an earlier program left it as.

        stored: what `on_boot` says; a station that is on its way there goes on.
        """
        global _wlan
        watch = timing.Stopwatch()
        try:
            import network

            timing.feed()
            if stored:
                _wlan = network.WLAN()  # without arguments it leaves a started one as it is
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
        for _ in range(2):  # one beacon missed is not the end
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
        """Scan, try what was heard, and anew as long as there is time: stations come and go."""
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
        """Try one after the other, until one gives an address or time is over."""
        left = len(candidates)
        for candidate in candidates:
            limit_ms = self.deadline.left_ms() // left
            left -= 1
            if self.join(limit_ms, *candidate):
                return

    def join(self, limit_ms, ssid, entry, bssid, channel):
        """One access point; True once it gave an address."""
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
            if self.cause == "out_of_time":  # what is known of another attempt says more
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
    """Candidates (ssid, entry, bssid, channel) without a scan: on the given channel, then any."""
    candidates = []
    for ssid, entry in nets:
        if "channel" in entry:
            candidates.append((ssid, entry, None, entry["channel"]))
        candidates.append((ssid, entry, None, 0))
    return candidates


def _is_connected():
    try:
        return _wlan.isconnected()
    except OSError:  # its TimeoutError, of a connect() that an earlier program gave a timeout
        return False


def _access_point():
    """What is known of the access point of the association, None without one."""
    try:
        return _wlan.joined_ap_info()
    except OSError:
        return None


def _stop_servers():
    """The address has started the firmware's FTP and telnet servers, whose password is known."""
    import network

    network.Server().deinit()


def _suits(entry, security):
    """A network with a password must not be believed without one, nor with a broken one (WEP)."""
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
    """Return (ssid, password) of the network that the firmware itself can join before boot.py, out
    of pycom.wifi_ssid_sta and wifi_pwd_sta; None if what is wanted is more than that.

    The association then runs while Python loads. connect() goes on with it.
    """
    for ssid, entry in _wifi_nets.pairs(known_nets):
        plain = force_no_scan and list(entry) == ["pwd"]
        return (ssid, entry["pwd"]) if plain else None


def start_options(cfg):
    """Return [(option of pycom, value), ...] that make the firmware join on_boot()'s network.

    Empty if it cannot, or if the configuration is wrong.
    """
    import pycom

    no_scan = getattr(cfg, "_WIFI_FORCE_NO_SCAN", False)
    station = None if problems(cfg) else on_boot(cfg._WIFI_NETS, no_scan)
    if station is None:
        return []
    ssid, password = station
    return [
        (pycom.wifi_mode_on_boot, 1),  # WLAN.STA
        (pycom.wifi_ssid_sta, ssid),
        (pycom.wifi_pwd_sta, password),
    ]


# The uniform face of networking/__init__.py


def last_outcome():
    """Return (status, cause, phases, ssid) of the last connect(); status 1 connected, 0 not.

    cause   connected, never_tried, no_wifi (this firmware has none), wifi_error (the firmware's
            text is in the log), no_known_network (none was heard), not_joined (wrong password or
            out of reach: the firmware does not tell), no_address (DHCP), other_security (a network
            of that name without the protection that is configured), out_of_time (spent scanning)
    phases  of init, scan, association: (name, ms), those that were begun, all rounds together
    """
    return _outcome


def problems(cfg):
    """What is wrong with the configuration, as a list of str."""
    from utils import address

    found = configured(cfg, _FIELDS)[1]
    nets = getattr(cfg, "_WIFI_NETS", None)
    if nets is None:
        found.append("_WIFI_NETS is missing in credentials.py; allowed: a dict {ssid: {...}}")
    else:
        found += ["_WIFI_NETS: " + text for text in _wifi_nets.problems(nets)]
    host = getattr(cfg, "_HOST", None)
    if address.family(host) == 10:
        found.append("_HOST = %r; allowed: IPv4, all that sockets of this firmware know" % host)
    return found


def carries(cfg):
    return ("message", "datagram", "stream")


def up(cfg, kind):
    """Connect as configured; every kind of transport works over the same link."""
    found = problems(cfg)
    if found:
        raise ValueError("; ".join(found))
    no_scan = getattr(cfg, "_WIFI_FORCE_NO_SCAN", False)
    return connect(cfg._WIFI_NETS, cfg._MAX_CONNECTION_ATTEMPT_TIME_SEC, no_scan).connection_status


def transport(kind):
    """A socket of usocket with a timeout of 10 s; IPv4 literals only. OSError without a link."""
    import usocket

    if not (_wlan and _is_connected()):
        raise OSError("not connected")

    stream = kind == "stream"
    socket = usocket.socket(usocket.AF_INET, usocket.SOCK_STREAM if stream else usocket.SOCK_DGRAM)
    socket.settimeout(_SOCKET_TIMEOUT_S)
    return socket


def datagram_limit():
    return 1472  # 1500 of Ethernet less the headers of IPv4 and UDP: nothing is fragmented


def metrics():
    # the RSSI in dBm; a report has little room
    return [("rs", _rssi, 0, None)] if _outcome.status else []


def down():
    return deactivate().deactivation_status


def stop():
    return _off()
