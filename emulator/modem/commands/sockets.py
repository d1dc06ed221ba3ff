"""The modem's own sockets, AT+SQNS*: six connection ids, UDP and TCP, client and server.

Split by subject in emulator/modem/sockets: config (settings), dial (open, close, state), send,
receive, serve, online; what they share is in table and open.
The end of a PDN connection (with the radio, for example) and a restart close without a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.modem.engine import Command
from emulator.modem.family import Family
from emulator.modem.sockets.config import Configuration
from emulator.modem.sockets.dial import Dialling
from emulator.modem.sockets.receive import Receiving
from emulator.modem.sockets.send import Sending
from emulator.modem.sockets.serve import Serving
from emulator.modem.sockets.table import SocketTable

if TYPE_CHECKING:
    from emulator.modem.modem import Modem


class Sockets(Family):
    def __init__(self, modem: Modem) -> None:
        super().__init__(modem)
        self.table = SocketTable(modem)
        self.configuration = Configuration(self.table)
        self._parts = (
            self.configuration,
            Dialling(self.table),
            Sending(self.table),
            Receiving(self.table),
            Serving(self.table),
        )

    def commands(self) -> dict[str, Command]:
        return {name: each for part in self._parts for name, each in part.commands().items()}

    def on_pdn_down(self, cid: int) -> None:
        """CFUN=0 or 4, a detach, +CGACT=0: each ends the PDN connections first."""
        self.table.drop(cid)

    def on_reset(self) -> None:
        self.table.reset()
        self.configuration.reset()
