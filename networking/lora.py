"""LoRaWAN on a Pycom FiPy: join by OTAA, send, keep the session over deep sleep.

    from networking import lora
    keys = lora.set_keys(config)
    if lora.join(config, keys).status == lora.LORA_JOINED:
        print(lora.send(config, b"hello"))
    lora.down()

Fields read from the configuration object:

_DEV_EUI, _APP_EUI, _APP_KEY      str, 16, 16 and 32 hexadecimal digits; _DEV_EUI None or absent:
                                  the EUI of the board
_DEV_EUIs, _APP_EUIs, _APP_KEYs   lists, optional, instead of the above: a board uses the entries
                                  at the index of its EUI in _DEV_EUIs
_LORA_REGION                      "EU868", "US915", "AU915", "AS923" or "IN865"
_MAX_CONNECTION_ATTEMPT_TIME_SEC  int, seconds for a join, 1 to 3600
_LORA_DR                          int, optional: data rate, 0 to 6 as far as the region allows
_LORA_SUB_BAND                    int 1 to 8, optional: the eight channels of the gateway, in US915
                                  and AU915
_LORA_ADR                         bool, optional, False: the network chooses the data rate
_LORA_CONFIRMED                   bool, optional, False: ask for an acknowledgement of each uplink
_LORA_TX_RETRIES                  int 0 to 5, optional, 2: repetitions without acknowledgement; at
                                  the slowest data rate the duty cycle has no room for more
_LORA_SOCKET_TIMEOUT              int, seconds, optional, 20: for the receive windows of each trial
_LORA_DUTY_WAIT_SEC               int, seconds, optional, 12: the longest wait for the duty cycle
_LORA_PORT                        int 1 to 223, optional, 2: the LoRaWAN port

Wrong configuration or arguments raise ValueError before the radio is touched. Trouble in the field
never raises: the result shows it, `last_outcome()` has its cause, and the log has one line.

Written against Pycom firmware 1.20.2.r4 (LoRaWAN 1.0.2, class A).
"""

from ucollections import namedtuple

from networking import _lora_regions as regions
from utils.configuration import check, is_integer, refuse
from utils.configuration import problems as configured

LORA_OFF = -1  # of join: there is no radio, or it failed
LORA_NOT_JOINED = 0
LORA_JOINED = 1

LORA_REFUSED = 0  # of send: certainly not on the air
LORA_ACCEPTED = 1  # given to the radio
LORA_CONFIRMED = 2  # and acknowledged by the network

_BOOL = (False, True)
_FIELDS = (
    ("_DEV_EUI", "special", "16 hexadecimal digits", None),
    ("_APP_EUI", "special", "16 hexadecimal digits", None),
    ("_APP_KEY", "special secret", "32 hexadecimal digits", None),
    ("_DEV_EUIs", "special", "a list of texts", None),
    ("_APP_EUIs", "special", "a list of texts, one for each of _DEV_EUIs", None),
    ("_APP_KEYs", "special secret", "a list of texts, one for each of _DEV_EUIs", None),
    ("_LORA_REGION", "choice", regions.NAMES),
    ("_LORA_DR", "integer", (0, 6), None),
    ("_LORA_SUB_BAND", "integer", (1, 8), None),
    ("_LORA_ADR", "choice", _BOOL, False),
    ("_LORA_CONFIRMED", "choice", _BOOL, False),
    ("_LORA_TX_RETRIES", "integer", (0, 5), 2),
    ("_LORA_SOCKET_TIMEOUT", "integer", (1, 600), 20),
    ("_LORA_DUTY_WAIT_SEC", "integer", (0, 600), 12),
    ("_LORA_PORT", "integer", (1, 223), 2),
    # only join() reads the last one
    ("_MAX_CONNECTION_ATTEMPT_TIME_SEC", "integer", (1, 3600)),
)
ROOM_BY = ("_LORA_REGION", "_LORA_DR")
_FITTING = ("_LORA_REGION", "_LORA_DR", "_LORA_ADR", "_LORA_SUB_BAND")  # checked together
_LEAST_LIMIT = 40  # bytes of the shortest report: one measurement; 43 with the longest name

JoinResult = namedtuple("JoinResult", ("status", "conn_attempt_duration"))
Outcome = namedtuple("Outcome", ("status", "cause", "phases"))
SendResult = namedtuple(
    "SendResult", ("status", "cause", "downlink", "airtime_ms", "wait_ms", "trials")
)

_node = None  # networking._lora_node.Node, the only one of the program
_settings = None  # those of up()
_node_s = None  # told by node_time()


