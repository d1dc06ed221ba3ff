"""The modem at its UART: brought to its command state, and spoken to as through network.LTE.

    modem = Modem()
    modem.start()                                    # OSError if it does not answer
    text = modem.send_at_cmd("AT+CEREG?", 3000)      # the reply, as far as it came

The modem is found in whatever state an earlier program left it: see _Finder. Bytes that it does
not take stay in the FIFO of the UART; only opening the UART anew clears it.

Part of networking/_nbiot_uart.py, apart from it since waking the modem does not need it.
"""

from micropython import const

from networking import _nbiot_outcome as outcomes
from networking import _nbiot_uart_pins as pins
from utils import at, timing

_PIECE = const(64)  # the FIFO has 128, and write() fails half-way if it is full for 5 ms
_TAKE_MS = const(1000)  # for the modem to take one piece
_BETWEEN_MS = const(20)  # from a final result code to the next command
_LOOK_MS = (2, 20)  # between two looks at the UART: an eighth of the time already waited
_AT_MS = const(300)
_WAKE_MS = const(600)
_FIND_MS = const(10000)  # some modems take 2.5 s to their first answer, starting ones 6 s
_AGAIN_MS = const(1000)  # for one that has answered before
_QUIET_MS = const(100)
_REST_MS = const(1000)  # RTS released, for it to see an edge
_SILENT = const(3)  # ATs that the modem took without an answer
_SILENT_AFTER_SLEEP = const(10)  # after a deep sleep it wakes up, and is in no data state
_STARTED = "+SYSSTART"
_HELLO = b"ATE0\r"  # answered like AT, and ends the echo
_ANSWER_MS = const(3000)


