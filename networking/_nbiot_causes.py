"""Causes: the words in `nbiot.last_outcome()` for the end of an attempt.

    from networking import _nbiot_causes as causes
    if nbiot.last_outcome().cause == causes.SIM_LOCKED:

The code uses these constants. The comments become the table of docs/nbiot.md: the first sentence
is the event, the rest the advice.
"""

# connect() was not called since the start of the program.
NEVER_TRIED = "never_tried"

# Registered, with packet service and an address: a datagram can be sent.
ATTACHED = "attached"

# In data state, with an IPv4 address.
CONNECTED = "connected"

# The firmware has no LTE. Use a GPy or a FiPy.
NO_MODEM = "no_modem"

# The modem does not answer. Deep sleep restarts it; if it stays mute, cut the supply.
MODEM_MUTE = "modem_mute"

# Only the loader of the modem answers. Install the modem's firmware again, with Pycom's updater.
MODEM_RECOVERY = "modem_recovery"

# The modem still carries out an earlier command, such as AT+COPS=?. Wait for its end.
MODEM_BUSY = "modem_busy"

# The firmware's driver failed, the radio cannot be switched off, or a file of nbiot is missing.
# The next cycle starts afresh; the log names the file.
MODEM_ERROR = "modem_error"

# The modem restarted by itself. The next cycle starts afresh.
MODEM_REBOOTED = "modem_rebooted"

# No SIM card, or it was not read within 3.5 s, or 15 s while the modem says that it is busy. Look
# at the card and its holder.
SIM_MISSING = "sim_missing"

# The SIM card asks for a PIN or PUK. Remove the PIN in a telephone: the node never sends one.
SIM_LOCKED = "sim_locked"

# The modem does not take a band. Check `_BAND`.
BAND_REFUSED = "band_refused"

# The modem does not take the PDP context. Check `_APN`, `_IP_VERSION`, `_CID` and `_APN_USER`.
CONTEXT_REFUSED = "context_refused"

# The modem does not switch its radio on.
ACTIVATION_REFUSED = "activation_refused"

# The network denies registration permanently or for 20 s. See `reject_cause`; check SIM, `_APN`.
REGISTRATION_DENIED = "registration_denied"

# No registration in time. See `registration`: 2 searching, 4 out of coverage, 0 given up.
ATTACH_TIMEOUT = "attach_timeout"

# Registered, but without packet service or an address in time. Ask the operator about the SIM.
NO_PACKET_SERVICE = "no_packet_service"

# Registered, but the context that `_CID` names carries no data. Use 1, or ask the operator.
CONTEXT_UNAVAILABLE = "context_unavailable"

# The network gave no address of the family that `_HOST` or data state needs. Check `_IP_VERSION`.
ADDRESS_FAMILY = "address_family"

# Attached, but this link to the modem carries no data state. Use AT sockets.
NO_DATA_STATE = "no_data_state"

# Attached, but data state is IPv4 alone and `_IP_VERSION` is "IPV6". Use AT sockets or "IPV4V6".
DATA_STATE_NEEDS_IPV4 = "data_state_needs_ipv4"

# Attached, but the modem refuses data state until the time is over.
DATA_STATE_REFUSED = "data_state_refused"

# Attached and in data state, but without an address in time. Ask the operator for IPv4.
DATA_STATE_TIMEOUT = "data_state_timeout"

# Causes for which it is not enough to try again soon: classes of utils/backoff.py
_CLASSES = {
    NO_MODEM: "configuration",
    MODEM_RECOVERY: "permanent",
    SIM_MISSING: "permanent",
    SIM_LOCKED: "permanent",
    BAND_REFUSED: "configuration",
    CONTEXT_REFUSED: "configuration",
    CONTEXT_UNAVAILABLE: "configuration",
    ADDRESS_FAMILY: "configuration",
    NO_DATA_STATE: "configuration",
    DATA_STATE_NEEDS_IPV4: "configuration",
}
# EMM causes: IMSI unknown, illegal UE, illegal ME, EPS services not allowed (7 and 8); congestion
# (3GPP TS 24.301 Annex A)
_REJECTS = {
    2: "permanent",
    3: "permanent",
    6: "permanent",
    7: "permanent",
    8: "permanent",
    22: "congestion",
}


def back_off(cause, reject_cause):
    """Return the class of the end of an attempt. reject_cause: of the network, None if unknown."""
    if cause in (REGISTRATION_DENIED, ATTACH_TIMEOUT) and reject_cause in _REJECTS:
        return _REJECTS[reject_cause]
    return _CLASSES.get(cause, "temporary")


class NoModem(OSError):
    """This board has no modem. An ImportError would be that of a missing file, too."""

    cause = NO_MODEM


class Failed(Exception):
    """args: (cause,). Ends an attempt; never leaves the parts of nbiot."""
