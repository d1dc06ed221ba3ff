"""Signal figures: +CSQ, +CESQ, +SQNMONI, +VZWRSRP, +VZWRSRQ.

Source: 3GPP TS 27.007 8.5 and 8.69, TS 36.133 9.1.4 and 9.1.7 for the index tables; Sequans
output as public drivers parse it.
"""

from __future__ import annotations

import math

from emulator.modem.engine import Args, CmeError, Command, Result, at_most, integer
from emulator.modem.family import Family
from emulator.modem.script import SEARCHING
from emulator.network.cell import Signal

MONI_MODES = (0, 1, 2, 7, 9)
NEIGHBOURS, WITH_CINR = (1, 2), 9
PAGING_FRAMES = 256


def rssi_index(dbm: float) -> int:
    """0 for -113 dBm and less, 31 for -51 and more, steps of 2 dB."""
    return max(0, min(31, math.floor((dbm + 113) / 2)))


def rsrp_index(dbm: float) -> int:
    """0 below -140 dBm, 97 from -44 on, steps of 1 dB between."""
    return max(0, min(97, math.floor(dbm) + 141))


def rsrq_index(decibel: float) -> int:
    """0 below -19.5 dB, 34 from -3 on, steps of 0.5 dB between."""
    return max(0, min(34, math.floor((decibel + 20) * 2)))


class SignalQuality(Family):
    def commands(self) -> dict[str, Command]:
        return {
            "+CSQ": Command(execute=self._csq, test="+CSQ: (0-31,99),(0-7,99)"),
            "+CESQ": Command(
                execute=self._cesq,
                test="+CESQ: (0-63,99),(0-7,99),(0-96,255),(0-49,255),(0-34,255),(0-97,255)",
            ),
            "+SQNMONI": Command(
                set=self._moni, execute=lambda: self._moni([0]), test="+SQNMONI: (0,1,2,7,9)"
            ),
            "+VZWRSRP": self._verizon("+VZWRSRP", "rsrp_dbm", -1400.0),
            "+VZWRSRQ": self._verizon("+VZWRSRQ", "rsrq_db", -200.0),
        }

    def _measured(self) -> Signal | None:
        """None unless the receiver is on and there is a cell."""
        if self.modem.cfun != 1 or not self.modem.cell_reachable:
            return None
        return self.modem.cell.signal()

    def _camped(self) -> Signal | None:
        """None also while still searching: these figures are of the serving cell."""
        return None if self.modem.stat == SEARCHING else self._measured()

    def _csq(self) -> Result:
        signal = self._measured()
        return [f"+CSQ: {99 if signal is None else rssi_index(signal.rssi_dbm)},99"]

    def _cesq(self) -> Result:
        signal = self._camped()
        if signal is None:
            return ["+CESQ: 99,99,255,255,255,255"]
        rsrq, rsrp = rsrq_index(signal.rsrq_db), rsrp_index(signal.rsrp_dbm)
        return [f"+CESQ: 99,99,255,255,{rsrq},{rsrp}"]

    def _moni(self, args: Args) -> Result:
        """In steps of 0.1 dB, CINR by mode 9 alone; no other cell is there for modes 1 and 2."""
        at_most(args, 1)
        mode = integer(args, 0, 0, 9)
        if mode not in MONI_MODES:
            raise CmeError(50)
        signal = self._camped()
        if signal is None:
            raise CmeError(3)
        if mode in NEIGHBOURS:
            return None
        network = self.modem.cell.network
        plmn = network.plmn
        cinr = f"CINR:{signal.sinr_db:.1f}0 " if mode == WITH_CINR else ""
        return [
            f"+SQNMONI: {network.name} Cc:{plmn[:3]} Nc:{plmn[3:]} RSRP:{signal.rsrp_dbm:.1f}0 "
            f"{cinr}RSRQ:{signal.rsrq_db:.1f}0 TAC:{int(network.tac, 16)} "
            f"Id:{network.pci} EARFCN:{network.earfcn} PWR:{signal.rssi_dbm:.2f} "
            f"PAGING:{PAGING_FRAMES}"
        ]

    def _verizon(self, name: str, figure: str, sentinel: float) -> Command:
        """While the modem rescans it prints values that no radio can measure."""

        def show() -> Result:
            self.need_radio()
            network = self.modem.cell.network
            signal = self._camped()
            value = sentinel if signal is None else getattr(signal, figure)
            return [f"{name}: {network.pci},{network.earfcn},{value:.2f}"]

        return Command(execute=show, read=show)
