"""+CEREG, +CREG, +CGREG: registration, read and unsolicited.

    n    URC                                         read
    0    none                                        +CEREG: 0,<stat>
    1    +CEREG: <stat>                              +CEREG: 1,<stat>
    2    +CEREG: <stat>,"<tac>","<ci>",<AcT>         +CEREG: 2,<stat>,"<tac>","<ci>",<AcT>
    3    as 2, then <cause_type>,<reject_cause> if there is one
    4    as 2, then ,,,"<Active-Time>","<Periodic-TAU>" if power saving was granted
    5    as 4, the two cause fields filled in if there is one

The fields of the location are left out while there is none; a cause then stands behind empty ones.
Source: 3GPP TS 27.007 10.1.22, 7.2; n is stored on this modem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.modem.engine import Command, Result, nothing
from emulator.modem.errors import EMM_TEXT
from emulator.modem.family import Family
from emulator.modem.timers import DEACTIVATED

if TYPE_CHECKING:
    from emulator.modem.modem import Modem


# cause_type and reject_cause that a network fills in although it grants
BESIDE_A_GRANT = (0, 18)


class Registration(Family):
    def __init__(self, modem: Modem) -> None:
        super().__init__(modem)
        modem.emm.listeners.append(self._changed)

    def commands(self) -> dict[str, Command]:
        table = {
            "+CEREG": self.stored("+CEREG", 5, lambda n: f"{n},{self.fields(n)}"),
            "+CREG": self.stored("+CREG", 3, lambda n: f"{n},{self.fields(n)}"),
            "+CGREG": self.stored("+CGREG", 2, lambda n: f"{n},0"),
        }
        table["+CEER"] = Command(execute=self._last_error, test=nothing)
        return table

    def fields(self, n: int) -> str:
        """Everything from <stat> on, for verbosity `n`."""
        emm = self.modem.emm
        shown = str(emm.stat)
        if n < 2:
            return shown
        if emm.location is not None and emm.registered:
            shown += f',"{emm.location.tac}","{emm.location.ci}",{emm.location.act}'
        cause = (emm.cause_type, emm.cause) if n in (3, 5) and emm.cause is not None else None
        timers = self._timers() if n in (4, 5) else ""
        if n == 5 and timers and self.modem.cell.network.psm == "cause_filled":
            cause = BESIDE_A_GRANT
        if cause is None and not timers:
            return shown
        if not emm.registered:
            shown += ",,,"
        return shown + (f",{cause[0]},{cause[1]}" if cause else ",,") + timers

    def _timers(self) -> str:
        """Active-Time and Periodic-TAU as granted; networks differ in how they say no."""
        granted = self.modem.granted_timers if self.modem.emm.registered else None
        if granted is not None:
            return f',"{granted[0]}",' + (f'"{granted[1]}"' if granted[1] else "")
        said = self.modem.nv.psm.mode == 1 and self.modem.cell.network.psm == "denied_111"
        return f',"{DEACTIVATED}","{DEACTIVATED}"' if said else ""

    def _changed(self) -> None:
        nv = self.modem.nv
        for name, n in (("+CEREG", nv.cereg), ("+CREG", nv.creg)):
            if n:
                self.modem.urc(f"{name}: {self.fields(n)}")

    def _last_error(self) -> Result:
        cause = self.modem.emm.last_reject
        if cause is None:
            return ['+CEER: "No report available"']
        return [f'+CEER: "EMM: {EMM_TEXT.get(cause, "cause " + str(cause))}"']