def set_keys(cfg):
    """Return (dev_eui, app_eui, app_key), bytes of 8, 8 and 16, for this board.

    With _DEV_EUIs the board uses the AppEUI and the AppKey at the index of its EUI in that list.
    If _APP_EUIs or _APP_KEYs is missing, _APP_EUI or _APP_KEY is for all boards. dev_eui is None
    if it is the board's own EUI and the board has no LoRa radio.
    Raises one ValueError for all missing or malformed fields, and a ValueError if the list lacks
    this board. No message shows a key.
    """
    from networking import _lora_keys

    return _lora_keys.read(cfg, lambda: _of(_check(cfg, _FIELDS[:-1])).own_eui())


def join(cfg, lora_keys):
    """Restore the session from before deep sleep, or join the network by OTAA.

    lora_keys: the result of set_keys. Returns (status, conn_attempt_duration): LORA_JOINED,
    LORA_NOT_JOINED or LORA_OFF, and the duration in ms, -1 without a radio. Blocks for at most
    _LORA_DUTY_WAIT_SEC and then _MAX_CONNECTION_ATTEMPT_TIME_SEC; ends after 10 s if the duty
    cycle or the join back-off has no room for another request. The cause is in last_outcome().
    Raises ValueError for configuration and keys.
    """
    settings = _check(cfg, _FIELDS)
    for name, key, size in zip(("dev_eui", "app_eui", "app_key"), lora_keys, (8, 8, 16)):
        if not (isinstance(key, bytes) and len(key) == size) and (key or name != "dev_eui"):
            raise ValueError("%s of lora_keys; allowed: %d bytes" % (name, size))
    node = _of(settings)
    node.join(lora_keys)
    return JoinResult(node.status, node.duration_ms)


def send(cfg, byte_msg):
    """Send one uplink and return a SendResult:

    status      LORA_REFUSED 0: not sent; LORA_ACCEPTED 1: given to the radio, and not
                acknowledged; LORA_CONFIRMED 2: acknowledged by the network
    cause       with status 2: confirmed; with 1: sent, not_confirmed (no acknowledgement after all
                repetitions), timeout (the radio reported no end: the session is given up); with 0:
                not_joined, too_long (for the data rate: payloads are never cut), duty_cycle,
                no_radio, radio_busy, radio_error
    downlink    bytes from a receive window, at most 242; None without any
    airtime_ms  time on air of all trials, ms; 0 if refused
    wait_ms     with the cause duty_cycle: ms until sending is allowed
    trials      number of transmissions

    byte_msg: bytes, not empty. Raises ValueError for configuration and any other argument.
    """
    settings = _check(cfg, _FIELDS[:-1])
    if not isinstance(byte_msg, (bytes, bytearray)) or not byte_msg:
        refuse("byte_msg", byte_msg, "bytes, not empty")
    return _sent(settings, byte_msg, True)


def airtime_ms(region, data_rate, length):
    """Return the time on air of an uplink with `length` bytes of payload, ms, rounded up."""
    least, most, _ = regions.data_rates(region)
    if not is_integer(data_rate, 0, most):
        refuse("data_rate", data_rate, "%d to %d" % (least, most))
    return (regions.airtime_us(region, data_rate, length) + 999) // 1000


def last_outcome():
    """Return how the last join ended, without asking the radio: a named tuple of

    status  as in the result of join()
    cause   joined, restored (the session from before deep sleep), kept (the session of an earlier
            call), never_tried; or the reason of a failure: no_radio, radio_error, radio_stuck (new
            settings after a failed join need a reset: the firmware would hang), radio_busy (the
            last transmission has not ended), duty_cycle (also the back-off of joins), join_timeout
            (no answer: no gateway in range, or a key unknown to the network)
    phases  ((name, ms), ...): init, restore, join
    """
    if _node is None:
        return Outcome(LORA_OFF, "never_tried", ())
    return Outcome(_node.status, _node.cause, tuple(_node.phases))


def down(settled=False):
    """Save the session, put the radio to sleep. False if a step failed; True if never started."""
    return _node.down() if _node else True


def back_off():
    """Return the class of the last failure, of utils/backoff.py."""
    if _node is None or _node.cause in ("no_radio", "radio_error", "radio_stuck"):
        return "temporary"
    return "unanswered"


def node_time(now_s):
    """Take the seconds for which the node has had power, before up(): a power cut then costs the
    back-off of joins no more than this time."""
    global _node_s
    _node_s = now_s


def wait_s():
    """Return the seconds until a join request may leave again, 0 for now."""
    return _node.wait_s() if _node else 0


def left():
    """Return True if the firmware reported the end of each transmission, else None."""
    return _node.left if _node else None


def _check(cfg, fields):
    """Return the settings with the data rate filled in, or raise one ValueError."""
    settings = check(cfg, fields)
    found = _unfit(settings)
    if found:
        raise ValueError("; ".join(found))
    return settings


