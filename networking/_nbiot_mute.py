"""A modem that went mute costs one time limit, not one for each command that follows.

    modem = Guard()
    modem.wrap(LTE())
    modem.send_at_cmd("AT+CEREG?", timeout=3000)     # "" after 3 s: not one character came
    modem.send_at_cmd("AT+CSQ", timeout=9500)        # Mute after 1 s: a plain AT got none either

A link keeps one Guard for as long as it lives. Every command passes it, those of AT sockets too.
"""

from micropython import const

from utils import at, timing

_PROBE_MS = const(1000)
_FILL_MS = const(100)
_QUIET_MS = const(100)
_OFF = "AT+CFUN=4"
# A detach takes 27 s at the edge of coverage, behind datagrams that still wait; other makers'
# drivers wait 40 s
_DETACH_MS = const(60000)


class Mute(OSError):
    """The modem did not answer the command before, and does not answer AT."""


class Guard:
    """Passes commands on to `wrapped`, an object with send_at_cmd(); None: the link is closed."""

    def __init__(self):
        self.wrapped = None
        self._unanswered = None  # the last command, while no character has come since
        self._due = None  # Deadline of its answer
        self._leaving = None  # Deadline of a detach that was not confirmed

    @property
    def longest_line(self):
        """As the wrapped object states it, None if it does not."""
        return getattr(self.wrapped, "longest_line", None)

    @property
    def knows_prompts(self):
        """True if the wrapped object states that its calls end at a prompt, without silence."""
        return getattr(self.wrapped, "knows_prompts", False)

    @property
    def may_be_leaving(self):
        """True while the modem may still be detaching, after what it did before: it takes no
        command meanwhile."""
        return self._leaving is not None and not self._leaving.expired()

    def wrap(self, modem):
        """Open the link: `modem` has just answered, unless the link was open already."""
        if self.wrapped is None:
            self._unanswered = self._leaving = None
            at.abandon(self)  # answers come in order: none of an earlier command follows
        self.wrapped = modem

    def send_at_cmd(self, command, **limit):
        """As LTE.send_at_cmd(). After a command without any answer an AT is tried first, for 1 s.

        Raises Mute if that stays without answer, and OSError if the link is closed.
        """
        if self.wrapped is None:
            raise OSError("the modem was not started")
        listens = command == at.LISTEN
        # payload is sent without a look at its prompt
        fills = isinstance(command, bytes) and at.is_about_payload(self._unanswered or "")
        if self._unanswered and self._due.expired() and not listens and not fills:
            self._probe()
        text = self.wrapped.send_at_cmd(command, **limit)
        if text:
            self._unanswered = self._leaving = None
        elif not listens and not fills:
            busy_ms = self._due.left_ms() if self._unanswered else 0
            self._unanswered = command
            self._due = timing.Deadline(at.longest_ms(command))
            leaves = command[: len(_OFF)] == _OFF
            self._leaving = timing.Deadline(busy_ms + _DETACH_MS) if leaves else None
        return text

    def _probe(self):
        text = ""
        if at.is_about_payload(self._unanswered):
            from utils import at_due  # hardly ever needed

            # its prompt may be late: then AT would be payload
            text = at.send(self.wrapped, at_due.filling(self, self._unanswered), _FILL_MS)
        text = text or at.send(self.wrapped, "AT", _PROBE_MS)
        if not text:
            raise Mute("the modem is mute")
        deadline = timing.Deadline(_PROBE_MS)
        while text and not deadline.expired():  # the first may be a late answer
            text = at.send(self.wrapped, at.LISTEN, _QUIET_MS)
        self._unanswered = None
