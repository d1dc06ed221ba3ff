"""+CSCON: the signalling connection, read and unsolicited.

    n    URC                     read
    0    none                    +CSCON: 0,<mode>
    1    +CSCON: <mode>          +CSCON: 1,<mode>

<mode> is 1 while the radio is connected, 0 while it is idle. No source says that this modem has
the command: the scenario key `cscon` gives it.
Source: 3GPP TS 27.007 7.30.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.modem.engine import Args, Command, Result, at_most, integer
from emulator.modem.family import Family

if TYPE_CHECKING:
    from emulator.modem.modem import Modem


class Connection(Family):
    def __init__(self, modem: Modem) -> None:
        super().__init__(modem)
        modem.radio.on_connection = self._changed

    def commands(self) -> dict[str, Command]:
        if not self.modem.options.cscon:
            return {}
        return {
            "+CSCON": Command(
                set=self._report,
                read=lambda: [f"+CSCON: {self._reporting},{self._mode}"],
                test="+CSCON: (0,1)",
            )
        }

    def on_reset(self) -> None:
        self._reporting = 0

    @property
    def _mode(self) -> int:
        return int(self.modem.radio.connected)

    def _report(self, args: Args) -> Result:
        at_most(args, 1)
        self._reporting = integer(args, 0, 0, 1, 0)
        return None

    def _changed(self) -> None:
        if self._reporting:
            self.modem.urc(f"+CSCON: {self._mode}")
