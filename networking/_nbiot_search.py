"""The search for a network: from full functionality until a datagram can be sent.

    search = Search(exchange, link, settings, since, deadline)
    search.run(command, (accepted, 0, cause), (family, data_state), meanwhile)    # raises Failed
    search.found()                       # (<stat> of +CEREG, reject cause, signal), as last seen

Part of networking/_nbiot_attach.py, apart from it since the radio searches while it is loaded.
"""

from micropython import const

from networking import _nbiot_causes as causes
from networking import _nbiot_levels as levels
from networking import _nbiot_outcome as outcomes
from networking import _nbiot_service
from networking._nbiot_causes import Failed
from networking._nbiot_mute import Mute
from networking._nbiot_outcome import REGISTERED, UNKNOWN
from utils import at, timing

_DENIED = const(3)
# Attaching to a known cell takes 2.7 s in the fastest tenth of cases
_FIRST_PAUSE_MS = const(2200)
_LEAST_PAUSE_MS = const(300)
_MOST_PAUSE_MS = const(10000)
_SOON_MS = const(9000)

_AUTOMATIC_MS = const(15000)  # then an operator chosen by hand, long ago, is thought of
_DENIED_MS = const(20000)  # a denial without a permanent cause ends the attempt after this time
# EMM causes after which the modem does not try again with this SIM or device: illegal UE, illegal
# ME, EPS services not allowed, EPS and non-EPS services not allowed (3GPP TS 24.301 5.5.1.2.5)
_FOR_GOOD = (3, 6, 7, 8)


class Search:
    """service      the Service of the present registration, None without one
    registered   the instant at which it was seen, as of timing.now_ms()
    automatic    True: the choice of the operator is known to be automatic
    reporting    present <n> of +CEREG; the firmware's start sequence sets 1
    """

    def __init__(self, exchange, link, settings, since, deadline):
        """exchange(command, limit_ms) returns a Reply. since: Stopwatch of the attachment;
        deadline: its end."""
        self.service = self.registered = None
        self.automatic = False
        self.registration = None  # the last <stat> of +CEREG seen
        self.reporting = 1
        self._exchange = exchange
        self._link = link
        self._settings = settings
        self._since = since
        self._deadline = deadline
        self._reject_cause = None
        self._levels = UNKNOWN
        self._denied = None  # stopwatch from the first denial on

    def found(self):
        """Return the last <stat> of +CEREG, the EMM cause of the network, the signal figures."""
        return self.registration, self._reject_cause, self._levels

    def run(self, command, step, needed, meanwhile):
        """Poll until a datagram can be sent, permanently denied, or out of time.

        A poll costs 45 ms and one exchange, and also reads the signal figures. Pauses grow with
        the time already spent. The answer is late by a fifth of the attachment at most, and a long
        search costs few exchanges. On a link that receives URCs, the first URC ends the pause.
        """
        accepted, _, cause = step
        self._family, self._data_state = needed
        self._meanwhile = meanwhile
        pause_ms = _FIRST_PAUSE_MS
        silent = 0
        while not (self.registration in accepted and self._can_send()):
            if self._deadline.expired():
                if self.service:
                    cause = causes.NO_PACKET_SERVICE
                raise Failed(causes.MODEM_MUTE if silent else cause)
            self._pause(min(pause_ms, self._deadline.left_ms()))
            silent = 0 if self._poll(command) else silent + 1
            if silent == 3:
                raise Failed(causes.MODEM_MUTE)
            self._judge_denial()
            self._choose_freely()
            spent_ms = self._since.elapsed_ms()
            share_ms = spent_ms // (10 if spent_ms < _SOON_MS else 5)  # most attaches end soon
            pause_ms = min(max(share_ms, _LEAST_PAUSE_MS), _MOST_PAUSE_MS)
            if self.service:
                pause_ms = self.service.pause_ms()  # it is to follow soon

    def _pause(self, duration_ms):
        """Let the modem search; do something else meanwhile, a step at a time."""
        watch = timing.Stopwatch()
        while watch.elapsed_ms() < duration_ms and outcomes.step(self._meanwhile):
            pass
        heard = self._link.pause(max(1, duration_ms - watch.elapsed_ms()))
        if heard.rebooted:  # it may be silent for longer than a mute one is waited for
            raise Failed(causes.MODEM_REBOOTED)
        self._note(heard.urcs)

    def _poll(self, command):
        """Read registration, service and signal. Return the modem's text, '' without an answer."""
        try:
            reply = self._exchange(command)
        except Mute:
            return ""
        self._note(reply.lines)
        if self.registration in REGISTERED:  # else the figures may be those of any cell
            self._levels = levels.read(reply.lines)
            if not self.service:
                rest = self._settings["_CID"], self._family, self._data_state
                self.service = _nbiot_service.Service(self._in_time, *rest)
                self.registered = timing.now_ms()
            self.service.note(reply.lines)
        else:
            self.service = None
            if self.registration == 0 and "+CFUN: 0" in self._exchange("AT+CFUN?").lines:
                # the modem restarted, and a command flushed its +SYSSTART
                raise Failed(causes.MODEM_REBOOTED)
        return reply.text

    def _can_send(self):
        return self.service is not None and self.service.is_there()

    def _in_time(self, command, limit_ms):
        """As _exchange(), within the time of the attachment; a second is always left."""
        return self._exchange(command, max(1000, min(limit_ms, self._deadline.left_ms())))

    def _choose_freely(self):
        """Undo, once, an operator that was chosen by hand: the modem keeps the choice."""
        if self.automatic or self.service or self._since.elapsed_ms() < _AUTOMATIC_MS:
            return
        self.automatic = True
        for line in self._exchange("AT+COPS?").lines:
            if at.fields(line)[0] in ("1", "4"):
                self._exchange("AT+COPS=0", self._deadline.left_ms())

    def _note(self, lines):
        """Store the registration from lines of an answer or a URC."""
        for line in lines:
            if line.startswith("+CEREG"):
                mode, stat, kind, reject = at.registration(line)
                if mode is not None:  # an answer; a URC has no mode
                    self.reporting = mode
                elif stat in REGISTERED:  # a reason to ask; only an answer confirms it
                    continue
                self.registration = stat
                if kind == 0:  # an EMM cause, not a manufacturer's own
                    self._reject_cause = reject

    def _judge_denial(self):
        """End the attempt if registration is denied permanently, or for _DENIED_MS.

        A roaming SIM is often denied by one network and accepted by the next.
        """
        if self.registration != _DENIED:
            self._denied = None
            return
        if self._denied is None:
            self._denied = timing.Stopwatch()
            self._ask_reject_cause()
        if self._reject_cause in _FOR_GOOD or self._denied.elapsed_ms() > _DENIED_MS:
            raise Failed(causes.REGISTRATION_DENIED)

    def _ask_reject_cause(self):
        """Read the cause with one poll in mode 3, then restore the mode for LTE.isattached()."""
        before = self.reporting
        self._exchange("AT+CEREG=3")
        self._poll("AT+CEREG?")
        self._exchange("AT+CEREG=%d" % before)
        self.reporting = before
