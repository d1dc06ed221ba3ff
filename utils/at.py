"""AT dialogue: the modem's output, parsed into lines, URCs and a final result code.

    from utils import at
    reply = at.exchange(lte, "AT+CEREG?")
    if reply.ok:
        print(reply.lines)                 # ["+CEREG: 1,5"]
        print(at.fields(reply.lines[0]))   # ["1", "5"]
    print(reply.urcs)                      # ["+CEDRXP: 5"], which came in between

No other device code parses AT text. Written against Pycom firmware 1.20.2.r4 and r7
(esp32/lte/lteppp.c) with a Sequans Monarch, whose framing is ITU-T V.250 with 3GPP TS 27.007:

    \\r\\n<line>\\r\\n\\r\\nOK\\r\\n       information, then the final result code: whole lines
    \\r\\n+CEREG: 5\\r\\n             a URC: before, between or after the lines of any reply
    \\r\\n>                        the prompt for payload, without an end of line

Effects of the firmware on a reply:
- It returns after one second of silence, so an early URC in a slow command cuts the reply.
  `exchange` goes on collecting until its deadline (the command `Pycom_Dummy` only listens).
- It returns '' when nothing came, and never tells whether the command succeeded.
- It copies a line into a buffer without a check of its length. `exchange` checks every line.
- It reads a prompt only with the second of silence. Payload need not wait for it: `hand_over`.

One command is answered at a time. If `exchange` ends without a final result code, that answer is
outstanding. It belongs to no other command: until it comes, or until its bound is over, nothing
else is sent. The bound is the time of the call, or longest_ms() of the command if that is longer.
The same command again goes on with the wait. After the bound one query with an answer of a known
name shows that the modem takes commands and that no answer of an earlier one is still to come.
"""

from micropython import const

from utils import timing

# Replaces the result of line_limit(). Stock firmware takes 124 bytes (LTE_AT_CMD_SIZE_MAX - 4) and
# writes longer texts in pieces from 1.20.2.r7 on. A build with the patch of Pycom's pull request
# 429 does so too, which its version does not show: set `at.line_limit_override = 3000` in boot.py.
line_limit_override = None

LISTEN = "Pycom_Dummy"  # the firmware's command that sends nothing and collects
_SLICE_MS = const(2000)  # the watchdog is fed after each slice
_PROMPT_MS = const(100)  # the modem asks for payload after 5 to 20 ms (docs/emulation.md)
MOST_TEXT = const(8192)  # a modem that never stops printing must not fill the heap

# Seconds that the modem takes at most for commands that ask network or radio
# (docs/emulation.md, AT session)
_SLOW = (
    ("+COPS=", 200),  # a search for all networks takes 1 to 3 minutes
    ("+CGATT=", 180),
    ("+CGACT=", 180),
    ("+PING=", 120),  # with its defaults: four of up to 11 s, and a look-up
    ("+SQNINS=", 60),
    ("+SQNDNSLKUP=", 20),
    ("&F", 20),
)
_ANY = ["+", "^"]  # how the lines of a debug command may begin

# The outstanding answer: (modem, command, Deadline of the bound, text so far), or None.
# Written by this file and by utils/at_due.py
outstanding = None


class Reply:
    """The reply to one command line.

    text      everything received, as it came
    lines     information lines of this command: those with its name, or without any name
    urcs      all other lines that have a name, in order
    final     the final result code as a whole line ("OK", "ERROR", "+CME ERROR: 10", "CONNECT",
              "NO CARRIER"), or None if none came
    ok        True if `final` is OK: the whole line, never these letters inside other text
    prompt    True if the modem asks for payload
    rebooted  True if the modem restarted meanwhile: its session state is lost
    busy      the name of the earlier command whose answer is still outstanding; then this one was
              not sent. Else None
    whole     True if the reply is complete: final result code, prompt or restart
    """

    def __init__(self, text, command):
        self.text = text
        self.lines = []
        self.urcs = []
        self.final = None
        self.rebooted = False
        self.busy = None
        names = _names(command)
        for line in text.replace("\r", "\n").split("\n"):
            line = line.strip()
            if is_final(line):
                self.final = line
            elif line in ("", ">", command):  # an echo is no information
                continue
            elif line[0] not in "+^" or _belongs(line, names):
                self.lines.append(line)
                if line[0] == "+" and names != _ANY:
                    self.final = None  # one that came before was the late one of another command
            else:
                self.urcs.append(line)
                if line.startswith("+SYSSTART") or line.startswith("^EXIT"):
                    self.rebooted = True
        self.ok = self.final == "OK"
        self.prompt = not self.final and text.rstrip(" ").endswith("\n>")
        # a final result code without its line end may be cut short: "+CME ERROR: 1" of 10
        ended = self.final is not None and text[-1:] < " "
        self.whole = ended or self.prompt or self.rebooted


