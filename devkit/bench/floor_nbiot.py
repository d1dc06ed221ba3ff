"""The floor over NB-IoT.

    boot, LTE() with all the firmware's own waits and commands, AT+CFUN=1, the packet service
    (known at its very instant), one AT+SQNSD, then per datagram AT+SQNSSENDEXT and, at the instant
    of its prompt, the payload, with CoAP AT+SQNSRECV at the instant at which the answer is there,
    AT+CFUN=4 at the instant at which the last datagram has left, with the detach that the network
    asks for, LTE.deinit(detach=False), deep sleep.

No PDP context definition (the modem stores it), no SIM or signal query, no socket configuration
(the defaults send raw bytes). In data state: LTE.connect, isconnected at its instant, the
payloads, LTE.disconnect. Where there is nothing to send to, it knows that too: without a SIM the
radio stays off; after a permanent denial it goes off at once; without a cell it is on for as long
as the configuration allows, since nobody can know.
"""

from __future__ import annotations

from typing import Any

from devkit.bench.floor import ANSWER_US, Procedure
from emulator.modem.nv import Context

KINDS = ("message", "datagram", "stream")
REPORTS: dict[str, dict[str, object]] = {"report": {"_MODEM_LINK": "lte"}}


class Floor(Procedure):
    @property
    def lte(self) -> Any:
        return self.emulator.driver

    def run(self) -> None:
        lte = self.lte
        # the modem keeps what an earlier cycle defined
        nv = self.emulator.modem.nv
        nv.contexts[1] = Context("IP", "iot.example")
        nv.ips = [1, 100]
        lte.do_open()
        lte._wait_for_task()
        lte.do_configure(None, 1, True, [0, 7, 0, 7])
        if self.emulator.modem.sim.options.state == "ready":
            self._at("AT+CFUN=1")
            if self._attached():
                self._send()
            self._at("AT+CFUN=4", 15_000)
        lte.do_deinit(False, False, True)

    def _at(self, command: str | bytes, timeout_ms: int = 9500) -> str:
        return str(self.lte.do_send_at_cmd(command, timeout_ms))

    def _attached(self) -> bool:
        """Wait for the packet service, or for a denial for good."""
        modem = self.emulator.modem
        self.until(lambda: modem.attached or modem.emm.denied_for_good, self.task.limit_ms * 1000)
        return bool(modem.attached)

    def _send(self) -> None:
        task = self.task
        if task.data_state or task.stream:
            lte = self.lte
            lte.session.check_attached()  # connect() asks by itself and needs the state
            lte.do_connect(None, None)
            self.until(lambda: lte.ppp_address is not None, ANSWER_US)
            self.over_sockets()
            lte.do_disconnect()
            return
        self._at(f'AT+SQNSD=1,1,{task.port},"{task.host}",0,0,1')
        for payload in task.payloads:
            self._at(f"AT+SQNSSENDEXT=1,{len(payload)}", 1)  # back before the prompt comes
            self.until(lambda: self.emulator.modem.session.asks, ANSWER_US)
            self._at(payload)
            if task.answered:
                self.until(self._answer_is_there, ANSWER_US)
                self._at("AT+SQNSRECV=1,1500")
        self.until(self._everything_has_left, ANSWER_US)

    def _everything_has_left(self) -> bool:
        socket = self.emulator.modem.sockets.slots[0].socket
        return socket is None or socket.flow is None or not socket.flow.pending

    def _answer_is_there(self) -> bool:
        socket = self.emulator.modem.sockets.slots[0].socket
        return socket is not None and socket.unread > 0
