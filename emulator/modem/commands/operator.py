"""Operator selection: +COPS, the fast scan +SQNINS, names.

Only usable with CFUN=1. Looking for all networks takes minutes; selecting one that is not there
ends in ERROR after about a minute. A choice by hand is stored (nobody has published whether this
modem keeps it over a restart: the worse is assumed).
Source: 3GPP TS 27.007 7.3; times as seen in the field.
"""

from __future__ import annotations

from emulator.board.constants import COMPARABLE, constant
from emulator.modem.engine import Args, Command, Pending, Result, at_most, integer, text
from emulator.modem.errors import EMM_CME
from emulator.modem.family import Family

SCAN_MS = constant(
    (60_000.0, 180_000.0),
    "ms",
    COMPARABLE,
    "logs and time-outs of public drivers of Monarch modems",
)
FAST_SCAN_MS = constant(
    (35_000.0, 40_000.0),
    "ms",
    COMPARABLE,
    "logs and time-outs of public drivers of Monarch modems",
)
NOTHING_MS = constant(
    (45_000.0, 65_000.0),
    "ms",
    COMPARABLE,
    "logs and time-outs of public drivers of Monarch modems",
)
NB_S1 = 9
NUMERIC = 2  # <format> after a start, as two images show it; long in 27.007
NB_MHZ = "0.2"  # of a carrier


class Operator(Family):
    def commands(self) -> dict[str, Command]:
        return {
            "+COPS": Command(set=self._select, read=self._read, test=self._scan),
            "+COPN": Command(execute=self._names),
            "+SQNINS": Command(set=self._fast_scan, test="+SQNINS: (0-1)"),
        }

    def on_reset(self) -> None:
        self._mode, self._format = int(bool(self.modem.nv.operator)), NUMERIC

    def _shown(self) -> str:
        network = self.modem.cell.network
        return (network.name, network.short_name, network.plmn)[self._format]

    def _read(self) -> Result:
        self.need_radio()
        if not self.modem.registered:
            return [f"+COPS: {self._mode}"]
        return [f'+COPS: {self._mode},{self._format},"{self._shown()}",{NB_S1}']

    def _select(self, args: Args) -> Result:
        at_most(args, 4)
        mode = integer(args, 0, 0, 4)
        if mode == 3:
            self._format = integer(args, 1, 0, 2)
            return None
        self.need_radio()
        if mode == 2:
            self._mode = 2
            pending = Pending()
            self.modem.emm.detach(pending.finish)
            return pending
        if mode in (1, 4):
            return self._manual(mode, args)
        self._mode = 0
        if self.modem.nv.operator:
            self.modem.nv.operator = ""
            self.modem.emm.search_anew()
        return self.modem.emm.wait_attached()

    def _manual(self, mode: int, args: Args) -> Result:
        style = integer(args, 1, 0, 2)
        wanted = text(args, 2)
        integer(args, 3, 0, NB_S1, NB_S1)
        self._mode, self._format = mode, style
        network = self.modem.cell.network
        found = wanted == (network.name, network.short_name, network.plmn)[style]
        self.modem.nv.operator = "" if mode == 4 else network.plmn if found else wanted
        if found or mode == 4:
            return self.modem.emm.wait_attached()
        pending = Pending()

        def tried() -> None:
            self.modem.emm.start()
            self.later(NOTHING_MS, lambda: pending.fail(30))

        self.modem.emm.detach(tried)
        return pending

    def _scan(self) -> Result:
        self.need_radio()
        pending = Pending()
        network = self.modem.cell.network

        def found() -> None:
            self.modem.radio.rest()
            cells = ""
            if self.modem.cell_reachable:
                refused = self.modem.emm.last_reject in EMM_CME and not self.modem.registered
                stat = 2 if self.modem.registered else 3 if refused else 1
                cells = (
                    f'({stat},"{network.name}","{network.short_name}","{network.plmn}",{NB_S1}),,'
                )
            pending.finish([f"+COPS: {cells}(0,1,2,3,4),(0,1,2)"])

        if not self.modem.radio.connected:
            self.modem.radio.search()
        self.later(SCAN_MS, found)
        return pending

    def _fast_scan(self, args: Args) -> Result:
        """One line a cell; while registered, bands without cells."""
        kind = integer(args, 0, 0, 1)
        self.need_radio()
        pending = Pending()
        network = self.modem.cell.network

        def found() -> None:
            begin = f"+SQNINS: {kind},{network.band},{NB_S1}"
            signal = self.modem.cell.signal() if self.modem.cell_reachable else None
            if self.modem.registered:
                pending.finish([begin + "," * 8])
            elif signal is None:
                pending.finish()
            else:
                cell = f'"{int(network.ci, 16):X}","{network.tac.upper()}","{network.plmn}"'
                place = f"{network.earfcn},{network.pci},{NB_MHZ}"
                level = f"{signal.rsrp_dbm:.1f}0,{signal.rsrq_db:.1f}0"
                pending.finish([f"{begin},{cell},{place},{level}"])

        self.later(FAST_SCAN_MS, found)
        return pending

    def _names(self) -> Result:
        network = self.modem.cell.network
        return [f'+COPN: "{network.plmn}","{network.name}"']
