"""One attempt to attach and connect: the procedure of nbiot.connect().

    attempt = Attempt(link, settings)          # settings: the checked fields of nbiot, by name
    outcome = attempt.run(data_state=False)
    outcome.status, outcome.cause, outcome.phases

PROCEDURE lists the steps. Each completes, or ends the attempt with a cause of _nbiot_causes.
"""

from micropython import const

from networking import _nbiot_causes as causes
from networking import _nbiot_outcome as outcomes
from networking._nbiot_causes import Failed
from networking._nbiot_mute import Mute
from networking._nbiot_outcome import (
    ACTIVATED,
    ATTACHED,
    CONNECTED,
    DETACHED,
    REGISTERED,
    UNKNOWN,
    log,
)
from utils import at, logging, timing

# Phases in order, and the state that each confirms when it completes
_PHASES = (
    ("init", DETACHED),
    ("prepare", DETACHED),
    ("activation", ACTIVATED),
    ("attachment", ATTACHED),
    ("connection", CONNECTED),
)

_ACTIVATE = "AT+CFUN=1;+CEREG=1;+CFUN?"
# The last command may be refused without a loss: an error ends the line
_POLL = "AT+CEREG?;+CGATT?;+CSQ;+CESQ;+CGPADDR=%d"
_IPV4 = const(2)  # as utils.address has it

# (phase, action, command, accepted, time limit in ms, cause). The action is a method of Attempt;
# "ask" sends the command unchanged. The attempt ends with the cause unless the answer has the
# accepted line, or the accepted <stat> of +CEREG, in time. 0: the limit is in the settings.
PROCEDURE = (
    ("init", "open_link", None, None, 0, causes.MODEM_MUTE),
    ("prepare", "await_sim", "AT+CFUN?;+CPIN?", "+CPIN: READY", 3500, causes.SIM_MISSING),
    ("prepare", "clear_bands", 'AT!="clearscanconfig"', "OK", 3000, causes.BAND_REFUSED),
    ("prepare", "add_bands", 'AT!="RRC::addScanBand band=%d"', "OK", 3000, causes.BAND_REFUSED),
    ("prepare", "define_context", 'AT+CGDCONT=%d,"%s","%s"', "OK", 3000, causes.CONTEXT_REFUSED),
    ("prepare", "authenticate", 'AT+CGAUTH=%d,%d,"%s","%s"', "OK", 3000, causes.CONTEXT_REFUSED),
    ("prepare", "forget_time", None, None, 0, None),
    ("prepare", "ask_for_sleep", None, None, 0, None),
    ("activation", "ask", _ACTIVATE, "+CFUN: 1", 12000, causes.ACTIVATION_REFUSED),
    ("attachment", "choose_operator", 'AT+COPS=1,2,"%s"', None, 0, None),
    ("attachment", "register", _POLL, REGISTERED, 0, causes.ATTACH_TIMEOUT),
    ("attachment", "read_grant", None, None, 0, None),
    ("connection", "dial", None, None, 0, causes.DATA_STATE_REFUSED),
    ("connection", "await_address", None, None, 0, causes.DATA_STATE_TIMEOUT),
)
# A PDP context is only redefined with the radio off. Leaving full functionality detaches first,
# which takes seconds.
_RADIO_OFF = ("AT+CFUN=4", "OK", 40000, causes.MODEM_ERROR)  # the time as in _nbiot_off.py
_LEAVING_MS = const(60000)  # the wait for a detach that deactivate() could not await
_ANSWER_MS = const(3000)  # for values that the modem has in memory

_NOT_FOUND = (None, None, UNKNOWN)
_BUSY_CARD_MS = const(15000)  # other makers wait 8 to 10 s for a slow card


