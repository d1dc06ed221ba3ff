"""sendAtCommand() of nbiot: the check of its arguments, and the tries."""

from micropython import const

from networking._nbiot_outcome import log
from utils import at, timing
from utils.configuration import is_integer, refuse

_COMMAND_MS = const(9500)  # for a command of the caller that the modem answers by itself
_LONGEST_MS = const(600000)  # that a caller may wait for one answer
_RETRY_MS = const(500)


def check(link, command, tries, timeout_ms):
    """Raise ValueError for a wrong argument. tries: (name, value)."""
    limit = link.longest_line()
    if not _is_line(command, limit):
        refuse("command", command, "1 to %d printable bytes" % limit)
    if not is_integer(tries[1], 1, 1000000):
        refuse(tries[0], tries[1], "1 or more")
    if timeout_ms is not None and not is_integer(timeout_ms, 1, _LONGEST_MS):
        refuse("timeout_ms", timeout_ms, "1 to %d" % _LONGEST_MS)


def send(link, command, tries, timeout_ms):
    """Return (text of the modem, whether the final result code was OK). Raises nothing."""
    if timeout_ms is None:
        timeout_ms = max(_COMMAND_MS, at.longest_ms(command))
    for attempt in range(1, tries + 1):
        try:
            reply = link.exchange(command, timeout_ms)
        except OSError as error:
            log.warning("%s", error)
            return "", False
        if reply.ok or attempt == tries:
            break
        timing.sleep_ms(_RETRY_MS)
    if reply.busy:
        log.warning("not sent: the answer to %s is outstanding", reply.busy)
    elif not reply.final:
        log.warning("no answer in %d ms", timeout_ms)
    return reply.text.strip(), reply.ok


def _is_line(command, limit):
    """True if `command` is one command line: printable, and within the limit of the link."""
    if not isinstance(command, str) or not 0 < len(command.encode()) <= limit:
        return False
    return min(command) >= " " and "\x7f" not in command
