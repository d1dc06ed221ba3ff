"""The link to the modem through the firmware's LTE class, and the members of any link.

    link = Link()
    link.open()
    reply = link.exchange("AT+CEREG?", 3000, named=True)      # an at.Reply
    link.close()

networking.nbiot talks to a modem through a link and uses only these members. Another link (a UART,
a modem of another make) is another file with such a class:

name                "lte" or "uart", for reports
boot_options        {name of a function of pycom: value}, for the firmware to start the modem
                    before Python
open()              start the modem and wait until it takes commands. NoModem of _nbiot_causes.py
                    on a board without one, another OSError if it does not start
is_open             True from a successful open() to close()
exchange(command, timeout_ms, named)
                    send one command line and return its at.Reply, as at.exchange() does. OSError
                    if the link is not open, or in data state
pause(duration_ms)  wait between two polls and return an at.Reply; return early if the modem sends
                    a URC meanwhile
longest_line()      bytes that one command line or payload can have
modem               the object that microATsocket.setModemInstance() takes, a Guard of
                    _nbiot_mute.py; the object that it wraps has send_at_cmd(), longest_line, a
                    number, unless the limit of the firmware holds for it, and knows_prompts, True
                    if a call ends at a prompt, without a second of silence

Data state, in which the modem carries PPP and takes no commands:

has_data_state      False: nothing below is called but hang_up()
dial(cid)           enter data state with this PDP context; OSError if the modem refuses
in_data_state       True from a successful dial() to hang_up()
has_address()       True once the connection has an IPv4 address
hang_up()           leave data state; does nothing outside of it

close()             let the modem sleep. The radio is off by then, unless hang_up() failed: then
                    close() switches it off. The link is closed even if this raises OSError

rests_registered    True if a modem can be left registered, in power saving mode, over deep sleep:
rest()              in place of close(): let such a modem sleep
wake()              begin to wake it up, and do not wait for it
is_waking           True between wake() and open() or rest()
meanwhile(work)     take an iterator, whose steps are done while the modem is awaited

Whoever switches the modem off has to know whether it may be on while the link is closed:

off                 True after this program has switched it off, False after it could not, or after
                    open(); None before. Set by nbiot and by open()
may_be_on()         True if it may be on although the link is closed: if `off` is False; if the
                    board was reset without a sleep, or the firmware has started the modem; or if
                    the program has started it in another way

Written against Pycom firmware 1.20.2.r4 and r7 (esp32/mods/modlte.c).
"""

from networking import _nbiot_mute
from utils import at, timing


class Link:
    """The modem of a GPy or FiPy, driven by network.LTE."""

    name = "lte"
    has_data_state = True
    is_waking = False
    rests_registered = False  # each start of the driver ends power saving mode
    # the start takes 2 s, which pass while boot.py and the sensors work
    boot_options = {"lte_modem_en_on_boot": True}

    def __init__(self):
        self.modem = _nbiot_mute.Guard()
        self.in_data_state = False
        self.off = None

    @property
    def _lte(self):
        return self.modem.wrapped  # network.LTE, there is one only

    @property
    def is_open(self):
        return self._lte is not None

    def open(self):
        try:
            from network import LTE
        except ImportError:
            from networking._nbiot_causes import NoModem

            raise NoModem("network has no LTE")
        self.off = False
        timing.feed()
        self.modem.wrap(LTE())  # runs the firmware's start sequence unless the modem is up
        self.hang_up()

    def exchange(self, command, timeout_ms, named=False):
        return at.exchange(self.modem, command, timeout_ms, named)

    def pause(self, duration_ms):
        """Sleep without listening: a poll is faster than the 1 s of silence after a URC."""
        timing.sleep_ms(duration_ms)
        return at.Reply("", "")

    def longest_line(self):
        return at.line_limit()

    def dial(self, cid):
        timing.feed()
        self._lte.connect(cid=cid)
        self.in_data_state = True

    def has_address(self):
        return self._lte.isconnected()

    def hang_up(self):
        # a program before this one may have left the modem in data state
        if self.is_open and (self.in_data_state or self._lte.isconnected()):
            timing.feed()
            self.in_data_state = True  # until the firmware has left it
            self._lte.disconnect()
            self.in_data_state = False

    def close(self):
        """Deinitialise without another detach, SIM check or reset: the radio is off.

        A modem that could not be brought out of data state took no command: then the firmware
        detaches, which switches the radio off.
        """
        modem, stuck = self._lte, self.in_data_state
        self.modem.wrapped = None
        self.in_data_state = False
        timing.feed()
        try:
            modem.deinit(detach=stuck)
        except TypeError:  # until 1.20.0.rc1 the argument has another name
            modem.deinit()

    def may_be_on(self):
        if self.off is None:
            import machine
            import pycom

            # neither the supply nor a sleep that nbiot led to leaves the modem on
            quiet = machine.reset_cause() in (machine.PWRON_RESET, machine.DEEPSLEEP_RESET)
            return not quiet or pycom.lte_modem_en_on_boot() or _is_started()
        return not self.off or _is_started()


def _is_started():
    """True if the program has called LTE() itself. The firmware knows one modem, and its methods
    look at no object."""
    try:
        from network import LTE

        LTE.isconnected(None)
    except (ImportError, OSError):  # "LTE modem not initialized"
        return False
    return True
