"""Has what the modem accepted left the radio? Wait for it before the radio goes off.

    from networking import _nbiot_left
    left = _nbiot_left.wait(link, accepted, rsrp_dbm, registered)     # True, False or None

OK to a datagram means that the modem has taken it. What it has not sent it loses with the radio
(no source says that this modem sends it first; the maker of a comparable one says that it is
lost). Most releases do not tell when a datagram leaves. Then a bound is waited, in which about
nine of ten leave: for each datagram 2 s in good coverage, 4 s in fair, 8 s at the edge. It is
given twice to one that has to bring the radio connection back first; in good coverage three
quarters of it to one that waits behind others, whose share covers late ones.

Where the modem has +CSCON, the end of the radio connection ends the wait: the network keeps it for
as long as there is something to send. The bound is never extended for it: without release
assistance the network keeps the connection for another 10 to 30 s.

Source: 3GPP TS 27.007 7.30 (+CSCON), TS 24.301 5.5.2.2.1 (detach); durations of uplinks as
measured in four networks, docs/emulation.md.
"""

from micropython import const

from networking import _nbiot_levels as levels
from networking._nbiot_outcome import REGISTERED, log
from utils import at, timing

# Borders of the coverage classes as a live cell told them in its SIB2, in dBm of RSRP
_GOOD_DBM = const(-109)
_FAIR_DBM = const(-119)
_EACH_MS = (2000, 4000, 8000)  # good, fair, edge
_MOST_MS = const(48000)  # from the last datagram on
_KEPT_MS = const(8000)  # networks keep a quiet connection for 10 s or more
_LOOK_MS = const(2000)  # between two looks at the modem
_SILENT_MS = const(500)  # after a look that failed at once
_ANSWER_MS = const(3000)
_RESTART_MS = const(7000)  # of the modem: longer silence is the end

_ASK = "AT+CFUN?;+CEREG?;+CSCON?"  # an error of the last one leaves the answers of the others


def each_ms(rsrp_dbm):
    """Return the bound for one datagram. Unknown coverage counts as fair."""
    if rsrp_dbm == levels.UNKNOWN:
        return _EACH_MS[1]
    return _EACH_MS[(rsrp_dbm < _GOOD_DBM) + (rsrp_dbm < _FAIR_DBM)]


def due_ms(accepted, each, registered):
    """Return the instant until which the radio has to stay on; instants as of timing.now_ms().

    accepted: instants, in order. The modem sends one datagram after the other, so the bound of one
    begins when that of the one before is over. registered: the instant, None if unknown. After a
    silence since then, or since the datagram before, the network has released the connection, and
    a service request precedes the datagram.
    """
    due = 0
    last = registered
    spared = each // 4 if each == _EACH_MS[0] else 0
    for instant in accepted:
        idle = last is None or instant - last > _KEPT_MS
        behind = instant < due and not idle
        due = max(due, instant) + each * (1 + idle) - spared * behind
        last = instant
    return min(due, accepted[-1] + _MOST_MS) if accepted else 0


def wait(link, accepted, rsrp_dbm, registered):
    """Wait until the datagrams have left the radio, or for their bound, and log how it ended.
    Feeds the watchdog.

    accepted: the instants at which the modem took them, in order, not empty; registered: that of
    the registration, or None. Returns True if the modem has told that they left, False if it
    restarted or its radio is off, None if nothing told. Blocks for 48 s at most, and for some 10 s
    if the modem does not speak.
    """
    watch = timing.Stopwatch()
    left = _wait(link, due_ms(accepted, each_ms(rsrp_dbm), registered))
    told = {True: "it has left", False: "it has not left"}.get(left, "the modem did not tell")
    text = "waited %d ms for what was sent (%d) to leave: %s"
    log.info(text, watch.elapsed_ms(), len(accepted), told)
    return left


def _wait(link, due):
    command = _ASK
    connected = False
    heard = timing.Stopwatch()
    while heard.elapsed_ms() < _RESTART_MS:
        reply = _exchange(link, command)
        left_ms = due - timing.now_ms()
        if reply.text:
            heard = timing.Stopwatch()
        if reply.rebooted or _is_radio_off(reply):
            return False
        mode = _mode(reply)
        if (
            mode is None
        ):  # no such command, or no service: then the end of a connection says nothing
            connected = False
            if reply.final:
                command = _ASK[:8]
        elif connected and mode == 0:
            return True
        connected = connected or mode == 1
        if left_ms <= 0 and reply.text:
            return None
        least_ms = 0 if reply.text else _SILENT_MS
        if link.pause(min(max(left_ms, least_ms), _LOOK_MS)).rebooted:
            return False
    return None


def _exchange(link, command):
    """Return the reply of the modem, an empty one if it is mute: it may be restarting."""
    try:
        return link.exchange(command, _ANSWER_MS, True)
    except OSError:
        return at.Reply("", "")


def _is_radio_off(reply):
    """True if the modem says so: it restarted, and a command flushed its +SYSSTART."""
    for line in reply.lines:
        if line.startswith("+CFUN:"):
            return line != "+CFUN: 1"
    return False


def _mode(reply):
    """Return the <mode> of +CSCON: 1 connected, 0 idle; None if unknown, or without service."""
    mode = None
    served = False
    for line in reply.lines:
        if line.startswith("+CEREG:"):
            served = at.registration(line)[1] in REGISTERED
        elif line.startswith("+CSCON:"):
            mode = at.number((at.fields(line) + [""])[1])
    return mode if served else None
