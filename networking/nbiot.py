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
_APN_USER, _APN_PASSWORD          str, optional, together with the CID's access point
_APN_AUTH                         "pap" (default) or "chap": how they are given to the network
_PLMN                             str of 5 or 6 digits, optional: this operator only
_MODEM_LINK                       "lte", optional: the firmware's network.LTE, as ever; "uart":
                                  the modem's own UART; "auto": the UART, and LTE if the modem
                                  cannot be reached by it. Data state is always network.LTE's
_PSM                              None, optional: the radio goes off after each report; "auto": on
                                  the UART the modem stays registered over deep sleep, if the
                                  network grants power saving mode, with an update of the tracking
                                  area after 1.5 times _PERIOD_S, or an hour; or a tuple (period of
                                  the update in s, 60 or more; active time in s, 0 to 11160)

Wrong configuration or arguments raise ValueError before the modem is touched. Trouble in the field
never raises: the result shows it, `last_outcome()` has its cause, and the log has one line.

Written against Pycom firmware 1.20.2.r4 and r7 with a Sequans Monarch running an NB-IoT image
(LR6.x); commands from 3GPP TS 27.007 unless noted.
"""

from ucollections import namedtuple

from networking import _nbiot_outcome as outcomes
from utils import timing

NBIOT_DETTACHED = outcomes.DETACHED
NBIOT_MODEM_ACTIVATED = outcomes.ACTIVATED
NBIOT_ATTACHED = outcomes.ATTACHED
NBIOT_CONNECTED = outcomes.CONNECTED

ATTACHES = True
RESUMES = True
UNFED_S = 65  # network.LTE() with a modem that falls mute meanwhile
CARRIES_BY = ("_IP_VERSION", "_HOST", "_CID")
_LAST_SOCKET_CID = 5

ConnectResult = namedtuple(
    "ConnectResult",
    "status activation_duration attachment_duration connection_duration rssi rsrp rsrq",
)
DeactivateResult = namedtuple("DeactivateResult", "deactivation_status deactivation_duration")

_AF_INET = 2
_AF_INET6 = 10
_SOCK_STREAM = 1
_SOCK_DGRAM = 2
_LONGEST_DATAGRAM = 1500  # of the modem's own stack
_IN_DATA_STATE = 1252  # bytes of a datagram: a packet of 1280, the least MTU of IPv6, less headers
MUCH = 6  # datagrams: for more, data state is faster than AT sockets with their short lines

_link = None  # to the modem, made at the first use
_node_s = None  # told by node_time()
_outcome = outcomes.NOTHING  # of the last connect()
_registered = None  # the instant, as of timing.now_ms(); of the last connect()
_at_family = _AF_INET  # of AT sockets, set by the last connect()
_cid = 1  # the PDP context of AT sockets, set by the last connect()
_socket = None  # of sendATsocket, kept open for the next datagram
_meanwhile = ()  # told by meanwhile(); for the next connect()
_keeper = None  # of a registration, by _PSM
_left = None  # whether what was accepted since the last connect() has left the radio
_expects_time = False  # the next connect() makes the modem forget the time
_forgot_time = False  # the last one has
_zone = 0  # of the last network_time(), in quarter hours


def connect(cfg, dataStateOn=True):
    """Activate the modem, attach, and unless `dataStateOn` is False bring up the data connection.

    cfg: an object with the fields listed at the top of this module.
    Returns a ConnectResult:
      status               NBIOT_DETTACHED, NBIOT_MODEM_ACTIVATED, NBIOT_ATTACHED or
                           NBIOT_CONNECTED, the furthest state that was confirmed
      activation_duration  ms from asking for full functionality to "+CFUN: 1"
      attachment_duration  ms from there until a datagram can be sent: registration, packet
                           service and an address
      connection_duration  ms from LTE.connect() to LTE.isconnected()
      rssi, rsrp, rsrq     dBm, dBm, dB: low edge of the reported step
    A value is -1 if its confirmation or figure is missing. With _PSM, a registration that the
    modem has kept over deep sleep is taken up: then nothing is activated or attached, and these
    two durations are 0. The cause is in last_outcome(). Blocks for the configured times and the
    limits of the phases before: docs/nbiot.md.
    Raises one ValueError with all problems of the configuration.
    """
    return _connect(cfg, dataStateOn, None)


def _connect(cfg, data_state, host, by_lte=False):
    """As connect(); host: the network must give an address of its family, None for any. by_lte:
    data state is needed if the link is LTE, not so on the UART."""
    global _link, _outcome, _registered, _at_family, _cid, _left, _expects_time, _forgot_time
    global _meanwhile
    if not data_state and _resume(cfg):
        return _result()
    from networking import _nbiot_attach, _nbiot_config  # a kept registration needs neither
    from utils import address

    settings = _nbiot_config.check(cfg, _limit(), data_state or by_lte)
    _at_family = _AF_INET6 if settings["_IP_VERSION"] == "IPV6" else _AF_INET
    _cid = settings["_CID"]
    if _link:
        _in_field(_link.hang_up)
        if _link.is_open and _accepted():  # the radio goes off first
            _in_field(_await_departure, _link, _accepted())
    _forget_socket()
    _left = None
    del _accepted()[:]
    choice = _choose(settings["_MODEM_LINK"], data_state or by_lte and _cid > _LAST_SOCKET_CID)
    data_state = data_state or by_lte and _link.name == "lte"
    request = _a_request(cfg, settings)
    attempt = _nbiot_attach.Attempt(_link, settings, address.family(host), _expects_time, request)
    attempt.meanwhile, _meanwhile = _meanwhile, ()
    _outcome = attempt.run(data_state)
    if settings["_MODEM_LINK"] == "auto" and _link.name == "uart" and not _link.is_open:
        _link, _outcome = choice.by_lte(attempt, data_state or by_lte, _node_s)
    _expects_time = False
    _registered = attempt.search and attempt.search.registered
    _forgot_time = attempt.forgot_time
    if request:
        _keeper.granted = request.granted
        phases = _keeper.phases + _outcome.phases
        _outcome = outcomes.Outcome(*_outcome[:2] + (phases,) + _outcome[3:])
    return _result()


def _result():
    return ConnectResult(*(_outcome.status,) + _outcome.durations + _outcome.levels)


def _resume(cfg):
    """Take up the registration that the last cycle has left with this configuration, which is
    good then; True if it is there."""
    global _outcome, _registered, _at_family, _cid, _left, _forgot_time, _keeper
    _keeper = None
    if _expects_time or not may_resume(cfg):
        return False
    if not (_link and _link.is_waking):
        wake(cfg)
    from networking import _nbiot_uart_kept  # on demand

    _keeper = _nbiot_uart_kept.Keeper(cfg)
    outcome = None
    if _link and _link.rests_registered:
        _link.meanwhile(_meanwhile)
        outcome = _keeper.resume(_link)
    if not outcome:
        return False
    _outcome, _registered, _left, _forgot_time = outcome, None, None, False
    _at_family = _AF_INET6 if cfg._IP_VERSION == "IPV6" else _AF_INET
    _cid = getattr(cfg, "_CID", 1)
    del _accepted()[:]
    return True


def _a_request(cfg, settings):
    """Return what asks for power saving mode; None if it is not wanted, or the link is LTE."""
    global _keeper
    if settings["_PSM"] is None or not _link.rests_registered:
        _keeper = None
        return None
    from networking import _nbiot_uart_kept, _nbiot_uart_psm  # on demand

    _keeper = _keeper or _nbiot_uart_kept.Keeper(cfg)
    return _nbiot_uart_psm.Request(settings["_PSM"], settings["_PERIOD_S"], _node_s)


def wake(cfg):
    """Begin to wake the modem up, if the link is its UART. connect() goes on with it; without,
    deactivate() lets it sleep again."""
    global _link
    import pycom

    wanted = getattr(cfg, "_MODEM_LINK", "lte")
    if wanted not in ("uart", "auto") or _link and _link.off is not None:
        return
    if may_resume(cfg) and not pycom.lte_modem_en_on_boot():
        from networking import _nbiot_uart  # on demand

        _link = _nbiot_uart.Link()
    else:
        choice = _choice(wanted)
        if choice:
            _link = choice.link(_link, wanted, False, _node_s)
    if _link and _link.rests_registered:
        _in_field(_link.wake)


def meanwhile(work):
    """Take an iterator whose steps the next connect() may run while it waits for the network."""
    global _meanwhile
    _meanwhile = work


def may_resume(cfg):
    """Return whether connect() will find a registration that the last cycle has left."""
    if getattr(cfg, "_PSM", None) is None:
        return False
    from utils import store  # on demand

    return bool(store.part("kept"))


def resumed():
    """Return whether the last connect() has taken up a registration, in place of an attach."""
    return _keeper is not None and _keeper.resumed


def last_outcome():
    """Return the outcome of the last connect(), without asking the modem: a named tuple of

    status        as in the result of connect()
    cause         one word of networking/_nbiot_causes.py, which explains them
    phases        ((name, ms), ...) in order; a failed phase has its time, too
    registration  the last <stat> of +CEREG, None without any
    reject_cause  the EMM cause from the network, None if unknown (3GPP TS 24.301)
    durations     (activation, attachment, connection) in ms, -1 where not confirmed
    levels        (RSSI in dBm, RSRP in dBm, RSRQ in dB), -1 where unknown
    """
    return _outcome


def deactivate(keep=False):
    """Leave data state, let datagrams leave, switch the radio off, deinitialise the modem.

    Returns a DeactivateResult: True if every step was confirmed, and the duration in ms. A step
    runs even if the one before failed.

    A modem that something else may have switched on is switched off as well: the firmware before
    Python, a program before a reset that was no deep sleep, or this program by network.LTE() (but
    not one that it left attached on purpose by LTE.deinit(detach=False)). Nobody can have done
    that after power-on or a deep sleep, unless pycom.lte_modem_en_on_boot() is True: then the
    modem is left alone, (True, 0).

    Waits first until the datagrams that the modem accepted have left the radio: for 2, 4 or 8 s
    each, by coverage, twice that after 8 s of silence, 48 s at most, counted from their
    acceptance; not at all if an answer came after the last one. In data state for one datagram.
    The detach takes up to 40 s.

    keep: leave the modem registered over a deep sleep that follows, for the next connect(), if
    _PSM is set and the network has granted it. Nothing is waited for: the modem sends what it has
    accepted. Otherwise, and if the modem is not registered any more, the radio goes off.
    """
    return _deactivate(False, keep)


def _deactivate(settled, keep=False):
    """As deactivate(). settled: everything sent was answered, nothing is waited for."""
    link = _the_link()
    watch = timing.Stopwatch()
    done = True
    if keep and _keeper and _in_field(_leave, link):
        return DeactivateResult(True, watch.elapsed_ms())
    if link.is_waking:  # it was not needed, and stays registered
        return DeactivateResult(_in_field(link.rest) is not False, watch.elapsed_ms())
    if not link.is_open and link.may_be_on():
        done = _open(link)
    if link.is_open:
        # each step runs even if the one before failed
        sent = _accepted() or [watch.start_ms] if link.in_data_state else _accepted()
        hung_up = _in_field(link.hang_up) is not False or _in_field(link.hang_up) is not False
        if sent and hung_up and not settled:
            _in_field(_await_departure, link, sent)
        _forget_socket()
        from networking import _nbiot_off

        done = _in_field(_nbiot_off.switch_off, link) and hung_up and done
        done = _in_field(link.close) is not False and done
        link.off = done
    del _accepted()[:]
    return DeactivateResult(done, watch.elapsed_ms())


def left():
    """Return whether everything that the modem accepted since connect() has left the radio.

    True, False, or None if nothing told. Known after deactivate() only.
    """
    return _left


def sendAtCommand(command, max_tries=1, timeout_ms=None, max_retries=None):
    """Send an AT command, again after 500 ms while its final result code is not OK.

    command: str, one line without control characters; max_tries: number of tries, 1 or more, also
    called max_retries; timeout_ms: 1 to 600000, the wait for the final result code. By default it
    is 9500, or the time that the command takes at most: 200 s for AT+COPS=?.
    Returns (response, status): the modem's text without surrounding white space, and True if the
    final result code was OK. ("", False) in data state. The modem is started if it is not: then
    deactivate() is due.

    While the answer to an earlier command is outstanding, nothing is sent: it is waited for, for
    up to `timeout_ms` in each try, and the result is ("", False) if it does not come. A further
    try for a command without an answer only goes on with the wait. Blocks for at most
    max_tries * (2 * timeout_ms + 3 s), and for the start of the modem.
    Raises ValueError for a command that is not one line of the firmware in use.
    """
    from networking import _nbiot_command

    tries = "max_tries", max_tries
    if max_retries is not None:
        tries = "max_retries", max_retries
    link = _the_link()
    _nbiot_command.check(link, command, tries, timeout_ms)
    if not link.is_open and not _open(link):
        return "", False
    return _nbiot_command.send(link, command, tries[1], timeout_ms)


def sendATsocket(data, host, port):
    """Send one UDP datagram through the modem's own stack, over IPv4 or IPv6.

    data: str (sent as UTF-8) or bytes, not empty; host: an IPv4 or IPv6 literal, no name; port: 1
    to 65535. Returns the count of payload bytes that the modem accepted, 0 if it refused. Accepted
    is not delivered. Raises ValueError for wrong arguments. The maximum length depends on the AT
    line of the firmware: datagram_limit().
    """
    import microATsocket
    from utils import address

    family = address.family(host)
    if not family:
        from utils.configuration import refuse

        refuse("host", host, "an IPv4 or IPv6 literal")
    if hasattr(microATsocket, "checked"):  # before a socket is opened, for there may be none
        microATsocket.checked(data, (host, port), _the_link().longest_line(), 0)
    accepted = max(0, int(_in_field(_send, family, data, (host, port))))
    if not hasattr(_socket, "drop"):  # the original microATsocket: its redial fails
        _forget_socket()
        if accepted:  # and it keeps no record
            _accepted().append(timing.now_ms())
    return accepted


# The functions of every bearer: networking/__init__.py


def problems(cfg):
    """Return the problems of the configuration as a list of str, empty without any."""
    from networking import _nbiot_config

    return _nbiot_config.problems(cfg, _limit())


def boot_options(cfg):
    """Return the options of pycom with which the firmware starts the modem before Python."""
    if resumed():
        return {}  # as it is
    choice = _choice(getattr(cfg, "_MODEM_LINK", "lte"))
    return choice.boot_options() if choice else _the_link().boot_options


def carries(cfg):
    """Return the kinds of transport that this configuration allows.

    Streams need data state, unless the UART carries them, and that is IPv4 only: usocket of this
    firmware has no IPv6. The others need AT sockets, which the contexts 6 to 8 do not have.
    """
    from utils import address

    ipv6 = cfg._IP_VERSION == "IPV6" or address.family(getattr(cfg, "_HOST", "")) == _AF_INET6
    if ipv6 or _link and _link.name == "lte" and not _link.has_data_state:
        return ("message", "datagram")
    if getattr(cfg, "_CID", 1) > _LAST_SOCKET_CID:
        return ("stream",)
    return ("message", "datagram", "stream")


def time_fields(kind):
    """Return the fields whose sum in s bounds up()."""
    names = ("_MAX_ATTACHMENT_ATTEMPT_TIME_SEC",)
    return names + ("_MAX_CONNECTION_ATTEMPT_TIME_SEC",) if kind == "stream" else names


def up(cfg, kind, much=False):
    """Attach as configured; by LTE, for streams or if much is to be sent, enter data state, too.

    True if transports of this kind can be had. Much goes by AT sockets if data state fails.
    """
    global _meanwhile
    _meanwhile = _loads(_meanwhile)
    stream = kind == "stream"
    # the UART has TCP of the modem, and takes as much at a time as data state does
    by_lte = stream or much and "stream" in carries(cfg)
    status = _connect(cfg, False, getattr(cfg, "_HOST", None), by_lte).status
    if stream and _link.name == "lte":
        return status == NBIOT_CONNECTED
    return status in (NBIOT_ATTACHED, NBIOT_CONNECTED)


def _loads(work):
    """Load what a transport needs, then go on with what somebody else has to do."""
    import microATsocket  # noqa: F401 - for transport()

    yield
    for _ in work:
        yield


def transport(kind):
    """Return a socket of the firmware in data state, else a socket of the modem."""
    if _the_link().in_data_state:
        import usocket

        if kind == "stream":
            return usocket.socket(_AF_INET, _SOCK_STREAM)
        from networking import _nbiot_datagrams

        return _nbiot_datagrams.Socket(usocket.socket(_AF_INET, _SOCK_DGRAM), _accepted())
    if kind == "stream" and _the_link().name == "uart":
        from networking import _nbiot_uart_stream  # on demand

        return _nbiot_uart_stream.Stream(_link.modem, _cid)
    if kind == "stream":
        raise OSError("no data state for a stream")
    opened = _open_socket(_at_family)
    opened.close = lambda: _let_go(opened)
    return opened


def datagram_limit():
    """Return the maximum payload of a datagram in bytes: an AT line of the firmware, 1500 at most.

    In data state it is that of a packet that no network cuts. An AT line takes the payload as it
    is, not as hex. The modem counts the bytes, so any byte value is allowed, and the firmware
    passes the payload on by its length.
    """
    link = _the_link()
    return _IN_DATA_STATE if link.in_data_state else min(_LONGEST_DATAGRAM, link.longest_line())


def node_time(now_s):
    """Tell the seconds for which the node has had power, on a scale that outlives resets."""
    global _node_s
    _node_s = now_s


def expect_time():
    """Let the next up() make the modem forget the time, for one exchange."""
    global _expects_time
    _expects_time = True


def network_time():
    """Return the seconds since 1970 that the network told in this attach, None if it did not.

    One exchange; none, and None, in data state and without expect_time(). The time comes up to 3 s
    after the registration, or never: it is not waited for.
    """
    global _zone
    link = _the_link()
    if not _forgot_time or not link.is_open or link.in_data_state:
        return None
    from networking import _nbiot_clock

    utc_s, _zone = _in_field(_nbiot_clock.read, link.exchange) or (None, 0)
    return utc_s


def network_zone():
    """Return the zone beside that time, in quarter hours."""
    return _zone


def back_off():
    """Return the class of utils/backoff.py of the end of the last connect()."""
    from networking import _nbiot_causes

    return _nbiot_causes.back_off(_outcome.cause, _outcome.reject_cause)


def metrics():
    """Return RSRP and RSRQ as records, if known, and 1 for the UART. The RSSI follows from the
    two."""
    _, rsrp, rsrq = _outcome.levels
    records = [("lk", 1, 0, None)] if _the_link().name == "uart" else []
    if rsrp != outcomes.UNKNOWN[0]:
        records.append(("rp", rsrp, 0, None))
    if rsrq != outcomes.UNKNOWN[0]:
        records.append(("rq", int(rsrq * 10), -1, None))
    return records


def down(settled=False, keep=False):
    """Let datagrams leave, switch radio and modem off. True if both confirmed it.

    keep: as of deactivate().
    """
    return _deactivate(settled, keep).deactivation_status


def stop(woken=False):
    """Switch off a modem that an earlier program may have left on. True if it is off.

    woken: True after a deep sleep that followed down(): there is nothing to do, unless the modem
    was left registered.
    """
    if woken and not _was_left_registered():
        return True
    link = _the_link()
    if not link.off:
        link.off = False  # not even power-on is trusted
    return down()


def _the_link():
    """Return the link in use, which knows whether the modem was started: the firmware's as long
    as no connect() has chosen one."""
    global _link
    if _link is None:
        from networking import _nbiot_lte

        _link = _nbiot_lte.Link()
    return _link


def _limit():
    """Return the longest line of the link in use, or of the firmware's where none was chosen."""
    from utils import at

    return _link.longest_line() if _link else at.line_limit()


