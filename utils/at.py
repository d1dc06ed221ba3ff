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
- A late answer to an earlier command can precede the right one. Lines are chosen by their name,
  and the last final result code counts.
"""

from micropython import const

from utils import timing

# Replaces the result of line_limit(). Stock firmware takes 124 bytes (LTE_AT_CMD_SIZE_MAX - 4) and
# writes longer texts in pieces from 1.20.2.r7 on. A build with the patch of Pycom's pull request
# 429 does so too, which its version does not show: set `at.line_limit_override = 3000` in boot.py.
line_limit_override = None

_LISTEN = "Pycom_Dummy"  # the firmware's command that sends nothing and collects
_SLICE_MS = const(2000)  # the watchdog is fed after each slice
_MOST_TEXT = const(8192)  # a modem that never stops printing must not fill the heap


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
    whole     True if the reply is complete: final result code, prompt or restart
    """

    def __init__(self, text, command):
        self.text = text
        self.lines = []
        self.urcs = []
        self.final = None
        self.rebooted = False
        names = _names(command)
        for line in text.replace("\r", "\n").split("\n"):
            line = line.strip()
            if is_final(line):
                self.final = line
            elif line in ("", ">", command):  # an echo is no information
                continue
            elif line[0] not in "+^" or _belongs(line, names):
                self.lines.append(line)
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
    Raises what send_at_cmd() raises, OSError in data state, and OSError if `modem` is None.
    """
    deadline = timing.Deadline(timeout_ms)
    text = ""
    sending = command
    if not isinstance(command, str):
        command = ""  # payload: its reply has no name
    while True:
        left_ms = max(1, min(deadline.left_ms(), _SLICE_MS))
        text = (text + _send(modem, sending, left_ms))[-_MOST_TEXT:]
        sending = _LISTEN
        reply = Reply(text, command)
        if named and reply.ok and not reply.lines:
            named = False
            deadline = timing.Deadline(1000)
        elif reply.whole or deadline.expired():
            return reply


def listen(modem, timeout_ms):
    """Collect what the modem says by itself within `timeout_ms`; a Reply without a final."""
    return Reply(_send(modem, _LISTEN, max(1, timeout_ms)), "")


def _send(modem, command, timeout_ms):
    """Call LTE.send_at_cmd. Before firmware 1.20.2.r2 it takes no timeout and waits 9.5 s."""
    if not modem:
        raise OSError("no modem")
    timing.feed()
    try:
        return modem.send_at_cmd(command, timeout=timeout_ms)
    except TypeError:
        return modem.send_at_cmd(command)


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
    if command[:3] == "AT!":
        return ["+", "^"]
    return [part.split("=")[0].split("?")[0] + ":" for part in command[2:].split(";")]


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
    """Return `text` as a decimal int, or None."""
    try:
        return int(text)
    except ValueError:
        return None


def registration(line):
    """Return (n, stat, cause_type, reject_cause) of a +CEREG line, each an int or None.

    Answer of all verbosities:  +CEREG: <n>,<stat>[,"<tac>","<ci>",<AcT>[,<type>,<cause>[,...]]]
    URC:                        +CEREG: <stat>[,"<tac>","<ci>",<AcT>[,<type>,<cause>[,...]]]

    The second field tells them apart: after <n> it is an unquoted number, after <stat> it is
    quoted or missing. n is None for a URC. Without registration the location fields are missing or
    empty. Source: 3GPP TS 27.007 10.1.22.
    """
    values = fields(line)
    second = line.split(",")[1:2]
    n = None
    if second and number(second[0]) is not None:
        n = number(values[0])
        values = values[1:]
    cause = values[4:6] if len(values) > 4 else values[1:]  # no location: after <stat>
    if len(cause) != 2:
        cause = ("", "")
    return n, number(values[0]), number(cause[0]), number(cause[1])


def counted(text, name):
    """Return (fields, rest) of an answer whose line `<name>: ...` is followed by payload, or None.

    `rest` is everything after that line. Ask for the payload in hex: its length is known then.
    """
    start = text.find("\n" + name + ":") + 1
    end = text.find("\r\n", start)
    if start == 0 or end < 0:
        return None
    return fields(text[start:end]), text[end + 2 :]
