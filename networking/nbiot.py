"""NB-IoT on Pycom GPy and FiPy: attach, send by AT sockets or in data state, switch the modem off.

    from networking import nbiot
    result = nbiot.connect(config, dataStateOn=False)
    if result.status == nbiot.NBIOT_ATTACHED:
        nbiot.sendATsocket(b"hello", "2001:db8::1", 5683)
    nbiot.deactivate()

Fields read from the configuration object:

_APN                              str, at most 99 characters; "" leaves the choice to the network
_IP_VERSION                       "IP", "IPV6" or "IPV4V6"
_MAX_ATTACHMENT_ATTEMPT_TIME_SEC  int, seconds for activation and attachment together, 1 to 3600
_MAX_CONNECTION_ATTEMPT_TIME_SEC  int, seconds for the data connection, 1 to 3600; dataStateOn only
_BAND                             int or list of int, optional; else the modem keeps its own list
_CID                              int 1 to 8, optional, 1: the PDP context that carries the data

Wrong configuration or arguments raise ValueError before the modem is touched. Trouble in the field
never raises: it is in the result, its cause in `last_outcome()`, and in one line of the log.

Written against Pycom firmware 1.20.2.r4 and r7 with a Sequans Monarch running an NB-IoT image
(LR6.x); commands from 3GPP TS 27.007 unless noted.
"""

from ucollections import namedtuple

from networking._nbiot_attach import Attempt
from networking._nbiot_attach import log as _log
from utils import at, timing
from utils.configuration import check, is_integer, refuse
from utils.configuration import problems as configured

NBIOT_DETTACHED = -1
NBIOT_MODEM_ACTIVATED = 0
NBIOT_ATTACHED = 1
NBIOT_CONNECTED = 2

_FIELDS = (
    ("_APN", "text", (0, 99)),
    ("_IP_VERSION", "choice", ("IP", "IPV6", "IPV4V6")),
    ("_MAX_ATTACHMENT_ATTEMPT_TIME_SEC", "integer", (1, 3600)),
    ("_BAND", "integers", (1, 85), None),
    ("_CID", "integer", (1, 8), 1),
    # the last one is of the data state only
    ("_MAX_CONNECTION_ATTEMPT_TIME_SEC", "integer", (1, 3600)),
)

ConnectResult = namedtuple(
    "ConnectResult",
    "status activation_duration attachment_duration connection_duration rssi rsrp rsrq",
)
DeactivateResult = namedtuple("DeactivateResult", "deactivation_status deactivation_duration")

# the last one; its `lte` and `data_state` are how it left the modem
_attempt = Attempt((None,) * 6)
_socket = None  # of sendATsocket, kept open for the next datagram


def connect(cfg, dataStateOn=True):
    """Activate the modem, attach, and unless `dataStateOn` is False bring up the data connection.

    cfg: an object with the fields listed at the top of this module.
    Returns a ConnectResult:
      status               NBIOT_DETTACHED, NBIOT_MODEM_ACTIVATED, NBIOT_ATTACHED or
                           NBIOT_CONNECTED, the furthest state that was confirmed
      activation_duration  ms from asking for full functionality to "+CFUN: 1"
      attachment_duration  ms from there to the registration with the network
      connection_duration  ms from LTE.connect() to LTE.isconnected()
      rssi, rsrp, rsrq     dBm, dBm, dB: low edge of the reported step
    each -1 where its confirmation or figure did not come. Blocks for at most the configured times
    plus about ten seconds if the modem is mute. The cause is in last_outcome().
    Raises ValueError for configuration, all problems in one message.
    """
    global _attempt
    settings = check(cfg, _FIELDS if dataStateOn else _FIELDS[:-1])
    _drop()
    _try(_leave)
    _attempt = Attempt([settings.get(field[0]) for field in _FIELDS])
    _attempt.run(dataStateOn)
    return ConnectResult(*[_attempt.status] + _attempt.durations + _attempt.levels)


def last_outcome():
    """Return how the last connect() ended and why, without asking the modem: an object with

    status        as in the result of connect()
    cause         connected, attached; or what went wrong: no_modem, modem_mute, modem_error,
                  modem_rebooted, sim_missing, sim_locked, band_refused, context_refused,
                  activation_refused, registration_denied, attach_timeout (registration tells
                  whether there was service), data_state_needs_ipv4, data_state_refused,
                  data_state_timeout; never_tried before the first call
    phases        [(name, ms), ...] in order, each with the time it took though it failed
    registration  the last <stat> of +CEREG seen, None if none was
    reject_cause  the EMM cause that the network gave, None if none is known (3GPP TS 24.301)
    """
    return _attempt


def deactivate():
    """Leave data state if in it, switch the radio off, deinitialise the modem.

    Returns a DeactivateResult: whether all of it was confirmed, and how long it took, ms. A modem
    that was never started is left alone (True, 0). Deinitialisation is reached whatever fails.
    """
    watch = timing.Stopwatch()
    done = True
    if _attempt.lte:
        _drop()
        # each on its own: a failure of one does not keep the next from being done
        done = _try(_leave)
        done = _try(_off) and done
        done = _try(_deinit) and done
        _attempt.lte = None
    return DeactivateResult(done, watch.elapsed_ms())


