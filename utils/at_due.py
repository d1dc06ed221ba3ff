"""The outstanding answer of utils/at.py: how the next command waits for it.

Loaded when there is one. Nothing else of the device code imports it.
"""

from micropython import const

from utils import at, timing

# Queries that the modem answers in any state, each under another name
_MARKERS = ("AT+CFUN?", "AT+CMEE?", "AT+CCLK?", "AT+CGATT?", "AT+CPSMS?", "AT+CREG?")
_QUIET_MS = const(1000)  # after which nothing follows a final result code
_FILL_MS = const(2000)

_marker = 0


def settle(modem, due, timeout_ms):
    """Wait until no answer is outstanding; return a Reply with the URCs that came meanwhile.

    Its `busy` names the command whose answer is still outstanding after `timeout_ms`.
    """
    result = at.Reply("", "")
    deadline = timing.Deadline(timeout_ms)
    if not due[2].expired():  # else a query may be outstanding as well
        _await(modem, due, deadline, result)
    if at.outstanding and not deadline.expired() and at.is_about_payload(due[1]):
        # its prompt may stand unseen, and a query would be payload
        _note(result, at.Reply(at.send(modem, filling(modem, due[1]), _FILL_MS), ""))
    while at.outstanding and not deadline.expired():
        # less than 1 s would leave each answer to the next query, for ever
        asked = _ask(modem, due[1], _next_marker(), max(_QUIET_MS, deadline.left_ms()))
        _note(result, asked)
        # answers come in order: none of an earlier command follows that of the newest query
        if asked.final and asked.lines or asked.rebooted:
            at.outstanding = None
    if at.outstanding:
        result.busy = _name(due[1])
    return result


def _ask(modem, command, query, timeout_ms):
    """Ask and return the Reply; final result codes in front of its line are of earlier commands.

    A query that the modem has lost is known by one of them and silence.
    """
    deadline = timing.Deadline(timeout_ms)
    text = at.send(modem, query, timeout_ms)
    while True:
        reply = at.Reply(text, query)
        reply.lines = [line for line in reply.lines if line[0] == "+"]
        done = reply.final and reply.lines or reply.rebooted
        left_ms = min(deadline.left_ms(), _QUIET_MS if reply.final else timeout_ms)
        if done or not left_ms:
            return reply
        if reply.prompt:  # that of `command`: the query has become payload
            text = ""
            more = at.send(modem, filling(modem, command), _FILL_MS)
        else:
            more = at.send(modem, at.LISTEN, left_ms)
        if not more and reply.final:
            return reply
        text = (text + more)[-at.MOST_TEXT :]


def busy_with(modem, due, timeout_ms):
    """See utils/at.py."""
    _await(modem, due, timing.Deadline(timeout_ms), at.Reply("", ""))
    return _name(due[1]) if at.outstanding and not due[2].expired() else None


def _await(modem, due, deadline, result):
    """Listen for the outstanding answer until it comes or its bound or `deadline` is over."""
    _, command, bound, text = due
    name = command if isinstance(command, str) else ""
    known = len(at.Reply(text, name).urcs)
    while True:
        left_ms = min(deadline.left_ms(), bound.left_ms())
        # at its end a last look
        text = (text + at.send(modem, at.LISTEN, left_ms))[-at.MOST_TEXT :]
        reply = at.Reply(text, name)
        at.outstanding = None if reply.whole else (modem, command, bound, text)
        if not at.outstanding or not left_ms:
            reply.urcs = reply.urcs[known:]
            return _note(result, reply)


def _note(result, reply):
    """Add what a reply tells beside the answer."""
    result.urcs += reply.urcs
    result.rebooted = result.whole = result.rebooted or reply.rebooted


def filling(modem, command):
    """Return what ends a prompt nobody waits for: blanks, as many as it takes, or ESC."""
    length = len(command)
    if isinstance(command, str):
        count = at.number((at.fields(command.replace("=", ":", 1)) + [""])[1])
        length = 2 * (count or 0)  # in hex; what is too much is an empty line
    return b" " * min(length, at.line_limit(modem)) or b"\x1b"


def _next_marker():
    global _marker
    _marker = (_marker + 1) % len(_MARKERS)
    return _MARKERS[_marker]


def _name(command):
    """Return the name of a command. What follows it may be a secret."""
    return command.split("=")[0] if isinstance(command, str) else "payload"
