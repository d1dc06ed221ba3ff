"""Data mode by command: +CGDATA, ATD*99#, ATO, ATH. What "+++" does is in emulator/modem/dataport.

Source: 3GPP TS 27.007 10.1.12 and 10.2.1, ITU-T V.250 6.3.6 and 6.3.7.
"""

from __future__ import annotations

import re

from emulator.board.constants import ESTIMATE, constant
from emulator.modem.dataport import Connection
from emulator.modem.engine import Args, CmeError, Command, Final, Result, at_most, integer, text
from emulator.modem.family import Family
from emulator.modem.pdn import CIDS

_DIAL = re.compile(r"\*9[89](?:\*[^*#]*)?(?:\*[^*#]*)?(?:\*([0-9]*))?#?")
DIAL_MS = constant((60.0, 180.0), "ms", ESTIMATE, "no source found")


class DataMode(Family):
    def commands(self) -> dict[str, Command]:
        return {
            "+CGDATA": Command(set=self._enter, test='+CGDATA: ("PPP")', latency_ms=DIAL_MS),
            "D": Command(set=self._dial, latency_ms=DIAL_MS),
            "O": Command(
                set=lambda args: self._resume(), execute=self._resume, latency_ms=DIAL_MS
            ),
            "H": Command(set=lambda args: self._hang_up(), execute=self._hang_up),
        }

    def on_pdn_down(self, cid: int) -> None:
        connection = self.modem.session.data.connection
        if connection is not None and connection.owner == f"ppp {cid}":
            self.modem.session.data.lost()

    def on_left_in_data_state(self) -> None:
        data = self.modem.session.data
        self._to_ppp(1)
        data.start()

    def _enter(self, args: Args) -> Result:
        at_most(args, 2)
        if text(args, 0).upper() != "PPP":
            raise CmeError(50)
        return self._connect(integer(args, 1, CIDS[0], CIDS[-1], 1))

    def _dial(self, args: Args) -> Result:
        match = _DIAL.fullmatch(str(args[0]))
        if match is None:
            return Final("NO CARRIER")
        cid = int(match.group(1) or 1)
        if cid not in CIDS:
            raise CmeError(50)
        return self._connect(cid)

    def _connect(self, cid: int) -> Result:
        """Registration and the PDN connection have to be there; a suspended session ends."""
        modem = self.modem
        self.need_radio()
        if not modem.attached:
            return Final("NO CARRIER")
        if cid not in modem.pdn.active:
            if cid not in modem.pdn.contexts or modem.pdn.refusal(cid) is not None:
                return Final("NO CARRIER")
            modem.pdn.activate(cid)
        modem.session.data.hang_up()
        self._to_ppp(cid)
        return Final("CONNECT")

    def _to_ppp(self, cid: int) -> None:
        modem = self.modem
        modem.session.data.connect(
            Connection(
                f"ppp {cid}", lambda data: modem.data_sink(data), lambda: modem.on_data_end()
            )
        )

    def _resume(self) -> Result:
        return Final("NO CARRIER" if self.modem.session.data.connection is None else "CONNECT")

    def _hang_up(self) -> None:
        self.modem.session.data.hang_up()
