"""One attempt to attach and connect by the firmware's LTE class: the steps behind nbiot.connect.

    attempt = Attempt(settings)          # checked fields, in the order of nbiot._FIELDS
    attempt.run(data_state=False)
    attempt.status, attempt.cause, attempt.phases

Each step either completes or ends the attempt with a cause, one short stable word. No exception of
the field leaves `run`.
"""

from micropython import const

from utils import at, logging, timing

_SHORT_MS = const(3000)  # for a command that the modem answers from memory
_CFUN_MS = const(12000)  # leaving full functionality detaches first, which takes seconds
_SIM_WAIT_MS = const(3500)  # a card may be read for some seconds after the radio layer woke
_FIRST_POLL_MS = const(2200)  # attaching to a known cell takes 2.7 s in the fastest tenth of cases
_LEAST_PAUSE_MS = const(600)
_MOST_PAUSE_MS = const(10000)
_DENIED_MS = const(20000)  # a denial without a stated cause is believed when it lasts

_STEPS = ("init", "prepare", "activation", "attachment", "connection")

_DENIED = const(3)  # <stat> of +CEREG: 1 and 5 are registered, home and roaming
# EMM causes after which the modem will not try again with this SIM or device: illegal UE, illegal
# ME, EPS services not allowed, EPS and non-EPS not allowed (3GPP TS 24.301 5.5.1.2.5)
_FOR_GOOD = (3, 6, 7, 8)

log = logging.Logger("nbiot")


class Failed(Exception):
    """args: (cause,). Ends an attempt; never leaves this module."""


