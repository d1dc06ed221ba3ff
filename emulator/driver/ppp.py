"""The PPP side of the driver: from CONNECT to an IPv4 address, and its loss.

PPP frames are not emulated byte for byte: LCP and IPCP take the time they take, then the
interface has the IPv4 address of the modem's PDN connection, if that has one. An IPv6-only
PDN connection never gives this firmware an address (IPCP has nothing to agree on).
Source: Pycom firmware 1.20.2.r4, esp32/lte/lteppp.c (lteppp_connect, lteppp_disconnect,
lteppp_status_cb, TASK_LTE).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from emulator.board.board import Board
from emulator.board.clock import Timer
from emulator.board.constants import CODE, ESTIMATE, constant
from emulator.driver.task import Procedure, Wait
from emulator.modem.uart import Uart

CONNECT_TICKS = constant(25, "ms", CODE, "1.20.2.r4 lteppp.c, lteppp_connect, lteppp_disconnect")
CLOSE_TICKS = constant(150, "ms", CODE, "1.20.2.r4 lteppp.c, lteppp_connect, lteppp_disconnect")
# LCP, PAP and IPCP together
NEGOTIATION_MS = constant((250, 800), "ms", ESTIMATE, "LCP, PAP and IPCP together")
LOST = b"NO CARRIER"


class DataModem(Protocol):
    """What passes between driver and modem beside AT text: who is at the far end of PPP, and the
    line break by which the modem tells of a URC in data state."""

    on_break: Callable[[], None]

    @property
    def in_data_mode(self) -> bool: ...

    def pdn_addresses(self, cid: int) -> Mapping[str, str]: ...


class PppLink:
    def __init__(
        self, board: Board, uart: Uart, modem: DataModem | None, on_up: Callable[[], None]
    ) -> None:
        self._uart = uart
        self._modem = modem
        self._on_up = on_up
        self._negotiation = Timer(board.clock)
        self._seen = b""
        self._random = board.rng("ppp negotiation")
        self.address: str | None = None

    def connect(self, cid: int) -> Procedure[None]:
        """After CONNECT: open PPP over the line; a session that has its address goes on."""
        self._uart.flush()
        self._seen = b""
        yield Wait(ticks=CONNECT_TICKS)
        if self.address is None and not self._negotiation.running:
            self._negotiation.start_ms(
                self._random.uniform(*NEGOTIATION_MS), lambda: self._up(cid)
            )

    def disconnect(self) -> Procedure[None]:
        self.drop()
        yield Wait(ticks=CLOSE_TICKS)

    def drop(self) -> None:
        """The session is over, without a word to anybody."""
        self._negotiation.stop()
        self.address = None

    def listen(self) -> bool:
        """Take in what came over the line in PPP state. True if the carrier is lost."""
        while self._uart.waiting():
            self._seen += self._uart.read()
        lost = LOST in self._seen
        self._seen = self._seen[-len(LOST) + 1 :]
        if lost:
            self.drop()
        return lost

    def _up(self, cid: int) -> None:
        if self._modem is None or not self._modem.in_data_mode:
            return
        address = self._modem.pdn_addresses(cid).get("IP")
        if address:
            self.address = address
            self._on_up()
