"""A registration that the modem keeps over deep sleep, in power saving mode or extended DRX.

    keeper = Keeper(cfg)
    outcome = keeper.resume(link)      # None: there is none, attach
    done = keeper.leave(link)          # in place of switching the radio off

Only deep sleep keeps the note that there is a registration, in RTC memory. It holds for one
resume(): a cycle that is cut short leaves none, and the next one attaches.

`+CEREG?` tells what the modem believes. It does not tell whether the cell is in reach, or whether
a network has forgotten the node: only an answer does.

Source: 3GPP TS 24.301 5.3.11 (power saving mode), TS 27.007 10.1.22; docs/nbiot.md has what no
source says of this modem.
"""

from micropython import const

from networking import _nbiot_levels as levels
from networking import _nbiot_outcome as outcomes
from networking._nbiot_outcome import log
from utils import at, logging, store, timing

PSM, EDRX, RELEASE = "psm", "edrx", "release"
ABILITIES_KEY = "nbiot_can"  # in NVS: a number for the build of the modem, and two bits
_PART = "kept"
# What a registration depends on: with other values it is given up
_REGISTERED_BY = ("_APN", "_IP_VERSION", "_BAND", "_CID", "_PLMN", "_PSM", "_PERIOD_S")
_REGISTERED_BY += ("_APN_USER", "_APN_PASSWORD", "_APN_AUTH", "_MODEM_LINK")
_MARK_BYTES = const(4)
_SEARCHING = const(2)
_RETURN_MS = const(10000)  # for a modem that looks for its cell again
_LOOK_MS = const(500)
_ANSWER_MS = const(3000)
# No URC may wait for the board in its sleep: it could keep the modem awake
_QUIET = ";+CEREG=0"
_ASK = "AT+CEREG=4;+CFUN?;+CEREG?;+CSQ;+CESQ"
_ASK_EDRX = _ASK + ";+CEDRXRDP"
_LEAVE = "AT+CEREG=0;+CEREG?"
_SURE_MS = const(5000)  # after the modem has confirmed its registration it is not asked again


def take():
    """Return the note of the last cycle, b"" if it left no registration; it is gone then."""
    content = store.part(_PART)
    if content:
        store.keep_part(_PART, b"")
    return content


def has(ability):
    """Return whether the modem was found to have EDRX, or RELEASE."""
    import pycom

    told = pycom.nvs_get(ABILITIES_KEY, 0)
    return isinstance(told, int) and bool(told & (1 if ability == RELEASE else 2))


def digest(text):
    import uhashlib

    return uhashlib.sha256(text.encode()).digest()


