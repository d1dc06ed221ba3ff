"""Functionality level, restart and what makes the modem restart.

CFUN=1 answers at once and registration follows; CFUN=0 and 4 first finish what is queued on air
and detach. The UART goes silent from +SHUTDOWN to +SYSSTART and loses what is sent meanwhile.
Source: 3GPP TS 27.007 8.2; Sequans behaviour as Pycom's lteppp.c and modlte.c expect it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.board.constants import COMPARABLE, ESTIMATE, constant
from emulator.modem.engine import (
    Args,
    CmeError,
    Command,
    Pending,
    Raw,
    Result,
    at_most,
    integer,
    text,
)
from emulator.modem.family import Family

if TYPE_CHECKING:
    from emulator.modem.modem import Modem

ON_MS = constant((100.0, 250.0), "ms", COMPARABLE, "logs of Monarch 2 modems in public drivers")
# behind the detach
OFF_MS = constant((200.0, 350.0), "ms", ESTIMATE, "no source found")
RESET_MS = constant((10.0, 30.0), "ms", ESTIMATE, "no source found")
CARRIER_MS = constant((150.0, 400.0), "ms", ESTIMATE, "no source found")
# between 0 and 4
SIM_ONLY_MS = constant((60.0, 120.0), "ms", ESTIMATE, "no source found")
CARRIERS = (
    "standard",
    "3gpp-conformance",
    "att",
    "verizon",
    "verizon-no-roaming",
    "docomo",
    "kddi",
    "telstra",
    "tmo",
)


class Functionality(Family):
    def __init__(self, modem: Modem) -> None:
        super().__init__(modem)
        self._leaving = False  # CFUN=0 or 4 is under way
        self._aborted = False

    def on_rts_released(self) -> None:
        if self.modem.options.off_rts_abort:
            self._aborted = self._leaving

    def commands(self) -> dict[str, Command]:
        return {
            "+CFUN": Command(
                set=self._set_cfun,
                read=lambda: [f"+CFUN: {self.modem.cfun}"],
                test="+CFUN: (0,1,4),(0,1)",
            ),
            "^RESET": Command(execute=self._reset),
            "+SQNSSHDN": Command(execute=self._shut_down),
            "+SQNSFACTORYRESET": Command(execute=self.modem.nv.reset),
            "+SQNFACTORYSAVE": Command(set=lambda args: None, execute=lambda: None),
            "+SQNCTM": Command(
                set=self._set_carrier,
                read=lambda: [f"+SQNCTM: {self.modem.nv.carrier}"],
                test="+SQNCTM: (" + ",".join(CARRIERS) + ")",
            ),
            "+SMOD": Command(read=lambda: Raw(b"\r\n2")),
            "+BMOD": Command(read=lambda: Raw(b"\r\n2")),
            "+BIND": Command(set=lambda args: None),  # Pycom's updater asks for it
        }

    def _set_cfun(self, args: Args) -> Result:
        at_most(args, 2)
        new = integer(args, 0, 0, 5)
        if new not in (0, 1, 4):
            raise CmeError(50)
        restart = integer(args, 1, 0, 1, 0)
        pending = Pending()
        if restart:
            self.modem.emm.detach(lambda: self.later(ON_MS, lambda: self._restart(pending, new)))
        elif new == 1:
            self.later(ON_MS, lambda: self._on(pending))
        elif self.modem.cfun == 1:
            self._leaving, self._aborted = True, False
            self.modem.emm.detach(lambda: self.later(OFF_MS, lambda: self._off(pending, new)))
        else:
            self.later(SIM_ONLY_MS, lambda: self._done(pending, new))
        return pending

    def _on(self, pending: Pending) -> None:
        already = self.modem.cfun == 1
        self._done(pending, 1)
        if not already:
            self.modem.emm.start()

    def _off(self, pending: Pending, new: int) -> None:
        self._leaving = False
        if self._aborted:  # nobody waits for an answer; the radio goes on
            pending.finish()
            self.modem.emm.start()
        else:
            self._done(pending, new)

    def _done(self, pending: Pending, new: int) -> None:
        self.modem.set_cfun(new)
        pending.finish()

    def _restart(self, pending: Pending, cfun: int | None) -> None:
        pending.finish()
        self.modem.shut_down(cfun)

    def _reset(self) -> Result:
        pending = Pending()
        self.later(RESET_MS, lambda: self._restart(pending, None))
        return pending

    def _shut_down(self) -> Result:
        pending = Pending()

        def off() -> None:
            pending.finish()
            self.modem.urc("+SHUTDOWN")
            self.modem.switch_off()

        self.modem.emm.detach(lambda: self.later(OFF_MS, off))
        return pending

    def _set_carrier(self, args: Args) -> None:
        at_most(args, 1)
        carrier = text(args, 0)
        if carrier not in CARRIERS:
            raise CmeError(50)
        if carrier != self.modem.nv.carrier:
            self.modem.nv.carrier = carrier
            self.later(CARRIER_MS, self.modem.shut_down)
