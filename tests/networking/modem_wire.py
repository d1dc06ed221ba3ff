"""The far end of tests/networking/uart_link.py: the emulated modem on UART 1 of the board.

    device = Device(flash, modem_on_boot=False)
    plug(device)

The board has no LTE driver any more: whatever calls network.LTE fails. machine.UART on the modem's
pins is the wire; both ends of PPP are played here: see Ppp.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from emulator.board.board import Board
from emulator.modem.modem import Modem
from tests.device import Device

LINK = Path(__file__).with_name("uart_link.py")
NEGOTIATION_MS = 500


def plug(device: Device) -> None:
    """Put the second link on the flash of a board, and its modem at the end of the wire."""
    del device.board.services["lte"]
    shutil.copy2(LINK, device.flash / "networking" / "_nbiot_lte.py")
    device.service("socket").nics.append(Ppp(device.board, device.modem))


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
        if self._modem.uart.tap is None:
            self.drop()
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