def exchange(modem, command, timeout_ms=9500, named=False):
    """Send one command line, or payload as bytes, and return its Reply.

    modem: network.LTE, or any object with its send_at_cmd().
    Collects for up to `timeout_ms` (plus the one second of silence by which the firmware ends a
    reply) until a final result code, a prompt or a restart of the modem. named: the answer must
    have an information line. A final result code without one may be the late code of an earlier
    command: the wait then goes on for 1 s.
    An answer that is outstanding is waited for first, for up to `timeout_ms` as well. If it does
    not come, the command is not sent, and `busy` of the Reply names the earlier one. If the
    outstanding answer is that of the same command, only the wait goes on.
    Raises what send_at_cmd() raises, OSError in data state, OSError if `modem` is None, and
    ValueError for a line that the firmware cannot take.
    """
    check_length("length of command", command, line_limit(modem))
    due = _due_of(modem)
    if due and due[1] == command and not due[2].expired():
        return _converse(modem, command, timeout_ms, named, due)
    before = _settled(modem, timeout_ms)
    if before and (before.busy or before.rebooted):
        return before
    reply = _converse(modem, command, timeout_ms, named)
    return _behind(before, reply)


def hand_over(modem, command, payload, timeout_ms=10000):
    """Send `command` and, without waiting for its prompt, `payload`; return the last Reply.

    For network.LTE, which would wait for a second of silence behind the prompt. The 1 ms bounds
    the first byte, so the call ends before there is one; the next call drops the prompt unread.
    The Reply is that of `command` if the modem answered at once, also with a prompt (then the
    payload is still to be sent). A refusal that came meanwhile is not seen: what the modem makes
    of the payload is its answer then, so it must not read as a command. Raises as exchange().
    """
    before = _settled(modem, timeout_ms)
    if before and (before.busy or before.rebooted):
        return before
    text = send(modem, command, 1)
    if text:
        reply = Reply(text, command)
        goes_on = not reply.whole  # a URC came alone
    else:
        timing.sleep_ms(_PROMPT_MS)
        command = payload
        reply = _converse(modem, payload, timeout_ms, False)
        goes_on = reply.prompt  # behind the payload, which is in it, or lost
    if goes_on:
        due = modem, command, timing.Deadline(timeout_ms), text
        reply = _converse(modem, command, timeout_ms, False, due)
    return _behind(before, reply)


def _settled(modem, timeout_ms):
    """Wait for an outstanding answer; None if there is none. See at_due.settle()."""
    due = _due_of(modem)
    if not due:
        return None
    from utils import at_due  # hardly ever needed

    return at_due.settle(modem, due, timeout_ms)


def _behind(before, reply):
    """Return `reply` with the URCs that came while an earlier answer was waited for."""
    if before:
        reply.urcs = before.urcs + reply.urcs
    return reply


def busy_with(modem, timeout_ms):
    """Wait for up to `timeout_ms` for an outstanding answer; return the name of its command.

    None if there is no such answer, if it came, or if its bound is over.
    """
    due = _due_of(modem)
    if not due or due[2].expired():
        return None
    from utils import at_due  # hardly ever needed

    return at_due.busy_with(modem, due, timeout_ms)


def abandon(modem):
    """Send the next command in any case, also while an answer is outstanding.

    The modem may then end what it does, and not carry out that command.
    """
    global outstanding
    if _due_of(modem):
        outstanding = None


def _converse(modem, command, timeout_ms, named, due=None):
    """Send and collect, or go on with the outstanding answer `due`; see exchange()."""
    global outstanding
    name = command if isinstance(command, str) else ""  # the reply to payload has no name
    sending = command
    text = ""
    deadline = timing.Deadline(timeout_ms)
    bound = timing.Deadline(max(timeout_ms, longest_ms(name)))
    if due:
        bound, text = due[2:]
        sending = LISTEN
    while True:
        text = (text + send(modem, sending, deadline.left_ms()))[-MOST_TEXT:]
        sending = LISTEN
        reply = Reply(text, name)
        outstanding = None if reply.whole else (modem, command, bound, text)
        if named and reply.ok and not reply.lines:
            named = False
            deadline = timing.Deadline(1000)
        elif reply.whole or deadline.expired():
            return reply


def is_about_payload(command):
    """True for payload, and for a command that asks for it."""
    return isinstance(command, bytes) or "+SQNSSEND" in command.upper()


def _due_of(modem):
    return outstanding if outstanding and outstanding[0] is modem else None


def listen(modem, timeout_ms):
    """Wait for what the modem says by itself for up to `timeout_ms`; a Reply without a final."""
    global outstanding
    deadline = timing.Deadline(timeout_ms)
    text = send(modem, LISTEN, timeout_ms)
    while not text and not deadline.expired():
        text = send(modem, LISTEN, deadline.left_ms())
    due = _due_of(modem)
    if due and not due[2].expired():
        due = due[:3] + ((due[3] + text)[-MOST_TEXT:],)
        outstanding = None if Reply(due[3], "").whole else due
    return Reply(text, "")


