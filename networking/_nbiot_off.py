"""Switch the radio of the modem off, at the end of a cycle or of a failed attempt.

from networking import _nbiot_off
done = _nbiot_off.switch_off(link)
"""

from micropython import const

from utils import at

# A detach takes 27 s at the edge of coverage; other makers' drivers wait 40 s
DETACH_MS = const(40000)
# The modem rests 0.1 s after its last character; by default it waits 5 s, at 30 mA
REST_SOON = "AT+SQNIPSCFG=1,100"
_RESTART_MS = const(8000)  # of the modem, which then answers at once


def switch_off(link):
    """Detach and switch the radio off; return True once the modem has confirmed it.

    Three tries: the command may have been lost, or the modem restarts. While it is busy with
    another command, the answer is waited for, but not for the minutes of a search: the radio is
    to go off in any case. Raises OSError in data state, and if the modem went mute.
    """
    command = "AT+CFUN=4"
    if at.busy_with(link.modem, _RESTART_MS) not in (None, command):
        at.abandon(link.modem)
        command = "AT+CFUN=4;+CFUN?"  # a bare OK may be that of the other command
    for limit_ms in (DETACH_MS, _RESTART_MS, _RESTART_MS):
        reply = link.exchange(command, limit_ms, "?" in command)
        is_off = reply.ok and (reply.lines or command == "AT+CFUN=4")
        if is_off and _rests_soon(link):
            return True
    return False


def _rests_soon(link):
    """False if the modem restarts, which may switch the radio on. A release that does not know the
    command rests later. Source: Sequans, as noted in TinyGSM."""
    try:
        return not link.exchange(REST_SOON, _RESTART_MS).rebooted
    except OSError:  # it went mute: the radio is off all the same
        return True