def sendAtCommand(command, max_tries=1):
    """Send an AT command, again after 500 ms while its final result code is not OK.

    command: str, one line without control characters; max_tries: how often at most, 1 or more.
    Returns (response, status): the modem's text without surrounding white space, and whether the
    final result code was OK. ("", False) in data state or before the modem was started.
    Raises ValueError for a command that cannot be one line on the firmware in use.
    """
    limit = at.line_limit()
    if (
        not isinstance(command, str)
        or not 0 < len(command.encode()) <= limit
        or min(command) < " "
        or "\x7f" in command
    ):
        refuse("command", command, "1 to %d printable bytes" % limit)
    if not is_integer(max_tries, 1, 1000000):
        refuse("max_tries", max_tries, "1 or more")
    while True:
        max_tries -= 1
        reply = _try(at.exchange, _attempt.lte, command)
        if not reply:
            return "", False
        if reply.ok or not max_tries:
            return reply.text.strip(), reply.ok
        timing.sleep_ms(500)


def sendATsocket(data, host, port):
    """Send one UDP datagram through the modem's own stack, over IPv4 or IPv6.

    data: str (sent as UTF-8) or bytes, not empty; host: an IPv4 or IPv6 literal, no name; port: 1
    to 65535. Returns the count of payload bytes that the modem accepted, 0 if it did not: accepted
    is not delivered. Raises ValueError for arguments; the most bytes depend on the AT line of the
    firmware.
    """
    from utils import address

    family = address.family(host)
    if not family:
        refuse("host", host, "an IPv4 or IPv6 literal")
    accepted = _try(_send, family, data, (host, port))
    if not hasattr(_socket, "drop"):  # the original microATsocket redials unreliably: one use
        _drop()
    return max(0, accepted)


def datagram_limit():
    """Return the most payload bytes of one sendATsocket: an AT line of the firmware, 1500 at most.

    The payload travels as it is, not as hex: the modem counts it, so that any byte value is data,
    and the firmware passes it on by its length.
    """
    return min(1500, at.line_limit())


def _try(step, *args):
    """Return what `step(*args)` returns, False if it meets trouble of the field, logged."""
    try:
        return step(*args)
    except OSError as error:
        _log.warning("%s", error)
        return False


def _leave():
    lte = _attempt.lte
    if lte and (_attempt.data_state or lte.isconnected()):
        timing.feed()
        lte.disconnect()
        _attempt.data_state = False
    return True


def _off():
    """Detach and switch the radio off, waiting for the modem to say so; it may be restarting."""
    for count in (1, 2, 3):
        if at.exchange(_attempt.lte, "AT+CFUN=4", 12000 // count).ok:
            return True
    return False


def _deinit():
    """Let the modem sleep. The radio is off already: no second detach, no SIM check, no reset."""
    timing.feed()
    try:
        _attempt.lte.deinit(detach=False)
    except TypeError:  # 1.20.0.rc1 and before have another spelling
        _attempt.lte.deinit()
    return True


def _send(family, data, address):
    """Send through the AT socket of this family, kept from the last datagram or new."""
    global _socket
    if _socket and _socket.family != family:
        _drop()
    if not _socket:
        _socket = _open(family)
    return _socket.sendto(data, address)


def _open(family):
    """A new AT socket that sends payloads as they are."""
    import microATsocket

    opened = microATsocket.socket(family, microATsocket.SOCK_DGRAM)
    opened.setModemInstance(_attempt.lte)
    opened.setMessageFormat(opened.SOCKET_MESSAGE_FORMAT.SOCKET_MESSAGE_ASCII)
    return opened


def _drop():
    """Free the AT socket; with the radio going off the modem closes its side by itself."""
    global _socket
    closing = _socket
    _socket = None
    if hasattr(closing, "drop"):
        closing.drop()
    elif closing:
        _try(closing.close, True)


# The uniform face of networking/__init__.py


def problems(cfg):
    return configured(cfg, _FIELDS)[1]


def carries(cfg):
    # over IPv6 there are only the modem's own sockets: usocket knows IPv4 alone
    return ("message", "datagram", "stream")[: 2 + (cfg._IP_VERSION != "IPV6")]


def up(cfg, kind):
    import microATsocket  # noqa: F401 - loaded now, while the modem may still be starting

    stream = kind == "stream"
    return connect(cfg, stream).status > stream  # attached is 1, connected 2


def transport(kind):
    if _attempt.data_state:
        import usocket

        return usocket.socket(2, 1 + (kind != "stream"))  # AF_INET; SOCK_STREAM, SOCK_DGRAM
    opened = _open(10 if _attempt.version == "IPV6" else 2)
    opened.close = opened.drop  # with the radio going off the modem closes its side by itself
    return opened


def metrics():
    # RSRP in dBm and RSRQ in dB; the RSSI follows from these two, and a report has little room
    found = (
        ("rp", _attempt.levels[1], 0, None),
        ("rq", int(_attempt.levels[2] * 10), -1, None),
    )
    # else unknown: the strongest that can be reported are -44 dBm and -3 dB
    return [record for record in found if record[1] < -10]


def down():
    return deactivate().deactivation_status


def stop():
    return _try(_attempt.init) is None and down()