def send(modem, command, timeout_ms):
    """Call LTE.send_at_cmd for one slice of a wait; no timeout at all is no wait without end.

    Before firmware 1.20.2.r2 it takes no timeout and waits 9.5 s.
    """
    if not modem:
        raise OSError("no modem")
    timing.feed()
    try:
        return modem.send_at_cmd(command, timeout=max(1, min(timeout_ms, _SLICE_MS)))
    except TypeError:
        return modem.send_at_cmd(command)


def longest_ms(command):
    """Return the time in ms that the modem may take to answer a command line, 0 if seconds do."""
    most_s = 0
    if not isinstance(command, str):
        return 0
    for part in command.upper()[2:].split(";"):
        for start, seconds in _SLOW:
            if part.strip().startswith(start):
                most_s = max(most_s, seconds)
    return most_s * 1000


def check_length(name, text, limit):
    """Raise ValueError for a line or payload of more than `limit` bytes.

    The firmware copies it without a check: what is longer overwrites its memory.
    """
    length = len(text.encode() if isinstance(text, str) else text)
    if length > limit:
        from utils.configuration import refuse

        refuse(name, length, "up to %d bytes" % limit)


def line_limit(modem=None):
    """Return the maximum length of one command line or payload in bytes.

    modem: an object that may state it as `longest_line`. network.LTE does not: then the version of
    the firmware decides.
    """
    if line_limit_override:
        return line_limit_override
    stated = getattr(modem, "longest_line", None)
    if stated:
        return stated
    import uos

    release = uos.uname().release
    # release names sort by age, but the betas ('1.20.3.b3') are older than 1.20.2.r7
    return 124 if release < "1.20.2.r7" or ".b" in release else 3000


def longest_host(limit):
    """Return the bytes that a name can have in a command line of `limit` bytes.

    The longest line around one is AT+SQNSD=6,1,65535,"",0,65535,1,1 of microATsocket.
    """
    return limit - 33


def is_final(line):
    """True if a whole line is a final result code (ITU-T V.250 5.7.1, 3GPP TS 27.007 9)."""
    return (
        line in ("OK", "ERROR", "NO CARRIER", "BUSY", "NO ANSWER")
        or line[4:11] == " ERROR:"  # +CME, +CMS
        or line.split(" ")[0] == "CONNECT"
    )


def _names(command):
    """Return the starts of a command's information lines: 'AT+CSQ;+CESQ?' -> ['+CSQ:', '+CESQ:'].

    Debug commands answer in free text, whose lines may begin with anything.
    """
    command = command.upper()
    if command[:3] == "AT!":
        return _ANY
    return [part.split("=")[0].split("?")[0].strip() + ":" for part in command[2:].split(";")]


def _belongs(line, names):
    for name in names:
        if line.startswith(name):
            # a registration URC has the same name as the answer, but another form
            return not name.endswith("REG:") or registration(line)[0] is not None
    return False


def fields(line):
    """Return the fields after `+NAME: `, split at commas outside quotes, unquoted; maybe ''."""
    values = [""]
    quoted = False
    for part in line[line.find(":") + 1 :].split('"'):
        if quoted:
            values[-1] += part
        else:
            outside = part.split(",")
            values[-1] += outside[0].strip()
            values += [value.strip() for value in outside[1:]]
        quoted = not quoted
    return values


def number(text):
    """Return `text` as a decimal int of 10 digits at most, or None."""
    digits = text[1:] if text[:1] == "-" else text
    return int(text) if is_digits(digits, 1, 10) else None


def is_digits(text, least, most):
    """True if `text` has `least` to `most` characters, all of them 0 to 9."""
    return least <= len(text) <= most and all("0" <= each <= "9" for each in text)


def registration(line):
    """Return (n, stat, cause_type, reject_cause) of a +CEREG line, each an int or None.

    Answer of all verbosities:  +CEREG: <n>,<stat>[,"<tac>","<ci>",<AcT>[,<type>,<cause>[,...]]]
    URC:                        +CEREG: <stat>[,"<tac>","<ci>",<AcT>[,<type>,<cause>[,...]]]

    The second field tells them apart: after <n> it is an unquoted number, after <stat> it is
    quoted or missing. n is None for a URC. Without registration the location fields are missing or
    empty. All four are None for a damaged line. Source: 3GPP TS 27.007 10.1.22.
    """
    values = [number(value) for value in fields(line)]
    second = line.split(",")[1:2]
    n = None
    if second and number(second[0].strip()) is not None and len(values) > 1:
        n = values.pop(0)
        if n is None:
            values = [None]
    cause = values[4:6] if len(values) > 4 else values[1:]  # no location: after <stat>
    if len(cause) != 2:
        cause = (None, None)
    return n, values[0], cause[0], cause[1]


def counted(text, name):
    """Return (fields, rest) of an answer whose line `<name>: ...` is followed by payload, or None.

    `rest` is everything after that line. Ask for the payload in hex: its length is known then.
    """
    start = text.find("\n" + name + ":") + 1
    end = text.find("\r\n", start)
    if start == 0 or end < 0:
        return None
    return fields(text[start:end]), text[end + 2 :]
