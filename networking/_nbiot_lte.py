"""The link to the modem through the firmware's LTE class; and what any link offers.

    link = Link()
    link.open()
    reply = link.exchange("AT+CEREG?", 3000, named=True)      # an at.Reply
    link.close()

A link is the way by which networking.nbiot talks to a modem. All of NB-IoT is written against
these members; another link (a UART, another make of modem) is another file with such a class:

open()              start the modem and wait until it takes commands. ImportError on a board
                    without one, OSError if it does not start
is_open             True from a successful open() to close()
exchange(command, timeout_ms, named)
                    send one command line and return its at.Reply, as at.exchange() does. OSError
                    if the link is not open, or in data state
pause(duration_ms)  wait between two polls; return early, with an at.Reply, if the modem says
                    something by itself meanwhile
longest_line()      bytes that one command line or payload can have
modem               the object that microATsocket.setModemInstance() takes: it has send_at_cmd()

Data state, in which the modem carries PPP and takes no commands:

has_data_state      False: nothing below is called but hang_up()
dial(cid)           enter data state with this PDP context; OSError if the modem refuses
in_data_state       True from a successful dial() to hang_up()
has_address()       True once the connection has an IPv4 address
hang_up()           leave data state; nothing to do outside of it

close()             let the modem sleep. The radio is off by then. The link is closed even if this
                    raises OSError

Written against Pycom firmware 1.20.2.r4 and r7 (esp32/mods/modlte.c).
"""

from utils import at, timing


class Link:
    """The modem of a GPy or FiPy, driven by network.LTE."""

    has_data_state = True

    def __init__(self):
        self.modem = None  # network.LTE, there is one only
        self.in_data_state = False

    @property
    def is_open(self):
        return self.modem is not None

    def open(self):
        from network import LTE

        timing.feed()
        self.modem = LTE()  # runs the firmware's start sequence unless the modem is up already
        self.hang_up()

    def exchange(self, command, timeout_ms, named=False):
        return at.exchange(self.modem, command, timeout_ms, named)

    def pause(self, duration_ms):
        """Sleep: a poll is faster than the second of silence that precedes a URC."""
        timing.sleep_ms(duration_ms)
        return at.Reply("", "")

    def longest_line(self):
        return at.line_limit()

    def dial(self, cid):
        timing.feed()
        self.modem.connect(cid=cid)
        self.in_data_state = True

    def has_address(self):
        return self.modem.isconnected()

    def hang_up(self):
        # a program before this one may have left the modem in data state
        if self.is_open and (self.in_data_state or self.modem.isconnected()):
            timing.feed()
            self.modem.disconnect()
            self.in_data_state = False

    def close(self):
        """Deinitialise. No second detach, no look at the SIM, no reset: the radio is off."""
        modem = self.modem
        self.modem = None
        self.in_data_state = False
        timing.feed()
        try:
            modem.deinit(detach=False)
        except TypeError:  # 1.20.0.rc1 and before name the argument otherwise
            modem.deinit()