class Attempt:
    """The state of one attempt, from the start of the modem to the outcome."""

    def __init__(self, link, settings, family=None, expects_time=False, sleep=None):
        """family: 2 or 10 if the network must give an address of IPv4 or IPv6; None: any.
        expects_time: from the network; a time seen later is to be of this attach. sleep: a Request
        of _nbiot_uart_psm.py, if power saving mode is wanted."""
        self.link = link
        self.sleep = sleep
        self.meanwhile = ()  # an iterator: work for the time of the search
        self.search = None  # a Search of _nbiot_search.py, from the attachment on
        self._settings = settings
        self._family = family
        self._data_state = False
        self._expects_time = expects_time
        self.forgot_time = False
        self._explicit = False  # errors are stated: +CMEE was set for it
        self._durations = list(UNKNOWN)
        self._since = None  # stopwatch from the request for the state that a phase confirms
        self._deadline = None  # of the data state
        self._started = timing.Stopwatch()  # from when on the first phase counts

    def run(self, data_state):
        """Run the procedure until a step fails; return the Outcome. Never raises."""
        cause = None
        status = DETACHED
        phases = []
        self._data_state = data_state
        self.search = None
        for phase, state in _PHASES:
            if state == CONNECTED and not data_state:
                break
            watch = self._since = timing.Stopwatch() if phases else self._started
            cause = self._run_phase(phase)
            phases.append((phase, watch.elapsed_ms()))
            if cause:
                break
            if state != DETACHED:
                status = state
                self._durations[state] = self._since.elapsed_ms()
        return self._outcome(status, cause, phases)

    def _outcome(self, status, cause, phases):
        """Return the Outcome, and log it in one line."""
        level = logging.WARNING
        if cause is None:
            level = logging.INFO
            cause = causes.CONNECTED if status == CONNECTED else causes.ATTACHED
        registration, reject_cause, levels = self.search.found() if self.search else _NOT_FOUND
        rest = registration, reject_cause, tuple(self._durations), levels
        return outcomes.told(level, status, cause, tuple(phases), *rest)

    def _run_phase(self, phase):
        """Run the steps of a phase; return the cause of its failure, None if it completed."""
        try:
            for step in PROCEDURE:
                if step[0] == phase:
                    getattr(self, step[1])(*step[2:])
        except Failed as failure:
            return failure.args[0]
        except ImportError as error:  # a file of ours is missing
            log.warning("%s: %s", phase, error)
            return causes.MODEM_ERROR
        except Mute:
            return causes.MODEM_MUTE
        except OSError as error:
            log.warning("%s: %s", phase, error)
            told = getattr(error, "cause", None)  # by the link
            return told or (causes.MODEM_ERROR if self.link.is_open else causes.MODEM_MUTE)
        return None

    def ask(self, command, accepted, limit_ms, cause):
        """Send a command and return the Reply, which has the accepted line."""
        reply = self._exchange(command, limit_ms)
        if not reply.ok or accepted != "OK" and accepted not in reply.lines:
            raise Failed(cause if reply.text else causes.MODEM_MUTE)
        return reply

    def _exchange(self, command, limit_ms=_ANSWER_MS):
        """Send a command and return its Reply. With a `?` an information line is waited for."""
        reply = self.link.exchange(command, limit_ms, "?" in command)
        if reply.rebooted:
            raise Failed(causes.MODEM_REBOOTED)
        return reply

    # The actions of PROCEDURE, in its order; the arguments are the rest of the row

    def open_link(self, _command, _accepted, _limit_ms, _cause):
        """Start the modem; one that may still be detaching is no mute one."""
        patience = timing.Deadline(_LEAVING_MS)
        while True:
            try:
                self.link.open()
                break
            except OSError:
                if not self.link.modem.may_be_leaving:
                    raise
                if patience.expired():
                    raise Failed(causes.MODEM_BUSY)
            timing.sleep_ms(1000)
        # a search that an earlier call has begun goes on
        limit_ms = self._settings["_MAX_ATTACHMENT_ATTEMPT_TIME_SEC"] * 1000
        if at.busy_with(self.link.modem, limit_ms):
            raise Failed(causes.MODEM_BUSY)

    def await_sim(self, *row):
        """Wait until the SIM card is read, with the radio off.

        A bare ERROR does not tell a card that is still read from none: then the modem is told to
        state its errors, for the time of this wait.
        """
        try:
            self._await_card(*row)
        finally:
            if self._explicit:  # an error with a number costs a second on the firmware's link
                self._exchange("AT+CMEE=0")

    def _await_card(self, command, accepted, limit_ms, cause):
        deadline = timing.Deadline(limit_ms)
        patience = timing.Deadline(_BUSY_CARD_MS)
        while True:
            reply = self._exchange(command)
            if _is_radio_on(reply):
                self.ask(*_RADIO_OFF)
                reply = self._exchange(command)
                if _is_radio_on(reply):
                    raise Failed(causes.MODEM_ERROR)
            if accepted in reply.lines:
                return
            trouble = _sim_trouble(reply)
            if trouble or (patience if _is_busy(reply) else deadline).expired():
                raise Failed(trouble or cause)
            timing.sleep_ms(1000)
            if reply.final == "ERROR" and not self._explicit:
                self._explicit = self._exchange("AT+CMEE=1").ok

    def clear_bands(self, *row):
        if self._settings["_BAND"] is not None:
            self.ask(*row)
            timing.sleep_ms(1000)  # the firmware's own attach() gives the modem this second too

    def add_bands(self, command, *rest):
        bands = self._settings["_BAND"]
        if isinstance(bands, int):
            bands = (bands,)
        for band in bands or ():
            self.ask(command % band, *rest)

    def define_context(self, command, *rest):
        wanted = self._settings
        self.ask(command % (wanted["_CID"], wanted["_IP_VERSION"], wanted["_APN"]), *rest)

    def authenticate(self, command, *rest):
        """Give the access point's user and password; neither stands in any message."""
        wanted = self._settings
        user = wanted["_APN_USER"]
        if user is not None:
            kind = ("pap", "chap").index(wanted["_APN_AUTH"]) + 1
            password = wanted["_APN_PASSWORD"] or ""
            self.ask(command % (wanted["_CID"], kind, user, password), *rest)

    def forget_time(self, *_row):
        if self._expects_time:
            from networking import _nbiot_clock

            self.forgot_time = _nbiot_clock.forget(self.link.exchange)

    def ask_for_sleep(self, *_row):
        if self.sleep:
            self.sleep.ask(self._exchange)

    def choose_operator(self, command, *_rest):
        """Ask for the operator of `_PLMN`. The answer comes after the attach, or says nothing."""
        from networking import _nbiot_search  # the radio searches already while it is loaded

        # activation and attachment share one time limit
        limit_ms = self._settings["_MAX_ATTACHMENT_ATTEMPT_TIME_SEC"] * 1000
        deadline = timing.Deadline(limit_ms - self._durations[ACTIVATED])
        exchange, wanted = self._exchange, self._settings
        self.search = _nbiot_search.Search(exchange, self.link, wanted, self._since, deadline)
        operator = wanted["_PLMN"]
        if operator is not None:
            self.search.automatic = True  # in so far as it need not be asked
            self._exchange(command % operator, deadline.left_ms())

    def register(self, command, *rest):
        needed = self._family, self._data_state
        self.search.run(command % self._settings["_CID"], rest, needed, self.meanwhile)

    def read_grant(self, *_row):
        if self.sleep:
            self.sleep.read(self._exchange)

    def dial(self, _command, _accepted, _limit_ms, cause):
        if not self.link.has_data_state:
            raise Failed(causes.NO_DATA_STATE)
        if self._settings["_IP_VERSION"] == "IPV6":
            raise Failed(causes.DATA_STATE_NEEDS_IPV4)
        if self.search.service.lacks(_IPV4):
            raise Failed(causes.ADDRESS_FAMILY)
        if self.search.reporting != 1:
            self._exchange("AT+CEREG=1")  # else LTE.connect() finds no attachment
        self._since = timing.Stopwatch()
        limit_ms = self._settings["_MAX_CONNECTION_ATTEMPT_TIME_SEC"] * 1000
        self._deadline = timing.Deadline(limit_ms)
        while not self.link.in_data_state:
            try:
                self.link.dial(self._settings["_CID"])
            except OSError:  # directly after attaching the modem may not be ready
                if self._deadline.left_ms() < 1000:
                    raise Failed(cause)
                timing.sleep_ms(1000)

    def await_address(self, _command, _accepted, _limit_ms, cause):
        if not timing.wait_for(self.link.has_address, self._deadline.left_ms()):
            raise Failed(cause)


def _is_radio_on(reply):
    """True for any functionality but 4; with 0 the SIM card is off too."""
    for line in reply.lines:
        if line.startswith("+CFUN"):
            return line != "+CFUN: 4"
    return False


def _is_busy(reply):
    """True if the modem says that the SIM card is still read (3GPP TS 27.007 9.2)."""
    return (reply.final or "").split(": ")[-1].lower() in ("14", "sim busy")


def _sim_trouble(reply):
    """Return the cause if waiting for the SIM card is useless, None if it may still be read.

    A +CME ERROR gives it, as number or as text (3GPP TS 27.007 9.2); a bare ERROR does not.
    """
    for line in reply.lines:
        if line.startswith("+CPIN"):
            return causes.SIM_LOCKED
    if not reply.text:
        return causes.MODEM_MUTE
    stated = (reply.final or "").split(": ")[-1]
    if stated in ("10", "SIM not inserted"):
        return causes.SIM_MISSING
    if stated in ("11", "12") or "required" in stated:
        return causes.SIM_LOCKED
    return None
