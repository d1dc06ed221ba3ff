"""Power saving mode and extended DRX: what is asked for and what the network grants.

Source: 3GPP TS 27.007 7.38 (+CPSMS), 7.40 (+CEDRXS), 7.41 (+CEDRXRDP); TS 24.301 5.3.11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.board.clock import Timer
from emulator.board.constants import ESTIMATE, STANDARD, constant, table
from emulator.modem import timers
from emulator.modem.engine import Args, CmeError, Command, Result, at_most, integer, nothing, text
from emulator.modem.family import Family
from emulator.modem.nv import Edrx, Psm
from emulator.modem.timers import DEACTIVATED

if TYPE_CHECKING:
    from emulator.modem.modem import Modem

WB_S1, NB_S1 = 4, 5
DEFAULT_PTW = "0000"
# a cycle of extended DRX by its four bits
EDRX_S = table(
    {f"{bits:04b}": s for bits, s in enumerate((
        5, 10, 20, 41, 61, 82, 102, 123, 143, 164, 328, 655, 1311, 2621, 5243, 10486
    ))},
    "s", STANDARD, "3GPP TS 24.008 10.5.5.32",
)  # fmt: skip
# T3412 where the network grants T3324 alone
USUAL_TAU_S = constant(3240, "s", STANDARD, "3GPP TS 24.008 10.5.163a: 54 min")
DENIED = ("denied_absent", "denied_111")
GRANTED_ACTIVE = {"active_16s": "00001000"}
GRANTED_TAU: dict[str, str | None] = {"tau_24h": "00111000", "tau_missing": None}
# from the request in a tracking area update to +CEDRXP
GRANT_MS = constant(
    (1500.0, 3000.0), "ms", ESTIMATE, "from the request in a tracking area update to +CEDRXP"
)


class PowerSaving(Family):
    def __init__(self, modem: Modem) -> None:
        super().__init__(modem)
        self._tau = Timer(modem.board.clock)
        self._updates = 0
        modem.radio.on_idle = self._idle

    def commands(self) -> dict[str, Command]:
        return {
            "+CPSMS": Command(
                set=self._set_psm,
                execute=lambda: self._set_psm([0]),
                read=self._read_psm,
                test='+CPSMS: (0-2), , ,("00000000"-"11111111"),("00000000"-"11111111")',
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
        self._use_edrx()

    def on_deregistered(self) -> None:
        self._tau.stop()

    def on_reset(self) -> None:
        self._tau.stop()
        self._updates = 0
        self.modem.granted_timers = None
        self.modem.radio.active_time_ms = None
        self.modem.power.edrx = False

    # power saving mode

    def _set_psm(self, args: Args) -> None:
        at_most(args, 5)
        before = self.modem.nv.psm
        mode = integer(args, 0, 0, 2)
        psm = Psm(mode, text(args, 3, before.tau), text(args, 4, before.active))
        if not (timers.valid(psm.tau) and timers.valid(psm.active)):
            raise CmeError(50)
        self.modem.nv.psm = psm = Psm() if mode == 2 else psm
        same = self.modem.options.cpsms_same_tau and psm.mode == 1
        changed = (before.mode == 1) != (psm.mode == 1) or (psm.mode == 1 and psm != before)
        if (changed or same) and self.modem.registered:
            self._update()

    def _read_psm(self) -> Result:
        psm = self.modem.nv.psm
        return [f'+CPSMS: {psm.mode},,,"{psm.tau}","{psm.active}"']

    def _grant(self) -> None:
        """What attach accept and tracking area update accept carry (24.301 5.3.11)."""
        psm, network = self.modem.nv.psm, self.modem.cell.network
        withdrawn = 0 < network.psm_denied_later <= self._updates
        granted = psm.mode == 1 and network.psm not in DENIED and not withdrawn
        active = GRANTED_ACTIVE.get(network.psm, psm.active)
        tau = GRANTED_TAU.get(network.psm, psm.tau)
        active_s = timers.active_s(active)
        self.modem.granted_timers = (active, tau) if granted else None
        off = not granted or active_s is None
        self.modem.radio.active_time_ms = None if off else 1000.0 * (active_s or 0)

    def _idle(self) -> None:
        """The connection is released: the timer of the next tracking area update runs."""
        self._tau.stop()
        granted = self.modem.granted_timers
        tau = granted[1] if granted else DEACTIVATED
        period_s = USUAL_TAU_S if tau is None else timers.tau_s(tau)
        if period_s:
            self._tau.start_ms(1000.0 * period_s, self._update)

    def _update(self) -> None:
        """A tracking area update: the network grants anew, or does no longer."""
        if self.modem.registered:
            self._updates += 1
            self.modem.radio.tau()
            self._grant()

    # extended DRX

    def _set_edrx(self, args: Args) -> None:
        at_most(args, 3)
        mode = integer(args, 0, 0, 3)
        if mode == 3:
            self.modem.nv.edrx = Edrx()
            self._use_edrx()
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
        if self.modem.nv.edrx != before and self.modem.registered:
            self._update()
        self._use_edrx()
        if mode == 2 and value and self.modem.registered:
            self.later(GRANT_MS, lambda: self.modem.urc(f"+CEDRXP: {self._granted()}"))

    def _use_edrx(self) -> None:
        """Listen to the pages of the cell once in each cycle, as far as the network agrees."""
        edrx, power = self.modem.nv.edrx, self.modem.power
        power.edrx = edrx.mode in (1, 2) and self.modem.cell.network.edrx
        self.modem.radio.paging_ms = 1000.0 * EDRX_S[edrx.value or "0000"]
        power.update()

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
        return f'{edrx.act},"{edrx.value}","{edrx.value}","{edrx.ptw}"'

    def _granted_edrx(self) -> Result:
        return [f"+CEDRXRDP: {self._granted()}"]
