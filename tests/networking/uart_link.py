"""A second link to the modem: AT straight over a UART, without the firmware's network.LTE.

    device.put("networking/_nbiot_lte.py", ...)     # done by make_device of tests/networking

The tests put it on the flash in place of networking/_nbiot_lte.py, whose docstring is the
contract. At the far end of the wire stands tests/networking/modem_wire.py. Not for upload.

It drops nothing that the modem says by itself, needs no silence to know the end of a reply, and
hears URCs while it waits: the three things that the firmware's link cannot do.
"""

import utime
from machine import UART

from networking import _nbiot_mute
from utils import at, timing

_PINS = ("P5", "P98", "P7", "P99")  # of a GPy: transmit, receive, RTS, CTS of the modem
_LISTEN = "Pycom_Dummy"  # sends nothing, as with network.LTE
_LOOK_MS = (5, 100)  # between two looks at the UART, a quarter of the time already waited
_AT_MS = 300
_GUARD_MS = 1100  # silence before and after the escape sequence
_START_ROUNDS = 3  # 3 s each: a modem that restarts needs up to 6 s


class Modem:
    """The modem as utils/at.py sees it: send_at_cmd() of network.LTE, over a UART."""

    longest_line = 3000
    knows_prompts = True

    def __init__(self):
        self.uart = None
        self.carries_data = False

    def send_at_cmd(self, command, timeout=9500):
        """Send a line, or payload as bytes; return what came until the reply was whole."""
        if self.uart is None:
            raise OSError("the link is not open")
        if self.carries_data:
            raise OSError("the modem is in data state")
        if command == _LISTEN:
            return self.listen(timeout)
        early = self._early()
        self.uart.write(command + "\r" if isinstance(command, str) else command)
        return self.collect(timeout, early)

    def listen(self, timeout_ms):
        """Return what the modem says, at the end of a line or of the time."""
        return self._wait(_ends_a_line, timeout_ms, "")

    def collect(self, timeout_ms, text=""):
        """Wait for a whole reply; `text` came before it."""
        return self._wait(_is_whole, timeout_ms, text)

    def read(self):
        """Return what has come so far. Byte by byte: noise is no UTF-8."""
        count = self.uart.any()
        return "".join([chr(byte) for byte in self.uart.read(count)]) if count else ""

    def _wait(self, enough, timeout_ms, text):
        watch = timing.Stopwatch()
        while True:
            come = self.read()
            text += come
            waited_ms = watch.elapsed_ms()
            if waited_ms >= timeout_ms or come and enough(text):
                return text
            look_ms = max(_LOOK_MS[0], min(waited_ms // 4, _LOOK_MS[1]))
            timing.feed()
            utime.sleep_ms(min(look_ms, timeout_ms - waited_ms))

    def _early(self):
        """Return the URCs that came unasked, without late answers of earlier commands."""
        lines = []
        for line in self.read().split("\r\n"):
            if at.is_final(line):
                lines = []
            else:
                lines.append(line)
        return "\r\n".join(lines)


class Link:
    has_data_state = True
    boot_options = {}

    def __init__(self):
        self.modem = _nbiot_mute.Guard()
        self._line = Modem()
        self.off = None
        self._heard = ""  # in data state

    @property
    def is_open(self):
        return self._line.uart is not None

    @property
    def in_data_state(self):
        return self._line.carries_data

    def open(self):
        if self.is_open:
            self.hang_up()
            return
        self.off = False
        self._line.uart = UART(1, 921600, pins=_PINS)  # asserts RTS, which wakes the modem
        for _ in range(_START_ROUNDS):
            if self._answers(3):
                break
            self._escape()  # an earlier program may have left it in data state
        else:
            self._take_down()
            raise OSError("the modem does not answer")
        self.modem.wrap(self._line)
        for command in ("ATE0", "ATH", "AT+CEREG=1"):  # as the firmware leaves it
            self.exchange(command, 3000)

    def exchange(self, command, timeout_ms, named=False):
        return at.exchange(self.modem, command, timeout_ms, named)

    def pause(self, duration_ms):
        return at.Reply(self._line.listen(duration_ms), "")

    def longest_line(self):
        return self._line.longest_line

    def dial(self, cid):
        reply = self.exchange('AT+CGDATA="PPP",' + str(cid), 9500)
        if reply.final is None:  # it may be in data state all the same
            self._escape()
        if not (reply.final or "").startswith("CONNECT"):
            raise OSError("the modem refuses data state")
        self._line.carries_data = True
        self._heard = ""
        self._line.uart.write("PPP " + str(cid) + "\n")

    def has_address(self):
        self._heard += self._line.read()
        return "PPP " in self._heard and "NO CARRIER" not in self._heard

    def hang_up(self):
        if not self.in_data_state:
            return
        self._line.carries_data = False
        for _ in range(2):
            self._escape()
            if self._answers(2):
                self.exchange("ATH", 3000)
                return
        self._line.carries_data = True
        raise OSError("the modem does not leave data state")

    def close(self):
        try:  # after a restart the modem has forgotten that it may sleep
            self.exchange('AT!="setlpm airplane=1 enable=1"', 3000)
        finally:
            self._take_down()

    def may_be_on(self):
        import machine

        quiet = machine.reset_cause() in (machine.PWRON_RESET, machine.DEEPSLEEP_RESET)
        return not (quiet if self.off is None else self.off)

    def _answers(self, tries):
        for _ in range(tries):
            at.abandon(self._line)  # any OK will do
            if at.exchange(self._line, "AT", _AT_MS).ok:
                return True
        return False

    def _escape(self):
        """Lead the modem from data to commands. In command state it spoils the next line."""
        timing.sleep_ms(_GUARD_MS)
        self._line.uart.write("+++")
        self._line.collect(_GUARD_MS + _AT_MS)

    def _take_down(self):
        self._line.uart.deinit()
        self._line.uart = self.modem.wrapped = None
        self._line.carries_data = False


def _ends_a_line(text):
    return text.endswith("\n")


def _is_whole(text):
    return at.Reply(text, "").whole
