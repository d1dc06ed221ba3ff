"""The four pins of the modem's UART, and programs that use them for something else.

The firmware sets the pins up once after each reset, when the modem task starts. From then on
`Pin(...)`, a bus, a UART or an ADC channel on one of them takes it away until the next reset:

    transmit    any use: the modem hears nothing
    receive     as an output or an ADC channel: the board hears nothing; an input changes nothing
    RTS         any use: an output at 0 is RTS high in the words of docs/emulation.md, all else low
    CTS         as an output at 1 or an ADC channel: the board does not send

On a GPy these are P5, P98, P7 and P99, on a FiPy P20, P18, P19 and P17.
Source: Pycom firmware 1.20.2.r4 (esp32/lte/lteppp.c: connect_lte_uart, TASK_LTE; machpin.c,
boards/*/mpconfigboard.h), ESP-IDF 3.3 (gpio_config, adc1_config_channel_atten).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from emulator.board.board import Board
from emulator.board.pins import IN, MODEM_PINS, OUT
from emulator.modem.uart import Uart


class ModemPins:
    def __init__(self, board: Board, uart: Uart) -> None:
        self._board = board
        self._uart = uart
        self._names = MODEM_PINS[board.name]
        self._ours: set[str] = set()  # those that are set up for the UART
        self._watched = False
        uart.on_driven = self._show_rts

    def set_up(self) -> None:
        """What connect_lte_uart() does."""
        pins = self._pins()
        if pins is None:
            return
        transmit, receive, rts, cts = self._names
        self._ours = set()
        for name, mode in ((transmit, OUT), (receive, IN), (rts, OUT), (cts, IN)):
            pins.own(name, mode, 1)
        self._ours = set(self._names)
        self._uart.tx_cut = self._uart.rx_cut = False
        self._uart.force_rts(None)

    def reset(self) -> None:
        """The ESP32 starts anew: nothing is set up, nothing is taken."""
        self._ours = set()
        self._uart.tx_cut = self._uart.rx_cut = False
        self._uart.force_rts(None)
        self._pins()

    def _show_rts(self, high: bool) -> None:
        """The driver drives RTS, which is low on the pin when it is asserted."""
        pins = self._pins()
        if pins is not None and self._names[2] in self._ours:
            pins.own(self._names[2], OUT, 0 if high else 1)

    def _pins(self) -> Any:
        pins: Any = self._board.services.get("pins")
        if pins is not None and not self._watched:
            self._watched = True
            for index, name in enumerate(self._names):
                pins.on_use(name, partial(self._used, index))
        return pins

    def _used(self, index: int, how: str) -> None:
        name = self._names[index]
        pins = self._pins()
        if index == 2:  # RTS: what the modem sees is the level, whoever drives it
            driven = how == "out" and pins.do_mode(name) == OUT
            self._uart.force_rts(driven and not pins.level(name))
        ours = name in self._ours
        if not ours or (index in (1, 3) and how == "in"):
            return
        if index == 3 and how == "out" and not pins.level(name):
            return
        self._ours.discard(name)
        self._board.trace.add("power", f"{name} is taken from the modem")
        if index in (0, 3):
            self._uart.tx_cut = True
        elif index == 1:
            self._uart.rx_cut = True
