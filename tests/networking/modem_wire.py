"""The far end of tests/networking/uart_link.py: the emulated modem on UART 1 of the board.

    device = Device(flash, modem_on_boot=False)
    plug(device)

The board has no LTE driver any more: whatever calls network.LTE fails. Bytes and RTS pass between
machine.UART and the modem; nothing else does, except that both ends of PPP are played here: see
Ppp.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from emulator.board.board import Board
from emulator.board.pins import MODEM_PINS
from emulator.board.serial import Serial
from emulator.modem.modem import Modem
from emulator.modem.uart import Uart
from tests.device import Device

LINK = Path(__file__).with_name("uart_link.py")
NEGOTIATION_MS = 500


def plug(device: Device) -> None:
    """Put the second link on the flash of a board, and its modem at the end of the wire."""
    del device.board.services["lte"]
    shutil.copy2(LINK, device.flash / "networking" / "_nbiot_lte.py")
    ppp = Ppp(device.board, device.modem)
    device.service("socket").nics.append(ppp)
    device.board.plug("serial", ModemSerial(device.board, device.emulator.uart, ppp))


class Ppp:
    """PPP in two lines: the board says "PPP <cid>", half a second later the modem says "PPP
    <address>" if that context has an IPv4 address. From then on lwIP has this interface."""

    def __init__(self, board: Board, modem: Modem) -> None:
        self._clock = board.clock
        self._modem = modem
        self._address: str | None = None
        self.air = modem.radio
        modem.data_sink = self._hear

    @property
    def address(self) -> str | None:
        return self._address if self._modem.in_data_mode else None

    @property
    def registered(self) -> bool:
        return self.address is not None

    def drop(self) -> None:
        self._address = None

    def _hear(self, data: bytes) -> None:
        name, _, cid = data.partition(b" ")
        if name == b"PPP":
            self.drop()
            self._clock.schedule_ms(NEGOTIATION_MS, lambda: self._agree(int(cid)))

    def _agree(self, cid: int) -> None:
        address = self._modem.pdn_addresses(cid).get("IP")
        if address and self._modem.in_data_mode:
            self._address = address
            self._modem.session.data.send(f"PPP {address}\n".encode())


class ModemSerial(Serial):
    """Service "serial" with the modem on its own pins. A line of the board is one write, and one
    entry of the trace, instead of an event for each character."""

    def __init__(self, board: Board, uart: Uart, ppp: Ppp) -> None:
        super().__init__(board)
        self._uart = uart
        self._ppp = ppp
        self._wired: int | None = None  # the UART that is open on the modem's pins

    def do_open(self, uart_id: int, baud: int, *rest: Any) -> None:
        super().do_open(uart_id, baud, *rest)
        if rest[-2:] == MODEM_PINS["GPy"][:2]:
            self._wired = uart_id
            self._uart.baud = baud
            self._uart.set_rts(True)

    def do_close(self, uart_id: int) -> None:
        super().do_close(uart_id)
        if uart_id == self._wired:
            self._wired = None
            self._ppp.drop()
            self._uart.set_rts(False)
            self._uart.flush()

    def do_any(self, uart_id: int) -> int:
        return self._uart.waiting() if uart_id == self._wired else super().do_any(uart_id)

    def do_read(self, uart_id: int, count: int) -> bytes:
        """Of the modem: what has come, without a wait for more."""
        return (
            self._uart.read(count) if uart_id == self._wired else super().do_read(uart_id, count)
        )

    def do_write(self, uart_id: int, data: bytes) -> int:
        if uart_id != self._wired:
            return super().do_write(uart_id, data)
        self._uart.write(data)
        return len(data)