class Modem:
    """The modem as utils/at.py sees it: send_at_cmd() of network.LTE, over a UART."""

    longest_line = pins.LONGEST_LINE
    knows_prompts = True

    def __init__(self, uart=None):
        """uart: opened already."""
        self.uart = uart
        self._asked = ""  # the last command line
        self._heard = ""  # URCs that nobody has got yet
        self._heard_ms = 0  # when the last text came
        self._cut = False  # the modem has only a part of what was written
        self._failed = False  # it was not found, the last time
        self.found = self.is_set_up = False
        self.meanwhile = ()  # an iterator: work for the time in which the modem is awaited

    def start(self):
        """Open the UART and wait until the modem takes commands. OSError if it does not."""
        self._asked = self._heard = ""
        again, self._failed = self._failed, True
        try:
            for rest_ms in (0,) if again else (0, _REST_MS):
                timing.sleep_ms(rest_ms)
                self.wake()
                if _Finder(self).finds(_FIND_MS):
                    self._failed = False
                    self.found = True
                    return
                self.stop()
            if not again:
                _rescue().look_for_loader(self)
            raise OSError("the modem does not answer on its UART")
        finally:
            if self._failed:
                self.stop()

    def wake(self):
        """Assert RTS."""
        if self.uart is None:
            self.open(pins.BAUD)

    def stop(self):
        """Release RTS. The modem may sleep then."""
        self.found = False
        uart, self.uart = self.uart, None
        if uart:
            uart.deinit()

    def send_at_cmd(self, command, timeout=9500):
        """Send a line, or payload as bytes; return what came until the reply was whole.

        URCs that came before are in front. OSError if the modem does not take all of it.
        """
        if self.uart is None:
            raise OSError("the link is not open")
        if command == at.LISTEN:
            return self._wait(timeout, None)
        is_line = isinstance(command, str)
        if (self._cut or not self.taken()) and not (is_line and self._free()):
            return ""
        if is_line:
            timing.sleep_ms(self._heard_ms + _BETWEEN_MS - timing.now_ms())
        early = self._early()
        if is_line:
            self._asked = command
            self.write(command.encode() + b"\r")
            return early + self._wait(timeout, command)
        self.write(command)
        text = self._wait(timeout, "")
        self._cut = not self.taken()  # the prompt stands until all of it is there
        return early + text

    def write(self, data):
        """Send in pieces, each of which the modem has taken before the next one.

        The last one stays in the FIFO until the modem takes it. OSError if it does not take one
        before: then it has a part.
        """
        for start in range(0, len(data), _PIECE):
            timing.feed()
            self._cut = start > 0
            if start and not self.uart.wait_tx_done(_TAKE_MS):
                raise OSError("the modem is not ready for more")
            self.uart.write(data[start : start + _PIECE])
        self._cut = False

    def read(self):
        """Return what has come so far as text, without the noise of a line that wakes up."""
        count = self.uart.any()
        data = self.uart.read(count) if count else None
        if not data:
            return ""
        self._heard_ms = timing.now_ms()
        try:
            text = data.decode()
        except UnicodeError:
            text = "".join([chr(each) for each in data if each < 0x80])
        return text.replace("\0", "")

    def drain(self):
        """Read until nothing comes: unread bytes may keep the modem awake."""
        while self.read():
            timing.sleep_ms(50)

    def answers(self, line, limit_ms):
        """Send a line, unless the modem has not taken the one before; True if it answers."""
        if self.uart.wait_tx_done(1):
            self.uart.write(line)
        reply = at.Reply(self._wait(limit_ms, ""), line[:-1].decode())
        self.is_set_up = reply.ok and line == _HELLO
        self._keep(reply.urcs)
        return reply.final is not None or reply.prompt

    def settle(self):
        """Drop answers until none has come for a while."""
        deadline = timing.Deadline(_ANSWER_MS)
        text = "-"
        while text and not deadline.expired():
            text = self._wait(_QUIET_MS, "")
            self._keep(at.Reply(text, "").urcs)

    def taken(self):
        """True if nothing is left in the FIFO."""
        return self.uart.wait_tx_done(1)

    def open(self, baud):
        """Open the UART, which asserts RTS."""
        self.uart = pins.open_uart(baud)

    def _free(self):
        """Clear the FIFO and what the modem still waits for; True once it answers."""
        self._keep(at.Reply(self.read(), self._asked).urcs)
        self.stop()
        self.open(pins.BAUD)
        is_there = _Finder(self, self._cut).finds(_AGAIN_MS)
        self.found = True  # open as before
        self._cut = self._cut and not is_there
        return is_there

    def _keep(self, urcs):
        for line in urcs:
            if line == _STARTED and not self.found:  # it is found in its first moments
                continue
            self._heard += "\r\n" + line + "\r\n"

    def _early(self):
        """Return the URCs that came unasked, without late answers of earlier commands."""
        text = self.read()
        end = text.rfind("\n") + 1
        self._keep(at.Reply(text[:end], self._asked).urcs)
        heard, self._heard = self._heard, ""
        return heard + text[end:]  # a line that is still coming

    def _wait(self, timeout_ms, command):
        """Wait for a whole reply to `command`; None: for a whole line."""
        watch = timing.Stopwatch()
        text = ""
        if command is None:
            text, self._heard = self._heard, ""
        while True:
            come = self.read()
            text += come
            waited_ms = watch.elapsed_ms()
            if waited_ms >= timeout_ms or _is_whole(text, command):
                return text
            if not outcomes.step(self.meanwhile):
                look_ms = max(_LOOK_MS[0], min(waited_ms // 8, _LOOK_MS[1]))
                timing.sleep_ms(min(look_ms, timeout_ms - waited_ms))


class _Finder:
    """Brings the modem to its command state, whatever it was left in.

    asleep, starting        it takes nothing while CTS is released, and nothing is sent twice
    an open prompt          ends with blanks: a useless datagram at most
    in data state           silence, +++, silence, ATH; in command state that costs an ERROR
    rubbish in its line     costs an ERROR as well, which is an answer, too
    """

    def __init__(self, modem, asks=False):
        self._modem = modem
        self._asks = asks  # a prompt may be open
        self._silent = 0  # ATs without an answer
        self._sent = 0  # all that may be answered

    def finds(self, limit_ms):
        """True once the modem has answered."""
        deadline = timing.Deadline(limit_ms)
        awake = timing.Deadline(min(_WAKE_MS, limit_ms))
        while not (pins.is_clear() or awake.expired()):
            if not outcomes.step(self._modem.meanwhile):
                timing.sleep_ms(5)
        if self._asks and self._modem.taken():
            self._rescue("pad")
        most = _SILENT_AFTER_SLEEP if _is_after_sleep() and not self._asks else _SILENT
        while not deadline.expired():
            self._sent += 1
            if self._modem.answers(_HELLO, _AT_MS):
                if self._sent > 1:  # or the next command would get a late answer
                    self._modem.settle()
                return True
            if self._modem.taken():
                self._silent += 1
                if self._silent == most:
                    self._rescue("escape")
                elif self._silent == most + 1:
                    self._rescue("pad")
        return False

    def _rescue(self, step):
        self._sent += step == "pad"
        getattr(_rescue(), step)(self._modem)


def _rescue():
    """Return the part for a modem that does not answer. OSError if its file is missing: this may
    be in a datagram's way."""
    try:
        from networking import _nbiot_uart_rescue as rescue  # hardly ever needed
    except ImportError as error:
        raise OSError(str(error))
    return rescue


def _is_after_sleep():
    import machine

    return machine.reset_cause() == machine.DEEPSLEEP_RESET


def _is_whole(text, command):
    if text[-1:] not in ("\n", " "):  # no line has ended, and no prompt stands
        return False
    if command is None:
        return bool(text.strip())
    return at.Reply(text, command).whole
