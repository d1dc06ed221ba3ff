"""Power saving mode and extended DRX: what is asked for and what the network grants.

Source: 3GPP TS 27.007 7.38 (+CPSMS), 7.40 (+CEDRXS), 7.41 (+CEDRXRDP); TS 24.301 5.3.11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.board.clock import Timer
from emulator.board.constants import ESTIMATE, constant
from emulator.modem import timers
from emulator.modem.engine import Args, CmeError, Command, Result, at_most, integer, nothing, text
from emulator.modem.family import Family
from emulator.modem.nv import Edrx, Psm

if TYPE_CHECKING:
    from emulator.modem.modem import Modem

WB_S1, NB_S1 = 4, 5
DEFAULT_PTW = "0011"
# from the request in a tracking area update to +CEDRXP
GRANT_MS = constant(
    (1500.0, 3000.0), "ms", ESTIMATE, "from the request in a tracking area update to +CEDRXP"
)


class PowerSaving(Family):
    def __init__(self, modem: Modem) -> None:
        super().__init__(modem)
        self._tau = Timer(modem.board.clock)
        modem.radio.on_idle = self._idle

    def commands(self) -> dict[str, Command]:
        return {
            "+CPSMS": Command(
                set=self._set_psm,
                execute=lambda: self._set_psm([0]),
                read=self._read_psm,
                test='+CPSMS: (0,1,2), , ,("00000000"-"11111111"),("00000000"-"11111111")',
            ),
            "+CEDRXS": Command(
                set=self._set_edrx, read=self._read_edrx, test='+CEDRXS: (0-3),(5),("0000"-"1111")'
            ),
            "+CEDRXRDP": Command(execute=self._granted_edrx, test=nothing),
            "+SQNEDRX": Command(
                set=self._set_sequans,
                read=self._read_sequans,
                test='+SQNEDRX: (0-3),(5),("0000"-"1111"),("0000"-"1111")',
            ),
        }

    def on_registered(self) -> None:
        self._grant()

    def on_deregistered(self) -> None:
        self._tau.stop()

    def on_reset(self) -> None:
        self._tau.stop()
        self.modem.granted_timers = None
        self.modem.radio.active_time_ms = None

    # power saving mode

    def _set_psm(self, args: Args) -> None:
        at_most(args, 5)
        before = self.modem.nv.psm
        mode = integer(args, 0, 0, 2)
        psm = Psm(mode, text(args, 3, before.tau), text(args, 4, before.active))
        if not (timers.valid(psm.tau) and timers.valid(psm.active)):
            raise CmeError(50)
        self.modem.nv.psm = psm = Psm() if mode == 2 else psm
        changed = (before.mode == 1) != (psm.mode == 1) or (psm.mode == 1 and psm != before)
        if changed and self.modem.registered:
            self.modem.radio.tau()
            self._grant()

    def _read_psm(self) -> Result:
        psm = self.modem.nv.psm
        return [f'+CPSMS: {psm.mode},,,"{psm.tau}","{psm.active}"']

    def _grant(self) -> None:
        """What attach accept and tracking area update accept carry (24.301 5.3.11)."""
        psm = self.modem.nv.psm
        granted = psm.mode == 1 and self.modem.cell.network.psm
        active_s = timers.active_s(psm.active)
        self.modem.granted_timers = (psm.active, psm.tau) if granted else None
        off = not granted or active_s is None
        self.modem.radio.active_time_ms = None if off else 1000.0 * (active_s or 0)

    def _idle(self) -> None:
        """The connection is released: the timer of the next tracking area update runs."""
        self._tau.stop()
        granted = self.modem.granted_timers
        period_s = timers.tau_s(granted[1]) if granted else None
        if period_s:
            self._tau.start_ms(1000.0 * period_s, self._update)

    def _update(self) -> None:
        if self.modem.registered and not self.modem.radio.busy:
            self.modem.radio.tau()

    # extended DRX

    def _set_edrx(self, args: Args) -> None:
        at_most(args, 3)
        mode = integer(args, 0, 0, 3)
        if mode == 3:
            self.modem.nv.edrx = Edrx()
            return
        self._store_edrx(mode, args, self.modem.nv.edrx.ptw)

    def _set_sequans(self, args: Args) -> None:
        at_most(args, 4)
        self._store_edrx(integer(args, 0, 0, 3), args, text(args, 3, DEFAULT_PTW))

    def _store_edrx(self, mode: int, args: Args, ptw: str) -> None:
        before = self.modem.nv.edrx
        act = integer(args, 1, WB_S1, NB_S1, before.act)
        value = text(args, 2, before.value)
        for bits in (value, ptw):
            if bits and (len(bits) != 4 or bits.strip("01")):
                raise CmeError(50)
        if act != NB_S1:  # this image has no other access technology
            raise CmeError(50)
        self.modem.nv.edrx = Edrx(mode, act, value, ptw)
        if mode == 2 and value and self.modem.registered:
            self.later(GRANT_MS, lambda: self.modem.urc(f"+CEDRXP: {self._granted()}"))

    def _read_edrx(self) -> Result:
        edrx = self.modem.nv.edrx
        return [f'+CEDRXS: {edrx.act},"{edrx.value}"']

    def _read_sequans(self) -> Result:
        edrx = self.modem.nv.edrx
        return [f'+SQNEDRX: {edrx.mode},{edrx.act},"{edrx.value}","{edrx.ptw}"']

    def _granted(self) -> str:
        edrx = self.modem.nv.edrx
        in_use = edrx.mode in (1, 2) and edrx.value and self.modem.registered
        if not in_use or not self.modem.cell.network.edrx:
            return "0"
        return f'{edrx.act},"{edrx.value}","{edrx.value}","{edrx.ptw or DEFAULT_PTW}"'

    def _granted_edrx(self) -> Result:
        return [f"+CEDRXRDP: {self._granted()}"]