def _unfit(settings, least_limit=1):
    """Fill in the usual data rate if none is set. Return the problems of fields that do not fit
    together, and of a data rate at which `least_limit` bytes do not fit."""
    found = []
    region, adr = settings["_LORA_REGION"], settings["_LORA_ADR"]
    least, most, usual = regions.data_rates(region)
    if settings["_LORA_DR"] is None:
        # with ADR a session begins at the rate of its join
        little = regions.limit(region, regions.join_rate(region, usual)) < _LEAST_LIMIT
        settings["_LORA_DR"] = most if adr and little else usual
    while regions.limit(region, least) < least_limit:
        least += 1
    data_rate = settings["_LORA_DR"]
    if not least <= data_rate <= most:
        text = "_LORA_DR = %d, _LORA_REGION = %r; allowed: %d to %d, for uplinks of %d bytes"
        found.append(text % (data_rate, region, least, most, least_limit))
    elif adr and regions.join_rate(region, data_rate) < least:
        text = (
            "_LORA_ADR = True, _LORA_DR = %d, _LORA_REGION = %r: a join leaves %d bytes; allowed"
        )
        room = regions.limit(region, regions.join_rate(region, data_rate))
        more = regions.join_rate(region, most) >= least
        text += ": _LORA_DR = %d" % most if more else ": False"
        found.append(text % (data_rate, region, room))
    if settings["_LORA_SUB_BAND"] is not None and region not in regions.SUB_BANDS:
        text = "_LORA_SUB_BAND = %d, _LORA_REGION = %r; allowed: None, or a sub-band of %s"
        names = " and ".join(regions.SUB_BANDS)
        found.append(text % (settings["_LORA_SUB_BAND"], region, names))
    return found


def _of(settings):
    """Return the one Node, with these settings."""
    global _node
    if not _node:
        from networking import _lora_node

        _node = _lora_node.Node(settings)
    _node.settings = settings
    _node.node_s = _node_s
    return _node


def _sent(settings, payload, save):
    return SendResult(*_of(settings).send(bytes(payload), save))


# The functions of every bearer: networking/__init__.py


def problems(cfg):
    """Return the problems of the configuration as a list of str, none of which shows a key."""
    from networking import _lora_keys

    settings, found = configured(cfg, _FIELDS)
    if all(name in settings for name in _FITTING):
        found += _unfit(settings, _LEAST_LIMIT)
    return found + _lora_keys.problems(cfg)


def boot_options(cfg):
    """Return {}: the firmware starts no LoRa radio before Python."""
    return {}


def carries(cfg):
    """Return the kinds of transport: messages, with every configuration."""
    return ("message",)


def room(cfg):
    """Return the payload in bytes of the data rate, with ADR that of the slowest usable one."""
    settings = _check(cfg, _FIELDS)
    if settings["_LORA_ADR"]:
        return 51
    return regions.limit(settings["_LORA_REGION"], settings["_LORA_DR"])


def time_fields(kind):
    """Return the fields whose sum in s bounds up()."""
    return ("_LORA_DUTY_WAIT_SEC", "_MAX_CONNECTION_ATTEMPT_TIME_SEC")


def up(cfg, kind):
    """Restore the session or join, as configured. True if messages can be sent."""
    global _settings
    if kind != "message":
        refuse("kind", kind, "'message'")
    _settings = _check(cfg, _FIELDS)
    return join(cfg, set_keys(cfg)).status == LORA_JOINED


def transport(kind):
    """Return a transport of messages. OSError without a session."""
    if kind != "message" or not _node or _node.status != LORA_JOINED:
        raise OSError("no LoRaWAN session for a " + str(kind))
    return _Transport(_settings or _node.settings)


class _Transport:
    """Uplinks as messages; the session is saved by down(), once for all of them.

    confirms, confirmed  as in networking/__init__.py
    last                 the SendResult of the last uplink, with its downlink
    """

    def __init__(self, settings):
        self._settings = settings
        self.confirms = bool(settings["_LORA_CONFIRMED"])
        self.confirmed = False
        self.last = None

    def sendto(self, payload, address=None):
        """Return len(payload), 0 if it was refused. The network server decides where it goes."""
        self.last = _sent(self._settings, payload, False)
        self.confirmed = self.last.status == LORA_CONFIRMED
        return len(payload) if self.last.status else 0

    def close(self):
        pass


def datagram_limit():
    """Return the maximum length of a message in bytes at the data rate in use.

    Pending MAC commands may take up to 15 bytes of it. Before the first call of set_keys, join or
    up, the result is the limit of the slowest data rate that reports can use.
    """
    return _node.limit() if _node else 51


def metrics():
    """Return RSSI and SNR of the last downlink as records, those that are known."""
    return _node.metrics() if _node else []


def stop(woken=False):
    """Put a radio to sleep that an earlier program may have left on. True if it is asleep.

    woken: True after a deep sleep that followed down(): there is nothing to do.
    """
    if woken:
        return True
    if _node:
        return _node.down()
    from networking import _lora_node

    return _lora_node.stop()
