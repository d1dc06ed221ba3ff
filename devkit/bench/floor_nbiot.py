"""The floor over NB-IoT by the firmware's driver.

    boot, LTE() with all the firmware's own waits and commands, AT+CFUN=1, the packet service
    (known at its very instant), one AT+SQNSD, then per datagram AT+SQNSSENDEXT and, at the instant
    of its prompt, the payload, with CoAP AT+SQNSRECV at the instant at which the answer is there,
    AT+CFUN=4 at the instant at which the last datagram has left, with the detach that the network
    asks for, LTE.deinit(detach=False), deep sleep.

No PDP context definition (the modem stores it), no SIM or signal query, no socket configuration
(the defaults send raw bytes). In data state, which a payload needs that exceeds the lines of the
firmware: LTE.connect, isconnected at its instant, the payloads, LTE.disconnect, behind which the
last datagram may still leave.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from devkit.bench.floor import ANSWER_US, LIMIT, LTE_FLOOR, Procedure
from devkit.bench.limit_nbiot import Limit, OverModem
from emulator.driver.session import COMMAND_BYTES
from emulator.modem.sockets.open import Slot

KINDS = ("message", "datagram", "stream")
REPORTS: dict[str, dict[str, object]] = {"report": {}}
OFF_MS = 60_000  # a detach at the edge of coverage


def references(link: str | None) -> dict[str, type[Procedure]]:
    return {LTE_FLOOR: Floor, LIMIT: Limit} if link == "lte" else {LIMIT: Limit}


class Floor(OverModem):
    def run(self) -> None:
        lte: Any = self.emulator.driver
        lte.do_open()
        lte._wait_for_task()
        lte.do_configure(None, 1, True, [0, 7, 0, 7])
        if self.attach(self._ask) and self.task.payloads:
            self.until(self._send(lte), ANSWER_US)
        if self.modem.cfun == 1:
            self._ask("AT+CFUN=4", OFF_MS)
        lte.do_deinit(False, False, True)

    def _ask(self, command: str | bytes, timeout_ms: int = 9500) -> None:
        lte: Any = self.emulator.driver
        lte.do_send_at_cmd(command, timeout_ms)

    def _send(self, lte: Any) -> Callable[[], bool]:
        """Returns what tells that everything has left."""
        if not (self.task.data_state or self.task.stream or self._exceeds_lines(lte)):
            return self.over_modem(self._ask, self._hand_over)
        lte.session.check_attached()  # connect() asks by itself and needs the state
        lte.do_connect(None, None)
        self.until(lambda: lte.ppp_address is not None, ANSWER_US)
        has_left = self.over_sockets()
        lte.do_disconnect()
        return has_left

    def _exceeds_lines(self, lte: Any) -> bool:
        """A payload is longer than the AT lines of the firmware, which would cut it."""
        longest = max(map(len, self.task.payloads))
        return not lte.session.profile.long_commands and longest > COMMAND_BYTES

    def _hand_over(self, slot: Slot, place: int) -> None:
        payload = self.task.payloads[place]
        # back before the prompt comes
        self._ask(f"AT+SQNSSENDEXT={slot.number},{len(payload)}", 1)
        self.until(lambda: self.modem.session.asks, ANSWER_US)
        self._ask(payload)