def _choice(wanted):
    """Return what chooses a link; None if it is network.LTE, or if there is no other here."""
    if wanted == "lte" and (_link is None or _link.name == "lte"):
        return None
    try:
        from networking import _nbiot_uart_choice  # on demand
    except ImportError:
        if wanted == "uart":
            from utils.configuration import refuse

            refuse("_MODEM_LINK", wanted, '"lte", since networking/_nbiot_uart.py is not here')
        return None
    return _nbiot_uart_choice


def _choose(wanted, data_state):
    """Have the link that this value of _MODEM_LINK asks for; return what chose it, or None."""
    global _link
    choice = _choice(wanted)
    _link = choice.link(_link, wanted, data_state, _node_s) if choice else _the_link()
    return choice


def _open(link):
    """Start the modem. True if this worked, and on a board without one."""
    try:
        link.open()
    except (OSError, ImportError) as error:
        outcomes.log.warning("%s", error)
        link.off = getattr(error, "cause", None) == "no_modem" or link.off
        return link.off is True
    return True


def _accepted():
    """Return the record of microATsocket, a list of instants; it is loaded for the first send."""
    import sys

    sockets = sys.modules.get("microATsocket")
    if sockets and not hasattr(sockets, "accepted"):
        sockets.accepted = []  # the original keeps none
    return sockets.accepted if sockets else []