class Keeper:
    """granted   PSM or EDRX, what the network has granted; None: nothing
    resumed   whether resume() has taken up a registration
    phases    of a resume() that found none: ((name, ms), ...)
    peer      (number, family, (host, port)) of the socket that the modem has open, or None
    """

    def __init__(self, cfg):
        values = [getattr(cfg, name, None) for name in _REGISTERED_BY]
        self._mark = digest(repr(values))[:_MARK_BYTES]
        self._kept = take()
        self.granted = None
        self.resumed = False
        self.peer = None
        self.phases = ()
        self._socket = None
        self._since = None  # resumed

    def resume(self, link):
        """Take up the registration of the last cycle; return an Outcome, None if there is none."""
        content, self._kept = self._kept, b""
        if content[:_MARK_BYTES] != self._mark:
            return None
        watch = timing.Stopwatch()
        lines, init_ms = None, 0
        try:
            link.open()
            init_ms = watch.elapsed_ms()
            by_edrx = content[_MARK_BYTES : _MARK_BYTES + 1] == b"e"
            lines = _registered(link, _ASK_EDRX if by_edrx else _ASK)
        except (OSError, ImportError) as error:  # the attach, which is tried next, tells the cause
            log.warning("%s", error)
        if not lines:
            log.warning("the registration is lost")
            self.phases = (("resume", watch.elapsed_ms()),)
            return None
        self.resumed = True
        self._since = timing.Stopwatch()
        if by_edrx:
            self.granted = EDRX if is_edrx(lines) else None
        elif is_granted(lines):
            self.granted = PSM
        self.peer = _peer(content[_MARK_BYTES + 1 :])
        phases = ("init", init_ms), ("resume", watch.elapsed_ms() - init_ms)
        found = phases, _registration(lines), None, (0, 0, -1), levels.read(lines)
        return outcomes.told(logging.INFO, outcomes.ATTACHED, "attached", *found)

    def adopt(self, opened):
        """Let an AT socket go on with the one that the modem has open, if it is the same."""
        opened.idle_s = 0
        self._socket = opened
        if has(RELEASE):
            opened.follows = lambda answers: _follows(opened, answers)
        if self.peer and (getattr(opened, "number", None), opened.family) == self.peer[:2]:
            opened.peer = self.peer[2]
        self.peer = None

    def _is_sure(self):
        return self._since is not None and self._since.elapsed_ms() < _SURE_MS

    def leave(self, link):
        """Leave the modem registered and let it sleep; False if it is not registered any more."""
        if not self.granted or not link.is_open:
            return False
        if not self._is_sure():
            reply = link.exchange(_LEAVE, _ANSWER_MS, True)
            if not reply.ok or _registration(reply.lines) not in outcomes.REGISTERED:
                return False
        if self.peer and _may_ring(self._socket):
            link.exchange("AT+SQNSH=%d" % self.peer[0], _ANSWER_MS)
            self.peer = None
        content = self._mark + self.granted[:1].encode()
        if self.peer:
            number, family, (host, port) = self.peer
            content += bytes((number, family)) + port.to_bytes(2, "big") + host.encode()
        if not store.keep_part(_PART, content):
            return False
        link.rest()
        return True


def _may_ring(opened):
    """True if a peer that answers has not answered all: the answer to a repetition would ring in
    the sleep, and may keep the modem awake."""
    return 0 < getattr(opened, "heard", 0) < opened.sent


def _follows(opened, answers):
    """Tell the network what follows the next datagram of a socket, as the modem counts it."""
    opened.release = 0 if answers is None else 1 + answers


def is_granted(lines):
    """True if a line of +CEREG in mode 4 or 5 says that power saving mode is granted.

    <n>,<stat>,<tac>,<ci>,<AcT>,<cause_type>,<cause>,<Active-Time>,<Periodic-TAU>: registered, and
    an active time whose unit is not "deactivated". Networks leave the period out, and fill in a
    cause beside a grant.
    """
    for line in lines:
        if line.startswith("+CEREG:"):
            active = (at.fields(line) + [""] * 8)[7]
            is_octet = len(active) == 8 and not active.strip("01")
            registered = at.registration(line)[1] in outcomes.REGISTERED
            return registered and is_octet and active[:3] != "111"
    return False


def is_edrx(lines):
    """True if a line of +CEDRXRDP has a cycle that the network has granted (27.007 7.41)."""
    for line in lines:
        if line.startswith("+CEDRXRDP:"):
            return bool((at.fields(line) + [""] * 3)[2])
    return False


def _registered(link, question):
    """Return the lines of a modem that is registered; None if it is not, for up to 10 s."""
    deadline = timing.Deadline(_RETURN_MS)
    while True:
        reply = link.exchange(question + _QUIET, _ANSWER_MS, True)
        if reply.rebooted or "+CFUN: 1" not in reply.lines:
            return None
        stat = _registration(reply.lines)
        if stat in outcomes.REGISTERED:
            return reply.lines
        if stat != _SEARCHING or deadline.expired():
            return None
        link.pause(_LOOK_MS)


def _registration(lines):
    for line in lines:
        if line.startswith("+CEREG:"):
            return at.registration(line)[1]
    return None


def _peer(content):
    """Return the socket that was left open, None if there is none."""
    if len(content) < 5:
        return None
    host = content[4:].decode()
    return content[0], content[1], (host, int.from_bytes(content[2:4], "big"))
