"""Wi-Fi on Pycom boards: scan, associate with a known network, switch the radio off.

    from networking import wifi
    known = {"field-ap": {"pwd": "for-documentation"}}
    result = wifi.connect(known, 30)
    if result.connection_status:
        ...                                # usocket
    wifi.deactivate()

The keys of a known network are listed in networking/_wifi_nets.py; networking/_wifi_join.py joins.

Fields that the functions of every bearer read from the configuration object:

_WIFI_NETS                        the known networks: a dict, or a list of (ssid, entry) to give an
                                  order (dicts have none on this VM)
_MAX_CONNECTION_ATTEMPT_TIME_SEC  int, seconds for scan and association together, 1 to 3600
_WIFI_FORCE_NO_SCAN               bool, optional, False: try the networks without a scan
_WIFI_ANTENNA                     "internal" or "external", optional, None: the switch stays as it
                                  is, which is internal after a reset
_WIFI_HOSTNAME                    str, optional, None: the name that DHCP tells the access point;
                                  None: "espressif"
_WIFI_COUNTRY                     str, optional, None: two capital letters; channels 1 to 11 or 13
                                  as there. None: 1 to 13
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

_SOCKET_TIMEOUT_S = const(10)
_LINGER_MS = const(40)  # the last datagram may still wait for ARP and for the channel

_FIELDS = (
    ("_WIFI_NETS", "special secret", "a dict {ssid: {...}}, see docs/wifi.md", None),
    ("_MAX_CONNECTION_ATTEMPT_TIME_SEC", "integer", (1, 3600)),
    ("_WIFI_FORCE_NO_SCAN", "choice", (False, True), False),
    ("_WIFI_ANTENNA", "choice", ("internal", "external"), None),
    ("_WIFI_HOSTNAME", "special", "1 to 32 letters, digits and -, not - at an end", None),
    ("_WIFI_COUNTRY", "special", "two capital letters, as in 'DE'", None),
    ("_NTP_HOST", "host", (1, 100), None),
)

_OPTIONS = ("_WIFI_ANTENNA", "_WIFI_HOSTNAME", "_WIFI_COUNTRY")

ConnectResult = namedtuple(
    "ConnectResult",
    "connection_status conn_attempt_duration scan_attempt_duration channel rssi".split(),
)
DeactivateResult = namedtuple(
    "DeactivateResult", "deactivation_status deactivation_duration".split()
)
Outcome = namedtuple("Outcome", "status cause phases ssid".split())

_wlan = None
_touched = False  # the radio, since it was switched off
_outcome = Outcome(0, "never_tried", (), None)
_rssi = -1
_left = None
_ntp_host = None

_log = logging.Logger("wifi")


def connect(
    known_nets,
    max_connection_attempt_time_sec,
    force_no_scan=False,
    antenna=None,
    hostname=None,
    country=None,
):
    """Associate with the strongest known network in range, else with the next one. Blocks.

    known_nets: dict or list of (ssid, entry), see above. max_connection_attempt_time_sec: 1 to
    3600, for scan and association together; a scan that has begun (2 to 3 s) is completed.
    force_no_scan: try the entries in their order, without a scan, to save its time.
    antenna, hostname, country: None, or as _WIFI_ANTENNA, _WIFI_HOSTNAME, _WIFI_COUNTRY.

    Returns a named tuple. connection_status: True with an IPv4 address. conn_attempt_duration,
    scan_attempt_duration: ms over all rounds, -1 if not begun. channel, and rssi in dBm: -1 if not
    connected.
    """
    global _outcome, _rssi, _touched, _wlan
    found = _wifi_nets.problems(known_nets)
    options = (antenna, hostname, country)
    found += _option_problems(("antenna", "hostname", "country"), options)
    if found:
        raise ValueError("; ".join(found))
    nets = list(_wifi_nets.pairs(known_nets))
    if not is_integer(max_connection_attempt_time_sec, 1, 3600):
        refuse("max_connection_attempt_time_sec", max_connection_attempt_time_sec, "1 to 3600")
    from networking import _wifi_join

    attempt = _wifi_join.Attempt(max_connection_attempt_time_sec * 1000, *options)
    reason = ""
    try:
        begun = _is_plain(options) and not _touched  # by the firmware, not by an earlier call
        attempt.start(on_boot(nets, force_no_scan) if begun else None)
        attempt.run(nets, force_no_scan)
    except Exception as error:  # noqa: BLE001 - the firmware raises ValueError too, for its state
        if attempt.cause != "no_wifi":
            attempt.cause = "wifi_error"
            reason = ": %s" % error
    finally:
        _wlan = attempt.wlan or _wlan
        _touched = _touched or attempt.cause != "no_wifi"
    up = attempt.cause == "connected"
    _rssi = attempt.rssi
    _outcome = Outcome(int(up), attempt.cause, tuple(attempt.phases), attempt.ssid)
    text = "%s: ssid %s, channel %d, rssi %d dBm%s"
    level = logging.INFO if up else logging.WARNING
    _log.log(level, text, attempt.cause, attempt.ssid, attempt.channel, attempt.rssi, reason)
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
    if _touched:
        _left = None
        if _is_connected():
            timing.sleep_ms(_LINGER_MS)
            # the driver sends what it was given while the association lasts
            _left = _is_connected() or None
    status = not _touched or _off()
    return DeactivateResult(status, watch.elapsed_ms())


def _off():
    global _touched, _wlan
    try:
        import network

        timing.feed()
        (_wlan or network.WLAN()).deinit()
    except Exception as error:  # noqa: BLE001 - as in connect()
        _log.warning("%s", error)
        return False
    _wlan = None
    _touched = False
    return True


def _is_connected():
    try:
        return bool(_wlan and _wlan.isconnected())
    except Exception:  # noqa: BLE001 - as in connect(); whoever cannot tell is not
        return False


def _is_plain(options):
    """Whether the firmware can associate before boot.py: by the internal antenna, no more."""
    return options[0] != "external" and not any(options[1:])


def _option_problems(names, values):
    if tuple(values) == (None, None, None):
        return []
    from networking import _wifi_options

    return _wifi_options.problems(names, values, _FIELDS[3:6])


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
    found += _option_problems(_OPTIONS, [None] + _options(cfg)[1:])  # a choice is checked above
    host = getattr(cfg, "_HOST", None)
    if address.family(host) == 10:
        text = "_HOST = %r, _BEARER = 'wifi'; allowed: IPv4, as sockets of this firmware have it"
        found.append(text % host)
    return found


def _options(cfg):
    """Return antenna, host name and country of the configuration."""
    return [getattr(cfg, name, None) for name in _OPTIONS]


def boot_options(cfg):
    """Return the options of pycom that let the firmware join on_boot()'s network; {} if it cannot.

    With {} boot.py keeps Wi-Fi off at the start, because a new board opens an access point whose
    password is public.
    """
    no_scan = getattr(cfg, "_WIFI_FORCE_NO_SCAN", False)
    station = None
    if _is_plain(_options(cfg)) and not problems(cfg):
        station = on_boot(cfg._WIFI_NETS, no_scan)
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
    limit_s = cfg._MAX_CONNECTION_ATTEMPT_TIME_SEC
    return connect(cfg._WIFI_NETS, limit_s, no_scan, *_options(cfg)).connection_status


def transport(kind):
    """Return a socket of usocket for IPv4 literals, timeout 10 s. OSError if not connected."""
    import usocket

    if not _is_connected():
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