def _await_departure(link, sent):
    """Wait until the datagrams that were accepted at these instants have left the radio."""
    global _left
    from networking import _nbiot_left

    _left = _nbiot_left.wait(link, sent, _outcome.levels[1], _registered)


def _in_field(step, *args):
    """Return the result of step(*args); False, with a line in the log, if it raises OSError."""
    try:
        return step(*args)
    except OSError as error:
        outcomes.log.warning("%s", error)
        return False


def _send(family, data, address):
    """Send through the AT socket of this family, which is kept for the next datagram."""
    global _socket
    if _socket and _socket.family != family:
        _forget_socket()
    if not _socket:
        _socket = _open_socket(family)
    return _socket.sendto(data, address)


def _open_socket(family):
    """Return a new AT socket that sends payloads as they are."""
    import microATsocket

    opened = microATsocket.socket(family, microATsocket.SOCK_DGRAM)
    opened.setModemInstance(_the_link().modem)
    opened.setMessageFormat(opened.SOCKET_MESSAGE_FORMAT.SOCKET_MESSAGE_ASCII)
    if _cid != 1 and not hasattr(opened, "cid"):
        opened.close()
        raise OSError("the original microATsocket knows context 1 alone")
    opened.cid = _cid
    if _keeper:
        _keeper.adopt(opened)
    return opened


def _let_go(opened):
    """Free the number of a socket; the modem's side stays open as long as the radio is on."""
    if _keeper and opened.peer:
        _keeper.peer = opened.number, opened.family, opened.peer
    opened.drop()


def _was_left_registered():
    """True if the last cycle left the modem so; then the UART is the link from now on."""
    global _link
    try:
        from networking import _nbiot_uart, _nbiot_uart_kept  # on demand
    except ImportError:  # there is only network.LTE here
        return False
    if not _nbiot_uart_kept.take():
        return False
    _link = _nbiot_uart.Link()
    return True


def _leave(link):
    """Leave the modem registered; True if that is certain."""
    global _left
    if _socket:
        _let_go(_socket)
    if not _keeper.leave(link):
        return False
    _left = None if _accepted() else True  # True: all were answered
    _forget_socket()
    del _accepted()[:]
    return True


def _forget_socket():
    """Free the AT socket. The modem closes its side when the radio goes off."""
    global _socket
    closing = _socket
    _socket = None
    if hasattr(closing, "drop"):
        closing.drop()
    elif closing:
        _in_field(closing.close, True)
