"""The link to the modem of a GPy or FiPy by machine.UART, without the firmware's network.LTE.

networking/_nbiot_lte.py says what a link is. This one drops nothing that the modem says by itself,
needs no silence to know the end of a reply, takes long lines, and starts as fast as the modem
wakes up. It has no data state: PPP is the firmware's.

Opening the UART asserts RTS, which wakes the modem; closing it releases RTS. The firmware must
not have started its own driver, which holds the same pins until a reset.

wake() needs this file and the pins alone: the modem wakes up while the others are loaded.

Written against Pycom firmware 1.20.2.r4 and r7 (esp32/mods/machuart.c, boards/GPY, boards/FIPY;
the updater of Pycom opens the modem in the same way).
"""

from micropython import const

from networking import _nbiot_uart_pins as pins

_BEFORE_REST = 'AT!="setlpm airplane=1 enable=1"'  # as the firmware leaves it
_ANSWER_MS = const(3000)


class Link:
    """The modem of a GPy or FiPy, driven by machine.UART."""

    name = "uart"
    has_data_state = False
    in_data_state = False
    rests_registered = True
    boot_options = {}  # the firmware must leave the pins alone

    def __init__(self):
        self.off = None
        self._uart = None  # opened by wake(), as long as the modem was not spoken to
        self._said = None  # (Guard, Modem), from the first word on

    @property
    def modem(self):
        return self._speaking()[0]

    @property
    def _line(self):
        return self._speaking()[1]

    def _speaking(self):
        if not self._said:
            from networking import _nbiot_mute, _nbiot_uart_line

            self._said = _nbiot_mute.Guard(), _nbiot_uart_line.Modem(self._uart)
        return self._said

    @property
    def is_open(self):
        return bool(self._said) and self._line.found

    @property
    def is_waking(self):
        uart = self._line.uart if self._said else self._uart
        return uart is not None and not self.is_open

    def wake(self):
        if self._said:
            self._line.wake()
        elif self._uart is None:
            self._uart = pins.open_uart(pins.BAUD)

    def meanwhile(self, work):
        self._line.meanwhile = work

    def open(self):
        if self.is_open:
            return
        pins.names()
        self.off = False
        self._line.start()
        self.modem.wrap(self._line)
        try:
            if not self._line.is_set_up:  # rubbish was in front of it
                self.exchange("ATE0", _ANSWER_MS)
        except OSError:
            self._take_down()
            raise

    def exchange(self, command, timeout_ms, named=False):
        from utils import at  # wake() does not need it

        return at.exchange(self.modem, command, timeout_ms, named)

    def pause(self, duration_ms):
        from utils import at

        return at.listen(self.modem, duration_ms)

    def longest_line(self):
        return pins.LONGEST_LINE

    def hang_up(self):
        """There is no data state; open() has left that of another program."""

    def close(self):
        try:
            self.exchange(_BEFORE_REST, _ANSWER_MS)
            self._line.drain()
        finally:
            self._take_down()

    def rest(self):
        """Release RTS, over deep sleep as well where the board can: not on a GPy."""
        self._line.drain()
        self._take_down()
        pins.hold()

    def may_be_on(self):
        if self.off is None:
            import machine
            import pycom

            # neither the supply nor a sleep that nbiot led to leaves the modem on
            quiet = machine.reset_cause() in (machine.PWRON_RESET, machine.DEEPSLEEP_RESET)
            return not quiet or pycom.lte_modem_en_on_boot()
        return not self.off

    def _take_down(self):
        self.modem.wrapped = None
        self._line.stop()
