"""The four pins of the modem's UART, and programs that use them for something else.

The LTE driver sets the pins up once after each reset, when its task starts. From then on
`Pin(...)`, a bus, a UART or an ADC channel on one of them takes it away until the next reset:

    transmit    any use: the modem hears nothing of the driver
    receive     as an output or an ADC channel: the board hears nothing; an input changes nothing
    RTS         any use: the modem sees the level on the pad, whoever drives it
    CTS         as an output at 1 or an ADC channel: the driver does not send

machine.UART on these pins is the modem's wire as well. Its outputs take the place of the driver's,
and the driver's take its place when the task starts; what the modem says both hear. A pad that
nothing drives floats: the modem then sees what `rts_in_deepsleep` says.

On a GPy these are P5, P98, P7 and P99, on a FiPy P20, P18, P19 and P17.
Source: Pycom firmware 1.20.2.r4 (esp32/lte/lteppp.c: connect_lte_uart, TASK_LTE; machpin.c,
machuart.c, boards/*/mpconfigboard.h), ESP-IDF 3.3 (gpio_config, adc1_config_channel_atten).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from emulator.board.board import SOFT_RESET, Board, Service
from emulator.board.framing import Framing
from emulator.board.pins import IN, MODEM_PINS, OUT
from emulator.board.uartport import Port
from emulator.modem.uart import Uart

TX, RX, RTS, CTS = range(4)


class ModemPins(Service):
    def __init__(
        self, board: Board, uart: Uart, floating_rts: bool = False, uart1: bool = True
    ) -> None:
        super().__init__(board)
        self._uart1 = uart1
        self._uart = uart
        self._floating_rts = floating_rts
        self._names = MODEM_PINS[board.name]
        self._ours: set[str] = set()  # those that are set up for the driver
        self._watched = False
        uart.on_driven = self._show_rts
        uart.on_cts = self._show_cts
        self._pins()

    def set_up(self) -> None:
        """What connect_lte_uart() does."""
        pins = self._pins()
        if pins is None:
            return
        serial: Any = self.board.services.get("serial")
        for name in self._names:
            if serial is not None and name not in (self._names[RX], self._names[CTS]):
                serial.taken(name)
        self._ours = set(self._names)
        for index, mode in enumerate((OUT, IN, OUT, IN)):
            pins.own(self._names[index], mode, 1, 1 if mode == OUT else None)
        self._uart.tx_cut = self._uart.rx_cut = False

    def on_reset(self, cause: int) -> None:
        """The ESP32 starts anew: nothing is set up, nothing is taken."""
        if cause != SOFT_RESET:
            self._ours = set()
            self._uart.tx_cut = self._uart.rx_cut = False
        self._pins()

    def on_sleep(self, duration_ms: int | None) -> None:
        """The pads have lost their drive: what the driver does to RTS from now on is not seen."""
        self._ours = set()

    # machine.UART on these pins

    def hear(self, data: bytes, framing: Framing) -> None:
        self._uart.hear(data, framing)

    def listen(self, port: Port | None) -> None:
        self._uart.tap = port
        if port is not None:
            port.on_ready = self._uart.pump

    # inside

    def _show_rts(self, asserted: bool) -> None:
        """The driver drives RTS, which is low on the pin when it is asserted."""
        pins = self._pins()
        if pins is not None and self._names[RTS] in self._ours:
            pins.own(self._names[RTS], OUT, 1, 0 if asserted else 1)

    def _show_cts(self) -> None:
        pins = self._pins()
        if pins is not None:
            pins.drive(self._names[CTS], 0 if self._uart.cts else 1)

    def _pad(self, level: int | None, at_us: int) -> None:
        """What the board does to RTS has changed."""
        if level is None:
            self._uart.force_rts(self._floating_rts)
        else:
            self._uart.force_rts(not level)

    def _pins(self) -> Any:
        pins: Any = self.board.services.get("pins")
        if pins is not None and not self._watched:
            self._watched = True
            for index, name in enumerate(self._names):
                pins.on_use(name, partial(self._used, index))
            pins.on_level(self._names[RTS], self._pad)
            serial: Any = self.board.services.get("serial")
            if serial is not None and self._uart1:
                serial.cable(self._names[TX], self._names[RX], self)
            if self._floating_rts:
                self._uart.force_rts(True)
            self._show_cts()
        return pins

    def _used(self, index: int, how: str) -> None:
        name = self._names[index]
        pins = self._pins()
        if index == RTS and how == "adc":
            self._uart.force_rts(self._floating_rts)
        if name not in self._ours or (index in (RX, CTS) and how == "in"):
            return
        if index == CTS and how == "out" and not pins.level(name):
            return
        self._ours.discard(name)
        self.board.trace.add("power", f"{name} is taken from the modem")
        if index in (TX, CTS):
            self._uart.tx_cut = True
        elif index == RX:
            self._uart.rx_cut = True
