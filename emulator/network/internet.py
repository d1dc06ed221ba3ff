"""Service "internet": how a part on pins of the board, a radio modem, reaches the routes.

    flow = board.services["internet"].datagrams(air, "IP", on_datagram)
    flow.send("192.0.2.1", 5683, b"...")       # emulator/network/datagrams.py

`air` is the part's own radio (emulator/network/air.py). A part finds the service by its name, so
that chips need to know nothing of networks.
"""

from __future__ import annotations

from emulator.board.board import Board, Service
from emulator.network.air import Air, Done
from emulator.network.datagrams import Datagrams, OnDatagram
from emulator.network.routes import Routes


class Internet(Service):
    """air_bytes: what such parts have sent and received, headers included."""

    def __init__(self, board: Board, routes: Routes) -> None:
        super().__init__(board)
        self._routes = routes
        self.air_bytes = 0

    def datagrams(self, air: Air, family: str, on_datagram: OnDatagram) -> Datagrams:
        """A UDP socket of the part; "IP" or "IPV6". The part closes it."""
        return Datagrams(self._routes, _Counted(self, air), family, on_datagram)


class _Counted:
    """An air whose bytes are counted."""

    def __init__(self, internet: Internet, air: Air) -> None:
        self._internet = internet
        self._air = air

    def send(self, l3_bytes: int, done: Done) -> None:
        self._internet.air_bytes += l3_bytes
        self._air.send(l3_bytes, done)

    def downlink(self, l3_bytes: int, done: Done) -> None:
        self._internet.air_bytes += l3_bytes
        self._air.downlink(l3_bytes, done)