class Attempt:
    """What one attempt knows, step by step.

    lte           the firmware's LTE object, None until it could be started
    data_state    True once LTE.connect() succeeded: AT commands are impossible until it is left
    status        the furthest state that was confirmed: -1, 0, 1, 2 as the NBIOT_ macros
    cause         attached, connected, or what went wrong (the words stand at nbiot.last_outcome)
    phases        [(name, ms), ...] of every step that was begun
    durations     [activation, attachment, connection] in ms, -1 where not confirmed
    levels        [rssi dBm, rsrp dBm, rsrq dB], -1 where unknown
    registration  the last <stat> of +CEREG, None if none was seen
    reject_cause  the EMM cause of the network, None if none is known
    """

    def __init__(self, settings):
        self.apn, self.version, self.limit_s, self.bands, self.cid, self.data_s = settings
        self.lte = None
        self.data_state = False
        self.status = -1
        self.cause = "never_tried"
        self.phases = []
        self.durations = [-1, -1, -1]
        self.levels = [-1, -1, -1]
        self.registration = None
        self.mode = 1  # <n> of +CEREG as the modem has it; the firmware starts it with 1
        self.reject_cause = None

    def run(self, data_state):
        """Go as far as it goes; never raises."""
        self.cause = "attached"
        for name in _STEPS if data_state else _STEPS[:-1]:
            watch = timing.Stopwatch()
            try:
                getattr(self, name)()
            except Failed as failure:
                self.cause = failure.args[0]
            except ImportError:
                self.cause = "no_modem"
            except OSError as error:
                log.warning("%s: %s", name, error)
                self.cause = "modem_error" if self.lte else "modem_mute"
            self.phases.append((name, watch.elapsed_ms()))
            if self.cause != "attached":
                break
        level = logging.INFO if self.cause in ("attached", "connected") else logging.WARNING
        text = "%s after %s: stat %s, reject cause %s, signal %s"
        log.log(level, text, self.cause, name, self.registration, self.reject_cause, self.levels)

    def ask(self, command, cause=None, timeout_ms=_SHORT_MS):
        """Send a command; unless its final result code is OK the attempt ends for `cause`, if any.

        A line that reads (`?`) has information lines in its answer.
        """
        reply = at.exchange(self.lte, command, timeout_ms, "?" in command)
        if reply.rebooted:
            raise Failed("modem_rebooted")
        if cause and not reply.ok:
            raise Failed(cause if reply.text else "modem_mute")
        return reply

    def init(self):
        from network import LTE

        timing.feed()
        self.lte = LTE()  # the whole init sequence if the modem is not up, nothing if it is
        if self.lte.isconnected():
            self.lte.disconnect()

    def prepare(self):
        """Radio off, SIM there, bands and PDP context defined: none of it costs air time."""
        deadline = timing.Deadline(_SIM_WAIT_MS)
        while not self.ready():
            if deadline.expired():
                raise Failed("sim_missing")
            timing.sleep_ms(1000)
        bands = self.bands
        if bands is not None:
            self.ask('AT!="clearscanconfig"', "band_refused")
            timing.sleep_ms(1000)  # the firmware's own attach gives the modem this second too
            for band in [bands] if isinstance(bands, int) else bands:
                self.ask('AT!="RRC::addScanBand band=%d"' % band, "band_refused")
        context = 'AT+CGDCONT=%d,"%s","%s"' % (self.cid, self.version, self.apn)
        self.ask(context, "context_refused")

    def ready(self, again=True):
        """Ask for radio and SIM in one line. False: the card may still be being read."""
        reply = self.ask("AT+CFUN?;+CPIN?")
        for line in reply.lines:
            if line[:5] == "+CFUN" and line != "+CFUN: 4":
                # 1: registered since an earlier run, and a context is only redefined with the
                # radio off; 0: the card is off too
                if not again:
                    raise Failed("modem_error")
                self.ask("AT+CFUN=4", "modem_error", _CFUN_MS)
                return self.ready(False)
            if line[:5] == "+CPIN":
                if line[-5:] == "READY":
                    return True
                raise Failed("sim_locked")
        if not reply.text:
            raise Failed("modem_mute")
        # a stated error (as number or text: 3GPP TS 27.007 9.2) tells; a bare ERROR may be a card
        # that is still being read
        stated = (reply.final or "").split(": ")[-1]
        if stated in ("10", "SIM not inserted"):
            raise Failed("sim_missing")
        if stated in ("11", "12") or "required" in stated:
            raise Failed("sim_locked")
        return False

    def activation(self):
        watch = timing.Stopwatch()
        reply = self.ask("AT+CFUN=1;+CFUN?", "activation_refused", _CFUN_MS)
        if "+CFUN: 1" not in reply.lines:
            raise Failed("activation_refused")
        self.durations[0] = watch.elapsed_ms()
        self.status = 0

    def attachment(self):
        """Poll +CEREG, ever more slowly, until registered, denied for good, or out of time.

        A URC would tell the instant, but the firmware returns it only after a second of silence;
        a poll costs 40 ms and one exchange, and brings the signal figures along. Pauses grow with
        the time already spent, so that the answer is late by a fifth of the attachment at worst,
        a tenth on average, and a long search costs few exchanges.
        """
        watch = timing.Stopwatch()
        limit_ms = self.limit_s * 1000 - self.durations[0]
        deadline = timing.Deadline(limit_ms)
        pause_ms = _FIRST_POLL_MS
        silent = 0
        denied = None
        while self.registration not in (1, 5):
            if deadline.expired():
                raise Failed("modem_mute" if silent else "attach_timeout")
            timing.sleep_ms(min(pause_ms, deadline.left_ms()))
            silent = 0 if self.poll() else silent + 1
            if silent == 3:
                raise Failed("modem_mute")
            if self.registration != _DENIED:
                denied = None  # a roaming SIM is often denied by one network, taken by the next
            elif denied is None:
                denied = timing.Stopwatch()
                self.ask_cause()
            if denied and (self.reject_cause in _FOR_GOOD or denied.elapsed_ms() > _DENIED_MS):
                raise Failed("registration_denied")
            pause_ms = min(max(watch.elapsed_ms() // 6, _LEAST_PAUSE_MS), _MOST_PAUSE_MS)
        self.durations[1] = watch.elapsed_ms()
        self.status = 1

    def poll(self):
        """Read registration and signal in one line; return what the modem said, '' if nothing."""
        reply = self.ask("AT+CEREG?;+CSQ;+CESQ")
        for line in reply.lines:
            values = at.fields(line)
            if line[:5] == "+CERE":
                self.mode, self.registration, kind, reject = at.registration(line)
                if kind == 0:  # an EMM cause, not a manufacturer's own
                    self.reject_cause = reject
            elif self.registration not in (1, 5):
                continue  # of some cell, not of the link
            elif line[:5] == "+CSQ:":  # 3GPP TS 27.007 8.5
                self.levels[0] = edge(values[0], 31, -113, 2)
            elif len(values) > 5:  # +CESQ, 8.69
                self.levels[1] = edge(values[5], 97, -141, 1)
                self.levels[2] = edge(values[4], 34, -20, 0.5)
        if self.registration == 0 and "+CFUN: 0" in self.ask("AT+CFUN?").lines:
            # it restarted by itself, and its +SYSSTART was flushed by a command of ours
            raise Failed("modem_rebooted")
        return reply.text

    def ask_cause(self):
        """Have the next answer carry the cause, and put the mode back: isattached() needs it."""
        mode = self.mode
        self.ask("AT+CEREG=3")
        self.poll()
        self.ask("AT+CEREG=%d" % mode)
        self.mode = mode

    def connection(self):
        if self.version == "IPV6":
            # LTE.isconnected() is about an IPv4 address only: it would never say yes
            raise Failed("data_state_needs_ipv4")
        if self.mode != 1:
            self.ask("AT+CEREG=1")  # else LTE.connect() finds no attachment
        watch = timing.Stopwatch()
        deadline = timing.Deadline(self.data_s * 1000)
        while not self.data_state:
            timing.feed()
            try:
                self.lte.connect(cid=self.cid)
                self.data_state = True
            except OSError:  # the modem may not be ready for it so soon after attaching
                if deadline.left_ms() < 1000:
                    raise Failed("data_state_refused")
                timing.sleep_ms(1000)
        if not timing.wait_for(self.lte.isconnected, deadline.left_ms()):
            raise Failed("data_state_timeout")
        self.durations[2] = watch.elapsed_ms()
        self.status = 2
        self.cause = "connected"


def edge(text, last, base, step):
    """Return the low edge of the step behind a signal index 0..last, -1 if it is not known.

    Index 0 is everything below the first step and is given as `base`. +CSQ <rssi>: 31, -113 dBm,
    2; +CESQ <rsrp>: 97, -141 dBm, 1; +CESQ <rsrq>: 34, -20 dB, 0.5. Exact in single precision.
    """
    index = at.number(text)
    return base + index * step if index is not None and 0 <= index <= last else -1
